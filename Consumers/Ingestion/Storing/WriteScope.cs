using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Determines which readings of a batch a transaction includes. A batch may contain the same offsets twice: from an assignment that has ended, and from the one
/// that followed. Readings of a partition come in runs, and the transaction's move of the partition is looked up once for each run.
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
