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

        // Hosted services stop in reverse order: publishing ends first, and the account is written last.
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
            // The check would need a separate topic; ProducerCondition knows more. Telemetry is set up here, whatever source the Aspire component is from.
            settings.DisableHealthChecks = true;
            settings.DisableTracing = true;
            settings.DisableMetrics = true;
            var config = settings.Config.UseFactoryKafka(builder.Configuration);
            config.ClientId ??= SettingOf(builder, nameof(SensorsOptions.ProducerId));
            config.Acks = Acks.All;
            config.EnableIdempotence = true;
            // With more in flight, a new leader rejects the second request with "out of order": the client then begins a new epoch and resends
            // what the old leader had stored, and the reading is duplicated (librdkafka's issue 4953, observed here).
            config.MaxInFlight = 1;
            config.DeliveryReportFields = "status";
            // Readings wait a little for each other: one request per reading costs brokers, on a small machine, more than all else.
            config.LingerMs ??= 20;
            // Brokers store and forward what they receive: a fifth of the bytes is also less work for them and for their disks.
            config.CompressionType ??= CompressionType.Lz4;
            // A reading survives an outage of the brokers that lasts this long.
            config.MessageTimeoutMs ??= 300_000;
            config.QueueBufferingMaxMessages ??= 50_000;
            // Distributes the sensors' ids evenly over few partitions: CRC32, the default, gives one of six three times the readings of another.
            config.Set("partitioner", "fnv1a_random");
            config.StatisticsIntervalMs ??= 0;
            // A broker that died is dropped, and one that came back is found, within a second; a frozen one within the socket timeout.
            config.ReconnectBackoffMs ??= 100;
            config.ReconnectBackoffMaxMs ??= 1_000;
            config.RetryBackoffMs ??= 50;
            config.RetryBackoffMaxMs ??= 50;
            // Otherwise a partition whose leader is down looks for a new leader only once a second, and its readings wait for that.
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
