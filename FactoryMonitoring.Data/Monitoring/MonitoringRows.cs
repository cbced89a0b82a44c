using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>The result of one read of the database, from which a snapshot is made.</summary>
/// <param name="DatabaseTime">The database's clock during the read.</param>
/// <param name="Timestamp">When the answer arrived, by <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="LogId">The requested log; null if unknown.</param>
/// <param name="Partitions">The partitions of that log; for a partition that nobody has read in it, those of the log that was claimed last.</param>
/// <param name="StoredPerPartition">Since the beginning, over all logs.</param>
/// <param name="RebalancingEvents">Of the last 24 h, newest first, <see cref="MonitoringQueries.RebalancingEventsKept"/> at most.</param>
/// <param name="RecentAlerts">Of the last 2 hours, the newest 50.</param>
/// <param name="Ledger">Without the parts that are decided when it is served.</param>
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
    /// <summary>
    /// Rejections of the last 5 minutes, by reason and sensor, most frequent first; of at most the newest
    /// <see cref="MonitoringQueries.RejectionsCounted"/> messages.
    /// </summary>
    public IReadOnlyList<RejectionRow> Rejections { get; init; } = [];

    /// <summary>Alerts and dead letters that no broker accepts, and the reason for the newest.</summary>
    public ParkedRow Parked { get; init; } = new(0, null);

    /// <summary>The topic whose oldest message waits longest first.</summary>
    public IReadOnlyList<UnsentRow> Unsent { get; init; } = [];

    /// <summary>Nothing is stored from before this time; null before anything is stored.</summary>
    public DateTimeOffset? StoredSince { get; init; }

    /// <summary>Sensors whose readings arrived in several partitions in the last 10 minutes; at most 10,000 are counted.</summary>
    public ScatteredRow Scattered { get; init; } = new(0, null);
}

/// <param name="SensorId">The first sensor; null if there is none.</param>
public sealed record ScatteredRow(long Count, string? SensorId);

/// <param name="SensorId">Null if the message did not name it.</param>
public sealed record RejectionRow(string Reason, string? SensorId, long Count);

/// <param name="Since">When the oldest message was stored.</param>
public sealed record UnsentRow(string Topic, long Count, DateTimeOffset Since);

/// <param name="Reason">The newest message's reason; null if there is none.</param>
public sealed record ParkedRow(long Count, string? Reason);

/// <param name="Health">As the consumer wrote it: its status is not evaluated yet.</param>
/// <param name="Stopped">The consumer reported its stop; otherwise it is inactive because its heartbeats are missing.</param>
/// <param name="StoredLastMinute">From its samples, so that it falls to 0 after its exit.</param>
public sealed record ConsumerRow(ConsumerHealthBody Health, bool Stopped, int StoredLastMinute);

/// <param name="Health">As the producer wrote it: its status is not evaluated yet.</param>
/// <param name="Stopped">The producer reported its stop.</param>
public sealed record ProducerRow(ProducerHealthBody Health, bool Stopped);

/// <summary>A partition's position in a log.</summary>
/// <param name="ReleasedAt">Null while the partition is owned.</param>
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
/// <param name="MaximumPerSecond">The most readings ever stored in one second; null before the first.</param>
public sealed record PipelineSamples(long Acknowledged, long Stored, long[] LatencyCounts, double? CommitMs, double? MaximumPerSecond)
{
    public const int Seconds = 10;

    /// <summary>The reading that took longest; null if none was measured.</summary>
    public SlowestReading? Slowest { get; init; }
}

/// <param name="Kind">consumer, producer, broker, database.</param>
public sealed record StatusChangeRow(string Kind, string ComponentId, string Status, string? Reason, DateTimeOffset At);

/// <summary>A claim of a partition whose previous owner had lost it.</summary>
/// <param name="LostAt">The predecessor's last commit.</param>
public sealed record SuccessionRow(
    int Partition,
    long Epoch,
    string Predecessor,
    DateTimeOffset LostAt,
    string Successor,
    DateTimeOffset ClaimedAt,
    DateTimeOffset? RecoveredAt);

/// <summary>The exit of a process, as seen by the AppHost.</summary>
/// <param name="AskedBy">The requester; null if none is known.</param>
public sealed record ComponentExitRow(string ComponentId, DateTimeOffset At, int? ExitCode, ExitCause Cause, string? AskedBy)
{
    /// <summary>Whether SIGKILL ended it, from any sender.</summary>
    public bool IsKill => Cause == ExitCause.Killed || (Cause == ExitCause.Died && ExitCode is 137 or -9);
}
