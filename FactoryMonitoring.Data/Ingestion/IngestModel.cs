namespace FactoryMonitoring.Data.Ingestion;

/// <summary>A partition of a log as the database names it.</summary>
/// <param name="LogKey">Key of the log_id in <c>logs</c>.</param>
public readonly record struct LogTopic(short LogKey, string LogId, string Topic);

/// <summary>A partition that the group has assigned to this consumer, and what its broker says of the log.</summary>
/// <param name="LowWatermark">First offset still there; null where no broker answered.</param>
/// <param name="End">One past the last offset; null where no broker answered.</param>
/// <param name="EndIsCertain">It has been so for a while: a new leader's end may lag behind what was read from the old one.</param>
/// <param name="CutAt">The first offset at which the log is another than the one that was read, as its leader epochs say; null where it is not known to be.</param>
/// <param name="Joined">It is the first assignment since this consumer started.</param>
/// <param name="Stored">One past the last offset that this consumer has stored itself; null where it has stored none. A database that is not as far has lost it.</param>
public sealed record PartitionClaim(int Partition, long? LowWatermark, long? End, bool EndIsCertain, long? CutAt, bool Joined, long? Stored = null)
{
    /// <summary>One past the last offset of the log as it was read; null where it is not known.</summary>
    public long? SoundEnd => CutAt ?? End;
}

/// <summary>A claim that succeeded: from here on nobody else can store anything of this partition.</summary>
/// <param name="EventId">The row of its <c>assigned</c> event, to which the stall is added.</param>
/// <param name="PredecessorEndedAt">Null where nobody had owned it before.</param>
/// <param name="Skipped">Offsets that the log had dropped before they were read.</param>
/// <param name="MovedAside">Messages at offsets that the log no longer has and will use again; they now stand under a log_id of their own.</param>
/// <param name="SnapshotOffset">Where <see cref="Snapshots"/> stand; null where there are none.</param>
/// <param name="LeaderEpoch">Of the message before <paramref name="NextOffset"/>; null where it is not known.</param>
/// <param name="CutEpoch">The claim that last found the log cut short; null where none has.</param>
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
    long? CutEpoch)
{
    /// <summary>The detector's memory, and the changes to it in their order.</summary>
    public List<byte[]> Snapshots { get; } = [];

    /// <summary>Offsets from the snapshot on whose messages the database refused for good.</summary>
    public List<long> Refused { get; } = [];
}

/// <summary>How far one batch moves one partition; nothing moves where <paramref name="Next"/> is <paramref name="Expected"/>.</summary>
/// <param name="MemoryAt">Where the detector's memory stands: acknowledgements below it can be settled.</param>
/// <param name="LeaderEpoch">Of the message before <paramref name="Next"/>; null where nothing moves, or none is known.</param>
/// <param name="Stored">Readings.</param>
/// <param name="Messages">Messages that hold these readings: distinct offsets. Fewer than readings where a message holds several.</param>
/// <param name="Uncounted">Those of the stored readings that bear no reading_count.</param>
/// <param name="Rejected">Messages, none of whose readings is stored.</param>
/// <param name="Recovered">The first commit of this epoch, or its owner stands at the log's end: recorded once.</param>
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

/// <param name="ReadingTimestamp">The sensor's own time, UTC.</param>
/// <param name="Announcement">Null for an alert of backfilled readings, which is resolved when it is raised and not announced.</param>
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

/// <summary>The message that announces an alert, sent once the transaction that holds it is committed.</summary>
/// <param name="TraceParent">The reading's, where it is known; else it is looked up when the message is sent.</param>
public sealed record OutgoingAlert(string Topic, byte[] Key, byte[] Value, byte[]? TraceParent);

/// <summary>The state of an episode, absolute, so that writing it twice changes nothing.</summary>
/// <param name="Because">Of <see cref="Contracts.AlertEnds"/>; null where the condition cleared.</param>
public sealed record EpisodeRow(int Partition, Guid AlertId, long Occurrences, double PeakValue, bool Resolved, string? Because = null);

/// <summary>The detector remembers nothing of a partition before this offset.</summary>
public readonly record struct MemoryLoss(int Partition, long Before);

/// <param name="Reason">From a closed set.</param>
public sealed record RejectedRow(int Partition, long Offset, string Reason, string Detail, string? SensorId, string? SequenceId, long? ReadingCount);

/// <summary>A dead letter, sent once the transaction that holds it is committed, with the headers of the message at its source.</summary>
/// <param name="ValueAtSource">Key and value are those of the message at its source, too.</param>
public sealed record DeadLetterRow(
    string Topic, byte[]? Key, byte[]? Value, string[] HeaderNames, byte[][] HeaderValues, int SourcePartition, long SourceOffset, bool ValueAtSource = false);

/// <summary>The detector's memory of one partition as it stood before <paramref name="Offset"/>.</summary>
/// <param name="IsChange">It is what has changed since the last one that is stored.</param>
public sealed record SnapshotRow(int Partition, long Offset, byte[] State, bool IsChange = false);

/// <param name="SensorKey">Rows without one (0) are not written.</param>
/// <param name="IntervalMs">Between two readings, a running mean; null while it is not known.</param>
/// <param name="RuleWarning">Of its type, in the sensor's unit; holds where the message has none of its own.</param>
/// <param name="RuleUnit">The unit of its type's limits, where they cannot be converted to the sensor's and do not hold.</param>
/// <param name="ProducedAtMs">The time of its record, since 1970; null where that has none.</param>
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
/// <param name="SensorKey">Rows without one (0) are not written.</param>
/// <param name="WarningThreshold">Of the newest or its type, in the sensor's unit; null where there is none.</param>
/// <param name="FirstTimestamp">The earliest of their own times since the last such row, UTC.</param>
/// <param name="LastTimestamp">The latest of them.</param>
/// <param name="Partition">Where the newest is.</param>
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

/// <summary>What one transaction stores.</summary>
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

    /// <summary>Open alerts from before are closed: nobody would notice that their conditions clear.</summary>
    public List<MemoryLoss> MemoryLosses { get; } = [];

    /// <summary>By ascending sensor id.</summary>
    public List<LatestRow> Latest { get; } = [];

    /// <summary>By ascending sensor id.</summary>
    public List<BackfilledRow> Backfilled { get; } = [];

    /// <summary>Compares acknowledged ranges with what the partitions' sensors are known to have stored; null where nothing is to be settled.</summary>
    public Func<IReadOnlyList<AcknowledgedRange>, Settlement>? Settle { get; set; }

    /// <summary>Tell listeners that something was committed.</summary>
    public bool Announce { get; init; }

    /// <summary>Set by the store: those among <see cref="Latest"/> that are judged in another partition.</summary>
    public HashSet<(string SensorId, int Partition)> JudgedElsewhere { get; } = [];

    /// <summary>Set by the store: acknowledged readings that were found to be missing.</summary>
    public long Missing { get; internal set; }

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

    /// <summary>What the messages that these moves cover bring about; nothing of what time has made due.</summary>
    public IngestWrite PartOf(IEnumerable<PartitionMove> moves)
    {
        var part = new IngestWrite { Log = Log, Rows = Rows, Announce = Announce };
        part.Moves.AddRange(moves);
        part.Alerts.AddRange(Alerts.Where(row => part.Covers(row.Partition, row.Offset)));
        part.Rejected.AddRange(Rejected.Where(row => part.Covers(row.Partition, row.Offset)));
        part.DeadLetters.AddRange(DeadLetters.Where(row => part.Covers(row.SourcePartition, row.SourceOffset)));
        part.Violations.AddRange(Violations.Where(row => row.Offset is { } offset && part.Covers(row.Partition, offset)));
        // States are absolute: those of alerts that are not there yet come again with the next part.
        part.Episodes.AddRange(Episodes.Where(row => part.Moves.Exists(move => move.Partition == row.Partition)));
        return part;
    }
}

/// <summary>A range of reading_counts that the brokers acknowledged.</summary>
public sealed record AcknowledgedRange(long Id, string ProducerId, string SensorId, string? SequenceId, int Partition, long FirstCount, long LastCount, long MaxOffset)
{
    public long Count => LastCount - FirstCount + 1;
}

/// <summary>A part of an acknowledged range that memory does not know as stored.</summary>
public readonly record struct UnseenRange(AcknowledgedRange Range, long FirstCount, long LastCount);

/// <param name="Unseen">Is looked for in the database before it is called missing.</param>
public sealed record Settlement(IReadOnlyList<AcknowledgedRange> Ranges, IReadOnlyList<UnseenRange> Unseen);

/// <summary>How an attempt to store a batch ended.</summary>
public enum StoreOutcome
{
    Stored,

    /// <summary>Of at least one partition the row was not where we left it; nothing was stored. <see cref="IngestStore.InspectAsync"/> says which.</summary>
    Fenced,
}

/// <summary>Where a partition's row stands, read after a doubt.</summary>
public sealed record PartitionStanding(int Partition, string? Owner, long Epoch, long NextOffset);
