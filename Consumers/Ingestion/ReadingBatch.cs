using System.Diagnostics;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A message that is not a reading, with the data needed to account for it and to forward it.</summary>
/// <param name="Value">Null if key and value must be read from the log.</param>
internal sealed record RejectedMessage(
    OwnedPartition Partition, long Offset, Rejection Reason, string Detail, string? SensorId, string? SequenceId, long? ReadingCount, byte[]? Key, KeptValue? Value);

/// <summary>The part of a batch that belongs to one partition.</summary>
internal sealed class BatchSlice(OwnedPartition partition)
{
    public OwnedPartition Partition { get; } = partition;

    /// <summary>The first offset.</summary>
    public required long First { get; init; }

    /// <summary>One past the last offset.</summary>
    public long End { get; set; }

    public int Redelivered { get; set; }

    /// <summary>The leader epoch of the last message; null if the broker names none.</summary>
    public int? LeaderEpoch { get; set; }
}

/// <summary>
/// Readings of a lane's partitions, those of each partition in log order, and all readings of a message together. Filled by the polling thread, then
/// owned by the lane; reused.
/// </summary>
/// <param name="capacity">The number of readings from which on it is full. The last message may exceed it: a message is never divided.</param>
internal sealed class ReadingBatch(int capacity, TimeProvider time)
{
    private const int MaxRejected = 500;
    private const int MaxRejectedBytes = 4 * 1024 * 1024;

    /// <summary>Sensors without a key: each must be looked up in the database before any reading is stored.</summary>
    private const int MaxUnknown = 2_000;

    private Reading[] _readings = new Reading[capacity];
    private BatchSlice? _slice;
    private int _further;
    private int _rejectedBytes;
    private int _unknown;
    private long _openedAt;
    private long _closedAt;

    public int Count { get; private set; }

    /// <summary>The number of messages, including rejected ones.</summary>
    public int Messages => Count - _further + Rejected.Count;

    public Span<Reading> Readings => _readings.AsSpan(0, Count);

    public List<RejectedMessage> Rejected { get; } = [];

    public List<BatchSlice> Slices { get; } = [];

    /// <summary>Links to the send spans of messages that are traced.</summary>
    public List<ActivityLink> Links { get; } = [];

    /// <summary>Time since the first message.</summary>
    public TimeSpan Age => time.GetElapsedTime(_openedAt);

    /// <summary>When the first message arrived.</summary>
    public DateTimeOffset OpenedAt => time.GetUtcNow() - time.GetElapsedTime(_openedAt);

    /// <summary>When the batch was passed on to be stored.</summary>
    public DateTimeOffset ClosedAt => time.GetUtcNow() - time.GetElapsedTime(_closedAt);

    public bool IsEmpty => Slices.Count == 0;

    public bool IsFull => Count >= capacity || _unknown >= MaxUnknown || Rejected.Count >= MaxRejected || _rejectedBytes >= MaxRejectedBytes;

    public BatchSlice Add(OwnedPartition partition, ref Reading reading)
    {
        var slice = SliceOf(partition, reading.Offset, reading.Offset);
        _readings[Count++] = reading;
        _unknown += reading.Sensor.Key == 0 ? 1 : 0;
        return slice;
    }

    /// <summary>Adds the readings of one message.</summary>
    public BatchSlice Add(OwnedPartition partition, Span<Reading> readings)
    {
        if (_readings.Length < Count + readings.Length)
        {
            Array.Resize(ref _readings, Count + readings.Length);
        }

        var slice = SliceOf(partition, readings[0].Offset, readings[0].Offset);
        readings.CopyTo(_readings.AsSpan(Count));
        Count += readings.Length;
        _further += readings.Length - 1;
        foreach (ref var reading in readings)
        {
            _unknown += reading.Sensor.Key == 0 ? 1 : 0;
        }

        return slice;
    }

    public BatchSlice Add(RejectedMessage rejected)
    {
        var slice = SliceOf(rejected.Partition, rejected.Offset, rejected.Offset);
        Rejected.Add(rejected);
        _rejectedBytes += rejected.Value?.Bytes?.Length ?? 0;
        return slice;
    }

    /// <summary>Records that between the two offsets there are only control records of producers' transactions.</summary>
    public void Pass(OwnedPartition partition, long from, long end) => SliceOf(partition, end - 1, from);

    /// <summary>Records a redelivered message, taken before <paramref name="position"/>, the next offset to take.</summary>
    public void AddRedelivered(OwnedPartition partition, long position) => SliceOf(partition, position - 1, position).Redelivered++;

    /// <summary>Records that the batch is passed on.</summary>
    public void Close() => _closedAt = time.GetTimestamp();

    public void Clear()
    {
        // A batch that waits for its next use must not keep sensors and partitions alive.
        Readings.Clear();
        Count = 0;
        Rejected.Clear();
        Slices.Clear();
        Links.Clear();
        (_slice, _further, _rejectedBytes, _unknown) = (null, 0, 0, 0);
    }

    private BatchSlice SliceOf(OwnedPartition partition, long offset, long first)
    {
        if (_slice?.Partition != partition)
        {
            // Messages of a partition arrive in runs.
            _slice = Find(partition) ?? Begin(partition, first);
        }

        _slice.End = offset + 1;
        return _slice;
    }

    private BatchSlice? Find(OwnedPartition partition)
    {
        foreach (var slice in Slices)
        {
            if (slice.Partition == partition)
            {
                return slice;
            }
        }

        return null;
    }

    private BatchSlice Begin(OwnedPartition partition, long first)
    {
        if (Slices.Count == 0)
        {
            _openedAt = time.GetTimestamp();
        }

        var slice = new BatchSlice(partition) { First = first };
        Slices.Add(slice);
        return slice;
    }
}
