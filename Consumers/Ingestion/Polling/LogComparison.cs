namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// Finds the first offset at which the brokers' log differs from the log that was stored. Leader epochs never decrease along a log, so a message with a
/// higher epoch than the last stored one was written later, whatever its offset. The comparison steps back until it finds a message of the stored log,
/// and then reads forward. An early end of the log proves nothing: a new leader shows its last messages only once its followers have them. If the log
/// was cut, the next message that is written shows it.
/// </summary>
/// <param name="leaderEpoch">The leader epoch of the last message stored.</param>
/// <param name="low">The first offset still in the log.</param>
/// <param name="start">Where to begin.</param>
internal sealed class LogComparison(int leaderEpoch, long low, long start)
{
    private long _step = 1;
    private bool _isAnchored = start <= low;

    /// <summary>The next offset to compare.</summary>
    public long Next { get; private set; } = Math.Max(low, start);

    /// <summary>The first offset at which the log differs; null while unknown.</summary>
    public long? CutAt { get; private set; }

    /// <returns>False if the message is not the one that was stored: either the cut is found, or <see cref="Next"/> must be read.</returns>
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

    /// <summary>Records that the log ends, for now, where a stored message should be.</summary>
    /// <returns>False if <see cref="Next"/> must be read.</returns>
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
