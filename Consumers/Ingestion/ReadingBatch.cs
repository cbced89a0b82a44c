using System.Diagnostics;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A message that is no reading, and what must be known to account for it and to pass it on.</summary>
internal sealed record RejectedMessage(
    OwnedPartition Partition, long Offset, Rejection Reason, string Detail, string? SensorId, string? SequenceId, long? ReadingCount, byte[]? Key, KeptValue Value);

/// <summary>What a batch holds of one partition.</summary>
internal sealed class BatchSlice(OwnedPartition partition)
{
    public OwnedPartition Partition { get; } = partition;

    /// <summary>The first offset.</summary>
    public required long First { get; init; }

    /// <summary>One past the last offset.</summary>
    public long End { get; set; }

    public int Redelivered { get; set; }

    /// <summary>Of the last message; null where the broker names none.</summary>
    public int? LeaderEpoch { get; set; }
}

/// <summary>
/// Readings of a lane's partitions, each partition's in the order of the log, and all readings of a message together. Filled by the thread that polls, then
/// the lane's; reused.
/// </summary>
/// <param name="capacity">It is full from so many readings on. The last message may hold more than there is room for: it is never divided.</param>
internal sealed class ReadingBatch(int capacity, TimeProvider time)
{
    private const int MaxRejected = 500;
    private const int MaxRejectedBytes = 4 * 1024 * 1024;

    /// <summary>Of sensors that have no key yet: each has to be looked for in the database before any is stored.</summary>
    private const int MaxUnknown = 2_000;

    private Reading[] _readings = new Reading[capacity];
    private BatchSlice? _slice;
    private int _further;
    private int _rejectedBytes;
    private int _unknown;
    private long _openedAt;
    private long _closedAt;

    public int Count { get; private set; }

    /// <summary>Messages, rejected ones too.</summary>
    public int Messages => Count - _further + Rejected.Count;

    public Span<Reading> Readings => _readings.AsSpan(0, Count);

    public List<RejectedMessage> Rejected { get; } = [];

    public List<BatchSlice> Slices { get; } = [];

    /// <summary>The sends of messages that are traced.</summary>
    public List<ActivityLink> Links { get; } = [];

    /// <summary>Since the first message.</summary>
    public TimeSpan Age => time.GetElapsedTime(_openedAt);

    /// <summary>When the first message came.</summary>
    public DateTimeOffset OpenedAt => time.GetUtcNow() - time.GetElapsedTime(_openedAt);

    /// <summary>When it was handed over to be stored.</summary>
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
        _rejectedBytes += rejected.Value.Bytes?.Length ?? 0;
        return slice;
    }

    /// <summary>From one offset up to the other there is nothing but marks of producers' transactions.</summary>
    public void Pass(OwnedPartition partition, long from, long end) => SliceOf(partition, end - 1, from);

    /// <summary>A message came again that was taken before <paramref name="position"/>, the next to be taken.</summary>
    public void AddRedelivered(OwnedPartition partition, long position) => SliceOf(partition, position - 1, position).Redelivered++;

    /// <summary>It is handed over.</summary>
    public void Close() => _closedAt = time.GetTimestamp();

    public void Clear()
    {
        // Sensors and partitions must not be kept alive by a batch that waits for its next use.
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
            // Messages of a partition come in runs.
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
