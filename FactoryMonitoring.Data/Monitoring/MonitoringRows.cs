using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>What one look at the database told: all that a snapshot is made of.</summary>
/// <param name="DatabaseTime">The database's clock while it was read.</param>
/// <param name="Timestamp">When that was answered, by <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="LogId">The log that was asked for; null where it was not known.</param>
/// <param name="Partitions">That log's; of a partition that nobody has read in it, those of the log that was claimed last.</param>
/// <param name="StoredPerPartition">Since the beginning, over all logs.</param>
/// <param name="RebalancingEvents">Of the last 24 h, newest first, <see cref="MonitoringQueries.RebalancingEventsKept"/> at most.</param>
/// <param name="RecentAlerts">Of the last 2 hours, the newest 50.</param>
/// <param name="Ledger">Without what only the moment of serving decides.</param>
public sealed record MonitoringRows(
    DateTimeOffset DatabaseTime,
    long Timestamp,
    string? LogId,
    IReadOnlyList<ConsumerRow> Consumers,
    IReadOnlyList<ProducerRow> Producers,
    IReadOnlyList<PartitionRow> Partitions,
    IReadOnlyDictionary<int, long> StoredPerPartition,
    IReadOnlyList<RebalancingEventBody> RebalancingEvents,
    IReadOnlyList<AlertBody> RecentAlerts,
    IReadOnlyList<ComponentValue> StoredPerConsumerRecently,
    IReadOnlyDictionary<int, long> StoredPerPartitionRecently,
    PipelineSamples Samples,
    LedgerBody Ledger,
    IReadOnlyList<StatusChangeRow> StatusChanges,
    IReadOnlyList<SuccessionRow> Successions,
    IReadOnlyList<ComponentExitRow> Exits)
{
    /// <summary>Of the last 5 minutes, by reason and sensor, most first; the newest <see cref="MonitoringQueries.RejectionsCounted"/> messages at most.</summary>
    public IReadOnlyList<RejectionRow> Rejections { get; init; } = [];

    /// <summary>Alerts and dead letters that no broker takes, and what it says of the newest.</summary>
    public ParkedRow Parked { get; init; } = new(0, null);

    /// <summary>Sensors whose readings came in several partitions in the last 10 minutes; 10,000 are counted.</summary>
    public ScatteredRow Scattered { get; init; } = new(0, null);
}

/// <param name="SensorId">Of the first; null where there is none.</param>
public sealed record ScatteredRow(long Count, string? SensorId);

/// <param name="SensorId">Null where the message did not tell.</param>
public sealed record RejectionRow(string Reason, string? SensorId, long Count);

/// <param name="Reason">Of the newest; null where there is none.</param>
public sealed record ParkedRow(long Count, string? Reason);

/// <param name="Health">As the consumer wrote it: its status is not judged yet.</param>
/// <param name="Stopped">It said itself that it stopped; else it is inactive because nobody heard of it.</param>
/// <param name="StoredLastMinute">By its samples, so that it falls to nought after its end.</param>
public sealed record ConsumerRow(ConsumerHealthBody Health, bool Stopped, int StoredLastMinute);

/// <param name="Health">As the producer wrote it: its status is not judged yet.</param>
/// <param name="Stopped">It said itself that it stopped.</param>
public sealed record ProducerRow(ProducerHealthBody Health, bool Stopped);

/// <summary>Where a partition stands in a log.</summary>
/// <param name="ReleasedAt">Null while it is owned.</param>
public sealed record PartitionRow(
    int Partition,
    string LogId,
    string? Owner,
    long Epoch,
    long NextOffset,
    DateTimeOffset? ClaimedAt,
    DateTimeOffset? ReleasedAt,
    DateTimeOffset? RecoveredAt,
    DateTimeOffset? LastCommitAt);

/// <summary>The samples of the last 10 whole seconds, summed.</summary>
/// <param name="LatencyCounts">In the buckets of <see cref="Contracts.LatencyHistogram"/>.</param>
/// <param name="MaximumPerSecond">The most that was ever stored in one second; null before any.</param>
public sealed record PipelineSamples(long Acknowledged, long Stored, long[] LatencyCounts, double? CommitMs, double? MaximumPerSecond)
{
    public const int Seconds = 10;
}

/// <param name="Kind">consumer, producer, broker, database.</param>
public sealed record StatusChangeRow(string Kind, string ComponentId, string Status, string? Reason, DateTimeOffset At);

/// <summary>A claim of a partition that its owner before had lost.</summary>
/// <param name="LostAt">Its predecessor's last commit.</param>
public sealed record SuccessionRow(
    int Partition,
    long Epoch,
    string Predecessor,
    DateTimeOffset LostAt,
    string Successor,
    DateTimeOffset ClaimedAt,
    DateTimeOffset? RecoveredAt);

/// <summary>The end of a process, as the AppHost saw it.</summary>
/// <param name="AskedBy">Null where nobody was seen to ask for it.</param>
public sealed record ComponentExitRow(string ComponentId, DateTimeOffset At, int? ExitCode, ExitCause Cause, string? AskedBy)
{
    /// <summary>SIGKILL, from wherever it came.</summary>
    public bool IsKill => Cause == ExitCause.Killed || (Cause == ExitCause.Died && ExitCode is 137 or -9);
}
