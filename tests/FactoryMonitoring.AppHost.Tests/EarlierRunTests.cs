using System.Diagnostics;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class EarlierRunTests : IDisposable
{
    private readonly TemporaryDirectory _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void What_ends_in_time_is_waited_for()
    {
        using var left = Start("1");

        EarlierRun.AwaitEnd(_run.Path, TimeSpan.FromSeconds(30));

        Assert.True(left.WaitForExit(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void What_does_not_end_is_named_with_its_process()
    {
        using var left = Start("600");
        try
        {
            var exception = Assert.Throws<SetupException>(() => EarlierRun.AwaitEnd(_run.Path, TimeSpan.FromSeconds(1)));

            Assert.Equal(
                $"An earlier run from {_run.Path} has left process {left.Id} (sleep): end them, or set Factory__RunDirectory to another directory.", exception.Message);
            using var other = new TemporaryDirectory();
            EarlierRun.AwaitEnd(other.Path, TimeSpan.Zero);
        }
        finally
        {
            left.Kill();
        }
    }

    [Fact]
    public void A_file_of_a_killed_server_that_names_another_process_is_nothing_that_was_left()
    {
        Directory.CreateDirectory(Path.Combine(_run.Path, "postgres", "data"));
        File.WriteAllText(Path.Combine(_run.Path, "postgres", "data", "postmaster.pid"), $"{Environment.ProcessId}\n");

        EarlierRun.AwaitEnd(_run.Path, TimeSpan.Zero);
    }

    [Fact]
    public async Task A_reset_removes_nothing_under_what_was_left()
    {
        var data = Directory.CreateDirectory(Path.Combine(_run.Path, "kafka")).FullName;
        using var left = Start("600");
        try
        {
            var (code, error) = await ResetAsync();
            Assert.Equal((1, $"the run from {_run.Path} has left process {left.Id}: end them first\n"), (code, error));
            Assert.True(Directory.Exists(data));
        }
        finally
        {
            left.Kill();
        }
        await left.WaitForExitAsync();

        Assert.Equal((0, ""), await ResetAsync());
        Assert.False(Directory.Exists(data));
    }

    private Process Start(string seconds) => Process.Start(new ProcessStartInfo("sleep", [seconds]) { Environment = { [EarlierRun.Mark] = _run.Path } })!;

    private async Task<(int Code, string Error)> ResetAsync()
    {
        // The script works in the directory two levels above its own.
        var scripts = Directory.CreateDirectory(Path.Combine(_run.Path, "eng", "make")).FullName;
        var script = Path.Combine(scripts, "stack.sh");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "stack.sh"), script, overwrite: true);
        using var process = Process.Start(
            new ProcessStartInfo("bash", [script, "reset"]) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["Factory__RunDirectory"] = _run.Path } })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return (process.ExitCode, error);
    }
}
