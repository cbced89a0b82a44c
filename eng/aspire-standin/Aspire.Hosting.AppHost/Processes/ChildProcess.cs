using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Aspire.Hosting.Processes;

/// <summary>
/// A started process, the first of a group and session of its own where there is <c>setsid</c>: a Ctrl+C in the terminal then
/// reaches the AppHost alone, which ends its processes in their order.
/// </summary>
internal sealed class ChildProcess
{
    private const int SigTerm = 15, SigKill = 9;

    private static readonly string? SetSid =
        new[] { "/usr/bin/setsid", "/bin/setsid" }.FirstOrDefault(path => !OperatingSystem.IsWindows() && File.Exists(path));

    private readonly Process _process;
    private readonly Reaper _reaper;

    private ChildProcess(Process process, string start, Reaper reaper, Action<string, bool> write)
    {
        (_process, _reaper, Id) = (process, reaper, process.Id);
        reaper.Started(start, Id);
        process.StandardInput.Close();
        Exit = WaitAsync(ReadAsync(process.StandardOutput, line => write(line, false)), ReadAsync(process.StandardError, line => write(line, true)));
    }

    internal int Id { get; }

    /// <summary>The exit code; 128 and the signal's number when a signal ended it.</summary>
    internal Task<int> Exit { get; }

    internal static ChildProcess Start(LaunchPlan plan, Reaper reaper, Action<string, bool> write)
    {
        ProcessStartInfo start = new(SetSid ?? plan.Command, SetSid is null ? plan.Arguments : [plan.Command, .. plan.Arguments])
        {
            WorkingDirectory = plan.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in plan.Inherited.Concat(plan.Added))
            start.Environment[name] = value;
        var mark = start.Environment[Reaper.StartVariable] = reaper.Starting();
        return new(Process.Start(start)!, mark, reaper, write);
    }

    /// <summary>Asks it to end, and kills its group when it has not by then, or when the token is cancelled.</summary>
    internal async Task StopAsync(TimeSpan patience, CancellationToken now)
    {
        Signal(Id, SigTerm);
        try
        {
            await Exit.WaitAsync(patience, now);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            Kill();
            await Exit;
        }
    }

    internal void Kill()
    {
        if (OperatingSystem.IsWindows())
            _process.Kill(entireProcessTree: true);
        else if (Signal(-Id, SigKill) != 0)
            Signal(Id, SigKill);
    }

    private async Task<int> WaitAsync(Task output, Task error)
    {
        await _process.WaitForExitAsync();
        if (!OperatingSystem.IsWindows())
            Signal(-Id, SigKill); // what it has started and left behind
        _reaper.Remove(Id);
        try
        {
            await Task.WhenAll(output, error).WaitAsync(TimeSpan.FromSeconds(1));
        }
        catch (TimeoutException)
        {
            // Something outside its group holds its output open; its own lines are all read.
            return _process.ExitCode;
        }
        return _process.ExitCode;
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> write)
    {
        while (await reader.ReadLineAsync() is { } line)
            write(line);
    }

    private int Signal(int id, int signal) => OperatingSystem.IsWindows() || _process.HasExited && id > 0 ? -1 : KillProcess(id, signal);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int KillProcess(int id, int signal);
}
