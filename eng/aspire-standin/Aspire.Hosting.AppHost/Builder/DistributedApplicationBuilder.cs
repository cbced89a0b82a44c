using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting;

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    string AppHostDirectory { get; }

    IHostEnvironment Environment { get; }

    IServiceCollection Services { get; }

    IDistributedApplicationEventing Eventing { get; }

    IResourceCollection Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource) where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource;

    DistributedApplication Build();
}

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly BuilderInterception? _test = BuilderInterception.Current.Value;
    private readonly HostApplicationBuilder _host;

    internal DistributedApplicationBuilder(string[] args)
    {
        var assembly = _test?.AppHost ?? Assembly.GetEntryAssembly();
        AppHostDirectory = assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(metadata => metadata.Key == "AppHostProjectPath")?.Value ?? Directory.GetCurrentDirectory();
        HostApplicationBuilderSettings settings = new()
        {
            Args = args, ApplicationName = assembly?.GetName().Name, ContentRootPath = AppHostDirectory,
        };
        if (_test is not null)
        {
            settings.EnvironmentName = Environments.Development;
            settings.Configuration = new ConfigurationManager();
            settings.Configuration.AddInMemoryCollection([new("DcpPublisher:RandomizePorts", "true")]);
        }
        DistributedApplicationOptions options = new() { DisableDashboard = _test is not null };
        _test?.Configure(options, settings);
        _host = new HostApplicationBuilder(settings);

        Services.AddHealthChecks();
        Services.AddHttpClient();
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton(Eventing);
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton(services => new ResourceNotificationService(services.GetRequiredService<ResourceLoggerService>(), services,
            services.GetRequiredService<IOptions<ResourceNotificationServiceOptions>>()));
        Services.AddSingleton(services => new ResourceCommandService(
            services.GetRequiredService<ResourceNotificationService>(), services.GetRequiredService<ResourceLoggerService>(), services));
        Services.AddSingleton<Reaper>();
        Services.AddSingleton<ContainerEngine>();
        Services.AddSingleton<ApplicationOrchestrator>();
        Services.AddHostedService(services => services.GetRequiredService<ApplicationOrchestrator>());
        Services.AddHostedService<HealthMonitor>();
        // With a dashboard somebody can start again what has ended; without one nobody can, and to wait for it is to hang.
        if (!options.DisableDashboard)
            this.AddDashboard();
        if (_test is not null)
            Services.Configure<ResourceNotificationServiceOptions>(
                options => options.DefaultWaitBehavior = WaitBehavior.StopOnResourceUnavailable);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _test?.Building(this);
        DistributedApplication application = new(_host.Build());
        if (_test is not null)
        {
            var loggers = application.Services.GetRequiredService<ILoggerFactory>();
            application.Services.GetRequiredService<ResourceLoggerService>().Forward = (resource, line) =>
                loggers.CreateLogger($"{Environment.ApplicationName}.Resources.{resource}")
                    .Log(line.IsErrorMessage ? LogLevel.Error : LogLevel.Information, "{Line}", line.Content);
        }
        _test?.Built(application);
        return application;
    }
}

/// <summary>How the testing builder takes part in the building of an application by the AppHost's own entry point.</summary>
internal sealed record BuilderInterception(
    Assembly? AppHost,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings> Configure,
    Action<DistributedApplicationBuilder> Building,
    Action<DistributedApplication> Built)
{
    internal static readonly AsyncLocal<BuilderInterception?> Current = new();
}
