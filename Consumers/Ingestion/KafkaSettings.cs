using Aspire.Confluent.Kafka;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>The settings of the clients. Health and telemetry are set up here, so that they are the same with and without Aspire's instrumentation.</summary>
internal static partial class KafkaSettings
{
    /// <summary>The maximum size in bytes of a decompressed batch of records. It limits the memory that a few hundred kilobytes of zstd can take.</summary>
    public const int MaxBatchBytes = 100_000_000;

    public static void Quiet(KafkaConsumerSettings settings) => (settings.DisableHealthChecks, settings.DisableMetrics, settings.DisableTracing) = (true, true, true);

    public static void Quiet(KafkaProducerSettings settings) => (settings.DisableHealthChecks, settings.DisableMetrics, settings.DisableTracing) = (true, true, true);

    public static void Apply(ConsumerConfig config, ConsumerProtocol protocol, bool withHeaders, ConsumerIdentity identity)
    {
        config.GroupId = identity.Group;
        config.ClientId = identity.ConsumerId;
        config.EnableAutoCommit = false;
        config.EnableAutoOffsetStore = false;
        // Applies when the log no longer has the next offset to read; the loop detects this from the offsets that it receives.
        config.AutoOffsetReset = AutoOffsetReset.Earliest;
        config.EnablePartitionEof = true;
        // A fetch at the embedded broker does not wake up on new data, and a short wait costs a real broker little.
        config.FetchWaitMaxMs = 50;
        config.FetchErrorBackoffMs = 100;
        config.FetchQueueBackoffMs = 10;
        config.QueuedMaxMessagesKbytes = 16 * 1024;
        // Compressed, as sent by the brokers: readings are five times as large in memory. A larger single batch is still fetched.
        config.FetchMaxBytes = 8 * 1024 * 1024;
        config.MaxPartitionFetchBytes = 256 * 1024;
        config.ReceiveMessageMaxBytes = MaxBatchBytes;
        config.ReconnectBackoffMs = 50;
        config.ReconnectBackoffMaxMs = 1_000;
        // Under KIP-848 also the time that the group waits for a member to give up a partition. After a machine stood still, a member was seen that never did.
        config.MaxPollIntervalMs ??= 60_000;
        // Otherwise the client looks only once a second for the new leader of a partition whose leader died.
        config.TopicMetadataRefreshIntervalMs = 200;
        // Only used fields are copied out of the client. Headers are for spans and events: alerts and dead letters look up theirs separately.
        config.ConsumeResultFields = withHeaders ? "timestamp,headers" : "timestamp";
        switch (protocol)
        {
            case ConsumerProtocol.Classic:
                Classic(config, PartitionAssignmentStrategy.CooperativeSticky);
                break;
            case ConsumerProtocol.ClassicRange:
                Classic(config, PartitionAssignmentStrategy.Range);
                break;
            default:
                // Session timeout and heartbeat interval are set by the brokers.
                config.GroupProtocol = GroupProtocol.Consumer;
                break;
        }
    }

    /// <summary>Applies the settings for reading single messages, outside any group.</summary>
    public static void ApplyLookup(ConsumerConfig config, ConsumerIdentity identity)
    {
        config.GroupId = identity.Group + ".lookup";
        config.ClientId = identity.ConsumerId + ".lookup";
        config.EnableAutoCommit = false;
        config.EnableAutoOffsetStore = false;
        config.AutoOffsetReset = AutoOffsetReset.Earliest;
        config.EnablePartitionEof = true;
        config.FetchWaitMaxMs = 10;
        config.MaxPartitionFetchBytes = 64 * 1024;
        config.QueuedMaxMessagesKbytes = 2 * 1024;
        config.ConsumeResultFields = "headers";
    }

    /// <summary>Returns the permission that the consumer lacked when it was refused.</summary>
    public static KafkaRight RightOf(Error error, ConsumerIdentity identity) => error.Code == ErrorCode.GroupAuthorizationFailed
        ? KafkaRight.OnGroup("Read", identity.Group)
        : KafkaRight.OnTopic("Read", identity.SensorTopic);

    public static void Report(ILogger logger, Error error)
    {
        if (error.IsFatal)
        {
            Log.Fatal(logger, error.Reason);
        }
        else if (error.Code == ErrorCode.Local_AllBrokersDown)
        {
            Log.AllDown(logger, error.Reason);
        }
        else
        {
            Log.Trouble(logger, error.Reason);
        }
    }

    private static void Classic(ConsumerConfig config, PartitionAssignmentStrategy strategy)
    {
        config.GroupProtocol = GroupProtocol.Classic;
        config.PartitionAssignmentStrategy = strategy;
        config.SessionTimeoutMs = Liveness.SessionTimeoutMs;
        config.HeartbeatIntervalMs = 250;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "The Kafka client failed: {Reason}")]
        public static partial void Fatal(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Cannot reach any broker: {Reason}")]
        public static partial void AllDown(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka: {Reason}")]
        public static partial void Trouble(ILogger logger, string reason);
    }
}
