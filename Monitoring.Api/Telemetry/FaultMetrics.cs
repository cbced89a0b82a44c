using System.Diagnostics.Metrics;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Api.Telemetry;

/// <summary>factory.fault.phase.duration: how long after a death it was noticed, its partitions reassigned, flowing and caught up. Each once.</summary>
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
        // What was over before this process looked was recorded by another, or by nobody.
        var silent = _first;
        _first = false;
        if (recovery is null)
        {
            return;
        }

        // Its time becomes more exact when the AppHost's word arrives: it is the same fault.
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
