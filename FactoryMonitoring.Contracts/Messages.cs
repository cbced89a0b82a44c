using System.Text.Json.Serialization;

namespace FactoryMonitoring.Contracts;

/// <summary>A reading as it travels on <see cref="KafkaNames.SensorTopic"/>; key = sensor id.</summary>
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

/// <summary>Where a sensor stands.</summary>
public sealed record SensorLocation(string? FactorySection, string? MachineId, string? Zone);

/// <param name="ReadingCount">Number of the reading in its sequence: rises, never repeats, may skip.</param>
/// <param name="SequenceId">
/// The sequence that <paramref name="ReadingCount"/> counts in, at most 64 characters; a sensor that counts from the beginning again begins another. Where it
/// names none, a count that falls back, and a time that does not, begin a new one.
/// </param>
/// <param name="WarningThreshold">Wins over configured thresholds, in the message's unit.</param>
/// <param name="CriticalThreshold">Wins over configured thresholds, in the message's unit.</param>
/// <param name="SourceTimestamp">The time a replayed file gives, as it stands there.</param>
/// <param name="Backfill">The reading is of the past: it is stored at its own time, and is in no live latency, alert or state of its sensor.</param>
public sealed record SensorReadingMetadata(
    long? ReadingCount,
    string? SequenceId,
    double? WarningThreshold,
    double? CriticalThreshold,
    string? SourceTimestamp,
    bool? Backfill = null);

/// <summary>An alert as it travels on <see cref="KafkaNames.AlertTopic"/> when it is raised; key = sensor id.</summary>
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

/// <summary>The rules that raise an alert, as the field anomaly_type names them.</summary>
public static class AnomalyTypes
{
    public const string ConsecutiveHigh = "consecutive_high_alerts";
    public const string RapidChange = "rapid_value_change";
    public const string BaselineDeviation = "baseline_deviation";
    public const string CriticalThreshold = "critical_threshold_violation";

    /// <summary>The sensor's readings are not as they usually are, by what was learned from them.</summary>
    public const string UnusualValue = "unusual_value";

    /// <summary>Nothing of the sensor has arrived for longer than is allowed; found by the monitoring API.</summary>
    public const string Silent = "sensor_silent";
}

/// <summary>Why an alert ended, where its condition was not seen to clear.</summary>
public static class AlertEnds
{
    /// <summary>The sensor sends nothing any more.</summary>
    public const string NoData = "no_data";

    /// <summary>The detector's memory of the partition was lost, or cannot be read.</summary>
    public const string MemoryLost = "memory_lost";

    /// <summary>The topic was made anew, or the end of its log was lost.</summary>
    public const string LogEnded = "log_ended";

    /// <summary>The sensor's readings come in several partitions, of which another one judges them.</summary>
    public const string OtherPartition = "other_partition";

    /// <summary>It is of backfilled readings, and ended as it was raised.</summary>
    public const string Backfill = "backfill";
}

public static class Severities
{
    public const string Low = "low";
    public const string Medium = "medium";
    public const string High = "high";

    /// <summary>Kept for alerts about the system itself (sensor_type = <see cref="SystemType"/>).</summary>
    public const string Critical = "critical";

    /// <summary>sensor_type of alerts about the system itself.</summary>
    public const string SystemType = "system";
}

/// <summary>Headers of a dead letter, beside the original's own.</summary>
public static class DeadLetterHeaders
{
    public const string Topic = "dlq.source.topic";
    public const string Partition = "dlq.source.partition";
    public const string Offset = "dlq.source.offset";
    public const string Reason = "dlq.reason";
    public const string Detail = "dlq.detail";

    /// <summary>Of the whole value, of which the dead letter holds the first 64 KiB at most; in bytes.</summary>
    public const string ValueSize = "dlq.value.size";

    /// <summary>Of the whole value, in hexadecimal.</summary>
    public const string ValueSha256 = "dlq.value.sha256";

    /// <summary>How many of the message's own headers there was no room for; absent where there was.</summary>
    public const string DroppedHeaders = "dlq.headers.dropped";
}

/// <summary>Reasons of rejections that are not the parser's.</summary>
public static class RejectionReasons
{
    /// <summary>A reading that is well-formed, and that the database refuses for good all the same.</summary>
    public const string RefusedByDatabase = "refused_by_database";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SensorReadingMessage))]
[JsonSerializable(typeof(AlertMessage))]
public sealed partial class MessageJsonContext : JsonSerializerContext;
