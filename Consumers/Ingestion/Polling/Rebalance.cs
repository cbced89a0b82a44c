using Confluent.Kafka;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// Handles the group's callbacks: assigned partitions are claimed, revoked ones are released in order, lost ones are dropped. The client calls it within
/// Consume or Close.
/// </summary>
/// <param name="stopping">Canceled when the consumer must stop.</param>
internal sealed partial class Rebalance(
    AssignmentTable assignments, LaneDispatcher lanes, LoopHeartbeat heartbeat, TimeProvider time, ILogger logger, CancellationToken stopping)
{
    /// <summary>The time limit for releasing partitions: the group waits no longer.</summary>
    private static readonly TimeSpan HandoverLimit = TimeSpan.FromSeconds(3);

    /// <summary>The same when the consumer stops, for all partitions together: Aspire kills it about 6 s after asking it to stop.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan HandoverWait = TimeSpan.FromMilliseconds(10);

    private bool _joining = true;
    private long? _stoppingSince;

    /// <summary>Whether partitions revoked from now on are released because the consumer leaves the group.</summary>
    public bool IsLeaving { get; set; }

    /// <returns>An arbitrary start offset, because nothing is taken before the database has determined where to start.</returns>
    public IEnumerable<TopicPartitionOffset> OnAssigned(IReadOnlyList<TopicPartition> partitions)
    {
        // After a rebalance the group notifies every member, including those that get no partition.
        if (partitions.Count > 0)
        {
            Log.Assigned(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        }

        foreach (var assigned in partitions)
        {
            var number = assigned.Partition.Value;
            assignments.Begin(new OwnedPartition(number, lanes.LaneOf(number), _joining));
        }

        _joining &= partitions.Count == 0;
        return [.. partitions.Select(partition => new TopicPartitionOffset(partition, 0))];
    }

    /// <summary>Releases partitions; the group waits until that is done.</summary>
    public void OnRevoked(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        Log.Revoked(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        var revoked = Leave(partitions);
        lanes.DispatchAll();
        var byLane = revoked.GroupBy(partition => partition.Lane).ToList();
        if (byLane.Count == 0)
        {
            return;
        }

        var done = new CountdownEvent(byLane.Count);
        foreach (var lane in byLane)
        {
            lane.Key.Post(new LaneWork.Release([.. lane], Lost: false, IsLeaving ? "left" : null, done));
        }

        var started = time.GetTimestamp();
        while (!done.WaitHandle.WaitOne(HandoverWait) && !IsOver(started))
        {
            heartbeat.Beat();
        }

        revoked.ForEach(partition => partition.Abandon());
        if (done.IsSet)
        {
            done.Dispose();
        }
        else
        {
            // The lanes will still signal it.
            Log.HandoverLate(logger);
        }
    }

    private bool IsOver(long started)
    {
        if (!stopping.IsCancellationRequested)
        {
            return time.GetElapsedTime(started) >= HandoverLimit;
        }

        _stoppingSince ??= time.GetTimestamp();
        return time.GetElapsedTime(_stoppingSince.Value) >= LeaveLimit;
    }

    /// <summary>Drops partitions that the group has already given to other consumers.</summary>
    public void OnLost(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        Log.Lost(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        foreach (var place in partitions)
        {
            // Its claim may reach the lane after this.
            if (assignments.Find(place.Partition.Value) is { State: AssignmentState.Claiming, Partition: var claimed })
            {
                claimed.Abandon();
            }
        }

        foreach (var lane in Leave(partitions).GroupBy(partition => partition.Lane))
        {
            lane.Key.Post(new LaneWork.Release([.. lane], Lost: true, "session expired", null));
        }
    }

    private List<OwnedPartition> Leave(IReadOnlyList<TopicPartitionOffset> partitions) =>
        [.. partitions.Select(place => assignments.Remove(place.Partition.Value)).OfType<OwnedPartition>()];

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Partitions assigned: {Partitions}")]
        public static partial void Assigned(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partitions revoked: {Partitions}")]
        public static partial void Revoked(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partitions lost: {Partitions}")]
        public static partial void Lost(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot release partitions in time; the next owner continues from the last commit")]
        public static partial void HandoverLate(ILogger logger);
    }
}
