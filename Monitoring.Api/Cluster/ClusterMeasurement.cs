using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>The cluster at one moment; values that could not be measured are null.</summary>
/// <param name="Timestamp">When the end offsets were requested, by <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="LogId">The log that the offsets belong to.</param>
/// <param name="TopicIsMissing">Whether the brokers answer and the topic does not exist.</param>
/// <param name="Quorum">The metadata quorum, whose leader is the active controller; also null if the cluster has no quorum.</param>
/// <param name="Unasked">Why the brokers are not queried for their quorum and logs; null if they are.</param>
internal sealed record ClusterMeasurement(
    long Timestamp,
    string? LogId,
    IReadOnlyList<BrokerMeasurement> Brokers,
    IReadOnlyDictionary<int, PartitionMeasurement> Partitions,
    QuorumBody? Quorum = null,
    bool TopicIsMissing = false,
    string? Unasked = null)
{
    /// <summary>The name of the topic of the readings.</summary>
    public string? SensorTopic { get; init; }

    /// <summary>Every topic that the brokers name, without the sizes of its logs.</summary>
    public IReadOnlyList<TopicBody> Topics { get; init; } = [];

    /// <summary>Whether each broker's replicas of the sensor topic are in sync, and which broker is the controller.</summary>
    public IEnumerable<ClusterCondition> Conditions()
    {
        foreach (var broker in Brokers)
        {
            var replicas = Partitions.Where(partition => partition.Value.Replicas.Contains(broker.Id)).ToList();
            if (replicas.Count == 0)
            {
                continue;
            }

            var behind = replicas.Where(partition => !partition.Value.InSyncReplicas.Contains(broker.Id)).Select(partition => $"P{partition.Key}").ToList();
            yield return behind.Count == 0 ? new("replicas", broker.Name, "in sync", null) : new("replicas", broker.Name, "out of sync", string.Join(", ", behind));
        }

        if (Quorum is { } quorum)
        {
            yield return new("controller", "controller", ResourceNames.Broker(quorum.Leader), null);
        }
    }

    /// <summary>
    /// Returns the next offset of a partition to be stored: from its row in this log or, if no consumer has read the partition and it has no row, the
    /// first offset of its log. Null if neither is known.
    /// </summary>
    public long? NextOffset(MonitoringRows rows, int partition) =>
        rows.Partitions.FirstOrDefault(row => row.Partition == partition && row.LogId == LogId)?.NextOffset
            ?? (LogId is not null && LogId == rows.LogId ? Partitions.GetValueOrDefault(partition)?.FirstOffset : null);
}

/// <param name="ChangedAt">When a change of <paramref name="Up"/> was observed; null if it has not changed.</param>
internal sealed record BrokerMeasurement(int Id, string Host, int Port, bool Up, long? ChangedAt)
{
    public string Name => ResourceNames.Broker(Id);
}

/// <param name="FirstOffset">The first offset that is still in the log.</param>
/// <param name="EndOffset">The offset after the last one that can be read: the last stable offset.</param>
/// <param name="HeldBack">Number of messages after <paramref name="EndOffset"/>, which cannot be read because of a producer's open transaction.</param>
/// <param name="HeldFor">How long messages have been observed after the same <paramref name="EndOffset"/>.</param>
internal sealed record PartitionMeasurement(
    int? Leader, IReadOnlyList<int> Replicas, IReadOnlyList<int> InSyncReplicas, long? FirstOffset, long? EndOffset,
    long HeldBack = 0, TimeSpan HeldFor = default);

/// <summary>The newest measurement; null before the first.</summary>
internal sealed class ClusterState
{
    private volatile ClusterMeasurement? _latest;
    private volatile ClusterDetails? _details;

    public ClusterMeasurement? Latest
    {
        get => _latest;
        set => _latest = value;
    }

    public ClusterDetails? Details
    {
        get => _details;
        set => _details = value;
    }
}
