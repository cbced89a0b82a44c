using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Lag = end offset of a log minus the position of its readers, both of the same moment: the measured end offsets, and the first read of the
/// database after that. In seconds it is the age of the oldest unread message, measured from when the end offset was first seen past it.
/// Not thread-safe.
/// </summary>
internal sealed class LagTracker(LagHistory history, TimeProvider time)
{
    // One hour at one measurement per second; an older lag has no measured age.
    private const int Kept = 3600;

    private readonly Dictionary<int, Queue<(long Timestamp, long End)>> _ends = [];
    private readonly Queue<(long Timestamp, IReadOnlyDictionary<int, long> Stored)> _stored = new();
    private string? _logId;
    private long _measuredAt;

    /// <summary>As of the last measurement.</summary>
    public LagState Latest { get; private set; } = LagState.Unknown;

    public void Update(ClusterMeasurement? measurement, MonitoringRows rows, DatabaseClock clock)
    {
        var readAt = clock.Timestamp;
        Rates(rows, readAt);
        if (measurement is null || measurement.Timestamp == _measuredAt || rows.LogId != measurement.LogId)
        {
            return; // The next read of the database is of that log.
        }

        _measuredAt = measurement.Timestamp;
        if (measurement.LogId != _logId)
        {
            _logId = measurement.LogId;
            _ends.Clear();
        }

        var partitions = new Dictionary<int, PartitionLag>();
        foreach (var (partition, measured) in measurement.Partitions)
        {
            if (measured.EndOffset is { } end)
            {
                var ends = _ends.TryGetValue(partition, out var known) ? known : _ends[partition] = new();
                if (ends.Count == Kept)
                {
                    ends.Dequeue();
                }

                ends.Enqueue((measurement.Timestamp, end));
                if (measurement.NextOffset(rows, partition) is { } next)
                {
                    var lag = Math.Max(0, end - next);
                    var age = lag == 0 ? 0 : AgeOf(next, ends, measurement.Timestamp);
                    partitions[partition] = new(lag, age, age ?? time.GetElapsedTime(ends.Peek().Timestamp, measurement.Timestamp).TotalSeconds);
                }
            }
        }

        var complete = measurement.Partitions.Count > 0 && partitions.Count == measurement.Partitions.Count;
        Latest = new(
            measurement.Timestamp,
            partitions,
            complete ? partitions.Values.Sum(partition => partition.Lag) : null,
            complete && partitions.Values.All(partition => partition.Seconds is not null) ? partitions.Values.Max(partition => partition.Seconds) : null);
        if (Latest.Total is { } total)
        {
            history.Add(new(clock.At(measurement.Timestamp, time), total, Latest.Seconds));
            Latest = Latest with { CatchUpSeconds = history.CatchUpSeconds };
        }
    }

    /// <summary>Readings stored per second by partition, over the last 10 s; empty before there are two reads at least 2 s apart.</summary>
    public IReadOnlyDictionary<int, double> StoredPerSecond { get; private set; } = new Dictionary<int, double>();

    private void Rates(MonitoringRows rows, long readAt)
    {
        _stored.Enqueue((readAt, rows.StoredPerPartition));
        while (_stored.Count > 1 && time.GetElapsedTime(_stored.Peek().Timestamp, readAt) > TimeSpan.FromSeconds(10.5))
        {
            _stored.Dequeue();
        }

        var (since, before) = _stored.Peek();
        var seconds = time.GetElapsedTime(since, readAt).TotalSeconds;
        if (seconds >= 2)
        {
            StoredPerSecond = rows.StoredPerPartition.ToDictionary(pair => pair.Key, pair => (pair.Value - before.GetValueOrDefault(pair.Key)) / seconds);
        }
    }

    private double? AgeOf(long offset, Queue<(long Timestamp, long End)> ends, long now)
    {
        if (ends.Peek().End > offset)
        {
            return null; // The message is older than the first measurement.
        }

        return time.GetElapsedTime(ends.First(each => each.End > offset).Timestamp, now).TotalSeconds;
    }
}

/// <param name="Total">The lag of all partitions, in messages; null while that of one partition is unknown.</param>
/// <param name="Seconds">The lag of the partition that is furthest behind, in seconds.</param>
/// <param name="CatchUpSeconds">The value of <see cref="LagHistory.CatchUpSeconds"/> at that time.</param>
internal sealed record LagState(long Timestamp, IReadOnlyDictionary<int, PartitionLag> Partitions, long? Total, double? Seconds, double? CatchUpSeconds = null)
{
    public static readonly LagState Unknown = new(0, new Dictionary<int, PartitionLag>(), null, null);
}

/// <param name="Seconds">Age of the oldest unread message; null if it is older than the first measurement.</param>
/// <param name="LeastSeconds">Lower bound of the age.</param>
internal sealed record PartitionLag(long Lag, double? Seconds, double LeastSeconds);
