using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Queries the brokers for the begin and end offsets of the topic's partitions.</summary>
internal sealed partial class BrokerQuestions(IAdminClient admin, string topic, ILogger logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Sends an arbitrary request, so that the connections are established.</summary>
    /// <exception cref="KafkaException">No broker answers.</exception>
    public Task WarmUpAsync() => AskAsync([new TopicPartition(topic, 0)], OffsetSpec.Latest());

    /// <summary>
    /// Sends an arbitrary request to the leaders: the client's thread for a broker from which it was fetching nothing checks only once a second whether it
    /// must begin, unless a request wakes it.
    /// </summary>
    public async Task WakeAsync(IReadOnlyList<TopicPartition> partitions)
    {
        try
        {
            await AskAsync(partitions, OffsetSpec.Latest());
        }
        catch (Exception exception) when (exception is KafkaException or ObjectDisposedException)
        {
            // The thread checks by itself within the second.
        }
    }

    /// <returns>By partition number; without those whose leader does not answer.</returns>
    public async Task<Dictionary<int, long>> OffsetsAsync(IReadOnlyList<OwnedPartition> partitions, OffsetSpec place)
    {
        List<ListOffsetsResultInfo> found;
        try
        {
            found = (await AskAsync(partitions.Select(partition => new TopicPartition(topic, partition.Number)), place)).ResultInfos;
        }
        catch (ListOffsetsException exception)
        {
            found = exception.Result.ResultInfos;
        }
        catch (KafkaException exception)
        {
            Log.NoOffsets(logger, exception.Error.Reason);
            found = [];
        }

        foreach (var failed in found.Select(info => info.TopicPartitionOffsetError).Where(failed => failed.Error.IsError))
        {
            Log.NoOffset(logger, failed.Partition.Value, failed.Error.Reason);
        }

        // A leader that has just changed may answer without an error and without an offset.
        return found.Select(info => info.TopicPartitionOffsetError).Where(each => !each.Error.IsError && each.Offset.Value >= 0).ToDictionary(each => each.Partition.Value, each => each.Offset.Value);
    }

    private Task<ListOffsetsResult> AskAsync(IEnumerable<TopicPartition> partitions, OffsetSpec place) =>
        admin.ListOffsetsAsync(
            partitions.Select(partition => new TopicPartitionOffsetSpec { TopicPartition = partition, OffsetSpec = place }),
            new ListOffsetsOptions { RequestTimeout = Limit });

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Cannot read the first and last offset of the log: {Reason}")]
        public static partial void NoOffsets(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition}: cannot read the first and last offset of the log: {Reason}")]
        public static partial void NoOffset(ILogger logger, int partition, string reason);
    }
}
