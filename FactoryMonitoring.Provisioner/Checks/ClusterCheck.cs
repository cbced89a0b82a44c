using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Provisioner.Topics;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Provisioner.Checks;

/// <summary>
/// Checks whether the brokers can be reached with the settings, have or can create the topics, and grant the services the rights that they need.
/// </summary>
internal sealed class ClusterCheck(TopicProvisioner provisioner, IConfiguration configuration)
{
    private const string Brokers = "kafka";
    private const int Attempts = 3;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly KafkaSecurity _security = KafkaClientExtensions.SecurityOf(configuration).Security;
    private readonly KafkaNames _names = KafkaNames.Of(name => configuration[name]);
    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka)!;

    public async Task<IReadOnlyList<Finding>> ExamineAsync(IReadOnlySet<string> services, CancellationToken cancellationToken)
    {
        string? refused = null, away = null;
        using var admin = new AdminClientBuilder(new AdminClientConfig { SocketConnectionSetupTimeoutMs = 3000 }.UseFactoryKafka(configuration))
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) =>
            {
                // The first error gives the reason; those that follow only say that no broker is left.
                refused ??= AccessReport.Describe(error, null, _security, _bootstrap);
                away ??= error.Reason;
            })
            .Build();
        try
        {
            var metadata = await Task.Run(() => ReadMetadata(admin, () => refused is not null), cancellationToken);
            List<Finding> findings = [new(true, Brokers, $"{metadata.Brokers.Count} {(metadata.Brokers.Count == 1 ? "broker answers" : "brokers answer")} {_security.Principal} at {_bootstrap}")];
            foreach (var wanted in provisioner.Wanted(metadata, _bootstrap))
            {
                findings.AddRange(await ExamineAsync(admin, metadata, wanted, services));
            }

            if (services.Contains(CheckCommand.Consumers))
            {
                findings.Add(await ExamineGroupAsync(admin));
            }

            return findings;
        }
        catch (KafkaException exception)
        {
            return [new(false, Brokers, refused ?? $"Cannot reach any broker at {_bootstrap}: {away ?? exception.Error.Reason}")];
        }
    }

    private async Task<IReadOnlyList<Finding>> ExamineAsync(IAdminClient admin, Metadata metadata, TopicSpecification wanted, IReadOnlySet<string> services)
    {
        var subject = $"topic {wanted.Name}";
        var provisions = services.Contains(CheckCommand.Provisioner);
        var needed = Needed(wanted.Name, services);
        // The client cannot parse the description of a topic without a leader.
        var found = metadata.Topics.Find(topic => topic.Topic == wanted.Name && topic.Error.Code == ErrorCode.NoError);
        if (found is not null && found.Partitions.Exists(partition => partition.Leader < 0))
        {
            return [new(false, subject, "a partition has no leader")];
        }

        var described = await DescribeAsync(admin, wanted.Name);
        if (described.Error.Code == ErrorCode.TopicAuthorizationFailed)
        {
            return [.. needed.Select(right => Lacks(subject, right))];
        }

        if (found is null)
        {
            return
            [
                !provisions ? new(false, subject, "is missing: the provisioner creates it")
                : await TryAsync(() => admin.CreateTopicsAsync([wanted], new CreateTopicsOptions { RequestTimeout = Timeout, ValidateOnly = true })) is not { } refused
                    ? new(true, subject, $"will be created: {wanted.NumPartitions} partitions, {TopicProvisioner.Count(wanted.ReplicationFactor, "replica")}")
                : refused.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed ? Lacks(subject, KafkaRight.OnTopic("Create", wanted.Name))
                : new(false, subject, $"cannot be created: {refused.Reason}"),
            ];
        }

        var findings = needed.Where(right => described.AuthorizedOperations?.Exists(operation => operation.ToString() == right.Operation) == false)
            .Select(right => Lacks(subject, right)).ToList();
        if (provisions && found.Partitions.Count < wanted.NumPartitions
            && await TryAsync(() => admin.CreatePartitionsAsync(
                [new PartitionsSpecification { Topic = wanted.Name, IncreaseTo = wanted.NumPartitions }], new CreatePartitionsOptions { RequestTimeout = Timeout, ValidateOnly = true })) is { } not)
        {
            findings.Add(new(false, subject, TopicProvisioner.TooFew(found, wanted.NumPartitions, not, Missing)));
        }

        if (provisions && !findings.Exists(finding => finding.Text.Contains("DescribeConfigs", StringComparison.Ordinal))
            && await TopicSettings.ProblemAsync(admin, found, _bootstrap, Missing) is { } problem)
        {
            findings.Add(new(false, subject, problem));
        }

        return findings.Count > 0 ? findings
            : [new(true, subject, $"{TopicProvisioner.Count(found.Partitions.Count, "partition")}, {TopicProvisioner.Count(found.Partitions.Min(partition => partition.Replicas.Length), "replica")}; {string.Join(", ", needed.Select(right => right.Operation))} allowed")];
    }

    /// <summary>The rights that the services need on a topic.</summary>
    private List<KafkaRight> Needed(string topic, IReadOnlySet<string> services)
    {
        var isReadings = topic == _names.SensorTopic;
        (string Service, string Operation, bool IsNeeded)[] all =
        [
            (CheckCommand.Provisioner, "Describe", true),
            (CheckCommand.Provisioner, "DescribeConfigs", true),
            (CheckCommand.Sensors, "Write", isReadings),
            (CheckCommand.Consumers, "Read", isReadings),
            (CheckCommand.Consumers, "Write", !isReadings),
            (CheckCommand.MonitoringApi, "Describe", isReadings),
        ];
        var operations = all.Where(each => each.IsNeeded && services.Contains(each.Service)).Select(each => each.Operation).ToHashSet();
        // The rights Read and Write include Describe.
        if (operations.Contains("Read") || operations.Contains("Write")) operations.Remove("Describe");
        return [.. operations.Select(operation => KafkaRight.OnTopic(operation, topic))];
    }

    /// <summary>Retries until a broker answers or refuses: on a busy machine the first connection can take some time.</summary>
    private static Metadata ReadMetadata(IAdminClient admin, Func<bool> isRefused)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return admin.GetMetadata(Timeout);
            }
            catch (KafkaException) when (attempt < Attempts && !isRefused())
            {
                // Retry.
            }
        }
    }

    private static async Task<TopicDescription> DescribeAsync(IAdminClient admin, string topic)
    {
        try
        {
            var topics = await admin.DescribeTopicsAsync(
                TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Timeout, IncludeAuthorizedOperations = true });
            return topics.TopicDescriptions[0];
        }
        catch (DescribeTopicsException exception)
        {
            return exception.Results.TopicDescriptions[0];
        }
    }

    private async Task<Finding> ExamineGroupAsync(IAdminClient admin)
    {
        var right = KafkaRight.OnGroup("Read", _names.ConsumerGroup);
        var subject = $"group {_names.ConsumerGroup}";
        // The longest of the group names: a right on it that excludes the others would not help either.
        List<ConsumerGroupDescription> found;
        try
        {
            found = (await admin.DescribeConsumerGroupsAsync(
                [_names.ConsumerGroup + ".lookup"], new DescribeConsumerGroupsOptions { RequestTimeout = Timeout, IncludeAuthorizedOperations = true })).ConsumerGroupDescriptions;
        }
        catch (DescribeConsumerGroupsException exception)
        {
            found = exception.Results.ConsumerGroupDescriptions;
        }

        return found[0].Error.Code == ErrorCode.GroupAuthorizationFailed || found[0].AuthorizedOperations?.Contains(AclOperation.Read) == false
            ? Lacks(subject, right)
            : new(true, subject, "Read allowed");
    }

    private static async Task<Error?> TryAsync(Func<Task> attempt)
    {
        try
        {
            await attempt();
            return null;
        }
        catch (CreateTopicsException exception)
        {
            return exception.Results[0].Error;
        }
        catch (CreatePartitionsException exception)
        {
            return exception.Results[0].Error;
        }
    }

    private string Missing(KafkaRight right) => right.Missing(_security.Principal, _bootstrap);

    private Finding Lacks(string subject, KafkaRight right) => new(false, subject, Missing(right));
}
