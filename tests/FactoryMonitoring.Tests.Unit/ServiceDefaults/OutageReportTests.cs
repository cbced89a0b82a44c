using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class OutageReportTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void An_outage_is_information_at_once_and_a_warning_where_it_lasts()
    {
        var report = new OutageReport(_time);

        Assert.Equal(LogLevel.None, report.Answered());
        Assert.Equal([LogLevel.Information, LogLevel.None], [report.Failed(), report.Failed()]);
        _time.Advance(OutageReport.Limit);
        Assert.Equal([LogLevel.Warning, LogLevel.None], [report.Failed(), report.Failed()]);
        Assert.Equal([LogLevel.Information, LogLevel.None], [report.Answered(), report.Answered()]);
    }

    [Fact]
    public void Two_short_outages_are_no_long_one()
    {
        var report = new OutageReport(_time);

        report.Answered();
        report.Failed();
        _time.Advance(OutageReport.Limit);
        Assert.Equal(LogLevel.Information, report.Answered());
        Assert.Equal(LogLevel.Information, report.Failed());
    }

    [Fact]
    public void A_start_waits_longer_before_it_warns()
    {
        var report = new OutageReport(_time);

        Assert.Equal(LogLevel.Information, report.Failed());
        _time.Advance(OutageReport.Limit);
        Assert.Equal(LogLevel.None, report.Failed());
        _time.Advance(OutageReport.StartLimit);
        Assert.Equal(LogLevel.Warning, report.Failed());
    }
}
