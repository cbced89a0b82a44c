using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Consumers.Ingestion.Polling;
using FactoryMonitoring.Consumers.Maintenance;
using FactoryMonitoring.Consumers.Outbox;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry.Resources;

namespace FactoryMonitoring.Consumers;

internal static class IngestionExtensions
{
    /// <summary>
    /// Stopping means releasing partitions in order; whatever takes longer is left to the successors. Aspire kills a service 6 s after it has asked it to stop.
    /// Each worker may wait for a database that does not respond, so all of them stop concurrently.
    /// </summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan MaxLoopSilence = TimeSpan.FromSeconds(4);

    /// <summary>Adds all parts of a consumer: the polling loop and its lanes, heartbeat, outbox and maintenance.</summary>
    public static void AddIngestion(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ConsumersOptions>().BindConfiguration(ConsumersOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ConsumersOptions>, ConsumersOptionsValidator>();
        services.AddOptions<DetectionOptions>().BindConfiguration(DetectionOptions.Section).ValidateOnStart();
        services.AddSingleton<IPostConfigureOptions<DetectionOptions>, TypeSettings>();
        services.AddSingleton<IPostConfigureOptions<DetectionOptions>, ThresholdVariables>();
        services.AddSingleton<IValidateOptions<DetectionOptions>, DetectionOptionsValidator>();
        services.AddOptions<MessagesOptions>().BindConfiguration(MessagesOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<MessagesOptions>, MessagesOptionsValidator>();
        services.Configure<HostOptions>(host => (host.ShutdownTimeout, host.ServicesStopConcurrently) = (StopLimit, true));

        var identity = IdentityOf(builder.Configuration);
        services.AddSingleton(identity);
        services.AddOpenTelemetry().ConfigureResource(resource => resource.AddAttributes(
            [new("consumer.id", identity.ConsumerId), new("messaging.consumer.group.name", identity.Group), new("messaging.destination.name", identity.SensorTopic)]));
        services.AddSingleton<ConsumerStatus>();
        services.AddSingleton<ConsumerMetrics>();
        services.AddSingleton(provider => new SensorDirectory(provider.GetRequiredService<IOptions<DetectionOptions>>().Value.MaxSensorsPerPartition * 3));
        services.AddSingleton(provider => new DialectReader(provider.GetRequiredService<IOptions<MessagesOptions>>().Value, provider.GetRequiredService<DetectionRules>().UnitOf));
        services.AddSingleton<UnreadMembers>();
        services.AddSingleton(provider => new ReadingParser(
            provider.GetRequiredService<SensorDirectory>(),
            provider.GetRequiredService<KeyMemory>(),
            provider.GetRequiredService<DialectReader>(),
            provider.GetRequiredService<IOptions<MessagesOptions>>().Value.SchemaRegistry is { Url.Length: > 0 } registry
                ? ActivatorUtilities.CreateInstance<AvroMessages>(provider, registry)
                : null,
            provider.GetRequiredService<UnreadMembers>()));
        services.AddSingleton<KeyMemory>();
        services.AddLoopHeartbeat(HeartbeatWorker.Loop, MaxLoopSilence);
        services.AddHealthChecks().AddCheck<KafkaCheck>("kafka");
        services.AddSingleton(provider => new IngestLoop(
            provider.GetRequiredService<ReadingParser>(),
            provider.GetRequiredService<KeyMemory>(),
            provider.GetRequiredService<IOptions<ConsumersOptions>>().Value,
            identity,
            provider.GetRequiredService<ConsumerStatus>(),
            provider.GetRequiredService<ConsumerMetrics>(),
            provider.GetRequiredService<AccessReport>(),
            provider.GetRequiredKeyedService<LoopHeartbeat>(HeartbeatWorker.Loop),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<IngestLoop>>()));
        services.AddSingleton<DictionaryStore>();
        services.AddSingleton<ReadingPartitions>();
        services.AddSingleton<RetentionStore>();
        services.AddSingleton<ReadingAudit>();
        services.AddSingleton<OutboxStore>();
        services.AddSingleton<OutboxSignal>();
        services.AddSingleton<SourceRecords>();
        services.AddSingleton<ConsumerHealthStore>();
        services.AddSingleton<UnreadMemberStore>();
        services.AddSingleton<ConsumerKey>();

        builder.AddConsumerClient(identity);
        builder.AddKafkaProducer<byte[]?, byte[]?>(
            ResourceNames.Kafka,
            settings =>
            {
                KafkaSettings.Quiet(settings);
                settings.Config.UseFactoryKafka(builder.Configuration);
                settings.Config.ClientId = identity.ConsumerId;
                settings.Config.Acks = Acks.All;
                settings.Config.EnableIdempotence = true;
                // As in the sensors: with more in flight, a change of leader can write a message twice.
                settings.Config.MaxInFlight = 1;
                settings.Config.LingerMs = 5;
                // The outbox keeps a message until it is sent: one whose brokers are unavailable must not delay the others.
                settings.Config.MessageTimeoutMs = 10_000;
            },
            (services, client) =>
            {
                client.SetLogHandler(ClientLog.Handler(services));
                client.SetErrorHandler((_, error) => services.GetRequiredService<AccessReport>().Report(error, KafkaRight.OnTopic("Write", identity.AlertTopic)));
            });

        services.AddSingleton(provider => new DetectionRules(provider.GetRequiredService<IOptions<DetectionOptions>>().Value));
        services.AddHostedService<RulesReload>();
        services.AddSingleton<IngestWorker>();
        services.AddHostedService<HeartbeatWorker>();
        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<RivalWatch>(
            provider, new RivalStore(provider.GetRequiredService<NpgsqlDataSource>(), "consumer_health", "consumer_id"), EnvironmentNames.ConsumerId, identity.ConsumerId, identity.InstanceId));
        services.AddHostedService<SharedGroupWatch>();
        services.AddHostedService<RetentionWorker>();
        services.AddHostedService<AuditWorker>();
        services.AddHostedService<UnreadWorker>();
        services.AddHostedService<OutboxWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<IngestWorker>());
        services.AddBrokerReturn<IConsumer<Ignore, Rejection>>(ResourceNames.Kafka);
        services.AddBrokerReturn<IProducer<byte[]?, byte[]?>>(ResourceNames.Kafka);
    }

    private static void AddConsumerClient(this WebApplicationBuilder builder, ConsumerIdentity identity) =>
        builder.AddKafkaConsumer<Ignore, Rejection>(
            ResourceNames.Kafka,
            settings =>
            {
                KafkaSettings.Quiet(settings);
                var options = builder.Configuration.GetSection(ConsumersOptions.Section).Get<ConsumersOptions>() ?? new ConsumersOptions();
                var exportsTraces = !string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
                var readsEvents = builder.Configuration.GetSection(MessagesOptions.Section).Get<MessagesOptions>() is { CloudEventHeaders: true };
                KafkaSettings.Apply(settings.Config.UseFactoryKafka(builder.Configuration), options.Protocol, readsEvents || (exportsTraces && options.LinksPerSpan > 0), identity);
            },
            (services, client) =>
            {
                var loop = services.GetRequiredService<IngestLoop>();
                var logger = services.GetRequiredService<ILogger<IngestLoop>>();
                client.SetLogHandler(ClientLog.Handler(services));
                client.SetKeyDeserializer(services.GetRequiredService<KeyMemory>());
                client.SetValueDeserializer(services.GetRequiredService<ReadingParser>());
                client.SetPartitionsAssignedHandler((_, partitions) => loop.Rebalance.OnAssigned(partitions));
                client.SetPartitionsRevokedHandler((_, partitions) => loop.Rebalance.OnRevoked(partitions));
                client.SetPartitionsLostHandler((_, partitions) => loop.Rebalance.OnLost(partitions));
                client.SetErrorHandler((_, error) =>
                {
                    services.GetRequiredService<AccessReport>().Report(error, KafkaSettings.RightOf(error, identity));
                    KafkaSettings.Report(logger, error);
                });
            });

    private static ConsumerIdentity IdentityOf(ConfigurationManager configuration)
    {
        var names = KafkaNames.Of(name => configuration[name]);
        return new(
            FirstOf(configuration, EnvironmentNames.ConsumerId, "OTEL_SERVICE_NAME") ?? Environment.MachineName,
            names.ConsumerGroup,
            names.SensorTopic,
            names.AlertTopic,
            names.DeadLetterTopic);
    }

    private static string? FirstOf(ConfigurationManager configuration, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (configuration[key] is { Length: > 0 } value)
            {
                return value;
            }
        }

        return null;
    }
}
