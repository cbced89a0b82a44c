using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// At which level to log that a dependency does not answer: as information at once, as a warning where that lasts. A service that has just started
/// waits longer before it warns, for it starts together with what it waits for.
/// </summary>
public sealed class OutageReport(TimeProvider time)
{
    /// <summary>An outage this long is a warning.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>One before the first answer: what a whole stack takes to start on a busy machine.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private long _since;
    private bool _hasAnswered;
    private LogLevel _reported = LogLevel.None;

    /// <summary>Takes note that it did not answer.</summary>
    /// <returns>None where that has been logged.</returns>
    public LogLevel Failed()
    {
        lock (_gate)
        {
            if (_reported == LogLevel.None)
            {
                _since = time.GetTimestamp();
                return _reported = LogLevel.Information;
            }

            return _reported == LogLevel.Information && time.GetElapsedTime(_since) >= (_hasAnswered ? Limit : StartLimit)
                ? _reported = LogLevel.Warning
                : LogLevel.None;
        }
    }

    /// <summary>Takes note that it answered.</summary>
    /// <returns>Information where an outage was logged that has ended now, else None.</returns>
    public LogLevel Answered()
    {
        lock (_gate)
        {
            _hasAnswered = true;
            (var reported, _reported) = (_reported, LogLevel.None);
            return reported == LogLevel.None ? LogLevel.None : LogLevel.Information;
        }
    }
}
