using System.Diagnostics;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// Decides which traces begin here. A span that belongs to a recorded trace, is linked to one, or asks to be kept is always recorded. Of the rest, messages
/// and batches of messages have one limit, requests and user actions on a page another. A trace never begins with a call to another service
/// or to the database: a trace that is caused only by a timer is not useful.
/// </summary>
/// <param name="tracesPerSecond">The limit for requests and pages.</param>
/// <param name="messageTracesPerSecond">The limit for sent messages and processed batches.</param>
public sealed class TraceSampler(double tracesPerSecond, double messageTracesPerSecond, TimeProvider time) : Sampler
{
    /// <summary>Tag of a span that is always kept if it is set at its start.</summary>
    public const string KeepTag = "sampling.priority";

    private readonly TokenBucket _requests = new(tracesPerSecond, time);
    private readonly TokenBucket _messages = new(messageTracesPerSecond, time);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        var isSampled = parent.TraceId != default && parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
            || samplingParameters.Tags?.Any(tag => tag.Key == KeepTag) == true
            || samplingParameters.Links?.Any(link => link.Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)) == true
            || parent.TraceId == default && MayBegin(samplingParameters.Kind);
        return new SamplingResult(isSampled ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    private bool MayBegin(ActivityKind kind) => kind switch
    {
        ActivityKind.Client => false,
        ActivityKind.Producer or ActivityKind.Consumer => _messages.TryTake(),
        _ => _requests.TryTake(),
    };

    private sealed class TokenBucket(double perSecond, TimeProvider time)
    {
        private readonly Lock _lock = new();
        private double _tokens = Math.Min(perSecond, 1);
        private long _filledAt = time.GetTimestamp();

        public bool TryTake()
        {
            lock (_lock)
            {
                var now = time.GetTimestamp();
                // The bucket holds at most the tokens of one second, so that a burst after a pause is not recorded completely.
                _tokens = Math.Min(Math.Max(perSecond, 1), _tokens + (perSecond * time.GetElapsedTime(_filledAt, now).TotalSeconds));
                _filledAt = now;
                if (_tokens < 1 || perSecond <= 0)
                {
                    return false;
                }

                _tokens--;
                return true;
            }
        }
    }
}
