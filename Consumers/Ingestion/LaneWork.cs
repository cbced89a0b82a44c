using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>What the polling thread asks of a lane; done in the order of asking.</summary>
internal abstract record LaneWork
{
    /// <summary>Take these partitions over in the database.</summary>
    public sealed record Claim(LogTopic Log, IReadOnlyList<(OwnedPartition Partition, long? Low, long? High)> Partitions) : LaneWork;

    public sealed record Store(ReadingBatch Batch) : LaneWork;

    /// <summary>Write what time has made due: snapshots, newest values, settled acknowledgements, recoveries.</summary>
    public sealed record Tick : LaneWork;

    /// <summary>Give these partitions up.</summary>
    /// <param name="Done">Counted down when it is done, or cannot be.</param>
    public sealed record Release(IReadOnlyList<OwnedPartition> Partitions, bool Lost, string? Reason, CountdownEvent? Done) : LaneWork;
}

/// <summary>What a lane tells the polling thread.</summary>
internal abstract record LaneEvent(OwnedPartition Partition)
{
    /// <summary>The partition is ours: read from this offset.</summary>
    /// <param name="LeaderEpoch">Of the message before <paramref name="ReplayUntil"/> when it was stored; null where it is not known.</param>
    /// <param name="Low">The first offset that is still in the log.</param>
    /// <param name="High">One past the last.</param>
    public sealed record Claimed(OwnedPartition Partition, long From, long ReplayUntil, int? LeaderEpoch, long Low, long High) : LaneEvent(Partition);

    /// <summary>Neither a row nor a watermark is known, or the log seems to end before our offset: ask the brokers again.</summary>
    public sealed record ClaimAgain(OwnedPartition Partition, bool Doubtful) : LaneEvent(Partition);

    /// <summary>Another has claimed it.</summary>
    public sealed record Fenced(OwnedPartition Partition) : LaneEvent(Partition);
}
