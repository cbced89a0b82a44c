namespace FactoryMonitoring.Sensors.Sequences;

/// <summary>The reading_counts a sensor may still use: what is left of its block, and the block after that once it is fetched.</summary>
internal sealed class ReadingCounts
{
    /// <summary>Counts per block. What is left of one at a kill is skipped.</summary>
    public const int BlockSize = 1000;

    private readonly Lock _gate = new();
    private long _next;
    private long _end;
    private long _spare;
    private bool _hasSpare;

    /// <summary>The next block should be fetched: half of this one is used and there is none after it.</summary>
    public bool WantsBlock
    {
        get
        {
            lock (_gate)
            {
                return !_hasSpare && _end - _next <= BlockSize / 2;
            }
        }
    }

    public bool TryTake(out long count)
    {
        lock (_gate)
        {
            if (_next == _end && _hasSpare)
            {
                (_next, _end, _hasSpare) = (_spare, _spare + BlockSize, false);
            }

            count = _next;
            if (_next == _end)
            {
                return false;
            }

            _next++;
            return true;
        }
    }

    public void Add(long first)
    {
        lock (_gate)
        {
            (_spare, _hasSpare) = (first, true);
        }
    }
}
