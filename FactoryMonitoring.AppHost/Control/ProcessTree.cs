using System.Globalization;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Which process is the child of which, and what the system says of one.</summary>
internal static class ProcessTree
{
    /// <summary>
    /// Goes from a process to its last child, and on from there: from the <c>dotnet run</c> that Aspire starts for a project to the service itself.
    /// The process itself where it has no child.
    /// </summary>
    public static int YoungestDescendant(int pid) => YoungestDescendant(pid, Read());

    /// <param name="parents">Pairs of a process and its parent.</param>
    public static int YoungestDescendant(int pid, IReadOnlyCollection<(int Pid, int Parent)> parents)
    {
        var children = Children(parents);
        while (children[pid].Any()) pid = children[pid].Max();
        return pid;
    }

    /// <summary>The children of a process and theirs, parents before children.</summary>
    public static IReadOnlyList<int> Descendants(int pid) => Descendants(pid, Read());

    /// <param name="parents">Pairs of a process and its parent.</param>
    public static IReadOnlyList<int> Descendants(int pid, IReadOnlyCollection<(int Pid, int Parent)> parents)
    {
        var children = Children(parents);
        List<int> found = [.. children[pid]];
        for (var next = 0; next < found.Count; next++) found.AddRange(children[found[next]]);
        return found;
    }

    /// <summary>Whether the process was stopped by a signal and not yet continued; false when it is gone.</summary>
    public static bool IsStopped(int pid) => State(pid) == 'T';

    /// <summary>Whether the process has not ended; false too where its parent has not yet asked how it did, and where it was killed and is about to be gone.</summary>
    public static bool Exists(int pid) => State(pid) is not (null or 'Z') && !IsEnding(pid);

    // A busy system takes its time to end what was killed.
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
                    // Ended while we looked.
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

    // pid (name) state parent …, and a name may hold anything, parentheses too.
    private static string[] Fields(string stat) => stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
}
