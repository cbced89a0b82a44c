using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Consumers.Ingestion.Polling;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// Prepares the claims of partitions: which log this is, and where it begins and ends. Then keeps checking that it is still the same log.
/// </summary>
internal sealed partial class PartitionClaims(
    BrokerQuestions brokers, KafkaLogId logId, DictionaryStore dictionaries, IngestLoop loop, string topic, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan UncertainDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(0.5);

    private volatile string? _claimedLog;

    /// <exception cref="KafkaException">No broker answers.</exception>
    public async Task<LogTopic> LogAsync(CancellationToken cancellationToken)
    {
        var id = await logId.ResolveAsync(topic, cancellationToken);
        return new LogTopic(await dictionaries.LogKeyAsync(id, cancellationToken), id, topic);
    }

    /// <summary>Asks the brokers which log this is and where it begins and ends, and has the lanes claim; repeats until it is done or pointless.</summary>
    public async Task ClaimAsync(IReadOnlyList<OwnedPartition> partitions, CancellationToken cancellationToken)
    {
        var said = false;
        if (partitions.Any(partition => partition.UncertainClaims > 0))
        {
            await Task.Delay(UncertainDelay, time, cancellationToken);
        }

        while (!cancellationToken.IsCancellationRequested && partitions.Any(partition => !partition.IsAbandoned))
        {
            try
            {
                var lows = brokers.OffsetsAsync(partitions, OffsetSpec.Earliest());
                var highs = brokers.OffsetsAsync(partitions, OffsetSpec.Latest());
                var log = await LogAsync(cancellationToken);
                var (low, high) = (await lows, await highs);
                _claimedLog = log.LogId;
                foreach (var lane in partitions.GroupBy(partition => partition.Lane))
                {
                    lane.Key.Post(new LaneWork.Claim(log, [.. lane.Select(partition => (partition, Of(low, partition), Of(high, partition)))]));
                }

                return;
            }
            catch (Exception exception) when (MayPass(exception))
            {
                if (!said)
                {
                    said = true;
                    Log.ClaimFailed(logger, exception.Message);
                }

                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }

        static long? Of(Dictionary<int, long> offsets, OwnedPartition partition) => offsets.TryGetValue(partition.Number, out var offset) ? offset : null;
    }

    /// <summary>
    /// Checks that the topic is still the log that was claimed. A topic that was deleted and created anew begins at 0 again, and the next message read may
    /// belong to either log.
    /// </summary>
    public async Task WatchLogAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(CheckInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var claimed = _claimedLog;
            try
            {
                if (await logId.ResolveAsync(topic, cancellationToken) is var found && claimed is not null && found != claimed && claimed == _claimedLog)
                {
                    Log.AnotherLog(logger, topic, found, claimed);
                    _claimedLog = null;
                    foreach (var partition in loop.Assigned)
                    {
                        loop.Post(new LaneEvent.ClaimAgain(partition, Uncertain: false));
                    }
                }
            }
            catch (Exception exception) when (exception is KafkaException or TimeoutException)
            {
                // The log is unknown at the moment.
            }
        }
    }

    /// <summary>
    /// Whether a retry makes sense. A client with a fatal error ends the consumer. A database that is replaced, full or unfit is waited for, like one
    /// that is unavailable: the lanes detect and report it.
    /// </summary>
    private static bool MayPass(Exception exception) => exception is KafkaException { Error.IsFatal: false } || DatabaseFaults.Of(exception) is not null;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot claim partitions, retrying: {Reason}")]
        public static partial void ClaimFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The topic {Topic} was created again, as {Found} in place of {Claimed}: claiming all partitions again")]
        public static partial void AnotherLog(ILogger logger, string topic, string found, string claimed);
    }
}
