using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// At which level to log that a dependency does not answer: a warning, once for each outage. A service that has just started waits for what starts
/// beside it: until the first answer that is information, and a warning only after <see cref="StartLimit"/>. Not thread-safe.
/// </summary>
public sealed class OutageReport(TimeProvider time)
{
    /// <summary>What a whole stack takes to start on a busy machine.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly long _startedAt = time.GetTimestamp();
    private bool _hasAnswered;
    private LogLevel _reported = LogLevel.None;

    /// <summary>Takes note that it did not answer.</summary>
    /// <returns>None where that has been logged.</returns>
    public LogLevel Failed()
    {
        var level = _hasAnswered || time.GetElapsedTime(_startedAt) >= StartLimit ? LogLevel.Warning : LogLevel.Information;
        if (level == _reported)
        {
            return LogLevel.None;
        }

        return _reported = level;
    }

    /// <summary>Takes note that it answered.</summary>
    /// <returns>Information where an outage was logged that has ended now, else None.</returns>
    public LogLevel Answered()
    {
        _hasAnswered = true;
        (var reported, _reported) = (_reported, LogLevel.None);
        return reported == LogLevel.None ? LogLevel.None : LogLevel.Information;
    }
}
