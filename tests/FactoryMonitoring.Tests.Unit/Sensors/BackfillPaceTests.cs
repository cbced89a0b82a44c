using FactoryMonitoring.Sensors.Replay;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class BackfillPaceTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly FakeTimeProvider _time = new();
    private readonly BackfillPace _pace;
    private long _offset;
    private long _stored;

    public BackfillPaceTests() => _pace = new BackfillPace(_time);

    [Fact]
    public void No_more_are_under_way_than_the_window_lets_through()
    {
        Assert.Equal(BackfillPace.LeastWindow, Fill());
        Assert.False(_pace.TryEnter());

        Store(500);

        Assert.Equal(500, Fill());
        Assert.Equal((500, BackfillPace.LeastWindow), (_pace.Snapshot().Stored, (int)_pace.Snapshot().Waiting));
    }

    [Fact]
    public void The_window_grows_to_what_is_stored_in_six_tenths_of_a_second_and_shrinks_with_it()
    {
        Run(steps: 30, perStep: 10_000); // 100,000 a second
        Assert.Equal(BackfillPace.MostWindow, _pace.Window);

        Run(steps: 30, perStep: 1_000);
        Assert.InRange(_pace.Window, 5_400, 6_600);

        Run(steps: 30, perStep: 10);
        Assert.Equal(BackfillPace.LeastWindow, _pace.Window);
    }

    [Fact]
    public void A_queue_before_a_pipeline_that_is_full_is_no_longer_than_that()
    {
        Run(steps: 50, perStep: 2_000);

        // 20,000 a second: the waiting readings are stored in 0.6 s.
        Assert.InRange(_pace.Snapshot().Waiting, 1, 13_200);
    }

    [Fact]
    public void Where_nothing_is_stored_it_is_stuck_after_a_while_and_the_rate_falls_to_nothing()
    {
        Run(steps: 20, perStep: 1_000);
        Assert.False(_pace.Snapshot().IsStuck);
        Assert.InRange(_pace.Snapshot().PerSecond!.Value, 9_000, 11_000);

        Run(steps: 150, perStep: 0);

        Assert.True(_pace.Snapshot().IsStuck);
        Assert.Equal(0, _pace.Snapshot().PerSecond);
    }

    [Fact]
    public void What_the_client_gives_up_waits_no_longer_and_is_not_stored()
    {
        Assert.True(_pace.TryEnter());
        _pace.Failed();
        Assert.Equal((0L, 0L), (_pace.Snapshot().Stored, _pace.Snapshot().Waiting));
    }

    [Fact]
    public void What_a_log_held_that_is_made_anew_waits_no_longer()
    {
        Fill();
        _pace.Observe("log", [(0, 0)]);
        Assert.False(_pace.TryEnter());

        _pace.Observe("another", [(0, 0)]);

        Assert.True(_pace.TryEnter());
    }

    private int Fill()
    {
        var entered = 0;
        for (; _pace.TryEnter(); entered++)
        {
            _pace.Acknowledged(0, _offset++);
        }

        return entered;
    }

    private void Store(long count)
    {
        _stored = Math.Min(_offset, _stored + count);
        _pace.Observe("log", [(0, _stored)]);
    }

    private void Run(int steps, long perStep)
    {
        for (var i = 0; i < steps; i++)
        {
            Fill();
            _time.Advance(Step);
            Store(perStep);
        }
    }
}
