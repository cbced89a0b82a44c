using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// Decides when a partition's memory is written, and whether as a whole or as changes: a large memory is written less often, and as a whole only once
/// its changes add up to the same size.
/// </summary>
/// <param name="stored">Sizes of the stored snapshots, in bytes: the whole, and each of its changes. Empty if there are none, or none that can be used.</param>
internal sealed class SnapshotSchedule(IReadOnlyList<int> stored, TimeProvider time)
{
    /// <summary>The maximum bytes per second that a memory may write.</summary>
    private const double MaxRate = 1024 * 1024;

    /// <summary>A successor must read all of them before it continues.</summary>
    private const int MaxChanges = 100;

    private long _whole = stored.Count > 0 ? stored[0] : 0;
    private long _changes = stored.Skip(1).Sum(size => (long)size);
    private int _count = Math.Max(0, stored.Count - 1);
    private bool _isStored = stored.Count > 0;
    private long _writtenAt = time.GetTimestamp();
    private long _written;

    /// <summary>The last one, while it is stored in parts; null if it is not.</summary>
    public SnapshotParts? Parts { get; private set; }

    /// <summary>When the last one was written: a timestamp of the time provider.</summary>
    public long WrittenAt => _writtenAt;

    /// <summary>Whether the last one is stored, and enough time has passed for its size.</summary>
    public bool IsDue => Parts is null && time.GetElapsedTime(_writtenAt).TotalSeconds * MaxRate >= _written;

    /// <summary>Writes the current memory. A previous one that was not <see cref="Confirm"/>ed is considered lost.</summary>
    public SnapshotRow Next(int partition, long offset, PartitionDetector detector)
    {
        var changes = _isStored && _count < MaxChanges && detector.ChangedSensors.Count < detector.Sensors.Count / 2 ? DetectorSnapshot.WriteChanges(detector) : null;
        if (changes is not null && _changes + changes.Length > _whole)
        {
            changes = null;
        }

        var row = new SnapshotRow(partition, offset, changes ?? DetectorSnapshot.Write(detector), IsChange: changes is not null);
        (_whole, _changes, _count) = row.IsChange ? (_whole, _changes + row.State.Length, _count + 1) : (row.State.Length, 0, 0);
        (_written, _writtenAt) = (row.State.Length, time.GetTimestamp());
        (Parts, _isStored) = (null, false);
        detector.Settle();
        return row;
    }

    /// <summary>Has the last one stored in parts.</summary>
    public void StoreInParts(SnapshotRow row) => Parts = new SnapshotParts(row);

    /// <summary>Records that the last one is stored.</summary>
    public void Confirm() => (Parts, _isStored) = (null, true);
}

/// <summary>A snapshot that is stored in parts, and how much of it is.</summary>
internal sealed class SnapshotParts(SnapshotRow row)
{
    private int _stored;

    public SnapshotRow Row => row;

    public bool IsStored => _stored == row.State.Length;

    /// <summary>The first part that is stored; 0 if none is.</summary>
    public long First { get; private set; }

    /// <summary>The last part that is stored; 0 if none is.</summary>
    public long Last { get; private set; }

    /// <summary>When the first part was stored, by the database's clock.</summary>
    public DateTime BegunAt { get; private set; }

    /// <summary>Returns the next bytes to store.</summary>
    /// <param name="most">Their maximum number.</param>
    public ReadOnlyMemory<byte> Next(int most) => row.State.AsMemory(_stored, Math.Min(most, row.State.Length - _stored));

    /// <summary>Whether these bytes are not the last.</summary>
    public bool IsContinuedAfter(ReadOnlyMemory<byte> part) => _stored + part.Length < row.State.Length;

    /// <summary>Records that these bytes are stored.</summary>
    public void Stored(ReadOnlyMemory<byte> bytes, long part, DateTime at)
    {
        (First, BegunAt) = First == 0 ? (part, at) : (First, BegunAt);
        Last = part;
        _stored += bytes.Length;
    }
}
