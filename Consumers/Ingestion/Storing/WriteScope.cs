using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Which readings of a batch a transaction is about. A batch may hold the same offsets twice: of an assignment that is over, and of the one that followed
/// it. Readings of a partition come in runs, and what the transaction does with the partition is looked up once for each run.
/// </summary>
internal struct WriteScope(IngestWrite write)
{
    private OwnedPartition? _partition;
    private long _from;
    private long _until;

    /// <summary>Whether the transaction moves a partition past this reading.</summary>
    public bool Passes(ref Reading reading)
    {
        if (reading.Partition != _partition)
        {
            Enter(reading.Partition);
        }

        return reading.Offset >= _from && reading.Offset < _until && !reading.IsReplay;
    }

    /// <summary>Whether the transaction stores this reading.</summary>
    public bool Stores(ref Reading reading) => Passes(ref reading) && !reading.IsRefused;

    private void Enter(OwnedPartition partition)
    {
        _partition = partition;
        (_from, _until) = partition.Lease is { } lease && lease.Log == write.Log && write.Moves.Find(move => move.Partition == lease.Number) is { } move
            ? (move.Expected, move.Next)
            : (0, 0);
    }
}
