using System.Diagnostics;
using System.Globalization;
using System.Net;
using Aspire.Hosting.Testing;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed class HealthTests(StackFixture stack) : StackTest(stack)
{
    private static readonly string[] OnTheDatabase = [.. StackFixture.Sensors, .. StackFixture.Consumers, "monitoring-api"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_frozen_PostgreSQL_fails_health_within_5_seconds_while_every_loop_is_alive()
    {
        await EventuallyAsync(async () => (await StatusesAsync("/health")).All(status => status == HttpStatusCode.OK));
        var postmaster = Parent(await QueryAsync<int>("SELECT pg_backend_pid()"));

        int[] server = [postmaster];
        try
        {
            // The postmaster first: processes that it starts after its children are counted would continue to answer.
            await StackFixture.SignalAsync("-STOP", server);
            server = [postmaster, .. Children(postmaster)];
            await StackFixture.SignalAsync("-STOP", server);
            var frozen = Stopwatch.StartNew();
            var alive = WatchAliveAsync(frozen, TimeSpan.FromSeconds(15));
            var noticed = await Task.WhenAll(OnTheDatabase.Select(service => UnhealthyAfterAsync(service, frozen)));
            var late = OnTheDatabase.Zip(noticed).Where(pair => pair.Second > Limit + StackTolerance).Select(pair => $"{pair.First}: {pair.Second}");
            Assert.Empty(late);
            Assert.Empty(await alive);
            Assert.All(await StatusesAsync("/health"), status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
            Assert.Equal("1", await CheckAsync("sensor-consumer-1"));
        }
        finally
        {
            await StackFixture.SignalAsync("-CONT", server);
        }

        await EventuallyAsync(async () => (await StatusesAsync("/health")).All(status => status == HttpStatusCode.OK));
        Assert.Equal("0", await CheckAsync("sensor-consumer-1"));
    }

    // The time that the answers themselves take on a machine that runs the whole stack.
    private static TimeSpan StackTolerance => TimeSpan.FromSeconds(2);

    private async Task<TimeSpan> UnhealthyAfterAsync(string service, Stopwatch since)
    {
        await EventuallyAsync(async () => await StatusAsync(service, "/health") == HttpStatusCode.ServiceUnavailable);
        return since.Elapsed;
    }

    private async Task<List<string>> WatchAliveAsync(Stopwatch since, TimeSpan until)
    {
        List<string> dead = [];
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (since.Elapsed < until && await timer.WaitForNextTickAsync(Timeout))
        {
            var statuses = await StatusesAsync("/alive");
            dead.AddRange(OnTheDatabase.Zip(statuses).Where(pair => pair.Second != HttpStatusCode.OK).Select(pair => $"{pair.First} {since.Elapsed}: {pair.Second}"));
        }

        return dead;
    }

    private Task<HttpStatusCode[]> StatusesAsync(string path) => Task.WhenAll(OnTheDatabase.Select(service => StatusAsync(service, path)));

    private async Task<HttpStatusCode> StatusAsync(string service, string path)
    {
        using var client = Stack.App.CreateHttpClient(service);
        using var response = await client.GetAsync(path, Timeout);
        return response.StatusCode;
    }

    private static IEnumerable<int> Children(int process) => Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
        .Select(name => int.TryParse(name, CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id != 0 && Parent(id) == process);

    /// <summary>Returns the process's parent; 0 if the process has exited.</summary>
    private static int Parent(int process)
    {
        try
        {
            var status = File.ReadAllText($"/proc/{process}/stat");
            return int.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Returns the exit code of the service's own program with --check, which queries the running service.</summary>
    private async Task<string> CheckAsync(string service)
    {
        if (!Stack.App.ResourceNotifications.TryGetCurrentState(service, out var state)) throw new InvalidOperationException(service);
        var program = (string)state.Snapshot.Properties.First(property => property.Name == "executable.path").Value!;
        var start = new ProcessStartInfo(program, ["--check"]) { RedirectStandardError = true };
        foreach (var variable in state.Snapshot.EnvironmentVariables.Where(variable => !variable.Name.StartsWith("OTEL_", StringComparison.Ordinal)))
        {
            start.Environment[variable.Name] = variable.Value;
        }

        using var check = Process.Start(start)!;
        await check.WaitForExitAsync(Timeout);
        return check.ExitCode.ToString(CultureInfo.InvariantCulture);
    }
}
