using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Running;
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

/// <summary>The defaults of every service of the factory.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Host names that a request to a service may use, separated by semicolons; a key of ASP.NET Core.</summary>
    public const string AllowedHosts = "AllowedHosts";

    /// <summary>Host names of a service that is only used from this machine.</summary>
    public const string LoopbackNames = "localhost;127.0.0.1;[::1]";

    private const string LoopbackAnyPort = "http://127.0.0.1:0";

    private static readonly Dictionary<string, string?> Defaults = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        // It warns that the page's keys end with its process, as they should.
        ["Logging:LogLevel:Microsoft.AspNetCore.DataProtection"] = "Error",
        // It warns when its heartbeat is late on a busy machine: the services' own heartbeats report it where it matters.
        ["Logging:LogLevel:Microsoft.AspNetCore.Server.Kestrel"] = "Error",
        // Each request to /health returns the state of the checks.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "None",
        // RunServiceAsync logs a failed start or worker once.
        ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "None",
        ["Logging:LogLevel:Npgsql"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
        ["Logging:LogLevel:System.Net.Http.HttpClient"] = "Warning",
        // The receiver of the API's events logs an outage of the API once, without a stack trace for each request.
        ["Logging:LogLevel:Yarp"] = "Error",
    };

    /// <summary>
    /// Adds telemetry, health checks, service discovery, resilient HTTP clients, one-line logs in UTC, <see cref="TimeProvider"/>,
    /// <c>ConnectionStrings:kafka</c> from KAFKA_BROKERS if it is not set, and secrets from the files that settings name. Unless settings say otherwise
    /// (<c>AllowedHosts</c>), the service listens only on loopback and accepts only loopback's names; in a container it accepts any name.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults });
        // Requests with another host name that resolves to this machine (DNS rebinding) are refused. In a container, the names are those of its network.
        if (!builder.Configuration.GetValue<bool>("DOTNET_RUNNING_IN_CONTAINER") && string.IsNullOrEmpty(builder.Configuration[AllowedHosts]))
        {
            builder.Configuration[AllowedHosts] = LoopbackNames;
        }

        if (!SaysWhereToListen(builder.Configuration))
        {
            builder.Configuration[WebHostDefaults.ServerUrlsKey] = LoopbackAnyPort;
        }

        // Before telemetry, whose headers may contain a key.
        foreach (var problem in SecretFiles.Read(key => builder.Configuration[key], (key, secret) => builder.Configuration[key] = secret))
        {
            builder.Services.AddSettingCheck(problem);
        }

        FactoryKafkaExtensions.MapKafkaBrokers(builder.Configuration);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddFactoryTelemetry();
        builder.Services.AddHostedService<AppHostWatch>();
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
    /// Maps /health: every check; /alive: the heartbeats of the service's loops; /metrics: Prometheus' text format. In a service with authentication,
    /// the first two are open to everyone.
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
