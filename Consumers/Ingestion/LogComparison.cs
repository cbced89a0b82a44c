namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// Finds where the brokers' log stops being the one that was read. Leaders' epochs never fall from one message to the next: what bears a higher one
/// than the last message that was stored was written after it, whatever its offset. Steps back until it has found a message of the log that was read,
/// and then reads on. That the log ends too early proves nothing: a new leader does not show all it has until the others have it, too. If it was cut,
/// the next message that is written proves it.
/// </summary>
/// <param name="leaderEpoch">Of the last message that was stored.</param>
/// <param name="low">The first offset that is still in the log.</param>
/// <param name="start">Where to begin.</param>
internal sealed class LogComparison(int leaderEpoch, long low, long start)
{
    private long _step = 1;
    private bool _isAnchored = start <= low;

    /// <summary>The next offset to compare.</summary>
    public long Next { get; private set; } = Math.Max(low, start);

    /// <summary>The first offset at which the log is another; null while that is not known.</summary>
    public long? CutAt { get; private set; }

    /// <returns>False where the message is not the one that was stored: either the cut is found, or <see cref="Next"/> is to be read.</returns>
    public bool Read(long offset, int? epoch)
    {
        if (!(epoch > leaderEpoch))
        {
            (_isAnchored, Next) = (true, offset + 1);
            return true;
        }

        if (_isAnchored)
        {
            CutAt = offset;
        }
        else
        {
            StepBack();
        }

        return false;
    }

    /// <summary>The log ends, for now, where a message that was stored should be.</summary>
    /// <returns>False where <see cref="Next"/> is to be read.</returns>
    public bool End()
    {
        if (_isAnchored)
        {
            return true;
        }

        StepBack();
        return false;
    }

    private void StepBack()
    {
        _step *= 2;
        Next = Math.Max(low, Next - _step);
        _isAnchored = Next == low;
    }
}
