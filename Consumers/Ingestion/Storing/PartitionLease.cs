using System.Globalization;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// A partition that is ours in the database, from the claim until it is given up, lost or fenced: under which epoch, how far it is stored, and what its
/// detector remembers. The lane's alone.
/// </summary>
internal sealed class PartitionLease
{
    private PartitionLease(
        OwnedPartition partition, LogTopic log, ClaimedPartition claim, PartitionDetector detector, SnapshotSchedule snapshots, long memoryAt)
    {
        (Partition, Log, Claim, Detector, Snapshots, MemoryAt) = (partition, log, claim, detector, snapshots, memoryAt);
        NextOffset = claim.NextOffset;
    }

    public OwnedPartition Partition { get; }

    public int Number => Partition.Number;

    public LogTopic Log { get; }

    public ClaimedPartition Claim { get; }

    public PartitionDetector Detector { get; }

    /// <summary>When the detector's memory is written down.</summary>
    public SnapshotSchedule Snapshots { get; }

    /// <summary>The next offset by the database.</summary>
    public long NextOffset { get; set; }

    /// <summary>The detector has seen everything below.</summary>
    public long MemoryAt { get; set; }

    /// <summary>The detector has not seen all that is stored.</summary>
    public bool IsReplaying => MemoryAt < NextOffset;

    /// <summary>It remembers nothing of what is stored, and alerts that it does not know may be open. True until the database has been told.</summary>
    public bool HasLostMemory { get; set; }

    /// <summary>The first commit, or the log's end, has been recorded.</summary>
    public bool IsRecovered { get; set; }

    /// <summary>Readings and other changes to the memory since it was written down.</summary>
    public int SinceSnapshot { get; set; }

    /// <summary>Whether something has happened that ends the recovery.</summary>
    /// <param name="next">Where the transaction moves it.</param>
    public bool Recovers(long next) => !IsRecovered && (next > NextOffset || Partition.IsAtEnd);

    /// <summary>Takes up what was claimed, with the memory that its predecessor left, as far as that can be used.</summary>
    /// <param name="low">The first offset that is still in the log.</param>
    /// <param name="now">By the lane's <see cref="WorkingTime"/>.</param>
    public static (PartitionLease Lease, MemoryFate Fate) Take(
        OwnedPartition partition, LogTopic log, ClaimedPartition claim, long low, DetectionRules rules, TimeSpan now, TimeProvider time)
    {
        var detector = NewDetector();
        var from = claim.SnapshotOffset ?? claim.FirstOffset;
        MemoryFate fate;
        if (from < low || from > claim.NextOffset)
        {
            fate = new MemoryFate.OutOfLog(from);
        }
        else if (claim.Snapshots.Count == 0)
        {
            fate = new MemoryFate.Kept(IsStored: false);
        }
        else
        {
            try
            {
                DetectorSnapshot.Read(claim.Snapshots, detector);
                fate = new MemoryFate.Kept(IsStored: true);
            }
            catch (InvalidDataException exception)
            {
                fate = new MemoryFate.Unreadable(exception);
                detector = NewDetector();
            }
        }

        var schedule = new SnapshotSchedule(fate is MemoryFate.Kept { IsStored: true } ? claim.Snapshots.ConvertAll(snapshot => snapshot.Length) : [], time);
        claim.Snapshots.Clear();
        var isKept = fate is MemoryFate.Kept;
        return (new PartitionLease(partition, log, claim, detector, schedule, isKept ? from : claim.NextOffset) { HasLostMemory = !isKept }, fate);

        // An offset that is used a second time must not bring back the id of an alert of the first.
        PartitionDetector NewDetector() =>
            new(claim.CutEpoch is { } cut ? string.Create(CultureInfo.InvariantCulture, $"{log.LogId}@{cut}") : log.LogId, partition.Number, rules) { Now = now };
    }
}

/// <summary>What became of the memory that a predecessor left.</summary>
internal abstract record MemoryFate
{
    private MemoryFate()
    {
    }

    /// <summary>The detector goes on from it.</summary>
    /// <param name="IsStored">False where there was none: the log is read from its first offset.</param>
    public sealed record Kept(bool IsStored) : MemoryFate;

    /// <summary>The log no longer reaches back to where the memory stands, or ends before it: the detector begins anew.</summary>
    public sealed record OutOfLog(long From) : MemoryFate;

    /// <summary>The detector begins anew.</summary>
    public sealed record Unreadable(InvalidDataException Exception) : MemoryFate;
}
