using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Settings;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service of the factory has in common.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Names by which a request may ask for a service, with semicolons between; ASP.NET Core's own key.</summary>
    public const string AllowedHosts = "AllowedHosts";

    /// <summary>Of a service that is asked from this machine alone.</summary>
    public const string LoopbackNames = "localhost;127.0.0.1;[::1]";

    private const string LoopbackAnyPort = "http://127.0.0.1:0";

    private static readonly Dictionary<string, string?> Defaults = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        // That its heartbeat was late on a busy machine: ours say so where it matters.
        ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel"] = "Error",
        // Health is told by /health, each time it is asked.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
        // What it says of a failed start or worker, RunServiceAsync says once.
        ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "None",
        ["Logging:LogLevel:Npgsql"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
        ["Logging:LogLevel:System.Net.Http.HttpClient"] = "Warning",
        // That the API is away is said once, by what receives from it, and not with a stack trace for each request.
        ["Logging:LogLevel:Yarp"] = "Error",
    };

    /// <summary>
    /// Telemetry, health checks, service discovery, resilient HTTP clients, one-line logs in UTC, <see cref="TimeProvider"/>, and
    /// <c>ConnectionStrings:kafka</c> from KAFKA_BROKERS where it is not set, and secrets from the files that settings name. Listens on loopback alone, and answers to its names alone, where nothing else
    /// is said (<c>AllowedHosts</c>); in a container it answers to any.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults });
        // A page of another name that leads here (DNS rebinding) gets nothing. In a container the names are those of its network.
        if (!builder.Configuration.GetValue<bool>("DOTNET_RUNNING_IN_CONTAINER") && string.IsNullOrEmpty(builder.Configuration[AllowedHosts]))
        {
            builder.Configuration[AllowedHosts] = LoopbackNames;
        }

        if (!SaysWhereToListen(builder.Configuration))
        {
            builder.Configuration[WebHostDefaults.ServerUrlsKey] = LoopbackAnyPort;
        }

        // Before telemetry, whose headers may hold a key.
        foreach (var problem in SecretFiles.Read(key => builder.Configuration[key], (key, secret) => builder.Configuration[key] = secret))
        {
            builder.Services.AddSettingCheck(problem);
        }

        FactoryKafkaExtensions.MapKafkaBrokers(builder.Configuration);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddFactoryTelemetry();
        builder.Services.AddHealthChecks();
        builder.Services.ConfigureOptions<BoundedHealthChecks>();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>
    /// /health: every check; /alive: the heartbeats of the service's own loops; /metrics: Prometheus' text. Where a service asks who somebody is, everybody may
    /// see the first two.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthResponse.WriteAsync }).AllowAnonymous();
        app.MapHealthChecks("/alive", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(LoopHeartbeat.LiveTag),
            ResponseWriter = HealthResponse.WriteAsync,
        }).AllowAnonymous();
        app.MapPrometheusScrapingEndpoint("/metrics");
        return app;
    }

    private static bool SaysWhereToListen(IConfiguration configuration) =>
        !string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey])
        || !string.IsNullOrEmpty(configuration[WebHostDefaults.HttpPortsKey])
        || !string.IsNullOrEmpty(configuration[WebHostDefaults.HttpsPortsKey])
        || configuration.GetSection("Kestrel:Endpoints").GetChildren().Any();
}
