using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Asks which log a topic's offsets belong to: they mean nothing in another one. Where a topic of the cluster bears
/// <see cref="ResourceNames.LogIdTopicPrefix"/>, its name says it; else it is the topic's id, which no other topic of any cluster has.
/// </summary>
/// <param name="handle">Of the client by which it asks; it must outlive this.</param>
public sealed class KafkaLogId(Handle handle) : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    // The client answers or gives up within its timeout, or never.
    private static readonly TimeSpan Limit = Timeout + TimeSpan.FromSeconds(0.5);

    private readonly Lock _gate = new();
    private Task _closing = Task.CompletedTask;

    /// <summary>Asks the brokers.</summary>
    /// <exception cref="KafkaException">No broker answers, or there is no such topic, or one of its partitions has no leader now.</exception>
    /// <exception cref="TimeoutException">The client could make nothing of the answer.</exception>
    public Task<string> ResolveAsync(string topic, CancellationToken cancellationToken)
    {
        // One for each question. Where the client can make nothing of an answer (a topic without a leader is one, just after all brokers were
        // restarted) it frees its queue of answers and never completes the question; a second question to it writes into freed memory, and so
        // does disposing of it. Such a one is left alone: it holds nothing more.
        var admin = new DependentAdminClientBuilder(handle).Build();
        var answer = AskAsync(admin, topic);
        lock (_gate)
        {
            _closing = Task.WhenAll(_closing, CloseAsync(admin, answer));
        }

        return answer.WaitAsync(cancellationToken);
    }

    /// <summary>Waits for the questions that nobody waits for any more, which the client's handle must outlive.</summary>
    public async ValueTask DisposeAsync() => await _closing;

    // It waits for its thread, a tenth of a second at most, for which no claim need wait.
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
        // Metadata is only to be had from a call that blocks.
        var metadata = await Task.Run(() => admin.GetMetadata(Timeout));
        var named = metadata.Topics.Find(candidate => candidate.Topic.StartsWith(ResourceNames.LogIdTopicPrefix, StringComparison.Ordinal));
        if (named is not null)
        {
            return named.Topic[ResourceNames.LogIdTopicPrefix.Length..];
        }

        // Not asked where the client could make nothing of the answer. (Nor is the cluster ever described: the client aborts the process over the
        // answer of a broker that has just been started and knows of no other yet.)
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
        // As Kafka's own tools write it.
        return topics.TopicDescriptions[0].TopicId.ToString().Replace('+', '-').Replace('/', '_');
    }
}
