using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>A process of the benchmark with its output in a file; it is stopped with the benchmark.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    // USER_HZ, which is 100 on every Linux.
    private const double TicksPerSecond = 100;

    private static readonly ConcurrentDictionary<ServerProcess, bool> Running = new();

    private readonly Process _process;
    private readonly StreamWriter _log;

    private ServerProcess(Process process, StreamWriter log) => (_process, _log) = (process, log);

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static ServerProcess Start(string logFile, string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var log = new StreamWriter(logFile) { AutoFlush = true };
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} does not start");
        void Write(object sender, DataReceivedEventArgs line)
        {
            lock (log)
            {
                log.WriteLine(line.Data);
            }
        }

        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new ServerProcess(process, log);
        Running[server] = true;
        return server;
    }

    /// <summary>Sends SIGKILL to all running processes.</summary>
    public static void KillAll()
    {
        foreach (var server in Running.Keys)
        {
            server.Kill();
        }
    }

    /// <summary>Returns the CPU time in user and kernel mode of this process alone.</summary>
    public double CpuSeconds() => CpuSecondsOf(Id);

    private static double CpuSecondsOf(int process) => Ticks(Stat(process), 11, 12);

    /// <summary>Returns the CPU time of a process and its children, including exited ones.</summary>
    public static double CpuSecondsOfFamily(int parent)
    {
        var sum = Ticks(Stat(parent), 11, 12, 13, 14);
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var process))
            {
                try
                {
                    var stat = Stat(process);
                    sum += stat[1] == parent.ToString(CultureInfo.InvariantCulture) ? Ticks(stat, 11, 12) : 0;
                }
                catch (IOException)
                {
                    // The process has exited meanwhile.
                }
            }
        }

        return sum;
    }

    /// <summary>
    /// Returns the fields after the name in parentheses, which can contain blanks: state, parent, …; utime and stime are the 14th and 15th of all.
    /// </summary>
    private static string[] Stat(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static double Ticks(string[] stat, params ReadOnlySpan<int> fields)
    {
        double sum = 0;
        foreach (var field in fields)
        {
            sum += double.Parse(stat[field], CultureInfo.InvariantCulture);
        }

        return sum / TicksPerSecond;
    }

    /// <param name="field">VmHWM for the peak, VmRSS for the current value.</param>
    public double MemoryMb(string field)
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(text => text.StartsWith(field, StringComparison.Ordinal));
        return double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <exception cref="InvalidOperationException">The exit code is not 0.</exception>
    public async Task WaitForExitAsync()
    {
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', _process.StartInfo.ArgumentList)}: exit code {_process.ExitCode}");
        }
    }

    /// <summary>Sends SIGTERM, and SIGKILL if that does not help.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            using (Process.Start("kill", ["-TERM", $"{Id}"]))
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
                await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        Kill();
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        Running.TryRemove(this, out _);
        await _process.WaitForExitAsync();
        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }
}
