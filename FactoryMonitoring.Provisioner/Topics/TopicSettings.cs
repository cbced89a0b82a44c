using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Provisioner.Topics;

/// <summary>Checks the settings of an existing topic for values that would lose readings or accept none.</summary>
internal static class TopicSettings
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Checks the settings.</summary>
    /// <param name="right">Returns a message that a right is missing, and how to grant it.</param>
    /// <returns>What is wrong and what to do; null if nothing is.</returns>
    /// <exception cref="KafkaException">No broker answers.</exception>
    public static async Task<string?> ProblemAsync(IAdminClient admin, TopicMetadata topic, string bootstrap, Func<KafkaRight, string> right)
    {
        Dictionary<string, ConfigEntryResult> entries;
        try
        {
            var results = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = topic.Topic }], new DescribeConfigsOptions { RequestTimeout = Timeout });
            entries = results[0].Entries;
        }
        catch (DescribeConfigsException exception) when (exception.Results[0].Error.Code == ErrorCode.TopicAuthorizationFailed)
        {
            return right(KafkaRight.OnTopic("DescribeConfigs", topic.Topic));
        }
        catch (KafkaException exception) when (exception.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            // The embedded brokers have no such settings.
            return null;
        }

        var alter = $"kafka-configs.sh --bootstrap-server {bootstrap} --command-config ADMIN.properties --alter --entity-type topics --entity-name {topic.Topic} --add-config";
        if (entries.TryGetValue("cleanup.policy", out var policy) && policy.Value.Contains("compact", StringComparison.Ordinal))
        {
            return $"topic {topic.Topic} has cleanup.policy={policy.Value}, which drops messages before they are read: {alter} cleanup.policy=delete";
        }

        var replicas = topic.Partitions.Min(partition => partition.Replicas.Length);
        return entries.TryGetValue("min.insync.replicas", out var least) && int.TryParse(least.Value, CultureInfo.InvariantCulture, out var wanted) && wanted > replicas
            ? $"topic {topic.Topic} has min.insync.replicas={wanted} and {replicas} {(replicas == 1 ? "replica" : "replicas")}, and so takes no message: {alter} min.insync.replicas={Math.Max(1, replicas - 1)}"
            : null;
    }
}
