namespace FactoryMonitoring.Data.Ingestion;

/// <summary>Limits work to a share of the time: whatever waits for it waits for little of it, however much there is to do.</summary>
/// <param name="share">Greater than 0, at most 1.</param>
/// <param name="most">How much time may be saved up while there is nothing to do.</param>
public sealed class TimeShare(double share, TimeSpan most, TimeProvider time)
{
    private long _creditedAt = time.GetTimestamp();
    private TimeSpan _used;

    /// <summary>Whether the next piece of work may begin. It may take longer than the time that is left: later ones wait for that.</summary>
    public bool HasTime
    {
        get
        {
            var now = time.GetTimestamp();
            _used -= time.GetElapsedTime(_creditedAt, now) * share;
            _creditedAt = now;
            _used = _used > TimeSpan.Zero ? _used : TimeSpan.Zero;
            return _used < most;
        }
    }

    /// <summary>Records that a piece of work has ended, whether or not it has succeeded.</summary>
    /// <param name="since">When it began: a timestamp of the time provider.</param>
    public void Spend(long since) => _used += time.GetElapsedTime(since);
}
