using System.Globalization;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>The tree of processes and their states as the system reports them.</summary>
internal static class ProcessTree
{
    /// <summary>
    /// Follows the last child of each process down from the given one: from the <c>dotnet run</c> that Aspire starts for a project to the service itself.
    /// Returns the process itself if it has no child.
    /// </summary>
    public static int YoungestDescendant(int pid) => YoungestDescendant(pid, Read());

    /// <param name="parents">Pairs of a process and its parent.</param>
    public static int YoungestDescendant(int pid, IReadOnlyCollection<(int Pid, int Parent)> parents)
    {
        var children = Children(parents);
        while (children[pid].Any()) pid = children[pid].Max();
        return pid;
    }

    /// <summary>Returns all descendants of a process, parents before children.</summary>
    public static IReadOnlyList<int> Descendants(int pid) => Descendants(pid, Read());

    /// <param name="parents">Pairs of a process and its parent.</param>
    public static IReadOnlyList<int> Descendants(int pid, IReadOnlyCollection<(int Pid, int Parent)> parents)
    {
        var children = Children(parents);
        List<int> found = [.. children[pid]];
        for (var next = 0; next < found.Count; next++) found.AddRange(children[found[next]]);
        return found;
    }

    /// <summary>Whether a signal has stopped the process and it has not been continued; false if the process is gone.</summary>
    public static bool IsStopped(int pid) => State(pid) == 'T';

    /// <summary>Whether the process runs; false also for a zombie, and for a process that was killed and has not exited yet.</summary>
    public static bool Exists(int pid) => State(pid) is not (null or 'Z') && !IsEnding(pid);

    /// <summary>Returns the processes that have a variable with this value in their environment. Where there is no /proc, none is found.</summary>
    public static IReadOnlyList<int> With(string variable, string value) =>
        !Directory.Exists("/proc/self") ? []
        : [.. Read().Select(entry => entry.Pid).Where(pid => Entry("environ", pid).Split('\0').Contains($"{variable}={value}") && Exists(pid))];

    /// <summary>Returns the name of the process; empty if it is gone.</summary>
    public static string Name(int pid) => Directory.Exists("/proc/self")
        ? Entry("comm", pid).Trim()
        : Path.GetFileName((Commands.Output("ps", "-o", "comm=", "-p", pid.ToString(CultureInfo.InvariantCulture)) ?? "").Trim());

    // Empty if the process is gone, or belongs to another user.
    private static string Entry(string file, int pid)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{file}"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // On a busy system a killed process can take some time to exit.
    private static bool IsEnding(int pid)
    {
        const ulong Killed = 1 << 8;
        const ulong Exiting = 4;
        if (!Directory.Exists("/proc/self")) return false;
        try
        {
            var directory = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
            return (ulong.Parse(Fields(File.ReadAllText($"{directory}/stat"))[6], CultureInfo.InvariantCulture) & Exiting) != 0
                || File.ReadLines($"{directory}/status").Any(line => (line.StartsWith("SigPnd:", StringComparison.Ordinal) || line.StartsWith("ShdPnd:", StringComparison.Ordinal))
                    && (ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Killed) != 0);
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static char? State(int pid)
    {
        if (!Directory.Exists("/proc/self")) return Commands.Output("ps", "-o", "state=", "-p", pid.ToString(CultureInfo.InvariantCulture)) is { Length: > 0 } state ? state[0] : null;
        try
        {
            return Fields(File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")))[0][0];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static ILookup<int, int> Children(IReadOnlyCollection<(int Pid, int Parent)> parents) =>
        parents.Where(entry => entry.Pid != entry.Parent).ToLookup(entry => entry.Parent, entry => entry.Pid);

    private static List<(int Pid, int Parent)> Read()
    {
        var entries = new List<(int, int)>();
        if (Directory.Exists("/proc/self"))
        {
            foreach (var directory in Directory.EnumerateDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid)) continue;
                try
                {
                    entries.Add((pid, int.Parse(Fields(File.ReadAllText(Path.Combine(directory, "stat")))[1], CultureInfo.InvariantCulture)));
                }
                catch (IOException)
                {
                    // The process exited in the meantime.
                }
            }
            return entries;
        }
        foreach (var line in (Commands.Output("ps", "-axo", "pid=,ppid=") ?? "").Split('\n'))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length == 2 && int.TryParse(columns[0], CultureInfo.InvariantCulture, out var pid) && int.TryParse(columns[1], CultureInfo.InvariantCulture, out var parent))
                entries.Add((pid, parent));
        }
        return entries;
    }

    // The format is `pid (name) state parent …`; the name may contain any character, including parentheses.
    private static string[] Fields(string stat) => stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
}
