using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Where a partition stands for the thread that polls.</summary>
internal enum PartitionPhase
{
    /// <summary>Assigned, not ours in the database yet: its messages are not taken.</summary>
    Claiming,

    /// <summary>Ours; the client still has to be set to the offset.</summary>
    Seeking,
    Running,

    /// <summary>Another consumer has claimed it. It may be that the group has not told us yet.</summary>
    Fenced,

    /// <summary>No longer assigned.</summary>
    Gone,
}

/// <summary>One assignment of one partition to this consumer, from the callback to its end.</summary>
/// <param name="cutAt">The offset at which the brokers' log has been seen to be another than the one that was read; null where it is not known to be.</param>
internal sealed class OwnedPartition(int number, StoreLane lane, bool joined, int doubts = 0, long? cutAt = null)
{
    private const int DoubtsUntilCertain = 3;

    private long _committed = -1;
    private volatile bool _isAbandoned;
    private volatile bool _isAtEnd;

    public int Number { get; } = number;

    public StoreLane Lane { get; } = lane;

    /// <summary>It came with the first assignment since the start.</summary>
    public bool Joined { get; } = joined;

    /// <summary>How often the brokers have said something in a row that may pass.</summary>
    public int Doubts { get; } = doubts;

    public long? CutAt { get; } = cutAt;

    public bool IsCertain => Doubts >= DoubtsUntilCertain;

    // The thread that polls.

    public PartitionPhase Phase { get; set; } = PartitionPhase.Claiming;

    public long PhaseSince { get; set; }

    /// <summary>The next offset to take.</summary>
    public long Position { get; set; }

    /// <summary>Below it everything is stored already and goes through the detector alone.</summary>
    public long ReplayUntil { get; set; }

    /// <summary>Of the log with what was stored of it; null where it is over, or not possible.</summary>
    public LogComparison? Comparison { get; set; }

    /// <summary>Of the newest message that was stored or taken; null where it is not known.</summary>
    public int? LeaderEpoch { get; set; }

    /// <summary>The first offset that was, or is, to be taken.</summary>
    public long From { get; set; }

    /// <summary>Where the client is to read next.</summary>
    public long ReadFrom => Comparison is { } comparison ? Math.Min(comparison.Next, Position) : Position;

    public BatchSlice? Slice { get; set; }

    public bool EndIsTold { get; set; }

    // The lane.

    public bool IsOwned { get; set; }

    public LogTopic Log { get; set; }

    public ClaimedPartition? Claim { get; set; }

    public PartitionDetector? Detector { get; set; }

    /// <summary>Of the detector's memory.</summary>
    public SnapshotSchedule Snapshots { get; set; } = new([]);

    public long NextOffset { get; set; }

    /// <summary>The detector has seen everything below.</summary>
    public long MemoryAt { get; set; }

    /// <summary>It remembers nothing of what is stored, and alerts that it does not know may be open.</summary>
    public bool HasLostMemory { get; set; }

    public bool Recovered { get; set; }

    public int SinceSnapshot { get; set; }

    // Both.

    /// <summary>Nobody waits for it any more: what is held of it is dropped.</summary>
    public bool IsAbandoned
    {
        get => _isAbandoned;
        set => _isAbandoned = value;
    }

    /// <summary>Everything there was has been handed to the lane.</summary>
    public bool IsAtEnd
    {
        get => _isAtEnd;
        set => _isAtEnd = value;
    }

    /// <summary>The next offset by the database; -1 before the claim.</summary>
    public long Committed
    {
        get => Volatile.Read(ref _committed);
        set => Volatile.Write(ref _committed, value);
    }

    public long CommittedToKafka { get; set; } = -1;
}
