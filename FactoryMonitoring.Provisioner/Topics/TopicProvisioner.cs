using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner.Topics;

/// <summary>
/// Makes the topics, accepts those that exist, adds partitions that are missing, and waits until each partition has a leader. Brokers that
/// cannot make topics (the embedded ones) must have them already.
/// </summary>
internal sealed partial class TopicProvisioner(
    IOptions<ProvisionerOptions> options,
    IConfiguration configuration,
    Patience patience,
    ILogger<TopicProvisioner> logger)
{
    private const short Replicas = 3;
    private const short MinInSyncReplicas = 2;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <exception cref="ProvisioningException">It could not be done within the limit, or never can.</exception>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        var bootstrap = configuration.GetConnectionString(ResourceNames.Kafka)!;
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap, SocketConnectionSetupTimeoutMs = 3000 })
            .SetLogHandler((_, message) => Log.Client(logger, message.Message))
            .SetErrorHandler((_, error) => Log.Client(logger, error.Reason))
            .Build();
        var listed = bootstrap.Split(',').Length;
        await patience.PersistAsync($"provide the topics at {bootstrap}", token => TryAsync(admin, listed, token), cancellationToken);
    }

    private async Task<string?> TryAsync(IAdminClient admin, int listed, CancellationToken cancellationToken)
    {
        try
        {
            // Metadata is only to be had from a call that blocks.
            var metadata = await Task.Run(() => admin.GetMetadata(Timeout), cancellationToken);
            var reasons = new List<string>();
            var names = new HashSet<string>();
            foreach (var wanted in Wanted(Math.Max(listed, metadata.Brokers.Count)))
            {
                names.Add(wanted.Name);
                if (await TryAsync(admin, metadata, wanted) is { } reason)
                {
                    reasons.Add(reason);
                }
            }

            if (reasons.Count > 0)
            {
                return string.Join("; ", reasons);
            }

            foreach (var topic in metadata.Topics.Where(topic => names.Contains(topic.Topic)))
            {
                Log.Ready(logger, topic.Topic, topic.Partitions.Count, topic.Partitions.Max(partition => partition.Replicas.Length));
            }

            return null;
        }
        catch (KafkaException exception)
        {
            return exception.Error.Reason;
        }
    }

    private async Task<string?> TryAsync(IAdminClient admin, Metadata metadata, TopicSpecification wanted)
    {
        var topic = metadata.Topics.Find(candidate => candidate.Topic == wanted.Name && candidate.Error.Code == ErrorCode.NoError);
        if (topic is null)
        {
            return await CreateAsync(admin, wanted);
        }

        if (topic.Partitions.Count < wanted.NumPartitions)
        {
            return await AddPartitionsAsync(admin, topic, wanted.NumPartitions);
        }

        return topic.Partitions.Find(partition => partition.Leader < 0) is { } leaderless
            ? $"partition {leaderless.PartitionId} of topic {wanted.Name} has no leader"
            : null;
    }

    private async Task<string?> CreateAsync(IAdminClient admin, TopicSpecification wanted)
    {
        try
        {
            await admin.CreateTopicsAsync([wanted], new CreateTopicsOptions { RequestTimeout = Timeout, OperationTimeout = Timeout });
            Log.Created(logger, wanted.Name, wanted.NumPartitions, wanted.ReplicationFactor);
            return $"topic {wanted.Name} was just created";
        }
        catch (CreateTopicsException exception)
        {
            return exception.Results[0].Error.Code == ErrorCode.TopicAlreadyExists
                ? $"topic {wanted.Name} is being created"
                : $"topic {wanted.Name}: {exception.Results[0].Error.Reason}";
        }
        catch (KafkaException exception) when (exception.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            return $"topic {wanted.Name} is not there, and these brokers cannot create topics";
        }
    }

    private async Task<string?> AddPartitionsAsync(IAdminClient admin, TopicMetadata topic, int wanted)
    {
        try
        {
            await admin.CreatePartitionsAsync(
                [new PartitionsSpecification { Topic = topic.Topic, IncreaseTo = wanted }],
                new CreatePartitionsOptions { RequestTimeout = Timeout, OperationTimeout = Timeout });
            Log.Grown(logger, topic.Topic, topic.Partitions.Count, wanted);
            return $"topic {topic.Topic} has just got more partitions";
        }
        catch (CreatePartitionsException exception)
        {
            return $"topic {topic.Topic}: {exception.Results[0].Error.Reason}";
        }
        catch (KafkaException exception) when (exception.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            throw new ProvisioningException(
                $"topic {topic.Topic} has {topic.Partitions.Count} partitions, Factory:Partitions wants {wanted}, and these brokers cannot add any");
        }
    }

    // A cluster of fewer brokers than replicas is one on purpose; one whose brokers are only late is known by the bootstrap list.
    private TopicSpecification[] Wanted(int brokers)
    {
        var replicas = (short)Math.Min(Replicas, brokers);
        var inSync = Math.Min(MinInSyncReplicas, replicas).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return
        [
            .. (KafkaNames.Default with { SensorTopic = options.Value.SensorTopic, AlertTopic = options.Value.AlertTopic }).Topics(options.Value.Partitions)
                .Select(topic => new TopicSpecification
                {
                    Name = topic.Name,
                    NumPartitions = topic.Partitions,
                    ReplicationFactor = replicas,
                    Configs = new Dictionary<string, string> { ["min.insync.replicas"] = inSync },
                }),
        ];
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Topic {Topic} created: {Partitions} partitions, {Replicas} replicas")]
        public static partial void Created(ILogger logger, string topic, int partitions, short replicas);

        [LoggerMessage(LogLevel.Information, "Topic {Topic}: {Before} partitions before, {Now} now")]
        public static partial void Grown(ILogger logger, string topic, int before, int now);

        [LoggerMessage(LogLevel.Information, "Topic {Topic} is ready: {Partitions} partitions, {Replicas} replicas")]
        public static partial void Ready(ILogger logger, string topic, int partitions, int replicas);

        [LoggerMessage(LogLevel.Debug, "{Text}")]
        public static partial void Client(ILogger logger, string text);
    }
}
