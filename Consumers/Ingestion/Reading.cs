using System.Runtime.InteropServices;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A reading of a message that was understood, between the broker and the database.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Reading
{
    public SensorDescription Sensor;
    public OwnedPartition Partition;
    public long Offset;

    /// <summary>Its place among the readings of its message, from 0. The message is counted with the first of them.</summary>
    public int Index;

    /// <summary>Time of production by the broker's record, ms since 1970.</summary>
    public long ProducedAt;

    /// <summary>The sensor's own time, microseconds since 2000-01-01 UTC; <see cref="PostgresTime.OfRecord"/> until the record is known.</summary>
    public long Timestamp;

    public long ReadingCount;
    public double Value;

    /// <summary>Where spans are exported, else null.</summary>
    public Confluent.Kafka.Headers? Headers;

    /// <summary>Of the message; NaN where it had none.</summary>
    public double Warning;
    public double Critical;
    public float Quality;
    public AlertLevel Level;

    /// <summary>False until the detector has derived what the message left out.</summary>
    public bool HasLevel;
    public bool HasCount;

    /// <summary>The detector has seen it before its successor: it is stored already.</summary>
    public bool IsReplay;

    /// <summary>The database refuses its message for good: that is a dead letter.</summary>
    public bool IsRefused;
}

/// <summary>Times as PostgreSQL counts them.</summary>
internal static class PostgresTime
{
    /// <summary>In place of a time: the record's is meant.</summary>
    public const long OfRecord = long.MaxValue;

    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public static long FromUtc(DateTime time) => (time.Ticks - Epoch) / TimeSpan.TicksPerMicrosecond;

    /// <param name="milliseconds">Since 1970-01-01 UTC.</param>
    public static long FromUnix(long milliseconds) => (milliseconds * 1_000) - ((Epoch - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

    public static DateTime ToUtc(long microseconds) => new(Epoch + (microseconds * TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);
}
