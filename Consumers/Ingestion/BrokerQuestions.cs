using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>What the brokers are asked about the partitions of the topic: where each begins and ends.</summary>
internal sealed partial class BrokerQuestions(IAdminClient admin, string topic, ILogger logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Asks for anything, so that the connections are there.</summary>
    /// <exception cref="KafkaException">No broker answers.</exception>
    public Task WarmUpAsync() => AskAsync([new TopicPartition(topic, 0)], OffsetSpec.Latest());

    /// <summary>
    /// Asks the leaders for anything: the client's thread for a broker of which it was fetching nothing looks only once a second whether it is
    /// to begin, unless a request wakes it.
    /// </summary>
    public async Task WakeAsync(IReadOnlyList<TopicPartition> partitions)
    {
        try
        {
            await AskAsync(partitions, OffsetSpec.Latest());
        }
        catch (Exception exception) when (exception is KafkaException or ObjectDisposedException)
        {
            // It looks by itself, within the second.
        }
    }

    /// <returns>By number of the partition; without those whose leader does not answer.</returns>
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

        // A leader that has just changed can answer without an error and without an offset.
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
