using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.FaultLab.Control;
using FactoryMonitoring.FaultLab.Experiments;
using FactoryMonitoring.FaultLab.Factory;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab;

/// <summary>
/// Configures the service: it breaks the factory deliberately through the AppHost's control endpoint, observes the effects through the monitoring API
/// and the database, and stores verdict and report.
/// </summary>
internal static class FaultLabService
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddFactoryDatabase();
        AddServices(builder);

        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use(BrowserRefusal.CheckAsync);
        app.MapDefaultEndpoints();
        app.MapExperiments();
        app.MapCommands();
        return app;
    }

    private static void AddServices(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 4096;
        });
        services.AddProblemDetails();
        services.AddSingleton(KafkaNames.Of(name => builder.Configuration[name]));

        services.AddOptions<ControlOptions>().BindConfiguration(ControlOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ControlOptions>, ControlOptionsValidator>();
        services.AddSingleton<ControlClient>();
        services.AddSingleton<UndoFile>();
        services.AddHealthChecks().AddCheck<ControlCheck>("control");

        services.AddSingleton<FactoryView>();

        services.AddSingleton<ExperimentStore>();
        services.AddSingleton<AuditStore>();
        services.AddSingleton<AuditQueue>();
        services.AddSingleton<AuditWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<AuditWriter>());
        services.AddSingleton<ExperimentQueries>();
        services.AddSingleton<RunRecords>();
        services.AddSingleton<ExperimentRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<ExperimentRunner>());
    }
}
