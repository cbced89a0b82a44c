namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// The time in which a lane works. Only this time counts as silence of sensors, not the time in which a database or a process is stopped.
/// </summary>
internal sealed class WorkingTime(TimeProvider time)
{
    /// <summary>The maximum time counted between two readings of the clock.</summary>
    private static readonly TimeSpan MaxStep = TimeSpan.FromSeconds(2);

    private long _readAt = time.GetTimestamp();

    /// <summary>The time since the start of the lane, as of the last call of <see cref="Advance"/>.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Advances to the clock's time.</summary>
    public TimeSpan Advance()
    {
        var elapsed = time.GetElapsedTime(_readAt);
        _readAt = time.GetTimestamp();
        Now += elapsed < MaxStep ? elapsed : MaxStep;
        return Now;
    }
}
