using FactoryMonitoring.Consumers.Ingestion.Storing;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// One assignment of one partition to this consumer, from the callback to its end: all that the polling thread and the lane both know of it. What
/// identifies it never changes. The rest is a few words, each written by one side and read by the other; none is read together with another.
/// </summary>
/// <param name="joined">It came with the first assignment since the start.</param>
/// <param name="doubtfulClaims">How often the brokers have said something in a row that may pass.</param>
/// <param name="cutAt">The offset at which the brokers' log has been seen to be another than the one that was read; null where it is not known to be.</param>
internal sealed class OwnedPartition(int number, LaneQueue lane, bool joined, int doubtfulClaims = 0, long? cutAt = null)
{
    private const int DoubtfulClaimsUntilCertain = 3;

    private long _committed = -1;
    private volatile bool _isAbandoned;
    private volatile bool _isAtEnd;

    public int Number { get; } = number;

    public LaneQueue Lane { get; } = lane;

    public bool Joined { get; } = joined;

    public int DoubtfulClaims { get; } = doubtfulClaims;

    public long? CutAt { get; } = cutAt;

    /// <summary>What the brokers have said so often is taken for true.</summary>
    public bool IsCertain => DoubtfulClaims >= DoubtfulClaimsUntilCertain;

    /// <summary>Nobody waits for it any more: what is held of it is dropped. Set by the polling thread, once and for all.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <summary>Everything there was has been handed to the lane. Set by the polling thread.</summary>
    public bool IsAtEnd
    {
        get => _isAtEnd;
        set => _isAtEnd = value;
    }

    /// <summary>The next offset by the database; -1 before the claim. Set by the lane.</summary>
    public long Committed
    {
        get => Volatile.Read(ref _committed);
        set => Volatile.Write(ref _committed, value);
    }

    /// <summary>What the lane holds of it: null before the claim, and from its loss on. The lane's alone: no other thread looks at it.</summary>
    public PartitionLease? Lease { get; set; }

    public void Abandon() => _isAbandoned = true;
}
