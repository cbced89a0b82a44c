using Aspire.Hosting.Testing;
using Npgsql;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed class LogTests(StackFixture stack) : StackTest(stack)
{
    [Fact]
    public async Task Readings_leave_no_lines_in_the_logs()
    {
        var rows = await QueryAsync<long>("SELECT count(*) FROM readings");
        var lines = Collector.Logs.Count;

        await EventuallyAsync(async () => await QueryAsync<long>("SELECT count(*) FROM readings") >= rows + 300);

        Assert.InRange(Collector.Logs.Count - lines, 0, 20);
    }

    [Fact]
    public async Task A_life_cycle_is_told_in_lines_of_its_own()
    {
        var before = Lines();
        await Stack.CommandAsync("sensor-consumer-3", "restart", Timeout);

        await EventuallyAsync(() => Task.FromResult(Lines() > before));

        int Lines() => Collector.Logs.Count(log => log is { Service: "sensor-consumer-3", Severity: "Information" or "Info" });
    }

    [Fact]
    public async Task Nothing_that_is_sent_bears_a_secret()
    {
        var password = new NpgsqlConnectionStringBuilder(await Stack.App.GetConnectionStringAsync("factorydb", Timeout)).Password!;
        await EventuallyAsync(() => Task.FromResult(Collector.Logs.Count > 20 && Collector.Spans.Count > 20));

        Assert.DoesNotContain(Collector.Logs, log => log.Body.Contains(password, StringComparison.Ordinal)
            || log.Attributes.Values.Any(value => value.Contains(password, StringComparison.Ordinal)));
        Assert.DoesNotContain(Collector.Spans, span => span.Attributes.Values.Any(value => value.Contains(password, StringComparison.Ordinal)));
    }
}
