using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner.Topics;

/// <summary>
/// Creates the topics, accepts existing ones, adds missing partitions, and waits until each partition has a leader. Brokers that cannot create topics (the
/// embedded ones) must already have them. Waiting does not help if a right is missing or if a topic's settings lose readings.
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

    private readonly KafkaSecurity _security = KafkaClientExtensions.SecurityOf(configuration).Security;
    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka)!;
    private string? _refused;

    /// <exception cref="ProvisioningException">The topics could not be provided within the limit, or never can be.</exception>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { SocketConnectionSetupTimeoutMs = 3000 }.UseFactoryKafka(configuration))
            .SetLogHandler((_, message) => Log.Client(logger, message.Message))
            .SetErrorHandler((_, error) =>
            {
                _refused = AccessReport.Describe(error, null, _security, _bootstrap) ?? _refused;
                Log.Client(logger, error.Reason);
            })
            .Build();
        await patience.PersistAsync($"provide the topics at {_bootstrap}", token => TryAsync(admin, token), cancellationToken);
    }

    private async Task<string?> TryAsync(IAdminClient admin, CancellationToken cancellationToken)
    {
        try
        {
            // The client returns metadata only from a blocking call.
            var metadata = await Task.Run(() => admin.GetMetadata(Timeout), cancellationToken);
            var reasons = new List<string>();
            var names = new List<string>();
            foreach (var wanted in Wanted(metadata, _bootstrap))
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

            foreach (var topic in names.Select(name => metadata.Topics.Find(topic => topic.Topic == name)!))
            {
                if (await TopicSettings.ProblemAsync(admin, topic, _bootstrap, Missing) is { } problem)
                {
                    throw new ProvisioningException(problem);
                }

                Log.Ready(logger, topic.Topic, topic.Partitions.Count, topic.Partitions.Max(partition => partition.Replicas.Length));
            }

            return null;
        }
        catch (KafkaException exception)
        {
            return _refused ?? exception.Error.Reason;
        }
    }

    private async Task<string?> TryAsync(IAdminClient admin, Metadata metadata, TopicSpecification wanted)
    {
        var topic = metadata.Topics.Find(candidate => candidate.Topic == wanted.Name && candidate.Error.Code == ErrorCode.NoError);
        if (topic is null)
        {
            await RequireDescribeAsync(admin, wanted.Name);
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
            return exception.Results[0].Error.Code switch
            {
                ErrorCode.TopicAlreadyExists => $"topic {wanted.Name} is being created",
                ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed => throw new ProvisioningException(Missing(KafkaRight.OnTopic("Create", wanted.Name))),
                _ => $"topic {wanted.Name}: {exception.Results[0].Error.Reason}",
            };
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
            var text = TooFew(topic, wanted, exception.Results[0].Error, Missing);
            return exception.Results[0].Error.Code == ErrorCode.TopicAuthorizationFailed ? throw new ProvisioningException(text) : text;
        }
        catch (KafkaException exception) when (exception.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            throw new ProvisioningException(
                $"topic {topic.Topic} has {topic.Partitions.Count} partitions, Factory:Partitions wants {wanted}, and these brokers cannot add any");
        }
    }

    /// <summary>Returns a message that a topic has too few partitions, and why it gets no more.</summary>
    public static string TooFew(TopicMetadata topic, int wanted, Error error, Func<KafkaRight, string> missing) =>
        $"topic {topic.Topic} has {Count(topic.Partitions.Count, "partition")}, Factory:Partitions wants {wanted}: "
        + (error.Code == ErrorCode.TopicAuthorizationFailed ? missing(KafkaRight.OnTopic("Alter", topic.Topic)) : error.Reason);

    public static string Count(int count, string what) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    /// <summary>Checks the right Describe: without it a topic looks missing.</summary>
    private async Task RequireDescribeAsync(IAdminClient admin, string topic)
    {
        if (!_security.IsSecured)
        {
            return;
        }

        try
        {
            await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Timeout });
        }
        catch (DescribeTopicsException exception) when (exception.Results.TopicDescriptions[0].Error.Code == ErrorCode.TopicAuthorizationFailed)
        {
            throw new ProvisioningException(Missing(KafkaRight.OnTopic("Describe", topic)));
        }
        catch (DescribeTopicsException)
        {
            // The topic really is missing.
        }
    }

    private string Missing(KafkaRight right) => right.Missing(_security.Principal, _bootstrap);

    /// <summary>
    /// Returns the wanted topics. A cluster with fewer brokers than replicas is small on purpose; brokers that are only late are counted from the bootstrap
    /// list.
    /// </summary>
    public TopicSpecification[] Wanted(Metadata metadata, string bootstrap)
    {
        var brokers = Math.Max(bootstrap.Split(',').Length, metadata.Brokers.Count);
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
