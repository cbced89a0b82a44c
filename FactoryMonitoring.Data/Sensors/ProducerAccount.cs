namespace FactoryMonitoring.Data.Sensors;

/// <summary>The state that a producer reports once a second.</summary>
/// <param name="Status">active, inactive.</param>
/// <param name="Connection">To the brokers: connected, degraded, disconnected.</param>
/// <param name="Condition">What it is doing, in words; null while it is healthy.</param>
/// <param name="Queued">Readings handed to the client and not yet acknowledged.</param>
public sealed record ProducerHeartbeat(
    string ProducerId,
    string SensorType,
    string Status,
    string Connection,
    string? Condition,
    int SentLastMinute,
    DateTimeOffset? LastAcknowledged,
    DateTimeOffset StartedAt,
    Guid InstanceId,
    int ProcessId,
    string Host,
    int SensorCount,
    int Queued,
    long ResidentBytes);

/// <summary>Consecutive reading_counts of one sensor that the brokers acknowledged in one partition of one log.</summary>
/// <param name="MaxOffset">The highest offset among them.</param>
/// <param name="SequenceId">The sequence that they belong to; null if the sensor names none.</param>
public sealed record AcknowledgedRange(
    string SensorId, string LogId, int Partition, long FirstCount, long LastCount, long MaxOffset, string? SequenceId = null);

/// <summary>The acknowledgements of one second.</summary>
/// <param name="At">The whole second.</param>
/// <param name="LongestWaitMs">From produce to acknowledgement; null if nothing was acknowledged.</param>
public sealed record ProducerSample(DateTimeOffset At, int Acknowledged, int? LongestWaitMs);

/// <summary>The data written in one transaction: every count in it exactly once, regardless of the number of retries.</summary>
/// <param name="FailedDeliveries">Readings given up since the last account.</param>
public sealed record ProducerAccount(IReadOnlyList<AcknowledgedRange> Ranges, IReadOnlyList<ProducerSample> Samples, long FailedDeliveries)
{
    /// <summary>The number of readings in <see cref="Ranges"/>.</summary>
    public long Acknowledged => Ranges.Sum(range => range.LastCount - range.FirstCount + 1);
}
