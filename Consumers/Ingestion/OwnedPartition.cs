using FactoryMonitoring.Consumers.Ingestion.Storing;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// One assignment of one partition to this consumer, from the callback to its end: the state shared by the polling thread and the lane. Its identity
/// never changes. Each of the other fields is written by one side and read by the other; none is read together with another.
/// </summary>
/// <param name="joined">It belongs to the first assignment since the start.</param>
/// <param name="uncertainClaims">How many times in a row the brokers have reported something that may be temporary.</param>
/// <param name="cutAt">The offset from which on the brokers' log differs from the one that was read; null if no difference is known.</param>
internal sealed class OwnedPartition(int number, LaneQueue lane, bool joined, int uncertainClaims = 0, long? cutAt = null)
{
    private const int UncertainClaimsUntilCertain = 3;

    private long _committed = -1;
    private volatile bool _isAbandoned;
    private volatile bool _isAtEnd;

    public int Number { get; } = number;

    public LaneQueue Lane { get; } = lane;

    public bool Joined { get; } = joined;

    public int UncertainClaims { get; } = uncertainClaims;

    public long? CutAt { get; } = cutAt;

    /// <summary>Whether the brokers' report has been repeated so often that it is accepted as true.</summary>
    public bool IsCertain => UncertainClaims >= UncertainClaimsUntilCertain;

    /// <summary>Nobody waits for it any more: its data is dropped. Set by the polling thread, irrevocably.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <summary>All available messages have been passed to the lane. Set by the polling thread.</summary>
    public bool IsAtEnd
    {
        get => _isAtEnd;
        set => _isAtEnd = value;
    }

    /// <summary>The next offset in the database; -1 before the claim. Set by the lane.</summary>
    public long Committed
    {
        get => Volatile.Read(ref _committed);
        set => Volatile.Write(ref _committed, value);
    }

    /// <summary>The lane's lease: null before the claim, and after its loss. Only used by the lane.</summary>
    public PartitionLease? Lease { get; set; }

    public void Abandon() => _isAbandoned = true;
}
