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

/// <summary>Readings of a lane's partitions, each partition's in the order of the log. Filled by the thread that polls, then the lane's; reused.</summary>
internal sealed class ReadingBatch(int capacity)
{
    private const int MaxRejected = 500;
    private const int MaxRejectedBytes = 4 * 1024 * 1024;

    /// <summary>Of sensors that have no key yet: each has to be looked for in the database before any is stored.</summary>
    private const int MaxUnknown = 2_000;

    private readonly Reading[] _readings = new Reading[capacity];
    private int _rejectedBytes;
    private int _unknown;

    public int Count { get; private set; }

    public Span<Reading> Readings => _readings.AsSpan(0, Count);

    public List<RejectedMessage> Rejected { get; } = [];

    public List<BatchSlice> Slices { get; } = [];

    /// <summary>The sends of messages that are traced.</summary>
    public List<ActivityLink> Links { get; } = [];

    /// <summary>Stopwatch ticks at the first message.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>Stopwatch ticks when it was handed over to be stored.</summary>
    public long ClosedAt { get; private set; }

    public bool IsEmpty => Slices.Count == 0;

    public bool IsFull => Count == _readings.Length || _unknown >= MaxUnknown || Rejected.Count >= MaxRejected || _rejectedBytes >= MaxRejectedBytes;

    public void Add(OwnedPartition partition, ref Reading reading)
    {
        SliceOf(partition, reading.Offset, reading.Offset);
        _readings[Count++] = reading;
        _unknown += reading.Sensor.Key == 0 ? 1 : 0;
    }

    public void Add(RejectedMessage rejected)
    {
        SliceOf(rejected.Partition, rejected.Offset, rejected.Offset);
        Rejected.Add(rejected);
        _rejectedBytes += rejected.Value.Bytes?.Length ?? 0;
    }

    /// <summary>Up to this offset there is nothing but marks of producers' transactions.</summary>
    public void Pass(OwnedPartition partition, long end) => SliceOf(partition, end - 1, partition.Position);

    public void AddRedelivered(OwnedPartition partition) => SliceOf(partition, partition.Position - 1, partition.Position).Redelivered++;

    /// <summary>The slices end here: the next batch of the partitions begins anew.</summary>
    public void Close()
    {
        ClosedAt = Stopwatch.GetTimestamp();
        foreach (var slice in Slices)
        {
            slice.Partition.Slice = null;
        }
    }

    public void Clear()
    {
        // Sensors and partitions must not be kept alive by a batch that waits for its next use.
        Readings.Clear();
        Count = 0;
        Rejected.Clear();
        Slices.Clear();
        Links.Clear();
        (_rejectedBytes, _unknown) = (0, 0);
    }

    private BatchSlice SliceOf(OwnedPartition partition, long offset, long first)
    {
        if (partition.Slice is not { } slice)
        {
            slice = partition.Slice = new BatchSlice(partition) { First = first };
            if (Slices.Count == 0)
            {
                OpenedAt = Stopwatch.GetTimestamp();
            }

            Slices.Add(slice);
        }

        slice.End = offset + 1;
        return slice;
    }
}
