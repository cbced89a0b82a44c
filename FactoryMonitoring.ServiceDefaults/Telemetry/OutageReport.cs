using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// Determines the level at which to log that a dependency does not answer: information at first, a warning if it lasts. A service that has just started
/// waits longer before it warns, because it starts together with its dependencies.
/// </summary>
public sealed class OutageReport(TimeProvider time)
{
    /// <summary>Duration from which an outage is a warning.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>The same before the first answer: the time that a whole stack takes to start on a busy machine.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private long _since;
    private bool _hasAnswered;
    private LogLevel _reported = LogLevel.None;

    /// <summary>Records that the dependency did not answer.</summary>
    /// <returns>The level to log at; None if the outage has already been logged.</returns>
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

    /// <summary>Records that the dependency answered.</summary>
    /// <returns>Information if an outage that was logged has now ended, otherwise None.</returns>
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
