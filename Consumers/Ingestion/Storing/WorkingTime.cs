namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// The time in which a lane is at work. Only this counts as silence of sensors: not the time in which a database or a process stands still.
/// </summary>
internal sealed class WorkingTime(TimeProvider time)
{
    /// <summary>Between two looks at the clock, at most.</summary>
    private static readonly TimeSpan MaxStep = TimeSpan.FromSeconds(2);

    private long _readAt = time.GetTimestamp();

    /// <summary>Since the lane began, as of the last look.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Looks at the clock.</summary>
    public TimeSpan Advance()
    {
        var elapsed = time.GetElapsedTime(_readAt);
        _readAt = time.GetTimestamp();
        Now += elapsed < MaxStep ? elapsed : MaxStep;
        return Now;
    }
}
