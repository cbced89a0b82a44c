using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FactoryMonitoring.Contracts.Api;

// Bodies of the monitoring API: snake_case JSON, times in UTC. The names of the first six are fixed by existing clients.

/// <summary>Routes of the monitoring API that services call. Its OpenAPI description lists all routes.</summary>
public static class ApiRoutes
{
    /// <summary>GET: a <see cref="StreamSnapshot"/>.</summary>
    public const string Snapshot = "/api/snapshot";
}

/// <summary>GET /api/system-status.</summary>
/// <param name="Database">One of <see cref="DatabaseStates"/>.</param>
/// <param name="StoredSince">Nothing is stored from before: the retention ends there, or the factory began. Null before anything is stored.</param>
public sealed record SystemStatusBody(
    ComponentSummary Status,
    IReadOnlyList<RebalancingEventBody> RebalancingEvents,
    OverallStatus Overall,
    bool Stale = false,
    string Database = DatabaseStates.Up,
    DateTimeOffset? StoredSince = null);

/// <summary>Whether the database accepts writes.</summary>
public static class DatabaseStates
{
    public const string Up = "up";
    public const string Away = "away";
    public const string NoRoom = "no_room";
    public const string ReadOnly = "read_only";
}

public sealed record ComponentSummary(ComponentCounts Consumers, ComponentCounts Producers, ComponentCounts? Brokers = null);

/// <param name="TotalCount">Components seen in the last 24 h.</param>
public sealed record ComponentCounts(int ActiveCount, int TotalCount, DateTimeOffset? LastActivity);

/// <summary>The state of the whole system in words: what happened, what it means and how long it will last.</summary>
/// <param name="Level">ok, warning, critical.</param>
/// <param name="Reasons">One sentence each; empty while the level is ok.</param>
public sealed record OverallStatus(string Level, string Title, string Detail, IReadOnlyList<string> Reasons, DateTimeOffset Since, RecoveryStopwatch? Recovery = null, IReadOnlyList<StatusLink>? Links = null);

/// <summary>A link to the page that shows more about a reason.</summary>
/// <param name="Path">The page's path, from the root of the site.</param>
public sealed record StatusLink(string Text, string Path);

/// <summary>The measured times of the newest fault, in ms from <see cref="KilledAt"/>; null until reached, or where not observed.</summary>
/// <param name="KilledAtSource">
/// exit: the process exit that the AppHost saw; commit: the last committed row before the silence; heartbeat: the last heartbeat, where that is
/// later than the last commit.
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
/// <param name="Generation">The partition's epoch in this system.</param>
/// <param name="Reason">joined, left, session expired, claimed; null if not observed.</param>
/// <param name="StallMs">
/// For an assignment, once known: from the end of the predecessor's ownership until this owner commits its first record or reaches the log's end.
/// </param>
/// <param name="DelayedReadings">
/// For an assignment with a stall: the readings that were in the log when this owner claimed the partition and that it has stored. Null if not known.
/// </param>
/// <param name="DelayedUnknown">One of <see cref="Api.DelayedUnknown"/>: why it is not known; null if it is, or without a stall.</param>
public sealed record RebalancingEventBody(
    string EventType,
    string ConsumerId,
    int? PartitionNumber,
    DateTimeOffset Timestamp,
    long? Id = null,
    long? Generation = null,
    string? Reason = null,
    int? StallMs = null,
    long? DelayedReadings = null,
    string? DelayedUnknown = null);

/// <summary>Why the number of readings that a rebalance delayed is not known.</summary>
public static class DelayedUnknown
{
    /// <summary>Not all of them are stored, or they are not counted yet.</summary>
    public const string NotYet = "not_yet";

    /// <summary>Where the log ended at the claim is not recorded: no broker told, the log was cut, or an earlier version made the claim.</summary>
    public const string NotRecorded = "not_recorded";

    /// <summary>The retention has ended: their rows are deleted.</summary>
    public const string Expired = "expired";

    /// <summary>They were stored in too many transactions to count them.</summary>
    public const string TooMany = "too_many";
}

/// <summary>GET /api/consumer-health.</summary>
/// <param name="Status">active, inactive.</param>
/// <param name="MessagesProcessedLastMinute">Readings stored; a message may hold several.</param>
/// <param name="TotalMessagesProcessed">Readings stored since the beginning.</param>
/// <param name="Stopped">The component is inactive because it was asked to stop, and reported so.</param>
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
/// <param name="Stopped">The component is inactive because it was asked to stop, and reported so.</param>
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

/// <summary>
/// GET /api/real-time-metrics: for consumers and partitions the readings of the last 10 minutes, for active producers all that they have sent.
/// </summary>
public sealed record RealTimeMetricsBody(
    IReadOnlyList<ComponentValue> ConsumerThroughput,
    IReadOnlyList<ComponentValue> ProducerThroughput,
    IReadOnlyDictionary<string, long> PartitionActivity,
    PipelineMetrics? Pipeline = null,
    bool Stale = false);

public sealed record ComponentValue(string ComponentId, long Value);

/// <summary>The pipeline's current rates, and its means and percentiles over the last 10 s; null where not measured.</summary>
/// <param name="MaximumPerSecond">The highest rate that this installation has stored in one second; null before the first.</param>
/// <param name="Lag">Messages that are not stored yet.</param>
/// <param name="CatchUpSeconds">Time until the lag is 0 at the rate at which it fell over the last 10 s; null while it does not fall.</param>
/// <param name="SlowestMs">The longest time from a sensor to the row in the last 10 s.</param>
/// <param name="SlowestTraceId">The trace of the batch that stored that reading; null if it was not recorded.</param>
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
    long StoredTotal,
    long? SlowestMs = null,
    string? SlowestTraceId = null);

/// <summary>
/// GET /api/history: one point per interval, oldest first; intervals in which nothing was measured are omitted. The first one begins with the first
/// measurement.
/// </summary>
/// <param name="Whole">All intervals together; null if there is none.</param>
public sealed record HistoryBody(int IntervalSeconds, IReadOnlyList<HistoryPoint> Points, DateTimeOffset From, DateTimeOffset To, HistoryWhole? Whole);

/// <param name="AcknowledgedPerSecond">Mean from the first measurement of the range to its end.</param>
/// <param name="StoredPerSecond">As <paramref name="AcknowledgedPerSecond"/>.</param>
/// <param name="LatencyP50Ms">Of all readings of the range.</param>
/// <param name="Lag">The highest.</param>
/// <param name="LagSeconds">The highest.</param>
public sealed record HistoryWhole(
    double AcknowledgedPerSecond, double StoredPerSecond, double? LatencyP50Ms, double? LatencyP95Ms, double? LatencyP99Ms, long? Lag, double? LagSeconds);

/// <summary>GET /api/consumer-rates: readings stored by each consumer, one point per interval, oldest first.</summary>
public sealed record ConsumerRatesBody(int IntervalSeconds, IReadOnlyList<ConsumerRates> Consumers, DateTimeOffset From, DateTimeOffset To);

public sealed record ConsumerRates(string ConsumerId, IReadOnlyList<ComponentRatePoint> Rates);

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
/// <param name="ResolvedBecause">no_data, memory_lost, log_ended, other_partition, backfill; null if the condition cleared, or the alert is open.</param>
/// <param name="Backfill">The alert is for backfilled readings: it was never open, and <paramref name="Timestamp"/> is when they were stored.</param>
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

/// <summary>GET /api/alerts/rate: alerts raised per bucket between two times; buckets without alerts are omitted.</summary>
public sealed record AlertRateBody(int BucketSeconds, IReadOnlyList<AlertRatePoint> Points, DateTimeOffset From, DateTimeOffset To);

public sealed record AlertRatePoint(DateTimeOffset At, string SensorType, string AnomalyType, string Severity, int Count);

/// <summary>GET /api/cluster.</summary>
/// <param name="MeasuredAt">When the brokers were asked.</param>
/// <param name="LagMeasuredAt">When the partitions' lag was measured; null while the lag of any partition is unknown.</param>
/// <param name="Topic">The topic of the readings; null before the brokers were asked.</param>
public sealed record ClusterBody(
    IReadOnlyList<BrokerBody> Brokers,
    IReadOnlyList<PartitionBody> Partitions,
    string? LogId,
    DateTimeOffset? MeasuredAt,
    bool Stale = false,
    DateTimeOffset? LagMeasuredAt = null,
    string? Topic = null);

public sealed record BrokerBody(int Id, string Name, string Host, int Port, bool Up, DateTimeOffset? StatusSince = null, int? LeaderOf = null, bool? Controller = null);

/// <summary>A partition of the sensor topic; null where a value could not be measured.</summary>
/// <param name="RecoveredAt">When its owner committed its first record or reached the end of the log; null before.</param>
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

/// <summary>GET /api/cluster-details: what is measured of brokers and topics every 5 s, and what changed among them in the range that was asked for.</summary>
/// <param name="MeasuredAt">When the brokers were asked; null before.</param>
/// <param name="Quorum">The metadata quorum; null where there is none, or no broker says.</param>
/// <param name="Unasked">Why brokers are not asked for their quorum and their logs; null where they are.</param>
/// <param name="Changes">At most 200, newest first.</param>
public sealed record ClusterDetailsBody(
    DateTimeOffset? MeasuredAt,
    IReadOnlyList<BrokerFigures> Brokers,
    QuorumBody? Quorum,
    IReadOnlyList<TopicBody> Topics,
    string? Unasked,
    IReadOnlyList<ClusterChangeBody> Changes);

/// <summary>What is measured of a broker; null is what could not be measured.</summary>
/// <param name="RequestP50Ms">Median time from a request of the monitoring API to the broker's answer, over 5 s.</param>
/// <param name="RequestP99Ms">Of the same, the 99th percentile.</param>
/// <param name="LogBytes">Size of its replicas of all topics, on its disks.</param>
/// <param name="WrittenBytesPerSecond">By how much they grew over the last 5 s; null while retention has shortened one of them.</param>
/// <param name="DiskBytes">Size of the disks that they are on.</param>
public sealed record BrokerFigures(
    int Id, string Name, double? RequestP50Ms, double? RequestP99Ms, long? LogBytes, double? WrittenBytesPerSecond, long? DiskBytes, long? FreeBytes);

/// <param name="Leader">Id of the active controller.</param>
/// <param name="Epoch">Rises with every election.</param>
public sealed record QuorumBody(int Leader, int Epoch, IReadOnlyList<QuorumVoterBody> Voters);

/// <param name="Behind">Records of the metadata log that it lacks; null where the leader does not know it.</param>
public sealed record QuorumVoterBody(int Id, string Name, long? Behind);

/// <param name="Replicas">Of each partition, at most.</param>
/// <param name="OutOfSync">Partitions of which a replica is not in sync.</param>
/// <param name="Leaderless">Partitions without a leader.</param>
/// <param name="LogBytes">All its replicas on all brokers; null where no broker was asked.</param>
public sealed record TopicBody(string Name, int Partitions, int Replicas, int OutOfSync, int Leaderless, long? LogBytes);

/// <param name="Kind">broker, replicas or controller.</param>
/// <param name="Status">broker: up, down; replicas: in sync, out of sync; controller: the name of the broker that became it.</param>
/// <param name="Detail">replicas: the partitions that are out of sync.</param>
public sealed record ClusterChangeBody(DateTimeOffset At, string Kind, string ComponentId, string Status, string? Detail);

/// <summary>GET /api/ownership: the owners of the partitions in a time window, and the other events in it.</summary>
/// <param name="Spans">By partition, oldest first; the newest <see cref="MostSpans"/> if there are more.</param>
public sealed record OwnershipBody(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<OwnershipSpan> Spans, IReadOnlyList<TimelineMark> Marks)
{
    public const int MostSpans = 5_000;
}

/// <param name="EndedAt">Null while the partition is owned.</param>
/// <param name="EndedBy">revoked, lost; null while the partition is owned.</param>
/// <param name="StallMs">From the end of the predecessor's ownership to this owner's recovery; null without a predecessor, or before the recovery.</param>
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

/// <summary>GET /api/ledger: acknowledged = stored_acknowledged + rejected_acknowledged + in_flight + missing + unsettled.</summary>
/// <param name="Stored">Rows stored, with or without a recorded acknowledgement.</param>
/// <param name="Rejected">Messages that became dead letters, from any sender.</param>
/// <param name="Unconfirmed">
/// Readings stored whose acknowledgement is not recorded: not yet (sensors record theirs once a second), or never (the sensor was killed before
/// it recorded it).
/// </param>
/// <param name="Uncounted">Readings stored without a reading_count, so that no acknowledgement can match them, such as the fault lab's load.</param>
/// <param name="Unreachable">Readings acknowledged in a log that no longer exists, and not read before it ended.</param>
/// <param name="SettledAt">What was acknowledged before this time, and passed by a consumer, is compared.</param>
/// <param name="Audit">The count of the rows themselves, about a minute old.</param>
/// <param name="Unsettled">Readings acknowledged, passed by a consumer for more than a minute, and not compared yet: stored, rejected or missing.</param>
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
    bool Stale = false,
    long Unsettled = 0);

/// <summary>Rows counted one by one and compared with the batches that they were stored with, since this audit exists.</summary>
/// <param name="AuditedUntil">Everything stored before this time is counted.</param>
/// <param name="Batches">Each holds the rows of one partition in one transaction.</param>
/// <param name="Readings">Rows in these batches.</param>
/// <param name="Wrong">Batches with too many or too few rows or messages, or with an offset that does not belong to them.</param>
public sealed record LedgerAudit(DateTimeOffset AuditedUntil, long Batches, long Readings, long Wrong);

public sealed record ProducerLedger(string ProducerId, long Acknowledged, long StoredAcknowledged, long Rejected, long InFlight, long Missing, long Unsettled = 0);

/// <summary>A partition's ledger by offsets: messages + rejected + skipped equals the offsets from the first to the next.</summary>
/// <param name="Stored">Readings stored.</param>
/// <param name="Redelivered">Messages delivered again after they were stored.</param>
/// <param name="Rejected">Messages that became dead letters.</param>
/// <param name="Duplicated">Readings whose number their sensor had used before.</param>
/// <param name="Skipped">Offsets that the log deleted before they were read.</param>
/// <param name="Messages">Messages whose readings are stored: fewer than the readings where a message holds several.</param>
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
/// <param name="IntervalMs">Time between two readings, a running mean by their records' timestamps; null while unknown.</param>
/// <param name="ClockOffsetMs">
/// How far the newest reading's own timestamp is ahead of its record's, or of its arrival where that is earlier; negative if it is behind.
/// </param>
/// <param name="WarningThreshold">From the newest message; null if it has none, and <paramref name="RuleWarning"/> applies.</param>
/// <param name="RuleWarning">The type's threshold, in the type's unit; null if the type has none.</param>
/// <param name="RuleUnit">The unit of the type's limits, if they cannot be converted to the sensor's unit and do not apply.</param>
/// <param name="JudgedPartition">The partition in which the readings are judged, if they arrive in several.</param>
/// <param name="ElsewhereAt">When a reading arrived in a partition other than that; null if none ever did.</param>
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

/// <summary>Counts the sensors of a type by the level of their newest reading.</summary>
public sealed record SensorCount(string SensorType, string AlertLevel, int Sensors);

/// <summary>The progress of the replay that a sensor belongs to.</summary>
/// <param name="File">The file's name without its folder.</param>
/// <param name="Row">The row sent last, counted from 1; 0 before the first.</param>
/// <param name="Played">Rows sent since the start of the file.</param>
/// <param name="Rows">All rows of the file.</param>
/// <param name="SourceTimestamp">The row's time as written in the file; null if the file has none.</param>
/// <param name="IsOver">The file is at its end; for a backfill, all of it is stored as well.</param>
/// <param name="IsBackfill">The rows are stored at their own times, as fast as possible.</param>
/// <param name="Stored">Readings of a backfill that consumers have stored; null for a replay.</param>
/// <param name="Readings">All readings of the file; null if an earlier version wrote the row.</param>
/// <param name="RowsPerSecond">For a backfill: rows stored per second, over the last 10 s; null before the first.</param>
/// <param name="SecondsLeft">For a backfill: the time left at that rate; null while nothing is being stored.</param>
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

/// <summary>A sensor with backfilled readings: an item of GET /api/backfills.</summary>
/// <param name="FirstTimestamp">The earliest of the readings' own timestamps.</param>
/// <param name="LastTimestamp">The latest of the readings' own timestamps.</param>
/// <param name="StoredAt">When the newest reading was stored.</param>
/// <param name="WarningThreshold">From the newest reading or from its type, in the reading's unit; null if there is none.</param>
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

/// <summary>The backfilled readings of a sensor, in GET /api/sensors/{id}.</summary>
/// <param name="Readings">The readings stored last, ordered by their own timestamps.</param>
/// <param name="Alerts">The newest alerts; none of them was ever open.</param>
public sealed record BackfillBody(BackfilledSensorBody Sensor, IReadOnlyList<ReadingBody> Readings, IReadOnlyList<AlertBody> Alerts);

/// <summary>GET /api/sensors/{id}.</summary>
/// <param name="Sensor">The state by its live readings; null if it has none.</param>
/// <param name="Readings">Live readings.</param>
/// <param name="Alerts">Alerts for live readings.</param>
/// <param name="Replay">Null if the sensor belongs to no replayed file.</param>
/// <param name="Backfill">Null if nothing was backfilled for the sensor.</param>
/// <param name="Unread">The numbers in its messages that are not read, as JSON pointers separated by commas; null if there are none.</param>
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

/// <summary>An action that was carried out or refused.</summary>
/// <param name="Id">Increases from entry to entry.</param>
/// <param name="Who">make, experiment, a signed-in user, the name of an API key, …</param>
/// <param name="Role">The role of a user who came through the page; null otherwise.</param>
/// <param name="Address">The client's address; null for programs on this machine.</param>
/// <param name="Act">The action, as an imperative.</param>
/// <param name="Done">Whether the action was carried out.</param>
/// <param name="Result">The outcome.</param>
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

/// <summary>GET /api/snapshot, and the first event of /api/stream: everything a page displays; later events replace its members one by one.</summary>
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
    bool Stale)
{
    /// <summary>The age up to which alerts are part of it.</summary>
    public static readonly TimeSpan AlertWindow = TimeSpan.FromHours(2);
}

/// <summary>Names of the events of /api/stream, and the body of each.</summary>
public static class StreamEvents
{
    /// <summary>A <see cref="StreamSnapshot"/>: first, and again whenever something was removed. Replaces everything.</summary>
    public const string Snapshot = "snapshot";

    /// <summary>A <see cref="SystemStatusBody"/>; its <see cref="SystemStatusBody.Stale"/> applies to everything sent.</summary>
    public const string System = "system";

    /// <summary>One <see cref="ConsumerHealthBody"/>: new, or replaces the one with its id.</summary>
    public const string Consumer = "consumer";

    /// <summary>One <see cref="ProducerHealthBody"/>: new, or replaces the one with its id.</summary>
    public const string Producer = "producer";

    /// <summary>One <see cref="PartitionBody"/> of <see cref="ClusterBody.Partitions"/>; replaces the one with its number.</summary>
    public const string Partition = "partition";

    /// <summary>One <see cref="RebalancingEventBody"/>: new, or replaces the one with its id (its stall has become known).</summary>
    public const string Rebalance = "rebalance";

    /// <summary>One <see cref="AlertBody"/>: new, or replaces the one with its id (its count, peak or end has changed).</summary>
    public const string Alert = "alert";

    /// <summary>The whole <see cref="ClusterBody"/>: sent when brokers, leaders, replicas or owners have changed.</summary>
    public const string Cluster = "cluster";

    /// <summary>The whole <see cref="RealTimeMetricsBody"/>.</summary>
    public const string Metrics = "metrics";

    /// <summary>The whole <see cref="LedgerBody"/>.</summary>
    public const string Ledger = "ledger";

    /// <summary>
    /// A keep-alive with empty data, sent when there is nothing else to send, so that a client can distinguish silence from a lost connection.
    /// </summary>
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
[JsonSerializable(typeof(ConsumerRatesBody))]
[JsonSerializable(typeof(IReadOnlyList<AlertBody>))]
[JsonSerializable(typeof(AlertDetailBody))]
[JsonSerializable(typeof(AlertRateBody))]
[JsonSerializable(typeof(IReadOnlyList<RebalancingEventBody>))]
[JsonSerializable(typeof(ClusterBody))]
[JsonSerializable(typeof(ClusterDetailsBody))]
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
    /// <summary>The context that writes ° and similar characters unescaped: the bodies are JSON, never part of a page's source.</summary>
    public static ApiJsonContext Context { get; } =
        new(new JsonSerializerOptions(ApiJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
