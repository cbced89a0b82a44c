using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.Sensors.Sequences;
using FactoryMonitoring.Sensors.Simulation;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry.Resources;

namespace FactoryMonitoring.Sensors;

internal static class SensorsExtensions
{
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(4);

    public static void AddSensors(this WebApplicationBuilder builder)
    {
        SensorsEnvironment.Map(builder.Configuration);
        builder.Services.AddOptions<SensorsOptions>().BindConfiguration(SensorsOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<SensorsOptions>, SensorsOptionsValidator>();
        builder.Services.AddSingleton<IValidateOptions<SensorsOptions>, SensorsSettingsCheck>();
        builder.Services.TryAddSingleton<CheckedFile>();
        if (string.IsNullOrEmpty(SettingOf(builder, "Replay:File")))
        {
            builder.Services.AddSingleton<IReadingSource, SimulatedFleet>();
        }
        else
        {
            builder.Services.AddSingleton<ReplayFeed>();
            builder.Services.AddSingleton<IReadingSource>(services => services.GetRequiredService<ReplayFeed>());
            builder.Services.AddSingleton<ReplayStore>();
            builder.Services.AddHostedService<ReplayPositionWorker>();
            if (bool.TryParse(SettingOf(builder, "Replay:Backfill"), out var isBackfill) && isBackfill)
            {
                builder.Services.AddSingleton<BackfillPace>();
                builder.Services.AddSingleton<BackfillGuard>();
                builder.Services.AddHostedService<BackfillPaceWorker>();
            }
        }

        builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddAttributes(
            [new("producer.id", SettingOf(builder, nameof(SensorsOptions.ProducerId))), new("sensor.type", SettingOf(builder, nameof(SensorsOptions.SensorType)))]));
        builder.AddProducer();
        builder.Services.AddSingleton<SensorMetrics>();
        builder.Services.AddSingleton<DeliveryAccount>();
        builder.Services.AddSingleton<ProducerCondition>();
        builder.Services.AddSingleton<ReadingPublisher>();
        builder.Services.AddSingleton<SensorSequenceStore>();
        builder.Services.AddSingleton<ProducerAccountStore>();
        builder.Services.AddHealthChecks().AddCheck<ProducerCondition>("kafka");
        builder.Services.AddLoopHeartbeat(AccountWorker.Loop, LongestSilence);
        builder.Services.AddLoopHeartbeat(SequenceWorker.Loop, LongestSilence);
        builder.Services.AddLoopHeartbeat(SensorWorker.Loop, LongestSilence);

        // They stop the other way round: publishing ends first, and the account is written last.
        builder.Services.AddHostedService<AccountWorker>();
        builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<RivalWatch>(
            services,
            new RivalStore(services.GetRequiredService<NpgsqlDataSource>(), "producer_health", "producer_id"),
            EnvironmentNames.ProducerId,
            services.GetRequiredService<IOptions<SensorsOptions>>().Value.ProducerId,
            AccountWorker.Instance));
        builder.Services.AddHostedService<LogIdWorker>();
        builder.Services.AddHostedService<SequenceWorker>();
        builder.Services.AddHostedService<SensorWorker>();
        builder.Services.AddBrokerReturn<IProducer<byte[], byte[]>>(ResourceNames.Kafka);
    }

    private static string SettingOf(WebApplicationBuilder builder, string name) => builder.Configuration[$"{SensorsOptions.Section}:{name}"] ?? "";

    private static void AddProducer(this WebApplicationBuilder builder) => builder.AddKafkaProducer<byte[], byte[]>(
        ResourceNames.Kafka,
        settings =>
        {
            // The check would need a topic of its own; ProducerCondition knows better. Telemetry is ours with both sources of Aspire.
            settings.DisableHealthChecks = true;
            settings.DisableTracing = true;
            settings.DisableMetrics = true;
            var config = settings.Config.UseFactoryKafka(builder.Configuration);
            config.ClientId ??= SettingOf(builder, nameof(SensorsOptions.ProducerId));
            config.Acks = Acks.All;
            config.EnableIdempotence = true;
            // With more in flight, a leader that changes answers the second with "out of order": the client then begins a new epoch and sends
            // again what the old leader had stored, and the reading is there twice (librdkafka's issue 4953, seen here).
            config.MaxInFlight = 1;
            config.DeliveryReportFields = "status";
            // Readings wait a little for each other: a request for each costs brokers, on a small machine, more than all else.
            config.LingerMs ??= 20;
            // Brokers store and pass on what they are sent: a fifth of the bytes is also less work for them and for their disks.
            config.CompressionType ??= CompressionType.Lz4;
            // A reading outlives brokers that are away for as long as this.
            config.MessageTimeoutMs ??= 300_000;
            config.QueueBufferingMaxMessages ??= 50_000;
            // Spreads the sensors' ids evenly over few partitions: CRC32, the default, gives one of six three times the readings of another.
            config.Set("partitioner", "fnv1a_random");
            config.StatisticsIntervalMs ??= 0;
            // A broker that died is left, and one that came back is found, within a second; a frozen one within the socket's timeout.
            config.ReconnectBackoffMs ??= 100;
            config.ReconnectBackoffMaxMs ??= 1_000;
            config.RetryBackoffMs ??= 50;
            config.RetryBackoffMaxMs ??= 50;
            // A partition whose leader is down asks for another once a second otherwise, and its readings wait for that.
            config.TopicMetadataRefreshIntervalMs ??= 100;
            config.SocketTimeoutMs ??= 6_000;
            config.RequestTimeoutMs ??= 5_000;
            config.SocketConnectionSetupTimeoutMs ??= 3_000;
        },
        (services, producer) =>
        {
            producer.SetLogHandler(ClientLog.Handler(services));
            producer.SetErrorHandler((_, error) =>
            {
                services.GetRequiredService<AccessReport>().Report(error, KafkaRight.OnTopic("Write", services.GetRequiredService<IOptions<SensorsOptions>>().Value.Topic));
                services.GetRequiredService<ProducerCondition>().OnError(error);
            });
        });
}
