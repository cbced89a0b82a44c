using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Monitor;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Status;
using FactoryMonitoring.Monitoring.Api.Streaming;
using FactoryMonitoring.Monitoring.Api.Telemetry;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Api;

/// <summary>Configures the service, feature by feature.</summary>
internal static class MonitoringApi
{
    /// <summary>
    /// Builds the service. It only reads: no endpoint changes anything. Without a bootstrap list, it serves what is in the database, and omits what only the
    /// brokers know.
    /// </summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.UseApiAddress();
        builder.AddServiceDefaults();
        builder.AddFactoryDatabase();
        AddServices(builder);

        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRateLimiter();
        app.MapDefaultEndpoints();
        app.MapOpenApi("/openapi/v1.json");
        var api = app.MapGroup("/api");
        api.MapSnapshots();
        api.MapStream();
        var queries = api.MapGroup("").RequireRateLimiting(QueryLimits.Policy);
        queries.MapHistory();
        queries.MapAlerts();
        queries.MapComponents();
        api.MapSchemas();
        api.MapExports();
        return app;
    }

    private static void AddServices(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.Configure<KestrelServerOptions>(LimitRequests);
        services.Configure<JsonOptions>(json =>
        {
            // Only for the OpenAPI description: bodies are serialized by their own context.
            json.SerializerOptions.PropertyNamingPolicy = ApiJson.Context.Options.PropertyNamingPolicy;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Context);
        });
        services.AddProblemDetails();
        services.AddOpenApi();
        services.AddQueryLimits();

        services.AddSingleton(KafkaNames.Of(name => builder.Configuration[name]));
        services.AddOptions<SnapshotOptions>().BindConfiguration(SnapshotOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<SnapshotOptions>, SnapshotOptionsValidator>();
        services.AddOptions<SilenceOptions>().BindConfiguration(SilenceOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<SilenceOptions>, SilenceOptionsValidator>();
        services.AddSingleton<MonitoringQueries>();
        services.AddSingleton<ChangeNotifications>();
        services.AddSingleton<DatabaseRoom>();
        services.AddSingleton<DiskWatch>();
        services.AddSingleton<SnapshotRenderer>();
        services.AddSingleton<SnapshotStore>();
        services.AddLoopHeartbeat(SnapshotWorker.HeartbeatName, TimeSpan.FromSeconds(4));
        services.AddSingleton<RefreshSignal>();
        services.AddHostedService<SnapshotWorker>();
        services.AddHostedService<ChangeListener>();

        services.AddSingleton<StreamHub>();

        services.AddSingleton<QueryCache>();
        services.AddSingleton<AlertQueries>();
        services.AddSingleton<ExportQueries>();
        services.AddSingleton<SensorQueries>();
        services.AddSingleton<ComponentQueries>();
        services.AddSingleton<DeadLetterQueries>();
        services.AddSingleton<AuditStore>();
        services.AddSingleton<HistoryQueries>();
        services.AddSingleton<RebalanceQueries>();
        services.AddSingleton<RebalanceCosts>();
        services.AddSingleton<OwnershipQueries>();
        services.AddSingleton<ClusterChangeQueries>();

        services.AddSingleton<MonitorStore>();
        services.AddSingleton<FaultMetrics>();
        services.AddActivatedSingleton<MonitoringMetrics>();
        services.AddHostedService<MonitorWorker>();
        services.AddSingleton<MinuteStore>();
        services.AddHostedService<MinuteWorker>();

        services.AddSingleton<ClusterState>();
        services.AddSingleton<RequestTimes>();
        services.AddSingleton<LagHistory>();
        services.AddSingleton<LagTracker>();
        if (!string.IsNullOrEmpty(builder.Configuration.GetConnectionString(ResourceNames.Kafka)))
        {
            builder.AddFactoryKafka();
            services.AddHostedService<ClusterWorker>();
            services.AddHostedService<ClusterDetailsWorker>();
        }
    }

    // Only short requests are sent to this service.
    private static void LimitRequests(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 4096;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxConcurrentConnections = 2048;
    }
}
