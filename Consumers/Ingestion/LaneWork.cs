using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Work that the polling thread gives to a lane; done in order.</summary>
internal abstract record LaneWork
{
    /// <summary>Claim these partitions in the database.</summary>
    public sealed record Claim(LogTopic Log, IReadOnlyList<(OwnedPartition Partition, long? Low, long? High)> Partitions) : LaneWork;

    public sealed record Store(ReadingBatch Batch) : LaneWork;

    /// <summary>Write what is due by time: snapshots, newest values, settled acknowledgements, recoveries.</summary>
    public sealed record Tick : LaneWork;

    /// <summary>Release these partitions.</summary>
    /// <param name="Done">Counted down when it is done, or cannot be done.</param>
    public sealed record Release(IReadOnlyList<OwnedPartition> Partitions, bool Lost, string? Reason, CountdownEvent? Done) : LaneWork;
}

/// <summary>A notification from a lane to the polling thread.</summary>
internal abstract record LaneEvent(OwnedPartition Partition)
{
    /// <summary>The partition is claimed: read from this offset.</summary>
    /// <param name="LeaderEpoch">The stored leader epoch of the message before <paramref name="ReplayUntil"/>; null if unknown.</param>
    /// <param name="Low">The first offset still in the log.</param>
    /// <param name="High">One past the last offset in the log.</param>
    public sealed record Claimed(OwnedPartition Partition, long From, long ReplayUntil, int? LeaderEpoch, long Low, long High) : LaneEvent(Partition);

    /// <summary>Neither a row nor a watermark is known, or the log seems to end before our offset: ask the brokers again.</summary>
    public sealed record ClaimAgain(OwnedPartition Partition, bool Uncertain) : LaneEvent(Partition);

    /// <summary>Another consumer has claimed the partition.</summary>
    public sealed record Fenced(OwnedPartition Partition) : LaneEvent(Partition);
}
