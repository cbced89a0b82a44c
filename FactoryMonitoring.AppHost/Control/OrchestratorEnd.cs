using System.Globalization;
using FactoryMonitoring.AppHost.Faults;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Ensures that no process is left when the AppHost exits. Aspire asks its orchestrator (DCP) to stop the resources and ignores a failure. DCP's own processes
/// notice each other's exit by polling every few seconds, one after the other: without this class they outlive the factory by 4 to 8 s. Where there is no
/// /proc, they still do.
/// </summary>
internal static class OrchestratorEnd
{
    private const string Processes = "/proc";

    /// <summary>How long Aspire's request may take before DCP is terminated, which makes DCP stop the resources itself.</summary>
    private static readonly TimeSpan ResourcesLimit = TimeSpan.FromSeconds(4);

    /// <summary>How long a terminated process may take to exit before it is killed.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>A process, and the command line that distinguishes it from a later process with the same id.</summary>
    internal sealed record Started(int Pid, string Command)
    {
        /// <summary>Whether this is the orchestrator itself, a monitor of its resources, or one of its watches of a container engine.</summary>
        public bool IsHelper => Command.Split('\0') is [var program, var first, ..] && (Path.GetFileName(program) == "dcp" || first == "events");

        public bool IsThere => CommandOf(Pid) == Command;
    }

    /// <summary>Returns the orchestrator of this AppHost and all processes that it has started.</summary>
    public static IReadOnlyList<Started> Find()
    {
        if (!Directory.Exists($"{Processes}/self")) return [];
        var own = string.Create(CultureInfo.InvariantCulture, $"\0--monitor\0{Environment.ProcessId}\0");
        var all = Directory.EnumerateDirectories(Processes).Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).ToDictionary(pid => pid, CommandOf);
        return (from server in all
                where server.Value.Contains(own, StringComparison.Ordinal) && new Started(server.Key, server.Value).IsHelper
                from pid in ProcessTree.Descendants(server.Key).Prepend(server.Key)
                let command = all.GetValueOrDefault(pid, "")
                where command.Length > 0
                select new Started(pid, command)).ToList();
    }

    /// <summary>Waits until the resources are gone, then terminates the orchestrator, and finally kills the processes that have not exited.</summary>
    public static async Task HastenAsync(IReadOnlyList<Started> started)
    {
        await UntilGoneAsync(started.Where(process => !process.IsHelper), ResourcesLimit);
        foreach (var helper in started.Where(process => process.IsHelper && process.IsThere)) Signals.Terminate(helper.Pid);
        foreach (var left in await UntilGoneAsync(started, EndLimit)) Signals.Kill(left.Pid);
    }

    /// <returns>The processes that still run.</returns>
    private static async Task<IReadOnlyList<Started>> UntilGoneAsync(IEnumerable<Started> processes, TimeSpan limit)
    {
        var left = processes.Where(process => process.IsThere).ToList();
        for (var waited = TimeSpan.Zero; waited < limit && left.Count > 0; waited += Poll)
        {
            await Task.Delay(Poll);
            left.RemoveAll(process => !process.IsThere);
        }
        return left;
    }

    /// <summary>Returns the words of the command line, each terminated by a NUL; empty if the process is gone.</summary>
    private static string CommandOf(int pid)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"{Processes}/{pid}/cmdline"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
