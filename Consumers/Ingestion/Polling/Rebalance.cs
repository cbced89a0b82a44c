using Confluent.Kafka;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// Answers the group: what it assigns is claimed, what it revokes is given up properly, what it takes away is dropped. The client calls it within
/// Consume or Close.
/// </summary>
/// <param name="stopping">Canceled when the consumer must stop.</param>
internal sealed partial class Rebalance(
    AssignmentTable assignments, LaneDispatcher lanes, LoopHeartbeat heartbeat, TimeProvider time, ILogger logger, CancellationToken stopping)
{
    /// <summary>How long partitions that are to be given up may take: the group waits no longer.</summary>
    private static readonly TimeSpan HandoverLimit = TimeSpan.FromSeconds(3);

    /// <summary>The same when the consumer stops, for all of them together: Aspire kills it some 6 s after it was told to.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan HandoverWait = TimeSpan.FromMilliseconds(10);

    private bool _joining = true;
    private long? _stoppingSince;

    /// <summary>What is revoked from now on is given up because the consumer leaves the group.</summary>
    public bool IsLeaving { get; set; }

    /// <returns>Where to start: anywhere, for nothing is taken before the database has said where.</returns>
    public IEnumerable<TopicPartitionOffset> OnAssigned(IReadOnlyList<TopicPartition> partitions)
    {
        // A group that has changed tells each member, those too that get nothing by it.
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

    /// <summary>The group waits until these partitions have been given up properly.</summary>
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
            // Its lanes will still signal it.
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

    /// <summary>The group has given these partitions to others already.</summary>
    public void OnLost(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        Log.Lost(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        foreach (var place in partitions)
        {
            // Its claim may come to the lane after this.
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
