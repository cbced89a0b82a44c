using System.Diagnostics;
using FactoryMonitoring.Benchmarks.Servers;

namespace FactoryMonitoring.Benchmarks;

/// <summary>The whole factory as a user starts and ends it, on free ports and with data of its own.</summary>
internal static class StartRuns
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    /// <summary>The signals that end the AppHost: Ctrl+C, a stop, and a death without warning.</summary>
    public static readonly string[] Signals = ["INT", "TERM", "KILL"];

    /// <param name="ReadySeconds">From the start of the AppHost, which is built, until five sensors and three consumers are active and readings are stored.</param>
    /// <param name="EndSeconds">From the signal to the AppHost until the last process that it had started, or that one of those had started, is gone.</param>
    public sealed record Run(double ReadySeconds, double EndSeconds);

    /// <summary>Starts the brokers and PostgreSQL alone, at the same time.</summary>
    /// <returns>Seconds until all of them answer: no factory on them can be ready earlier.</returns>
    public static async Task<double> ServersAsync(string repository, string directory)
    {
        Directory.CreateDirectory(directory);
        var clock = Stopwatch.StartNew();
        var starting = Task.Run(() => Postgres.StartAsync(Path.Combine(directory, "postgres")));
        await using var brokers = await Brokers.StartAsync(directory, repository);
        await using var postgres = await starting;
        return clock.Elapsed.TotalSeconds;
    }

    /// <exception cref="TimeoutException">It was not ready, or something was left, after 4 min.</exception>
    public static async Task<Run> RunAsync(string repository, string directory, string backing, string signal)
    {
        Directory.CreateDirectory(directory);
        var appHost = Services.AssemblyOf(repository, "FactoryMonitoring.AppHost");
        Dictionary<string, string?> environment = new()
        {
            ["Factory__RunDirectory"] = directory, ["Factory__Kafka"] = backing, ["Factory__Postgres"] = "process",
            // As in the launch profile.
            ["DOTNET_ENVIRONMENT"] = "Development", ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
        };
        foreach (var port in (string[])["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres", "Prometheus"]) environment[$"Factory__Ports__{port}"] = "0";
        var log = Path.Combine(directory, "apphost.log");
        var clock = Stopwatch.StartNew();
        // A process that a shell starts in the background ignores SIGINT, and so would the AppHost.
        await using var process = ServerProcess.Start(log, "env", ["--default-signal=INT", Path.ChangeExtension(appHost, null)], environment);
        await UntilAsync("ready", log, () => process.HasExited || ReadAll(log).Contains("Ready after ", StringComparison.Ordinal));
        if (process.HasExited) throw new InvalidOperationException($"the AppHost ended: {ReadAll(log)}");
        var ready = clock.Elapsed;

        await Task.Delay(Settled);
        clock.Restart();
        using (var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"])) await kill.WaitForExitAsync();
        await UntilAsync("gone", log, () => Left(directory) == 0);
        return new(ready.TotalSeconds, clock.Elapsed.TotalSeconds);
    }

    // A process passes its environment to all that it starts.
    private static int Left(string directory) => Directory.EnumerateDirectories("/proc")
        .Count(process => char.IsAsciiDigit(Path.GetFileName(process)[0]) && ReadAll($"{process}/environ").Split('\0').Contains($"Factory__RunDirectory={directory}"));

    private static string ReadAll(string file)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return reader.ReadToEnd();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static async Task UntilAsync(string what, string log, Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!condition())
        {
            if (clock.Elapsed > Limit) throw new TimeoutException($"the factory was not {what} within {Limit.TotalMinutes:0} min; {log} says why");
            await timer.WaitForNextTickAsync();
        }
    }
}
