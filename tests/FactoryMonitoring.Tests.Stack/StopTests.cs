using System.Diagnostics;
using System.Text;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>The AppHost's program, started as a user starts it, and the signals that stop it.</summary>
public sealed class StopTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    // Open to other users, unlike a temporary directory: if root starts the database, its processes run as another user.
    private readonly string _runDirectory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-stop-{Guid.NewGuid():N}")).FullName;
    private readonly StringBuilder _output = new();

    private static string AppHost => Repository.AssemblyOf("FactoryMonitoring.AppHost");

    public void Dispose()
    {
        foreach (var pid in Left()) Process.Start("kill", ["-KILL", $"{pid}"]).WaitForExit();
        Directory.Delete(_runDirectory, recursive: true);
    }

    [Fact]
    public async Task No_signal_leaves_a_process_behind_and_the_next_start_works()
    {
        foreach (var signal in (string[])["INT", "KILL", "TERM"])
        {
            using var app = await StartAsync(signal);
            using (var kill = Process.Start("kill", [$"-{signal}", $"{app.Id}"])) await kill.WaitForExitAsync();
            await UntilAsync($"the AppHost ends by SIG{signal}", () => app.HasExited);
            if (signal != "KILL")
            {
                // The AppHost exits last, after the orchestrator, which notices the exit by itself only if the AppHost is killed.
                Assert.Equal(0, app.ExitCode);
                Assert.Empty(Commands());
            }
            await UntilAsync($"no process is left after SIG{signal}", () => Left().Count == 0);
            await app.WaitForExitAsync(); // reads the rest of its output, which must not be taken for that of the next one
        }
    }

    private async Task<Process> StartAsync(string signal)
    {
        // If the tests run in the background of a script, they ignore SIGINT, and the processes that they start would inherit that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Path.ChangeExtension(AppHost, null)])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(AppHost),
        };
        start.Environment["Factory__RunDirectory"] = _runDirectory;
        // As in the launch profile.
        (start.Environment["DOTNET_ENVIRONMENT"], start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"]) = ("Development", "true");
        (start.Environment["Factory__Kafka"], start.Environment["Factory__Postgres"], start.Environment["Factory__Prometheus"]) = ("embedded", "process", "false");
        foreach (var port in (string[])["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres"]) start.Environment[$"Factory__Ports__{port}"] = "0";
        lock (_output) _output.Clear();
        var process = Process.Start(start)!;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await UntilAsync($"the factory is ready for SIG{signal}", () => Output.Contains("Ready after ", StringComparison.Ordinal) || process.HasExited);
        Assert.False(process.HasExited, Output);
        return process;
    }

    private string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>
    /// Returns the processes that were started for this run directory and have not exited; a process passes its environment to all that it starts.
    /// </summary>
    private List<int> Left() =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Where(IsOfRun!).Select(int.Parse!)];

    private IEnumerable<string> Commands() => Left().Select(pid => Read($"{pid}/cmdline").Replace('\0', ' ')).Where(command => command.Length > 0);

    private bool IsOfRun(string pid) => Read($"{pid}/environ").Split('\0').Contains($"Factory__RunDirectory={_runDirectory}");

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output) _output.AppendLine(line.Data);
    }

    private async Task UntilAsync(string what, Func<bool> condition)
    {
        var since = Stopwatch.StartNew();
        while (!condition())
        {
            if (since.Elapsed > Limit) Assert.Fail($"Not within {Limit.TotalMinutes} min: {what}.\n{Output}\n{string.Join('\n', Logs())}\nleft: {string.Join('\n', Commands())}");
            await Task.Delay(100);
        }
    }

    /// <summary>Returns the last lines of each log of the run.</summary>
    private IEnumerable<string> Logs() => Directory.EnumerateFiles(Path.Combine(_runDirectory, "logs")).SelectMany(file => File.ReadLines(file).TakeLast(2).Prepend(Path.GetFileName(file)));
}
