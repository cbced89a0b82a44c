using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Web;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>The time range of an address.</summary>
public sealed class TimeRangeTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Usual = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("", "window=300s", -300, 0)]
    [InlineData("?window=1h", "window=1h", -3600, 0)]
    [InlineData("?window=1h&from=2026-01-05T07:00:00Z&to=2026-01-05T07:30:00Z", "from=2026-01-05T07%3A00%3A00.000Z&to=2026-01-05T07%3A30%3A00.000Z", -3600, -1800)]
    [InlineData("?from=2026-01-05T07:00:00Z", "from=2026-01-05T07%3A00%3A00.000Z", -3600, 0)]
    [InlineData("?to=2026-01-05T07:00:00&window=1h", "from=2026-01-05T06%3A00%3A00.000Z&to=2026-01-05T07%3A00%3A00.000Z", -7200, -3600)]
    [InlineData("?window=x", "window=300s", -300, 0)]
    [InlineData("?window=99999999999999d", "window=300s", -300, 0)]
    [InlineData("?window=1h&from=2026-01-05T08:00:00Z&to=2026-01-05T07:00:00Z", "window=300s", -300, 0)]
    public void It_is_what_the_API_is_asked_for_and_has_two_ends(string query, string asked, int from, int to)
    {
        var range = TimeRange.Of($"http://localhost/partitions{query}");

        Assert.Equal(asked, range.Ask(Usual));
        Assert.Equal((Now.AddSeconds(from), Now.AddSeconds(to)), range.Between(Usual, Now));
    }

    [Fact]
    public void A_link_keeps_it_beside_what_it_has()
    {
        const string here = "http://localhost/alerts?severity=high&from=a&to=b&page=2";

        Assert.Equal("/brokers?from=a&to=b", TimeRange.Keep("/brokers", here));
        Assert.Equal("/fault-lab?run=1&from=a&to=b", TimeRange.Keep("/fault-lab?run=1", here));
        Assert.Equal("/brokers", TimeRange.Keep("/brokers", "http://localhost/alerts?windows=2"));
    }

    [Theory]
    [InlineData("300s", 300)]
    [InlineData("5m", 300)]
    [InlineData("2h", 7_200)]
    [InlineData("7d", 604_800)]
    [InlineData("0s", 0)]
    [InlineData("s", null)]
    [InlineData("5", null)]
    [InlineData("-5m", null)]
    [InlineData("5 m", null)]
    [InlineData("5y", null)]
    [InlineData("10000001d", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_length_of_time_is_a_number_and_a_letter(string? text, int? seconds) =>
        Assert.Equal(seconds, SpanText.Read(text)?.TotalSeconds);

    [Theory]
    [InlineData(5)]
    [InlineData(60)]
    [InlineData(1_800)]
    public void Points_at_any_distance_are_a_line_without_gaps_and_a_missing_one_is_a_gap(int seconds)
    {
        var interval = TimeSpan.FromSeconds(seconds);
        DateTimeOffset[] times = [.. Enumerable.Range(0, 60).Select(i => Now + (i * interval))];

        var whole = Draw(times);
        var broken = Draw([.. times.Where((_, index) => index is not (30 or 31))]);

        Assert.Equal((1, 0), (whole.Line.Count(letter => letter == 'M'), whole.Gaps.Count));
        Assert.Equal((2, 1), (broken.Line.Count(letter => letter == 'M'), broken.Gaps.Count));

        Curve Draw(DateTimeOffset[] points) => Curve.Of(points, at => at, _ => 1, times[0], times[0] + (60 * interval), interval: interval);
    }
}
