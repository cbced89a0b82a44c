namespace FactoryMonitoring.Sensors.Accounting;

/// <summary>
/// A period in which at least one broker was always available, so that all readings acknowledged in it are in one log. The brokers are asked which log
/// that is; the answer may arrive later.
/// </summary>
internal sealed class LogEpoch
{
    private volatile string? _logId;

    /// <summary>Null until known.</summary>
    public string? LogId
    {
        get => _logId;
        set => _logId = value;
    }
}
