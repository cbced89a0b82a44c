namespace FactoryMonitoring.Consumers.Detection;

/// <summary>One sequence of a sensor's reading_counts, and the counts of it in a partition.</summary>
/// <param name="id">UTF-8; null if the sensor names no sequence.</param>
internal sealed class SensorSequence(byte[]? id, SequenceAccount account, long firstAt = long.MinValue, long lastAt = long.MaxValue)
{
    public byte[]? Id { get; } = id;

    public SequenceAccount Account { get; } = account;

    /// <summary>The sensor's own timestamps of the lowest and the highest count, microseconds since 2000-01-01 UTC; unbounded if unknown.</summary>
    public long FirstAt { get; private set; } = firstAt;

    public long LastAt { get; private set; } = lastAt;

    /// <returns>False if the count was already present.</returns>
    public bool Add(long count, long timestamp)
    {
        if (Account.IsEmpty || count < Account.Floor)
        {
            FirstAt = timestamp;
        }

        if (Account.IsEmpty || count > Account.Last)
        {
            LastAt = timestamp;
        }

        return Account.Add(count);
    }

    /// <summary>
    /// Whether a reading cannot belong to this sequence: its count falls back, but its timestamp does not. Readings that are sent again keep their
    /// timestamps; those of a device that restarts its count at 1 do not.
    /// </summary>
    public bool FallsBack(long count, long timestamp)
    {
        if (Account.IsEmpty || count > Account.Last)
        {
            return false;
        }

        if (count < Account.Floor)
        {
            return FirstAt != long.MinValue && timestamp >= FirstAt;
        }

        return timestamp > LastAt || timestamp < FirstAt
            || (count == Account.Last && LastAt != long.MaxValue && timestamp != LastAt)
            || (count == Account.Floor && FirstAt != long.MinValue && timestamp != FirstAt);
    }
}

/// <summary>
/// The readings of one sensor in a partition, by their reading_counts. A sequence that a sensor names is identified by its id; if it names
/// none, a count that falls back begins a new one.
/// </summary>
internal sealed class SensorSequences
{
    /// <summary>Beyond this number the least recently used sequence is forgotten: two processes may represent one sensor for a while.</summary>
    private const int MaxSequences = 4;

    // Nearly all sensors have only one.
    private SensorSequence? _newest;
    private List<SensorSequence>? _older;

    /// <summary>The sequences, the most recently used one first.</summary>
    public IEnumerable<SensorSequence> All => _newest is null ? [] : _older is null ? [_newest] : _older.Prepend(_newest);

    public int Count => _newest is null ? 0 : 1 + (_older?.Count ?? 0);

    /// <summary>The number of gaps in all of them.</summary>
    public int GapCount
    {
        get
        {
            var count = _newest?.Account.GapCount ?? 0;
            if (_older is not null)
            {
                foreach (var sequence in _older)
                {
                    count += sequence.Account.GapCount;
                }
            }

            return count;
        }
    }

    /// <summary>Forgets all gaps, with everything below them.</summary>
    public void ForgetGaps()
    {
        foreach (var sequence in All)
        {
            sequence.Account.ForgetGaps();
        }
    }

    /// <param name="sequenceId">UTF-8; null if the reading names none.</param>
    /// <param name="timestamp">The sensor's own timestamp, microseconds since 2000-01-01 UTC.</param>
    /// <returns>False if the same reading was already present.</returns>
    public bool Add(byte[]? sequenceId, long count, long timestamp)
    {
        var sequence = Find(sequenceId);
        if (sequence is not null && sequenceId is null && sequence.FallsBack(count, timestamp))
        {
            _older?.Remove(sequence);
            _newest = _newest == sequence ? null : _newest;
            sequence = null;
        }

        sequence ??= new SensorSequence(sequenceId, new SequenceAccount());
        if (_newest != sequence)
        {
            _older?.Remove(sequence);
            if (_newest is not null)
            {
                (_older ??= []).Insert(0, _newest);
            }

            if (Count > MaxSequences)
            {
                _older!.RemoveAt(MaxSequences - 1);
            }

            _newest = sequence;
        }

        return sequence.Add(count, timestamp);
    }

    /// <summary>Removes a count whose reading was not stored after all: it is unseen again.</summary>
    public void Remove(byte[]? sequenceId, long count) => Find(sequenceId)?.Account.Remove(count);

    /// <summary>Returns the parts of a range that are not known to be present, in ascending order.</summary>
    public IEnumerable<(long First, long Last)> Unseen(byte[]? sequenceId, long first, long last) =>
        Find(sequenceId)?.Account.Unseen(first, last) ?? [(first, last)];

    /// <summary>Restores a sequence from a snapshot, after those already present.</summary>
    public void Restore(SensorSequence sequence)
    {
        if (_newest is null)
        {
            _newest = sequence;
        }
        else
        {
            (_older ??= []).Add(sequence);
        }
    }

    private SensorSequence? Find(byte[]? sequenceId)
    {
        if (_newest is null || Is(_newest, sequenceId))
        {
            return _newest;
        }

        foreach (var sequence in _older ?? [])
        {
            if (Is(sequence, sequenceId))
            {
                return sequence;
            }
        }

        return null;
    }

    private static bool Is(SensorSequence sequence, byte[]? id) => sequence.Id is { } own ? id is not null && own.AsSpan().SequenceEqual(id) : id is null;
}
