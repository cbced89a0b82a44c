using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Determines the log that a topic's offsets belong to: they have no meaning in another log. If a topic of the cluster has the prefix
/// <see cref="ResourceNames.LogIdTopicPrefix"/>, the log's id is in its name; otherwise it is the topic's id, which is unique across clusters.
/// </summary>
/// <param name="handle">The handle of the client that sends the requests; it must outlive this object.</param>
public sealed class KafkaLogId(Handle handle) : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    // The client completes a request within its timeout, or never.
    private static readonly TimeSpan Limit = Timeout + TimeSpan.FromSeconds(0.5);

    private readonly Lock _gate = new();
    private Task _closing = Task.CompletedTask;

    /// <summary>Asks the brokers.</summary>
    /// <exception cref="KafkaException">No broker answers, the topic does not exist, or one of its partitions has no leader.</exception>
    /// <exception cref="TimeoutException">The client could not process the answer.</exception>
    public Task<string> ResolveAsync(string topic, CancellationToken cancellationToken)
    {
        // One admin client per request. If the client cannot process an answer (such as a topic without a leader just after all brokers were
        // restarted), it frees its queue of answers and never completes the request; a second request to it writes into freed memory, and so
        // does disposing of it. Such a client is not disposed of: it holds no more resources.
        var admin = new DependentAdminClientBuilder(handle).Build();
        var answer = AskAsync(admin, topic);
        lock (_gate)
        {
            _closing = Task.WhenAll(_closing, CloseAsync(admin, answer));
        }

        return answer.WaitAsync(cancellationToken);
    }

    /// <summary>Waits for abandoned requests, which the client's handle must outlive.</summary>
    public async ValueTask DisposeAsync() => await _closing;

    // Dispose waits for the client's thread, for at most 0.1 s; claims do not have to wait for it.
    private static async Task CloseAsync(IAdminClient admin, Task answer)
    {
        await answer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (answer.Exception?.InnerException is not TimeoutException)
        {
            await Task.Run(admin.Dispose);
        }
    }

    private static async Task<string> AskAsync(IAdminClient admin, string topic)
    {
        // The client has only a blocking call for metadata.
        var metadata = await Task.Run(() => admin.GetMetadata(Timeout));
        var named = metadata.Topics.Find(candidate => candidate.Topic.StartsWith(ResourceNames.LogIdTopicPrefix, StringComparison.Ordinal));
        if (named is not null)
        {
            return named.Topic[ResourceNames.LogIdTopicPrefix.Length..];
        }

        // Not requested if the client could not process the answer. (The cluster is never described either: the client aborts the process on the
        // answer of a broker that has just started and does not know the others yet.)
        if (metadata.Topics.Find(candidate => candidate.Topic == topic) is not { Error.IsError: false } found)
        {
            throw new KafkaException(ErrorCode.UnknownTopicOrPart);
        }

        if (found.Partitions.Exists(partition => !metadata.Brokers.Exists(broker => broker.BrokerId == partition.Leader)))
        {
            throw new KafkaException(ErrorCode.LeaderNotAvailable);
        }

        var topics = await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = Timeout })
            .WaitAsync(Limit);
        // The form in which Kafka's tools write it.
        return topics.TopicDescriptions[0].TopicId.ToString().Replace('+', '-').Replace('/', '_');
    }
}
