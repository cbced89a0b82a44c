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
        var sampler = new TraceSampler(0, 10, _time);

        Assert.InRange(Enumerable.Range(0, 300).Count(_ => Passes(10)), 30, 31);

        // The roots of thirty seconds within three seconds: ten a second get through.
        bool Passes(int milliseconds)
        {
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return IsSampled(sampler);
        }
    }

    [Fact]
    public void Silence_saves_up_no_more_than_a_second()
    {
        var sampler = new TraceSampler(0, 10, _time);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(10, Enumerable.Range(0, 100).Count(_ => IsSampled(sampler)));
    }

    [Fact]
    public void What_belongs_to_a_recorded_trace_or_asks_to_be_kept_is_always_recorded()
    {
        var sampler = new TraceSampler(0, 0, _time);

        Assert.True(IsSampled(sampler, parent: Recorded));
        Assert.True(IsSampled(sampler, links: [new ActivityLink(Unrecorded), new ActivityLink(Recorded)]));
        Assert.True(IsSampled(sampler, tags: [new(TraceSampler.KeepTag, 1)]));
        Assert.False(IsSampled(sampler));
        Assert.False(IsSampled(sampler, parent: Unrecorded));
        Assert.False(IsSampled(sampler, links: [new ActivityLink(Unrecorded)]));
    }

    [Fact]
    public void Requests_and_messages_have_limits_of_their_own()
    {
        var sampler = new TraceSampler(2, 1, _time);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(1, Count(ActivityKind.Producer, ActivityKind.Consumer));
        Assert.Equal(2, Count(ActivityKind.Server, ActivityKind.Internal));

        int Count(params ActivityKind[] kinds) => Enumerable.Range(0, 10).Count(number => IsSampled(sampler, kind: kinds[number % kinds.Length]));
    }

    [Fact]
    public void No_trace_begins_with_a_call_to_a_database_or_a_service()
    {
        var sampler = new TraceSampler(1_000, 1_000, _time);
        _time.Advance(TimeSpan.FromHours(1));

        Assert.False(IsSampled(sampler, kind: ActivityKind.Client));
        Assert.True(IsSampled(sampler, parent: Recorded, kind: ActivityKind.Client));
    }

    private static bool IsSampled(
        TraceSampler sampler, ActivityContext parent = default, IEnumerable<KeyValuePair<string, object?>>? tags = null, IEnumerable<ActivityLink>? links = null,
        ActivityKind kind = ActivityKind.Producer) =>
        sampler.ShouldSample(new SamplingParameters(parent, ActivityTraceId.CreateRandom(), "send", kind, tags, links)).Decision
        == SamplingDecision.RecordAndSample;

    private static ActivityContext Context(ActivityTraceFlags flags) => new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), flags);
}
