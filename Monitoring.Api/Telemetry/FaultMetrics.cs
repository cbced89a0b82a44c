using System.Diagnostics.Metrics;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Api.Telemetry;

/// <summary>
/// Records factory.fault.phase.duration: the time from a death until it was noticed, and until its partitions were reassigned, flowing and caught up. Each
/// phase is recorded once.
/// </summary>
internal sealed class FaultMetrics
{
    public const string MeterName = "FactoryMonitoring.Monitoring.Api";

    private readonly Histogram<double> _duration;
    private readonly HashSet<string> _recorded = [];
    private (string Component, DateTimeOffset KilledAt)? _fault;
    private bool _first = true;

    public FaultMetrics(IMeterFactory meters) =>
        _duration = meters.Create(MeterName)
            .CreateHistogram<double>("factory.fault.phase.duration", "s", "Time from a consumer's death to each phase of the recovery.");

    /// <summary>Records the phases that have been reached since the last call.</summary>
    public void Observe(RecoveryStopwatch? recovery)
    {
        // Phases that were over before this process first looked were recorded by another process, or by none.
        var silent = _first;
        _first = false;
        if (recovery is null)
        {
            return;
        }

        // The time of a fault becomes more exact when the AppHost's report arrives: it is still the same fault.
        if (_fault is not { } fault || fault.Component != recovery.ComponentId || (recovery.KilledAt - fault.KilledAt).Duration() > TimeSpan.FromSeconds(10))
        {
            _recorded.Clear();
        }

        _fault = (recovery.ComponentId, recovery.KilledAt);
        Record("detected", recovery.NoticedMs);
        Record("reassigned", recovery.ReassignedMs);
        Record("first_record", recovery.FirstRecordMs);
        Record("caught_up", recovery.CaughtUpMs);

        void Record(string phase, int? milliseconds)
        {
            if (milliseconds is { } reached && _recorded.Add(phase) && !silent)
            {
                _duration.Record(reached / 1000.0, new KeyValuePair<string, object?>("phase", phase));
            }
        }
    }
}
