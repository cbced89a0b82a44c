using System.Globalization;
using FactoryMonitoring.AppHost.Faults;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Ends what is left of Aspire's orchestrator (DCP) when all resources are gone. Its processes learn of each other's end by looking every few seconds, one after
/// the other: without this they outlive the factory by 4 to 8 s. Where there is no /proc they do.
/// </summary>
internal static class OrchestratorEnd
{
    private const string Processes = "/proc";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>A process, and the command line by which it is known not to be another of the same number.</summary>
    internal sealed record Helper(int Pid, string Command);

    /// <summary>The orchestrator of this AppHost and what belongs to it; without the resources that it has started.</summary>
    public static IReadOnlyList<Helper> Find()
    {
        if (!Directory.Exists($"{Processes}/self")) return [];
        var own = string.Create(CultureInfo.InvariantCulture, $"\0--monitor\0{Environment.ProcessId}\0");
        var all = Directory.EnumerateDirectories(Processes).Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).Select(pid => new Helper(pid, Command(pid))).Where(helper => IsHelper(helper.Command)).ToList();
        return all.Find(helper => helper.Command.Contains(own, StringComparison.Ordinal)) is { } server
            ? [server, .. ProcessTree.Descendants(server.Pid).SelectMany(pid => all.Where(helper => helper.Pid == pid))]
            : [];
    }

    /// <summary>Asks those that are still there to end, and waits a moment until they have.</summary>
    public static async Task HastenAsync(IReadOnlyList<Helper> helpers)
    {
        var left = helpers.Where(IsThere).ToList();
        foreach (var helper in left) Signals.Terminate(helper.Pid);
        for (var waited = TimeSpan.Zero; waited < Limit && left.Exists(IsThere); waited += Poll) await Task.Delay(Poll);
    }

    private static bool IsThere(Helper helper) => Command(helper.Pid) == helper.Command;

    /// <summary>The orchestrator itself, those that watch over its resources, and its watches of a container engine.</summary>
    private static bool IsHelper(string command) =>
        command.Split('\0') is [var program, var first, ..] && (Path.GetFileName(program) == "dcp" || first == "events");

    /// <summary>Words that each end in a NUL; empty of one that is gone.</summary>
    private static string Command(int pid)
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
