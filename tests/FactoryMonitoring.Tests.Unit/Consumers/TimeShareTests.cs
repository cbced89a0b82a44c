using FactoryMonitoring.Data.Ingestion;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class TimeShareTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(150)]
    [InlineData(1_000)]
    public void Work_takes_its_share_of_the_time_however_long_a_piece_is(int milliseconds)
    {
        var share = new TimeShare(0.1, TimeSpan.FromMilliseconds(200), _time);
        var (started, worked) = (_time.GetTimestamp(), TimeSpan.Zero);
        while (_time.GetElapsedTime(started) < TimeSpan.FromHours(1))
        {
            while (share.HasTime)
            {
                var since = _time.GetTimestamp();
                _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                share.Spend(since);
                worked += TimeSpan.FromMilliseconds(milliseconds);
            }

            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.InRange(worked / _time.GetElapsedTime(started), 0.095, 0.101);
    }

    [Fact]
    public void Time_that_was_not_used_is_saved_up_to_a_limit()
    {
        var share = new TimeShare(0.1, TimeSpan.FromMilliseconds(200), _time);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(share.HasTime);

        Work(199);
        Assert.True(share.HasTime);
        Work(50);
        Assert.False(share.HasTime);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.True(share.HasTime);

        void Work(int milliseconds)
        {
            var since = _time.GetTimestamp();
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            share.Spend(since);
        }
    }
}
