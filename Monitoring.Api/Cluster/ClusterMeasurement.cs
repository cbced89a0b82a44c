using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>The cluster at one moment; null is what could not be measured.</summary>
/// <param name="Timestamp">When the end offsets were asked for, by <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="LogId">Which log the offsets belong to.</param>
/// <param name="TopicIsMissing">The brokers answer, and know of no such topic.</param>
/// <param name="Controller">Id of the broker that is the active controller; null also where there is no such thing.</param>
internal sealed record ClusterMeasurement(
    long Timestamp,
    string? LogId,
    IReadOnlyList<BrokerMeasurement> Brokers,
    IReadOnlyDictionary<int, PartitionMeasurement> Partitions,
    int? Controller = null,
    bool TopicIsMissing = false)
{
    /// <summary>
    /// The next offset of a partition to be stored: that of its row in this log, or where it has none, as nobody has read it yet, where its log
    /// begins. Null where neither is known.
    /// </summary>
    public long? NextOffset(MonitoringRows rows, int partition) =>
        rows.Partitions.FirstOrDefault(row => row.Partition == partition && row.LogId == LogId)?.NextOffset
            ?? (LogId is not null && LogId == rows.LogId ? Partitions.GetValueOrDefault(partition)?.FirstOffset : null);
}

/// <param name="ChangedAt">When <paramref name="Up"/> was seen to change; null while it never did.</param>
internal sealed record BrokerMeasurement(int Id, string Host, int Port, bool Up, long? ChangedAt)
{
    public string Name => ResourceNames.Broker(Id);
}

/// <param name="FirstOffset">The first that is still in the log.</param>
/// <param name="EndOffset">The one after the last that can be read: the last stable offset.</param>
/// <param name="HeldBack">Messages behind <paramref name="EndOffset"/>, which a producer's open transaction keeps from being read.</param>
/// <param name="HeldFor">How long they have been seen behind the same <paramref name="EndOffset"/>.</param>
internal sealed record PartitionMeasurement(
    int? Leader, IReadOnlyList<int> Replicas, IReadOnlyList<int> InSyncReplicas, long? FirstOffset, long? EndOffset,
    long HeldBack = 0, TimeSpan HeldFor = default);

/// <summary>The newest measurement; null before the first.</summary>
internal sealed class ClusterState
{
    private volatile ClusterMeasurement? _latest;

    public ClusterMeasurement? Latest
    {
        get => _latest;
        set => _latest = value;
    }
}
