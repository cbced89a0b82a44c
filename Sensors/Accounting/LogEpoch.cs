namespace FactoryMonitoring.Sensors.Accounting;

/// <summary>
/// A stretch of time in which all brokers were never away at once, so that everything acknowledged in it lies in one log. Which one is
/// asked of the brokers, and may be known only later.
/// </summary>
internal sealed class LogEpoch
{
    private volatile string? _logId;

    /// <summary>Null until it is known.</summary>
    public string? LogId
    {
        get => _logId;
        set => _logId = value;
    }
}
