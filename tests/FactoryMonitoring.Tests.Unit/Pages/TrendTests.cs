using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Charts;
using FactoryMonitoring.Monitoring.Web.Sensors;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>The curve of one sensor's values in the list of sensors.</summary>
public sealed class TrendTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(60)]
    public void A_sensor_that_sends_regularly_has_one_unbroken_line(int seconds)
    {
        var trend = Trend.Of(Sensor(Enumerable.Range(0, 300 / seconds).Select(i => Reading(i * seconds, i * seconds, i))), Now)!;

        Assert.Equal(1, trend.Line.Count(command => command == 'M'));
        Assert.Equal(trend.Count - 1, trend.Line.Count(command => command == 'L'));
        Assert.Equal((0, trend.Count - 1), (trend.Least, trend.Most));
    }

    [Fact]
    public void Readings_of_one_transaction_are_drawn_at_their_own_times() =>
        Assert.StartsWith("M0 96L300 ", Trend.Of(Sensor([Reading(0, 9, 1), Reading(3, 9, 2), Reading(6, 9, 3)]), Now)!.Line, StringComparison.Ordinal);

    [Fact]
    public void Readings_of_one_moment_have_no_trend() => Assert.Null(Trend.Of(Sensor([Reading(3, 9, 1), Reading(3, 9, 2)]), Now));

    [Fact]
    public void Readings_before_the_window_are_left_out() =>
        Assert.Equal(2, Trend.Of(Sensor([Reading(-9, -9, 1), Reading(3, 3, 2), Reading(6, 6, 3)]), Now)!.Count);

    [Fact]
    public void A_pause_is_a_gap_and_a_lonely_value_is_visible()
    {
        var line = Line(0, 10, 20, 30, 200);

        Assert.Equal(2, line.Count(command => command == 'M'));
        Assert.EndsWith("h2", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_curve_or_an_axis_without_a_length_is_no_error()
    {
        Assert.Same(Curve.Empty, Curve.Of([Now, Now], at => at, _ => 1, Now, Now));
        Assert.Equal(0.5, PointLine.Share(Now, Now, Now));
    }

    private static string Line(params int[] seconds) => PointLine.Of([.. seconds.Select(second => (Now.AddSeconds(second), (double)second, 1.0))]);

    private static SensorDetailBody Sensor(IEnumerable<ReadingBody> readings) =>
        new(new("energy-1", "energy", "kW", null, null, null, 1, "normal", null, null, null, Now, Now, 0, 0), [.. readings], [], []);

    private static ReadingBody Reading(int taken, int stored, double value) =>
        new("energy-1", "energy", Now.AddSeconds(taken), value, "kW", "normal", 1, null, null, null, null, "sensor-consumer-1", 0, taken, Now.AddSeconds(stored));
}
