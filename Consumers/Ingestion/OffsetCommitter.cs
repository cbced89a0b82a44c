using Confluent.Kafka;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion.Polling;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Commits the offsets stored in the database to Kafka, for tools that read the lag there.</summary>
internal sealed partial class OffsetCommitter(
    IConsumer<Ignore, Rejection> consumer, IngestLoop loop, string topic, ConsumerMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(1);

    /// <summary>The offsets committed to Kafka for the assigned partitions.</summary>
    private Dictionary<OwnedPartition, long> _told = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(CommitInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var assigned = loop.Assigned;
            var moved = assigned
                .Select(partition => (Partition: partition, Offset: partition.Committed))
                .Where(one => one.Offset > Told(one.Partition))
                .ToList();
            if (moved.Count > 0)
            {
                await CommitAsync(moved, assigned, cancellationToken);
            }
        }
    }

    private async Task CommitAsync(
        List<(OwnedPartition Partition, long Offset)> moved, IReadOnlyCollection<OwnedPartition> assigned, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        try
        {
            // Without a leader epoch, which not every broker supports.
            await Task.Run(() => consumer.Commit(moved.Select(one => new TopicPartitionOffset(topic, one.Partition.Number, one.Offset))), cancellationToken);
            _told = assigned.ToDictionary(partition => partition, Told);
            foreach (var (partition, offset) in moved)
            {
                _told[partition] = offset;
            }
        }
        catch (KafkaException exception)
        {
            // The database is authoritative; the next second commits more.
            Log.NotCommitted(logger, exception.Error.Reason);
        }

        metrics.CommittedToKafka(time.GetElapsedTime(started));
    }

    private long Told(OwnedPartition partition) => _told.GetValueOrDefault(partition, -1);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "Cannot commit offsets to Kafka: {Reason}")]
        public static partial void NotCommitted(ILogger logger, string reason);
    }
}
