using System.Text.Json.Serialization;

namespace FactoryMonitoring.Contracts;

/// <summary>A reading as sent to <see cref="KafkaNames.SensorTopic"/>; key = sensor id.</summary>
public sealed record SensorReadingMessage(
    DateTimeOffset Timestamp,
    string SensorId,
    string SensorType,
    SensorLocation? Location,
    double Value,
    string Unit,
    string? AlertLevel,
    double? Quality,
    SensorReadingMetadata? Metadata);

/// <summary>A sensor's location.</summary>
public sealed record SensorLocation(string? FactorySection, string? MachineId, string? Zone);

/// <param name="ReadingCount">The reading's number in its sequence: increases, never repeats, may skip.</param>
/// <param name="SequenceId">
/// The sequence that <paramref name="ReadingCount"/> counts in, at most 64 characters; a sensor that restarts its count starts a new sequence. Without an
/// id, a count that falls back while the time does not starts a new sequence.
/// </param>
/// <param name="WarningThreshold">Takes precedence over configured thresholds; in the message's unit.</param>
/// <param name="CriticalThreshold">Takes precedence over configured thresholds; in the message's unit.</param>
/// <param name="SourceTimestamp">The time in a replayed file, as written there.</param>
/// <param name="Backfill">The reading is historical: it is stored at its own time, and affects no live latency, alert or state of its sensor.</param>
public sealed record SensorReadingMetadata(
    long? ReadingCount,
    string? SequenceId,
    double? WarningThreshold,
    double? CriticalThreshold,
    string? SourceTimestamp,
    bool? Backfill = null);

/// <summary>An alert as sent to <see cref="KafkaNames.AlertTopic"/> when it is raised; key = sensor id.</summary>
public sealed record AlertMessage(
    Guid AlertId,
    string SensorId,
    string SensorType,
    string AnomalyType,
    string Severity,
    double SensorValue,
    string SensorUnit,
    string Description,
    string DetectedBy,
    DateTimeOffset Timestamp,
    SensorLocation? Location,
    string SensorAlertLevel);

/// <summary>The rules that raise alerts, as named in the field anomaly_type.</summary>
public static class AnomalyTypes
{
    public const string ConsecutiveHigh = "consecutive_high_alerts";
    public const string RapidChange = "rapid_value_change";
    public const string BaselineDeviation = "baseline_deviation";
    public const string CriticalThreshold = "critical_threshold_violation";

    /// <summary>The sensor's readings deviate from the baseline learned from them.</summary>
    public const string UnusualValue = "unusual_value";

    /// <summary>No reading of the sensor has arrived within the limit; raised by the monitoring API.</summary>
    public const string Silent = "sensor_silent";
}

/// <summary>Why an alert ended, if not because its condition cleared.</summary>
public static class AlertEnds
{
    /// <summary>The sensor has stopped sending.</summary>
    public const string NoData = "no_data";

    /// <summary>The detector's snapshot of the partition was lost, or cannot be read.</summary>
    public const string MemoryLost = "memory_lost";

    /// <summary>The topic was created anew, or the end of its log was lost.</summary>
    public const string LogEnded = "log_ended";

    /// <summary>The sensor's readings arrive in several partitions, and another partition judges them.</summary>
    public const string OtherPartition = "other_partition";

    /// <summary>The alert is for backfilled readings, and ended when it was raised.</summary>
    public const string Backfill = "backfill";
}

public static class Severities
{
    public const string Low = "low";
    public const string Medium = "medium";
    public const string High = "high";

    /// <summary>Reserved for alerts about the system itself (sensor_type = <see cref="SystemType"/>).</summary>
    public const string Critical = "critical";

    /// <summary>sensor_type of alerts about the system itself.</summary>
    public const string SystemType = "system";
}

/// <summary>Headers of a dead letter, in addition to the original's.</summary>
public static class DeadLetterHeaders
{
    public const string Topic = "dlq.source.topic";
    public const string Partition = "dlq.source.partition";
    public const string Offset = "dlq.source.offset";
    public const string Reason = "dlq.reason";
    public const string Detail = "dlq.detail";

    /// <summary>The size of the original value in bytes; the dead letter holds at most its first 64 KiB.</summary>
    public const string ValueSize = "dlq.value.size";

    /// <summary>The hash of the original value, in hexadecimal.</summary>
    public const string ValueSha256 = "dlq.value.sha256";

    /// <summary>The number of the message's headers that did not fit; absent if all did.</summary>
    public const string DroppedHeaders = "dlq.headers.dropped";
}

/// <summary>Rejection reasons other than the parser's.</summary>
public static class RejectionReasons
{
    /// <summary>A well-formed reading that the database refuses permanently.</summary>
    public const string RefusedByDatabase = "refused_by_database";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SensorReadingMessage))]
[JsonSerializable(typeof(AlertMessage))]
public sealed partial class MessageJsonContext : JsonSerializerContext;
