using System.Diagnostics;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// Records what is part of a recorded trace or linked to one, what asks to be kept, and of all else so many traces a second. Below that rate
/// every trace is complete; above it a trace is complete or not there.
/// </summary>
public sealed class TraceSampler(double tracesPerSecond, TimeProvider time) : Sampler
{
    /// <summary>A span that starts with this tag is kept at any rate.</summary>
    public const string KeepTag = "sampling.priority";

    private readonly Lock _lock = new();
    private double _tokens = Math.Min(tracesPerSecond, 1);
    private long _filledAt = time.GetTimestamp();

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        var isSampled = parent.TraceId != default && parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
            || samplingParameters.Tags?.Any(tag => tag.Key == KeepTag) == true
            || samplingParameters.Links?.Any(link => link.Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)) == true
            || parent.TraceId == default && TryTake();
        return new SamplingResult(isSampled ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    private bool TryTake()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            // A second's worth is saved up at most, so that a burst after silence is not all recorded.
            _tokens = Math.Min(Math.Max(tracesPerSecond, 1), _tokens + (tracesPerSecond * time.GetElapsedTime(_filledAt, now).TotalSeconds));
            _filledAt = now;
            if (_tokens < 1 || tracesPerSecond <= 0)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
