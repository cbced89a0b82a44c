using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FactoryMonitoring.Contracts.Api;

// Bodies of the monitoring API: snake_case JSON, times in UTC. The names of the first six are fixed by existing clients.

/// <summary>Routes of the monitoring API that services call; pages and scripts find all of them in its OpenAPI description.</summary>
public static class ApiRoutes
{
    /// <summary>GET: a <see cref="StreamSnapshot"/>.</summary>
    public const string Snapshot = "/api/snapshot";
}

/// <summary>GET /api/system-status.</summary>
/// <param name="Database">One of <see cref="DatabaseStates"/>.</param>
public sealed record SystemStatusBody(
    ComponentSummary Status,
    IReadOnlyList<RebalancingEventBody> RebalancingEvents,
    OverallStatus Overall,
    bool Stale = false,
    string Database = DatabaseStates.Up);

/// <summary>Whether the database stores what it is given.</summary>
public static class DatabaseStates
{
    public const string Up = "up";
    public const string Away = "away";
    public const string NoRoom = "no_room";
    public const string ReadOnly = "read_only";
}

public sealed record ComponentSummary(ComponentCounts Consumers, ComponentCounts Producers, ComponentCounts? Brokers = null);

/// <param name="TotalCount">Those seen in the last 24 h.</param>
public sealed record ComponentCounts(int ActiveCount, int TotalCount, DateTimeOffset? LastActivity);

/// <summary>The whole in words: a sentence with a subject, what it means and how long it will last.</summary>
/// <param name="Level">ok, warning, critical.</param>
/// <param name="Reasons">One sentence each; empty while all is well.</param>
public sealed record OverallStatus(string Level, string Title, string Detail, IReadOnlyList<string> Reasons, DateTimeOffset Since, RecoveryStopwatch? Recovery = null, IReadOnlyList<StatusLink>? Links = null);

/// <summary>Where a page shows more of a reason.</summary>
/// <param name="Path">Of the page, from the root of the site.</param>
public sealed record StatusLink(string Text, string Path);

/// <summary>The measured times of the newest fault. Durations in ms from <see cref="KilledAt"/>; null while not reached, or not observed.</summary>
/// <param name="KilledAtSource">
/// exit: seen by the AppHost when the process ended; commit: the last committed row before the silence; heartbeat: the last of those, where
/// that is later.
/// </param>
public sealed record RecoveryStopwatch(
    string ComponentId,
    DateTimeOffset KilledAt,
    string KilledAtSource,
    int? NoticedMs,
    int? ReassignedMs,
    int? FirstRecordMs,
    int? CaughtUpMs,
    IReadOnlyList<int> Partitions);

/// <param name="EventType">assigned, revoked, lost.</param>
/// <param name="Generation">Our epoch of the partition.</param>
/// <param name="Reason">joined, left, session expired, claimed; null where it was not observed.</param>
/// <param name="StallMs">Of an assignment, once known: from the predecessor's end to this owner's first committed record, or its stand at the log's end.</param>
public sealed record RebalancingEventBody(
    string EventType,
    string ConsumerId,
    int? PartitionNumber,
    DateTimeOffset Timestamp,
    long? Id = null,
    long? Generation = null,
    string? Reason = null,
    int? StallMs = null);

/// <summary>GET /api/consumer-health.</summary>
/// <param name="Status">active, inactive.</param>
/// <param name="MessagesProcessedLastMinute">Readings stored; a message may hold several.</param>
/// <param name="TotalMessagesProcessed">Readings stored since the beginning.</param>
/// <param name="Stopped">It is inactive because it was asked to stop, and said so.</param>
public sealed record ConsumerHealthBody(
    string ConsumerId,
    string Status,
    IReadOnlyList<int> AssignedPartitions,
    DateTimeOffset? LastHeartbeat,
    int MessagesProcessedLastMinute,
    long TotalMessagesProcessed,
    string? Condition = null,
    string? GroupProtocol = null,
    DateTimeOffset? StartedAt = null,
    int? ProcessId = null,
    string? Host = null,
    long? ResidentBytes = null,
    DateTimeOffset? StatusSince = null,
    bool Stopped = false);

/// <summary>Values of <see cref="ConsumerHealthBody.Status"/> and <see cref="ProducerHealthBody.Status"/>.</summary>
public static class Statuses
{
    public const string Active = "active";
    public const string Inactive = "inactive";
}

/// <summary>GET /api/producer-health.</summary>
/// <param name="Connection">connected, degraded, disconnected.</param>
/// <param name="Stopped">It is inactive because it was asked to stop, and said so.</param>
public sealed record ProducerHealthBody(
    string ProducerId,
    string SensorType,
    string Status,
    DateTimeOffset? LastHeartbeat,
    int MessagesSentLastMinute,
    long TotalMessagesSent,
    string? Connection = null,
    DateTimeOffset? LastAcknowledged = null,
    DateTimeOffset? StartedAt = null,
    int? ProcessId = null,
    string? Host = null,
    int? SensorCount = null,
    long? FailedDeliveries = null,
    int? Queued = null,
    long? ResidentBytes = null,
    DateTimeOffset? StatusSince = null,
    string? Condition = null,
    bool Stopped = false);

/// <summary>GET /api/partition-assignment.</summary>
/// <param name="PartitionActivity">Readings stored per partition since the beginning.</param>
public sealed record PartitionAssignmentBody(
    IReadOnlyList<AssignmentBody> Assignments,
    IReadOnlyDictionary<string, long> PartitionActivity,
    bool Stale = false);

public sealed record AssignmentBody(string ConsumerId, IReadOnlyList<int> AssignedPartitions, string Status, DateTimeOffset? LastHeartbeat);

/// <summary>GET /api/real-time-metrics. Counts of the last 10 minutes for consumers and partitions; sent in total for active producers.</summary>
public sealed record RealTimeMetricsBody(
    IReadOnlyList<ComponentValue> ConsumerThroughput,
    IReadOnlyList<ComponentValue> ProducerThroughput,
    IReadOnlyDictionary<string, long> PartitionActivity,
    PipelineMetrics? Pipeline = null,
    bool Stale = false);

public sealed record ComponentValue(string ComponentId, long Value);

/// <summary>The pipeline now: means and percentiles of the last 10 s. Null is what was not measured.</summary>
/// <param name="MaximumPerSecond">The highest rate this installation has stored in one second; null before any.</param>
/// <param name="Lag">Messages that are not stored yet.</param>
/// <param name="CatchUpSeconds">Time to no lag at the rate at which it fell over the last 10 s; null while it does not fall.</param>
public sealed record PipelineMetrics(
    double AcknowledgedPerSecond,
    double StoredPerSecond,
    double? MaximumPerSecond,
    long? Lag,
    double? LagSeconds,
    double? CatchUpSeconds,
    double? LatencyP50Ms,
    double? LatencyP95Ms,
    double? LatencyP99Ms,
    double? CommitMs,
    long StoredTotal);

/// <summary>GET /api/history: one point per interval, oldest first.</summary>
public sealed record HistoryBody(int IntervalSeconds, IReadOnlyList<HistoryPoint> Points);

public sealed record HistoryPoint(
    DateTimeOffset At,
    double AcknowledgedPerSecond,
    double StoredPerSecond,
    double? LatencyP50Ms,
    double? LatencyP95Ms,
    double? LatencyP99Ms,
    long? Lag,
    double? LagSeconds);

/// <summary>An item of GET /api/recent-alerts and /api/alerts.</summary>
/// <param name="ResolvedBecause">no_data, memory_lost, log_ended, other_partition, backfill; null where the condition cleared, or the alert is open.</param>
/// <param name="Backfill">It is of backfilled readings: it never was open, and <paramref name="Timestamp"/> is when these were stored.</param>
public sealed record AlertBody(
    Guid AlertId,
    string SensorId,
    string SensorType,
    string AnomalyType,
    string Severity,
    double? SensorValue,
    string? SensorUnit,
    string Description,
    string DetectedBy,
    DateTimeOffset Timestamp,
    DateTimeOffset? ReadingTimestamp = null,
    SensorLocation? Location = null,
    string? SensorAlertLevel = null,
    long? Occurrences = null,
    double? PeakValue = null,
    DateTimeOffset? UpdatedAt = null,
    DateTimeOffset? ResolvedAt = null,
    int? KafkaPartition = null,
    long? KafkaOffset = null,
    string? TraceId = null,
    string? SpanId = null,
    string? ResolvedBecause = null,
    bool Backfill = false);

/// <summary>GET /api/alerts/{id}: the alert, its stored reading and the sensor's readings around it, oldest first.</summary>
public sealed record AlertDetailBody(AlertBody Alert, ReadingBody? Reading, IReadOnlyList<ReadingBody> Around);

/// <summary>A stored row.</summary>
public sealed record ReadingBody(
    string SensorId,
    string SensorType,
    DateTimeOffset Timestamp,
    double Value,
    string Unit,
    string AlertLevel,
    double Quality,
    string? FactorySection,
    string? MachineId,
    string? Zone,
    long? ReadingCount,
    string ProcessedByConsumer,
    int KafkaPartition,
    long KafkaOffset,
    DateTimeOffset ProcessingTimestamp);

/// <summary>GET /api/alerts/rate: alerts raised per bucket between two times; buckets without one are left out.</summary>
public sealed record AlertRateBody(int BucketSeconds, IReadOnlyList<AlertRatePoint> Points, DateTimeOffset From, DateTimeOffset To);

public sealed record AlertRatePoint(DateTimeOffset At, string SensorType, string AnomalyType, string Severity, int Count);

/// <summary>GET /api/cluster.</summary>
/// <param name="MeasuredAt">When the brokers were asked.</param>
/// <param name="LagMeasuredAt">When what the partitions lag behind was measured; null while it is not known of every partition.</param>
public sealed record ClusterBody(
    IReadOnlyList<BrokerBody> Brokers,
    IReadOnlyList<PartitionBody> Partitions,
    string? LogId,
    DateTimeOffset? MeasuredAt,
    bool Stale = false,
    DateTimeOffset? LagMeasuredAt = null);

public sealed record BrokerBody(int Id, string Name, string Host, int Port, bool Up, DateTimeOffset? StatusSince = null, int? LeaderOf = null, bool? Controller = null);

/// <summary>A partition of the sensor topic; null is what could not be measured.</summary>
/// <param name="RecoveredAt">When its owner had committed its first record, or had reached the end of the log; null before.</param>
public sealed record PartitionBody(
    int Partition,
    int? Leader,
    IReadOnlyList<int>? Replicas,
    IReadOnlyList<int>? InSyncReplicas,
    long? EndOffset,
    long? StoredOffset,
    long? Lag,
    double? LagSeconds,
    string? Owner,
    long? Generation = null,
    double? StoredPerSecond = null,
    long? Stored = null,
    DateTimeOffset? RecoveredAt = null);

/// <summary>GET /api/ownership: who owned which partition in a window of time, and what else happened in it.</summary>
public sealed record OwnershipBody(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<OwnershipSpan> Spans, IReadOnlyList<TimelineMark> Marks);

/// <param name="EndedAt">Null while it is owned.</param>
/// <param name="EndedBy">revoked, lost; null while it is owned.</param>
/// <param name="StallMs">From the predecessor's end to this owner's recovery; null where there was no predecessor or it has not recovered.</param>
public sealed record OwnershipSpan(
    int Partition,
    long Generation,
    string ConsumerId,
    DateTimeOffset ClaimedAt,
    DateTimeOffset? RecoveredAt,
    DateTimeOffset? LastCommitAt,
    DateTimeOffset? EndedAt,
    string? EndedBy,
    long Stored,
    int? StallMs);

/// <param name="Kind">kill, exit, join, leave, broker-down, broker-up, database-down, database-up.</param>
public sealed record TimelineMark(DateTimeOffset At, string Kind, string ComponentId, string? Detail = null);

/// <summary>GET /api/ledger: acknowledged = stored_acknowledged + rejected_acknowledged + in_flight + missing.</summary>
/// <param name="Stored">Rows stored, with or without a recorded acknowledgement.</param>
/// <param name="Rejected">Messages that became dead letters, whoever sent them.</param>
/// <param name="Unconfirmed">
/// Stored, and their acknowledgement is not recorded: not yet (sensors write theirs once a second), or never (a killed sensor had not yet
/// written it).
/// </param>
/// <param name="Uncounted">Stored, and bear no reading_count by which they could be acknowledged, as load of the fault lab does.</param>
/// <param name="Unreachable">Acknowledged by a log that no longer exists and not read before it ended.</param>
/// <param name="SettledAt">How far the comparison has come.</param>
/// <param name="Audit">The count of the rows themselves, about a minute behind.</param>
public sealed record LedgerBody(
    long Acknowledged,
    long Stored,
    long StoredAcknowledged,
    long Redelivered,
    long Rejected,
    long RejectedAcknowledged,
    long InFlight,
    long Missing,
    long Duplicated,
    long Unconfirmed,
    long Uncounted,
    long Unreachable,
    IReadOnlyList<ProducerLedger> Producers,
    IReadOnlyList<PartitionLedger> Partitions,
    IReadOnlyList<LedgerViolation> Violations,
    DateTimeOffset? SettledAt = null,
    LedgerAudit? Audit = null,
    bool Stale = false);

/// <summary>Rows counted one by one against the batches that they were stored with, since this count exists.</summary>
/// <param name="AuditedUntil">All that was stored up to then is counted.</param>
/// <param name="Batches">Of one partition and one transaction each.</param>
/// <param name="Readings">Rows that these hold.</param>
/// <param name="Wrong">Batches that hold more rows or fewer than they should, of more messages or fewer, or an offset that is not theirs.</param>
public sealed record LedgerAudit(DateTimeOffset AuditedUntil, long Batches, long Readings, long Wrong);

public sealed record ProducerLedger(string ProducerId, long Acknowledged, long StoredAcknowledged, long Rejected, long InFlight, long Missing);

/// <summary>The account of a partition by its offsets: from the first to the next there are as many as messages, rejected and skipped together.</summary>
/// <param name="Stored">Readings.</param>
/// <param name="Redelivered">Messages that came again and were stored already.</param>
/// <param name="Rejected">Messages that became dead letters.</param>
/// <param name="Duplicated">Readings whose number their sensor had used before.</param>
/// <param name="Skipped">Offsets that the log had dropped before they were read.</param>
/// <param name="Messages">Whose readings are stored: fewer than readings where a message holds several.</param>
public sealed record PartitionLedger(
    int Partition, string LogId, long Stored, long Redelivered, long Rejected, long Duplicated, long Skipped, long FirstOffset, long NextOffset, long Messages);

/// <param name="Kind">missing, duplicated, skipped.</param>
public sealed record LedgerViolation(
    string Kind,
    DateTimeOffset NoticedAt,
    string? SensorId,
    string? ProducerId,
    long? FirstCount,
    long? LastCount,
    int? Partition,
    long? Offset,
    string? ConsumerId);

/// <summary>An item of GET /api/sensors.</summary>
/// <param name="IntervalMs">Between two readings, a running mean by the times of their records; null while it is not known.</param>
/// <param name="ClockOffsetMs">How far the newest reading's own time is ahead of its record's, or of its arrival where that is earlier; negative where it is behind.</param>
/// <param name="WarningThreshold">Of the newest message; null where it has none, so that <paramref name="RuleWarning"/> holds.</param>
/// <param name="RuleWarning">Of its type, in its unit; null where the type has none.</param>
/// <param name="RuleUnit">The unit of its type's limits, where they cannot be converted to the sensor's and do not hold.</param>
/// <param name="JudgedPartition">The one in which its readings are judged, where they come in several.</param>
/// <param name="ElsewhereAt">When one came in another partition than that; null where none ever did.</param>
public sealed record SensorBody(
    string SensorId,
    string SensorType,
    string Unit,
    string? FactorySection,
    string? MachineId,
    string? Zone,
    double LastValue,
    string AlertLevel,
    double? WarningThreshold,
    double? CriticalThreshold,
    long? ReadingCount,
    DateTimeOffset LastTimestamp,
    DateTimeOffset LastProcessed,
    int KafkaPartition,
    long KafkaOffset,
    int OpenAlerts = 0,
    long? IntervalMs = null,
    long? ClockOffsetMs = null,
    int? JudgedPartition = null,
    DateTimeOffset? ElsewhereAt = null,
    double? RuleWarning = null,
    double? RuleCritical = null,
    string? RuleUnit = null);

/// <summary>GET /api/sensor-counts.</summary>
public sealed record SensorCountsBody(int Sensors, IReadOnlyList<SensorCount> ByTypeAndLevel);

/// <summary>Sensors of a type whose newest reading is at a level.</summary>
public sealed record SensorCount(string SensorType, string AlertLevel, int Sensors);

/// <summary>Where in its file the replay is that a sensor is a part of.</summary>
/// <param name="File">Its name without its folder.</param>
/// <param name="Row">The row that was sent last, from 1 on; 0 before the first.</param>
/// <param name="Played">Rows sent since the file was begun.</param>
/// <param name="Rows">All rows of the file.</param>
/// <param name="SourceTimestamp">The row's time as it stands in the file; null where the file has none.</param>
/// <param name="IsOver">The file has come to its end; of a backfill: and all of it is stored.</param>
/// <param name="IsBackfill">The rows are stored at their own times, as fast as that goes.</param>
/// <param name="Stored">Readings of a backfill that consumers have stored; null of a replay.</param>
/// <param name="Readings">All readings of the file; null where an earlier version wrote the row.</param>
/// <param name="RowsPerSecond">Of a backfill: rows stored a second, over the last 10 s; null before the first.</param>
/// <param name="SecondsLeft">Of a backfill, at that rate; null while nothing is being stored.</param>
public sealed record ReplayBody(
    string ProducerId,
    string File,
    long Row,
    long Played,
    long Rows,
    string? SourceTimestamp,
    bool IsOver,
    DateTimeOffset UpdatedAt,
    bool IsBackfill = false,
    long? Stored = null,
    long? Readings = null,
    double? RowsPerSecond = null,
    double? SecondsLeft = null);

/// <summary>A sensor of which readings were backfilled: an item of GET /api/backfills.</summary>
/// <param name="FirstTimestamp">The earliest of the readings' own times.</param>
/// <param name="LastTimestamp">The latest of them.</param>
/// <param name="StoredAt">When the newest of them was stored.</param>
/// <param name="WarningThreshold">Of the newest reading or its type, in its unit; null where there is none.</param>
public sealed record BackfilledSensorBody(
    string SensorId,
    string SensorType,
    string Unit,
    string? FactorySection,
    string? MachineId,
    string? Zone,
    DateTimeOffset FirstTimestamp,
    DateTimeOffset LastTimestamp,
    DateTimeOffset StoredAt,
    double? WarningThreshold,
    double? CriticalThreshold,
    int KafkaPartition,
    long KafkaOffset);

/// <summary>What was backfilled of a sensor: of GET /api/sensors/{id}.</summary>
/// <param name="Readings">The last ones that were stored, by their own times.</param>
/// <param name="Alerts">The last ones; none of them ever was open.</param>
public sealed record BackfillBody(BackfilledSensorBody Sensor, IReadOnlyList<ReadingBody> Readings, IReadOnlyList<AlertBody> Alerts);

/// <summary>GET /api/sensors/{id}.</summary>
/// <param name="Sensor">As its live readings have it; null where it has none.</param>
/// <param name="Readings">Live ones.</param>
/// <param name="Alerts">Of live readings.</param>
/// <param name="Replay">Null where it is no sensor of a replayed file.</param>
/// <param name="Backfill">Null where nothing of it was backfilled.</param>
/// <param name="Unread">The numbers of its messages that are not read, as JSON pointers with commas between; null where there is none.</param>
public sealed record SensorDetailBody(
    SensorBody? Sensor,
    IReadOnlyList<ReadingBody> Readings,
    IReadOnlyList<AlertBody> Alerts,
    IReadOnlyList<DeadLetterBody> DeadLetters,
    ReplayBody? Replay = null,
    BackfillBody? Backfill = null,
    string? Unread = null);

/// <summary>GET /api/consumers/{id}, /api/producers/{id}, /api/brokers/{id}: the history of one component.</summary>
public sealed record ComponentDetailBody(
    string Kind,
    string ComponentId,
    ConsumerHealthBody? Consumer,
    ProducerHealthBody? Producer,
    BrokerBody? Broker,
    IReadOnlyList<StatusChangeBody> StatusChanges,
    IReadOnlyList<ComponentRatePoint> Rates,
    IReadOnlyList<RebalancingEventBody> Rebalances,
    IReadOnlyList<AlertBody> Alerts,
    IReadOnlyList<DeadLetterBody> DeadLetters);

public sealed record StatusChangeBody(DateTimeOffset At, string Status, string? Reason);

public sealed record ComponentRatePoint(DateTimeOffset At, double PerSecond);

/// <summary>Something that somebody did, or was not allowed to do.</summary>
/// <param name="Id">Rises from entry to entry.</param>
/// <param name="Who">make, experiment, somebody who has signed in, the name of an API key, …</param>
/// <param name="Role">Of who came through the page; null of the rest.</param>
/// <param name="Address">From which; null of this machine's own programs.</param>
/// <param name="Act">As an imperative.</param>
/// <param name="Done">Whether it was done.</param>
/// <param name="Result">What became of it.</param>
public sealed record AuditEntry(long Id, DateTimeOffset At, string Who, FactoryRole? Role, string? Address, string Act, bool Done, string Result);

public sealed record DeadLetterBody(
    int Partition,
    long Offset,
    string Reason,
    string Detail,
    string ConsumerId,
    string? SensorId,
    long? ReadingCount,
    DateTimeOffset RejectedAt);

/// <summary>GET /api/snapshot, and the first event of /api/stream: all a page needs to draw itself; later events replace its members one by one.</summary>
public sealed record StreamSnapshot(
    SystemStatusBody System,
    IReadOnlyList<ConsumerHealthBody> Consumers,
    IReadOnlyList<ProducerHealthBody> Producers,
    ClusterBody Cluster,
    RealTimeMetricsBody Metrics,
    LedgerBody Ledger,
    IReadOnlyList<AlertBody> Alerts,
    IReadOnlyList<RebalancingEventBody> Rebalances,
    DateTimeOffset TakenAt,
    bool Stale);

/// <summary>Names of the events of /api/stream, and what each carries.</summary>
public static class StreamEvents
{
    /// <summary>A <see cref="StreamSnapshot"/>: first, and again whenever something was removed. Replaces everything.</summary>
    public const string Snapshot = "snapshot";

    /// <summary>A <see cref="SystemStatusBody"/>; its <see cref="SystemStatusBody.Stale"/> holds for all that was sent.</summary>
    public const string System = "system";

    /// <summary>One <see cref="ConsumerHealthBody"/>, new or in the place of the one with its id.</summary>
    public const string Consumer = "consumer";

    /// <summary>One <see cref="ProducerHealthBody"/>, new or in the place of the one with its id.</summary>
    public const string Producer = "producer";

    /// <summary>One <see cref="PartitionBody"/> of <see cref="ClusterBody.Partitions"/>, in the place of the one with its number.</summary>
    public const string Partition = "partition";

    /// <summary>One <see cref="RebalancingEventBody"/>, new or in the place of the one with its id (its stall has become known).</summary>
    public const string Rebalance = "rebalance";

    /// <summary>One <see cref="AlertBody"/>, new or in the place of the one with its id (its count, peak or end has changed).</summary>
    public const string Alert = "alert";

    /// <summary>The whole <see cref="ClusterBody"/>: sent when brokers, leaders, replicas or owners have changed.</summary>
    public const string Cluster = "cluster";

    /// <summary>The whole <see cref="RealTimeMetricsBody"/>.</summary>
    public const string Metrics = "metrics";

    /// <summary>The whole <see cref="LedgerBody"/>.</summary>
    public const string Ledger = "ledger";

    /// <summary>Nothing has changed: sent where there is nothing else to send, so that a reader can tell silence from a lost connection. Its data are empty.</summary>
    public const string Alive = "alive";
}

/// <summary>Times in UTC with <c>Z</c>.</summary>
public sealed class UtcTimestampConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value.UtcDateTime);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    Converters = [typeof(UtcTimestampConverter)])]
[JsonSerializable(typeof(SystemStatusBody))]
[JsonSerializable(typeof(IReadOnlyList<ConsumerHealthBody>))]
[JsonSerializable(typeof(IReadOnlyList<ProducerHealthBody>))]
[JsonSerializable(typeof(PartitionAssignmentBody))]
[JsonSerializable(typeof(RealTimeMetricsBody))]
[JsonSerializable(typeof(HistoryBody))]
[JsonSerializable(typeof(IReadOnlyList<AlertBody>))]
[JsonSerializable(typeof(AlertDetailBody))]
[JsonSerializable(typeof(AlertRateBody))]
[JsonSerializable(typeof(IReadOnlyList<RebalancingEventBody>))]
[JsonSerializable(typeof(ClusterBody))]
[JsonSerializable(typeof(OwnershipBody))]
[JsonSerializable(typeof(LedgerBody))]
[JsonSerializable(typeof(IReadOnlyList<SensorBody>))]
[JsonSerializable(typeof(IReadOnlyList<BackfilledSensorBody>))]
[JsonSerializable(typeof(SensorCountsBody))]
[JsonSerializable(typeof(SensorDetailBody))]
[JsonSerializable(typeof(ComponentDetailBody))]
[JsonSerializable(typeof(IReadOnlyList<AuditEntry>))]
[JsonSerializable(typeof(IReadOnlyList<DeadLetterBody>))]
[JsonSerializable(typeof(StreamSnapshot))]
[JsonSerializable(typeof(ExperimentsBody))]
[JsonSerializable(typeof(ExperimentRunsBody))]
[JsonSerializable(typeof(ExperimentRunBody))]
[JsonSerializable(typeof(ExperimentStartedBody))]
public sealed partial class ApiJsonContext : JsonSerializerContext;

public static class ApiJson
{
    /// <summary>The context, with °C and the like written as they are: the bodies are JSON, never part of a page's source.</summary>
    public static ApiJsonContext Context { get; } =
        new(new JsonSerializerOptions(ApiJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
