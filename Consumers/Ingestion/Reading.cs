using System.Runtime.InteropServices;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A reading from an accepted message, on its way from the broker to the database.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Reading
{
    public SensorDescription Sensor;
    public OwnedPartition Partition;
    public long Offset;

    /// <summary>Its index among the readings of its message, from 0. The message is counted with the first reading.</summary>
    public int Index;

    /// <summary>Time of production according to the record, ms since 1970.</summary>
    public long ProducedAt;

    /// <summary>The sensor's own timestamp, microseconds since 2000-01-01 UTC; <see cref="PostgresTime.OfRecord"/> until the record is known.</summary>
    public long Timestamp;

    public long ReadingCount;
    public double Value;

    /// <summary>Null if spans are not exported.</summary>
    public Confluent.Kafka.Headers? Headers;

    /// <summary>The message's thresholds; NaN if it had none.</summary>
    public double Warning;
    public double Critical;
    public float Quality;
    public AlertLevel Level;

    /// <summary>False until the detector has derived the missing level.</summary>
    public bool HasLevel;
    public bool HasCount;

    /// <summary>The reading is already stored: the detector only replays it.</summary>
    public bool IsReplay;

    /// <summary>The database refuses its message permanently: the message becomes a dead letter.</summary>
    public bool IsRefused;
}

/// <summary>Times in PostgreSQL's representation.</summary>
internal static class PostgresTime
{
    /// <summary>Stands for the record's timestamp.</summary>
    public const long OfRecord = long.MaxValue;

    private const long FirstMs = -62_135_596_800_000, LastMs = 253_402_300_799_999;

    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public static long FromUtc(DateTime time) => (time.Ticks - Epoch) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Whether a record's timestamp, in ms since 1970-01-01 UTC, is in the years 1 to 9999. A producer may set any.</summary>
    public static bool IsPossible(long milliseconds) => milliseconds is >= FirstMs and <= LastMs;

    /// <param name="milliseconds">Milliseconds since 1970-01-01 UTC, in the years 1 to 9999.</param>
    public static long FromUnix(long milliseconds) => (milliseconds * 1_000) - ((Epoch - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

    public static DateTime ToUtc(long microseconds) => new(Epoch + (microseconds * TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);
}
