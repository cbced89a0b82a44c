using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>The leases of a lane, in the order of their claims. Not thread-safe: only used by the lane.</summary>
internal sealed class LeaseTable(ConsumerStatus status)
{
    private readonly List<PartitionLease> _leases = [];

    public List<PartitionLease>.Enumerator GetEnumerator() => _leases.GetEnumerator();

    public bool IsEmpty => _leases.Count == 0;

    public bool Exists(Predicate<PartitionLease> condition) => _leases.Exists(condition);

    /// <summary>Returns the leases of a log, those first whose memory was written longest ago.</summary>
    public IReadOnlyList<PartitionLease> BySnapshot(LogTopic log) => [.. _leases.Where(lease => lease.Log == log).OrderBy(lease => lease.Snapshots.WrittenAt)];

    /// <summary>Returns the lease whose snapshot is stored in parts; null if there is none.</summary>
    public PartitionLease? FindWithParts() => _leases.Find(lease => lease.Snapshots.Parts is not null);

    /// <returns>Null if it is not, or no longer, ours.</returns>
    public PartitionLease? Find(LogTopic log, int partition) => _leases.Find(lease => lease.Number == partition && lease.Log == log);

    /// <summary>Adds a lease. An existing one for the same partition ends, because its epoch is older.</summary>
    public void Add(PartitionLease lease)
    {
        if (Find(lease.Log, lease.Number) is { } before)
        {
            Drop(before.Partition);
        }

        lease.Partition.Lease = lease;
        _leases.Add(lease);
        status.Own(lease.Number);
    }

    /// <summary>Drops the lease of the partition, if there is one.</summary>
    public void Drop(OwnedPartition partition)
    {
        if (partition.Lease is { } lease)
        {
            partition.Lease = null;
            lease.Detector.End();
            _leases.Remove(lease);
            status.Disown(partition.Number);
        }
    }

    /// <summary>Drops the leases that nobody waits for.</summary>
    public void DropAbandoned()
    {
        for (var i = _leases.Count - 1; i >= 0; i--)
        {
            if (_leases[i].Partition.IsAbandoned)
            {
                Drop(_leases[i].Partition);
            }
        }
    }

    /// <summary>Drops all leases.</summary>
    /// <returns>The partitions.</returns>
    public IReadOnlyList<OwnedPartition> DropAll()
    {
        var partitions = _leases.ConvertAll(lease => lease.Partition);
        partitions.ForEach(Drop);
        return partitions;
    }
}
