using System.Globalization;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// The ownership of a partition in the database, from the claim until it is released, lost or fenced: its epoch, how far it is stored, and its detector's
/// memory. Only used by the lane.
/// </summary>
internal sealed class PartitionLease
{
    /// <summary>The size in bytes of a snapshot that is stored with readings, which wait for it. A larger one is stored in parts.</summary>
    public const int MaxSnapshotBytes = 256 * 1024;

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

    /// <summary>Schedules the snapshots of the detector's memory.</summary>
    public SnapshotSchedule Snapshots { get; }

    /// <summary>The next offset in the database.</summary>
    public long NextOffset { get; set; }

    /// <summary>The detector has processed everything below.</summary>
    public long MemoryAt { get; set; }

    /// <summary>Whether the detector has not processed everything that is stored.</summary>
    public bool IsReplaying => MemoryAt < NextOffset;

    /// <summary>
    /// The detector remembers nothing of what is stored, and alerts that it does not know may be open. True until this is recorded in the database.
    /// </summary>
    public bool HasLostMemory { get; set; }

    /// <summary>Whether the first commit, or reaching the log's end, has been recorded.</summary>
    public bool IsRecovered { get; set; }

    /// <summary>Readings and other changes to the memory since the last snapshot.</summary>
    public int SinceSnapshot { get; set; }

    /// <summary>Writes a snapshot of the memory as it is now, which must be stored before a later one is written.</summary>
    /// <param name="mayBeLarge">A large one is stored in parts; otherwise it is written anew when it is due again.</param>
    /// <returns>What to store with the readings that the memory knows; null if it is too large for that.</returns>
    public SnapshotRow? NextSnapshot(bool mayBeLarge)
    {
        var row = Snapshots.Next(Number, MemoryAt, Detector);
        if (row.State.Length <= MaxSnapshotBytes)
        {
            return row;
        }

        if (mayBeLarge)
        {
            StoreInParts(row);
        }

        return null;
    }

    /// <summary>Has the last snapshot stored in parts. The readings that it knows must be stored before.</summary>
    public void StoreInParts(SnapshotRow row)
    {
        Snapshots.StoreInParts(row);
        SinceSnapshot = 0;
    }

    /// <summary>Whether the transaction ends the recovery.</summary>
    /// <param name="next">The offset to which the transaction moves the partition.</param>
    public bool Recovers(long next) => !IsRecovered && (next > NextOffset || Partition.IsAtEnd);

    /// <summary>Creates the lease of a claim, with the memory that its predecessor left, if that can be used.</summary>
    /// <param name="low">The first offset still in the log.</param>
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

        // An offset that is reused must not produce the id of an alert of its first use again.
        PartitionDetector NewDetector() =>
            new(claim.CutEpoch is { } cut ? string.Create(CultureInfo.InvariantCulture, $"{log.LogId}@{cut}") : log.LogId, partition.Number, rules) { Now = now };
    }
}

/// <summary>What happened to the memory that a predecessor left.</summary>
internal abstract record MemoryFate
{
    private MemoryFate()
    {
    }

    /// <summary>The detector continues from it.</summary>
    /// <param name="IsStored">False if there was none: the log is read from its first offset.</param>
    public sealed record Kept(bool IsStored) : MemoryFate;

    /// <summary>The log no longer contains the snapshot's offset, or ends before it: the detector starts anew.</summary>
    public sealed record OutOfLog(long From) : MemoryFate;

    /// <summary>The snapshot cannot be read: the detector starts anew.</summary>
    public sealed record Unreadable(InvalidDataException Exception) : MemoryFate;
}
