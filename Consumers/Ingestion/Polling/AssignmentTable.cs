namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// The partitions that the group has assigned to this consumer, each by its number. Changed only by the polling thread; other threads may read
/// <see cref="Partitions"/>.
/// </summary>
internal sealed class AssignmentTable
{
    private readonly Dictionary<int, Assignment> _assignments = [];
    private readonly List<Assignment> _fresh = [];
    private Assignment?[] _byNumber = [];
    private volatile OwnedPartition[] _partitions = [];

    /// <summary>The current partitions. Thread-safe.</summary>
    public IReadOnlyCollection<OwnedPartition> Partitions => _partitions;

    public Dictionary<int, Assignment>.ValueCollection All => _assignments.Values;

    /// <summary>Whether some have not been claimed yet.</summary>
    public bool HasFresh => _fresh.Count > 0;

    /// <summary>Returns the assignment of a number; null if it is not assigned.</summary>
    public Assignment? Find(int number) => number < _byNumber.Length ? _byNumber[number] : null;

    /// <returns>Null if the partition's assignment has ended.</returns>
    public Assignment? Find(OwnedPartition partition) => Find(partition.Number) is { } assignment && assignment.Partition == partition ? assignment : null;

    /// <summary>Begins an assignment, which must then be claimed. An existing one with the same number ends: nobody waits for it any more.</summary>
    public void Begin(OwnedPartition partition)
    {
        Remove(partition.Number)?.Abandon();
        var assignment = new Assignment(partition);
        _fresh.Add(assignment);
        _assignments[partition.Number] = assignment;
        if (partition.Number >= _byNumber.Length)
        {
            Array.Resize(ref _byNumber, partition.Number + 1);
        }

        _byNumber[partition.Number] = assignment;
        _partitions = [.. _assignments.Values.Select(one => one.Partition)];
    }

    /// <summary>Replaces an assignment by a new one, as if the group had assigned it anew.</summary>
    /// <param name="isUncertain">The brokers have reported something that may be temporary.</param>
    /// <param name="cutAt">The offset from which on the log differs from the one that was read; null if no difference is known.</param>
    public void BeginAgain(OwnedPartition partition, bool isUncertain, long? cutAt = null) =>
        Begin(new OwnedPartition(partition.Number, partition.Lane, partition.Joined, isUncertain ? partition.UncertainClaims + 1 : 0, cutAt));

    /// <summary>Ends an assignment.</summary>
    /// <returns>Null if there was none.</returns>
    public OwnedPartition? Remove(int number)
    {
        if (!_assignments.Remove(number, out var assignment))
        {
            return null;
        }

        _byNumber[number] = null;
        _partitions = [.. _assignments.Values.Select(one => one.Partition)];
        return assignment.Partition;
    }

    /// <summary>Returns the assignments that have begun since the last call and have not ended.</summary>
    public List<OwnedPartition> TakeFresh()
    {
        var fresh = _fresh.Where(assignment => Find(assignment.Partition) is not null).Select(assignment => assignment.Partition).ToList();
        _fresh.Clear();
        return fresh;
    }
}
