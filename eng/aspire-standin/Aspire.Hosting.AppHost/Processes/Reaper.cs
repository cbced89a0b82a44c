using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Ends what this process has started when this process is gone, however it has gone. A shell reads from a pipe which groups of
/// processes there are; when the pipe closes it ends those that are left: SIGTERM, and SIGKILL ten seconds later.
/// </summary>
internal sealed class Reaper : IDisposable
{
    /// <summary>The variable by which a process is found that was started but not yet reported.</summary>
    internal const string StartVariable = "ASPIRE_STANDIN_START";

    private const string Script = $$"""
        exec >/dev/null 2>&1
        trap '' INT TERM HUP QUIT PIPE
        without() { kept=; for each in $2; do [ "$each" = "$1" ] || kept="$kept $each"; done; echo "$kept"; }
        groups= starting= last=
        while read -r action rest; do
            case $action in
            '!') last=$rest ;;
            '?') starting="$starting $rest" ;;
            +) groups="$groups ${rest% *}" starting=$(without "${rest#* }" "$starting") ;;
            -) groups=$(without "$rest" "$groups") ;;
            esac
        done
        [ -z "$starting" ] || sleep 0.2
        for start in $starting; do
            for found in $(grep -lszF "{{StartVariable}}=$start" /proc/[0-9]*/environ); do
                found=${found#/proc/}
                groups="$groups ${found%/*}"
            done
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

    /// <summary>A process is about to be started: it must be found even if this one is killed before it knows its id.</summary>
    /// <returns>The value of <see cref="StartVariable"/> in its environment.</returns>
    internal string Starting()
    {
        var start = Guid.NewGuid().ToString("N");
        Tell('?', start);
        return start;
    }

    internal void Started(string start, int group) => Tell('+', $"{group} {start}");

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
