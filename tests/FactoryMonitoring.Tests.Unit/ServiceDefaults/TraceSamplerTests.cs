using System.Diagnostics;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class TraceSamplerTests
{
    private static readonly ActivityContext Recorded = Context(ActivityTraceFlags.Recorded), Unrecorded = Context(ActivityTraceFlags.None);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Traces_that_begin_here_are_recorded_up_to_the_rate()
    {
        var sampler = new TraceSampler(10, _time);

        Assert.InRange(Enumerable.Range(0, 300).Count(_ => Passes(10)), 30, 31);

        // Thirty seconds' worth of roots in three seconds: ten a second get through.
        bool Passes(int milliseconds)
        {
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return IsSampled(sampler);
        }
    }

    [Fact]
    public void Silence_saves_up_no_more_than_a_second()
    {
        var sampler = new TraceSampler(10, _time);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(10, Enumerable.Range(0, 100).Count(_ => IsSampled(sampler)));
    }

    [Fact]
    public void What_belongs_to_a_recorded_trace_or_asks_to_be_kept_is_always_recorded()
    {
        var sampler = new TraceSampler(0, _time);

        Assert.True(IsSampled(sampler, parent: Recorded));
        Assert.True(IsSampled(sampler, links: [new ActivityLink(Unrecorded), new ActivityLink(Recorded)]));
        Assert.True(IsSampled(sampler, tags: [new(TraceSampler.KeepTag, 1)]));
        Assert.False(IsSampled(sampler));
        Assert.False(IsSampled(sampler, parent: Unrecorded));
        Assert.False(IsSampled(sampler, links: [new ActivityLink(Unrecorded)]));
    }

    private static bool IsSampled(
        TraceSampler sampler, ActivityContext parent = default, IEnumerable<KeyValuePair<string, object?>>? tags = null, IEnumerable<ActivityLink>? links = null) =>
        sampler.ShouldSample(new SamplingParameters(parent, ActivityTraceId.CreateRandom(), "send", ActivityKind.Producer, tags, links)).Decision
        == SamplingDecision.RecordAndSample;

    private static ActivityContext Context(ActivityTraceFlags flags) => new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), flags);
}
