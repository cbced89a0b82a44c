using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Which log a topic's offsets belong to: they mean nothing in another one. Where a topic of the cluster bears
/// <see cref="ResourceNames.LogIdTopicPrefix"/>, its name says it; else it is <c>{cluster id}:{topic id}</c>.
/// </summary>
public static class KafkaLogId
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Of a request whose answer the client forgets, as one was seen to when all brokers died in between.</summary>
    private static readonly TimeSpan Limit = Timeout + TimeSpan.FromSeconds(2);

    /// <summary>Asks the brokers.</summary>
    /// <exception cref="KafkaException">No broker answers, or there is no such topic.</exception>
    /// <exception cref="TimeoutException">The client neither answers nor gives up.</exception>
    public static async Task<string> ResolveAsync(IAdminClient admin, string topic, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(admin);
        // Metadata is only to be had from a call that blocks.
        var metadata = await Task.Run(() => admin.GetMetadata(Timeout), cancellationToken);
        var named = metadata.Topics.Find(candidate => candidate.Topic.StartsWith(ResourceNames.LogIdTopicPrefix, StringComparison.Ordinal));
        if (named is not null)
        {
            return named.Topic[ResourceNames.LogIdTopicPrefix.Length..];
        }

        var cluster = await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = Timeout }).WaitAsync(Limit, cancellationToken);
        var topics = await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Timeout })
            .WaitAsync(Limit, cancellationToken);
        // As Kafka's own tools write it.
        var topicId = topics.TopicDescriptions[0].TopicId.ToString().Replace('+', '-').Replace('/', '_');
        return $"{cluster.ClusterId}:{topicId}";
    }
}
