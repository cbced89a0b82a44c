using System.Globalization;
using FactoryMonitoring.AppHost.Faults;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Sees to it that nothing is left when the AppHost ends. Aspire asks its orchestrator (DCP) to end the resources and does not mind when that fails; and DCP's
/// own processes learn of each other's end by looking every few seconds, one after the other: without this they outlive the factory by 4 to 8 s. Where there is
/// no /proc they do.
/// </summary>
internal static class OrchestratorEnd
{
    private const string Processes = "/proc";

    /// <summary>How long Aspire's request may take until DCP is asked to end, which makes it end the resources by itself.</summary>
    private static readonly TimeSpan ResourcesLimit = TimeSpan.FromSeconds(4);

    /// <summary>How long what was asked to end may take before it is killed.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>A process, and the command line by which it is known not to be another of the same number.</summary>
    internal sealed record Started(int Pid, string Command)
    {
        /// <summary>The orchestrator itself, those that watch over its resources, and its watches of a container engine.</summary>
        public bool IsHelper => Command.Split('\0') is [var program, var first, ..] && (Path.GetFileName(program) == "dcp" || first == "events");

        public bool IsThere => CommandOf(Pid) == Command;
    }

    /// <summary>The orchestrator of this AppHost and all that it has started.</summary>
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

    /// <summary>Waits until the resources are gone, then ends the orchestrator, and in the end kills what has not ended.</summary>
    public static async Task HastenAsync(IReadOnlyList<Started> started)
    {
        await UntilGoneAsync(started.Where(process => !process.IsHelper), ResourcesLimit);
        foreach (var helper in started.Where(process => process.IsHelper && process.IsThere)) Signals.Terminate(helper.Pid);
        foreach (var left in await UntilGoneAsync(started, EndLimit)) Signals.Kill(left.Pid);
    }

    /// <returns>Those that are still there.</returns>
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

    /// <summary>Words that each end in a NUL; empty of one that is gone.</summary>
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
