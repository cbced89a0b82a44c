using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Ends what this process has started when this process is gone, however it has gone. A shell reads from a pipe which groups of
/// processes there are; when the pipe closes it ends those that are left: SIGTERM, and SIGKILL ten seconds later.
/// </summary>
internal sealed class Reaper : IDisposable
{
    private const string Script = """
        exec >/dev/null 2>&1
        trap '' INT TERM HUP QUIT PIPE
        groups= last=
        while read -r action group; do
            if [ "$action" = ! ]; then last=$group; continue; fi
            if [ "$action" = + ]; then groups="$groups $group"; continue; fi
            left=
            for g in $groups; do [ "$g" = "$group" ] || left="$left $g"; done
            groups=$left
        done
        signal() { kill -s "$1" -- "-$2" || kill -s "$1" "$2"; }
        (eval "$last") &
        for g in $groups; do signal TERM "$g"; done
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
            left=
            for g in $groups; do signal 0 "$g" && left="$left $g"; done
            if [ -z "$left" ]; then break; fi
            sleep 0.25
        done
        for g in $left; do signal KILL "$g"; done
        wait
        eval "$last"
        """;

    private readonly Lock _lock = new();
    private Process? _shell;

    internal void Add(int group) => Tell('+', $"{group}");

    internal void Remove(int group) => Tell('-', $"{group}");

    /// <summary>
    /// A command of the shell that it runs then, too: for what is not a process of ours. Once at first and once at last, for what one of our
    /// processes was about to make.
    /// </summary>
    internal void AtTheEnd(string command) => Tell('!', command);

    /// <summary>Lets the shell end, which ends what is left.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _shell?.StandardInput.Dispose();
            _shell?.Dispose();
            _shell = null;
        }
    }

    private void Tell(char action, string text)
    {
        if (OperatingSystem.IsWindows())
            return;
        lock (_lock)
        {
            if (_shell is null && action != '-')
                _shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script, "aspire-reaper"]) { RedirectStandardInput = true });
            _shell?.StandardInput.Write($"{action} {text}\n");
            _shell?.StandardInput.Flush();
        }
    }
}
