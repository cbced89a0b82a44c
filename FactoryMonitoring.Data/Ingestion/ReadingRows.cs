using System.Buffers.Binary;
using FactoryMonitoring.Contracts;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>
/// Rows of the table <c>readings</c> in the format of PostgreSQL's binary COPY. A row is a fixed byte pattern with the values
/// written over it: no call, no allocation and no type lookup per column. Reused from batch to batch.
/// </summary>
/// <remarks>The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".</remarks>
public sealed class ReadingRows
{
    /// <summary>processing_timestamp keeps its default, so that it is from the database's clock and the same for a whole batch.</summary>
    private const string Copy = """
        COPY readings ("timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level, reading_count)
        FROM STDIN (FORMAT BINARY)
        """;

    private static readonly TimeSpan CopyTimeout = TimeSpan.FromSeconds(3);

    private const int RowLength = 94;
    private const int RowLengthWithoutCount = RowLength - sizeof(long);
    private const int TrailerLength = 2;

    // The signature "PGCOPY\n\377\r\n\0", no flags, no extension.
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xff, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static readonly byte[] Pattern = MakePattern();

    private byte[] _bytes;
    private int _length;

    /// <param name="capacity">The initial capacity in rows; it grows as needed.</param>
    public ReadingRows(int capacity)
    {
        _bytes = new byte[Header.Length + (capacity * RowLength) + TrailerLength];
        Clear();
    }

    public int Count { get; private set; }

    /// <summary>Header, rows and trailer.</summary>
    private ReadOnlyMemory<byte> Bytes
    {
        get
        {
            BinaryPrimitives.WriteInt16BigEndian(_bytes.AsSpan(_length), -1);
            return _bytes.AsMemory(0, _length + TrailerLength);
        }
    }

    public void Clear()
    {
        Header.CopyTo(_bytes, 0);
        _length = Header.Length;
        Count = 0;
    }

    /// <param name="timestamp">Microseconds since 2000-01-01 UTC.</param>
    /// <param name="readingCount">Null if the message had none.</param>
    public void Add(
        long timestamp, long offset, double value, int sensorKey, int consumerKey, int partition, float quality, short logKey, AlertLevel level, long? readingCount)
    {
        if (_bytes.Length < _length + RowLength + TrailerLength)
        {
            Array.Resize(ref _bytes, _bytes.Length * 2);
        }

        var row = _bytes.AsSpan(_length, RowLength);
        Pattern.CopyTo(row);
        BinaryPrimitives.WriteInt64BigEndian(row[6..], timestamp);
        BinaryPrimitives.WriteInt64BigEndian(row[18..], offset);
        BinaryPrimitives.WriteDoubleBigEndian(row[30..], value);
        BinaryPrimitives.WriteInt32BigEndian(row[42..], sensorKey);
        BinaryPrimitives.WriteInt32BigEndian(row[50..], consumerKey);
        BinaryPrimitives.WriteInt32BigEndian(row[58..], partition);
        BinaryPrimitives.WriteSingleBigEndian(row[66..], quality);
        BinaryPrimitives.WriteInt16BigEndian(row[74..], logKey);
        BinaryPrimitives.WriteInt16BigEndian(row[80..], (short)level);
        if (readingCount is { } count)
        {
            BinaryPrimitives.WriteInt64BigEndian(row[86..], count);
            _length += RowLength;
        }
        else
        {
            BinaryPrimitives.WriteInt32BigEndian(row[82..], -1);
            _length += RowLengthWithoutCount;
        }

        Count++;
    }

    /// <summary>Sends the rows; they are stored when the connection's transaction is committed.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses a row.</exception>
    /// <exception cref="TimeoutException">It took more than 3 s.</exception>
    public async Task CopyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CopyTimeout);
        try
        {
            await using var stream = await connection.BeginRawBinaryCopyAsync(Copy, limit.Token);
            await stream.WriteAsync(Bytes, limit.Token);
            await stream.FlushAsync(limit.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"COPY took more than {CopyTimeout.TotalSeconds} s", exception);
        }
    }

    private static byte[] MakePattern()
    {
        var pattern = new byte[RowLength];
        ReadOnlySpan<int> widths = [8, 8, 8, 4, 4, 4, 4, 2, 2, 8];
        BinaryPrimitives.WriteInt16BigEndian(pattern, (short)widths.Length);
        var at = 2;
        foreach (var width in widths)
        {
            BinaryPrimitives.WriteInt32BigEndian(pattern.AsSpan(at), width);
            at += sizeof(int) + width;
        }

        return pattern;
    }
}
