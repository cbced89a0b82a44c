using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>The leases of a lane, in the order in which they were claimed. Not thread-safe: the lane's alone.</summary>
internal sealed class LeaseTable(ConsumerStatus status)
{
    private readonly List<PartitionLease> _leases = [];

    public List<PartitionLease>.Enumerator GetEnumerator() => _leases.GetEnumerator();

    public bool IsEmpty => _leases.Count == 0;

    public bool Exists(Predicate<PartitionLease> condition) => _leases.Exists(condition);

    /// <returns>Null where it is not ours, or no longer.</returns>
    public PartitionLease? Find(LogTopic log, int partition) => _leases.Find(lease => lease.Number == partition && lease.Log == log);

    /// <summary>Adds a lease. One that there is of the same partition is over: its epoch is an earlier one.</summary>
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

    /// <summary>What is held of the partition is dropped; nothing where nothing is held.</summary>
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

    /// <summary>Drops those that nobody waits for.</summary>
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

    /// <summary>Drops all.</summary>
    /// <returns>The partitions.</returns>
    public IReadOnlyList<OwnedPartition> DropAll()
    {
        var partitions = _leases.ConvertAll(lease => lease.Partition);
        partitions.ForEach(Drop);
        return partitions;
    }
}
