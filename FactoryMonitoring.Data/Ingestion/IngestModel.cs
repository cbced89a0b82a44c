namespace FactoryMonitoring.Data.Ingestion;

/// <summary>A topic's log as identified in the database.</summary>
/// <param name="LogKey">Key of the log_id in <c>logs</c>.</param>
public readonly record struct LogTopic(short LogKey, string LogId, string Topic);

/// <summary>A partition that the group has assigned to this consumer, and the broker's state of its log.</summary>
/// <param name="LowWatermark">The first offset still in the log; null if no broker answered.</param>
/// <param name="End">One past the last offset; null if no broker answered.</param>
/// <param name="EndIsCertain">The brokers have reported this end for a while: a new leader's end may lag behind what was read from the old leader.</param>
/// <param name="CutAt">
/// The first offset at which the log differs from the one that was read, according to its leader epochs; null if no difference is known.
/// </param>
/// <param name="Joined">This is the first assignment since the consumer started.</param>
/// <param name="Stored">
/// One past the last offset that this consumer itself has stored; null if it has stored none. A database that is behind this offset has lost data.
/// </param>
public sealed record PartitionClaim(int Partition, long? LowWatermark, long? End, bool EndIsCertain, long? CutAt, bool Joined, long? Stored = null)
{
    /// <summary>One past the last offset of the log as it was read; null if unknown.</summary>
    public long? SoundEnd => CutAt ?? End;
}

/// <summary>A successful claim: from here on no other consumer can store anything for this partition.</summary>
/// <param name="EventId">The row of the claim's <c>assigned</c> event, to which the stall is added.</param>
/// <param name="PredecessorEndedAt">Null if the partition had no owner before.</param>
/// <param name="Skipped">Offsets that the log deleted before they were read.</param>
/// <param name="MovedAside">Messages at offsets that the log has lost and will reuse; they have been moved to a separate log_id.</param>
/// <param name="SnapshotOffset">The offset of <see cref="Snapshots"/>; null if there are none.</param>
/// <param name="LeaderEpoch">The leader epoch of the message before <paramref name="NextOffset"/>; null if unknown.</param>
/// <param name="CutEpoch">The claim that last found the log truncated; null if none has.</param>
/// <param name="CutAt">Messages from here up to <paramref name="NextOffset"/> still have to be moved aside; null if none have.</param>
public sealed record ClaimedPartition(
    int Partition,
    long Epoch,
    long NextOffset,
    long FirstOffset,
    long EventId,
    string? Predecessor,
    DateTime? PredecessorEndedAt,
    bool PredecessorLost,
    long Skipped,
    long MovedAside,
    long? SnapshotOffset,
    int? LeaderEpoch,
    long? CutEpoch,
    long? CutAt = null)
{
    /// <summary>The detector's snapshot, and the changes to it in order.</summary>
    public List<byte[]> Snapshots { get; } = [];

    /// <summary>Offsets at or after the snapshot's whose messages the database refused permanently.</summary>
    public List<long> Refused { get; } = [];
}

/// <summary>A batch's effect on one partition; nothing moves if <paramref name="Next"/> equals <paramref name="Expected"/>.</summary>
/// <param name="MemoryAt">The offset of the detector's memory: acknowledgements below it can be settled.</param>
/// <param name="LeaderEpoch">The leader epoch of the message before <paramref name="Next"/>; null if nothing moves, or it is unknown.</param>
/// <param name="Stored">Readings stored.</param>
/// <param name="Messages">Messages that hold these readings: distinct offsets. Fewer than the readings if a message holds several.</param>
/// <param name="Uncounted">Stored readings without a reading_count.</param>
/// <param name="Rejected">Messages of which no reading is stored.</param>
/// <param name="Recovered">The epoch's first commit, or its owner has reached the log's end: recorded once.</param>
public sealed record PartitionMove(
    int Partition,
    long Epoch,
    long Expected,
    long Next,
    long MemoryAt,
    int Stored,
    int Messages,
    int Uncounted,
    int Rejected,
    int Redelivered,
    int Duplicated,
    bool Recovered,
    long EventId,
    DateTime? PredecessorEndedAt,
    int? LeaderEpoch = null);

/// <param name="ReadingTimestamp">The reading's own timestamp, UTC.</param>
/// <param name="Announcement">Null for an alert for backfilled readings, which is resolved when raised and not announced.</param>
public sealed record AlertRow(
    Guid AlertId,
    string SensorId,
    string SensorType,
    string AnomalyType,
    string Severity,
    double Value,
    string Unit,
    string Description,
    DateTime RaisedAt,
    DateTime ReadingTimestamp,
    string? FactorySection,
    string? MachineId,
    string? Zone,
    string AlertLevel,
    int Partition,
    long Offset,
    string? TraceId,
    string? SpanId,
    OutgoingAlert? Announcement);

/// <summary>The message that announces an alert, sent after the alert's transaction has committed.</summary>
/// <param name="TraceParent">The reading's trace context, if known; otherwise it is looked up when the message is sent.</param>
public sealed record OutgoingAlert(string Topic, byte[] Key, byte[] Value, byte[]? TraceParent);

/// <summary>The absolute state of an episode, so that writing it twice changes nothing.</summary>
/// <param name="Because">One of <see cref="Contracts.AlertEnds"/>; null if the condition cleared.</param>
public sealed record EpisodeRow(int Partition, Guid AlertId, long Occurrences, double PeakValue, bool Resolved, string? Because = null);

/// <summary>A partition for which the detector has no memory from before this offset.</summary>
public readonly record struct MemoryLoss(int Partition, long Before);

/// <param name="Reason">From a closed set.</param>
public sealed record RejectedRow(int Partition, long Offset, string Reason, string Detail, string? SensorId, string? SequenceId, long? ReadingCount);

/// <summary>A dead letter, sent after its transaction has committed, with the headers of the source message.</summary>
/// <param name="ValueAtSource">Key and value are also read from the source message.</param>
public sealed record DeadLetterRow(
    string Topic, byte[]? Key, byte[]? Value, string[] HeaderNames, byte[][] HeaderValues, int SourcePartition, long SourceOffset, bool ValueAtSource = false);

/// <summary>The detector's state of one partition after all messages before <paramref name="Offset"/>.</summary>
/// <param name="IsChange">Contains only the changes since the last stored snapshot.</param>
public sealed record SnapshotRow(int Partition, long Offset, byte[] State, bool IsChange = false);

/// <param name="SensorKey">Rows without a key (0) are not written.</param>
/// <param name="IntervalMs">Time between two readings, a running mean; null while unknown.</param>
/// <param name="RuleWarning">The type's threshold, in the sensor's unit; applies if the message has none.</param>
/// <param name="RuleUnit">The unit of the type's limits, if they cannot be converted to the sensor's unit and do not apply.</param>
/// <param name="ProducedAtMs">The record's timestamp in ms since 1970; null if it has none.</param>
public sealed record LatestRow(
    string SensorId,
    int SensorKey,
    double Value,
    short AlertLevel,
    double? WarningThreshold,
    double? CriticalThreshold,
    long? ReadingCount,
    DateTime Timestamp,
    int Partition,
    long Offset,
    long? IntervalMs,
    long? ProducedAtMs,
    double? RuleWarning,
    double? RuleCritical,
    string? RuleUnit);

/// <summary>Backfilled readings of a sensor.</summary>
/// <param name="SensorKey">Rows without a key (0) are not written.</param>
/// <param name="WarningThreshold">From the newest reading or from its type, in the sensor's unit; null if there is none.</param>
/// <param name="FirstTimestamp">The earliest of the readings' own timestamps since the last such row, UTC.</param>
/// <param name="LastTimestamp">The latest of the readings' own timestamps.</param>
/// <param name="Partition">The partition of the newest reading.</param>
public sealed record BackfilledRow(
    string SensorId,
    int SensorKey,
    double? WarningThreshold,
    double? CriticalThreshold,
    DateTime FirstTimestamp,
    DateTime LastTimestamp,
    int Partition,
    long Offset);

/// <param name="Kind">missing, duplicated, skipped.</param>
public sealed record ViolationRow(string Kind, string? SensorId, string? ProducerId, long? FirstCount, long? LastCount, int Partition, long? Offset);

/// <summary>The data stored in one transaction.</summary>
public sealed class IngestWrite
{
    public required LogTopic Log { get; init; }

    public required ReadingRows Rows { get; init; }

    /// <summary>By ascending partition.</summary>
    public List<PartitionMove> Moves { get; } = [];

    public List<AlertRow> Alerts { get; } = [];

    public List<EpisodeRow> Episodes { get; } = [];

    public List<RejectedRow> Rejected { get; } = [];

    public List<DeadLetterRow> DeadLetters { get; } = [];

    public List<ViolationRow> Violations { get; } = [];

    public List<SnapshotRow> Snapshots { get; } = [];

    /// <summary>Earlier open alerts are closed, because nothing would notice that their conditions clear.</summary>
    public List<MemoryLoss> MemoryLosses { get; } = [];

    /// <summary>By ascending sensor id.</summary>
    public List<LatestRow> Latest { get; } = [];

    /// <summary>By ascending sensor id.</summary>
    public List<BackfilledRow> Backfilled { get; } = [];

    /// <summary>
    /// Compares acknowledged ranges with what the partitions' sensors are known to have stored, once this write is stored; null if nothing is to be settled.
    /// See <see cref="IngestStore.SettleAsync"/>.
    /// </summary>
    public Func<IReadOnlyList<AcknowledgedRange>, IReadOnlyList<UnseenRange>>? Settle { get; set; }

    /// <summary>Notifies listeners of the commit.</summary>
    public bool Announce { get; init; }

    /// <summary>Set by the store: the rows of <see cref="Latest"/> that are judged in another partition.</summary>
    public HashSet<(string SensorId, int Partition)> JudgedElsewhere { get; } = [];

    /// <summary>Whether the transaction moves the partition past this message.</summary>
    public bool Covers(int partition, long offset)
    {
        foreach (var move in Moves)
        {
            if (move.Partition == partition)
            {
                return move.Expected <= offset && offset < move.Next;
            }
        }

        return false;
    }

    /// <summary>Returns the part of this write that the messages of these moves cause; excludes work that is due by time.</summary>
    public IngestWrite PartOf(IEnumerable<PartitionMove> moves)
    {
        var part = new IngestWrite { Log = Log, Rows = Rows, Announce = Announce };
        part.Moves.AddRange(moves);
        part.Alerts.AddRange(Alerts.Where(row => part.Covers(row.Partition, row.Offset)));
        part.Rejected.AddRange(Rejected.Where(row => part.Covers(row.Partition, row.Offset)));
        part.DeadLetters.AddRange(DeadLetters.Where(row => part.Covers(row.SourcePartition, row.SourceOffset)));
        part.Violations.AddRange(Violations.Where(row => row.Offset is { } offset && part.Covers(row.Partition, offset)));
        // States are absolute: the state of an alert that is not stored yet is written again with the next part.
        part.Episodes.AddRange(Episodes.Where(row => part.Moves.Exists(move => move.Partition == row.Partition)));
        return part;
    }
}

/// <summary>A range of reading_counts that the brokers acknowledged.</summary>
public sealed record AcknowledgedRange(long Id, string ProducerId, string SensorId, string? SequenceId, int Partition, long FirstCount, long LastCount, long MaxOffset)
{
    public long Count => LastCount - FirstCount + 1;
}

/// <summary>A part of an acknowledged range that is not known as stored in memory.</summary>
public readonly record struct UnseenRange(AcknowledgedRange Range, long FirstCount, long LastCount);

/// <summary>The result of an attempt to store a batch.</summary>
public enum StoreOutcome
{
    Stored,

    /// <summary>At least one partition's row was not in the expected state; nothing was stored. <see cref="IngestStore.InspectAsync"/> says which.</summary>
    Fenced,
}

/// <summary>The state of a partition's row, read when it is in doubt.</summary>
public sealed record PartitionStanding(int Partition, string? Owner, long Epoch, long NextOffset);
