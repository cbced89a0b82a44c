using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class OutageReportTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void What_answered_before_is_warned_of_once()
    {
        var report = new OutageReport(_time);

        Assert.Equal(LogLevel.None, report.Answered());
        Assert.Equal([LogLevel.Warning, LogLevel.None, LogLevel.None], [report.Failed(), report.Failed(), report.Failed()]);
        Assert.Equal([LogLevel.Information, LogLevel.None], [report.Answered(), report.Answered()]);
        Assert.Equal(LogLevel.Warning, report.Failed());
    }

    [Fact]
    public void A_start_waits_without_a_warning_until_it_takes_too_long()
    {
        var report = new OutageReport(_time);

        Assert.Equal([LogLevel.Information, LogLevel.None], [report.Failed(), report.Failed()]);
        _time.Advance(OutageReport.StartLimit);
        Assert.Equal([LogLevel.Warning, LogLevel.None], [report.Failed(), report.Failed()]);
        Assert.Equal(LogLevel.Information, report.Answered());
    }
}
