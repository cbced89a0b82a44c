using System.Diagnostics;

namespace FactoryMonitoring.Tests.Data;

/// <summary>A service of the factory as a separate process.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly Process _process;
    private readonly List<string> _lines = [];

    private ServiceProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>What the service has written so far to stdout and stderr.</summary>
    public string Output
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public static ServiceProcess Start(string assembly, Dictionary<string, string> environment, params string[] arguments) => StartOn([], assembly, environment, arguments);

    /// <param name="prefix">
    /// The command that runs it on another host: <see cref="Hosts.HostNetwork.Prefix"/>. The service's address is then on that host.
    /// </param>
    public static ServiceProcess StartOn(IReadOnlyList<string> prefix, string assembly, Dictionary<string, string> environment, params string[] arguments)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        var program = Repository.AssemblyOf(assembly);
        string[] command = [.. prefix, Host(), program, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = Path.GetDirectoryName(program)!,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ServiceProcess(Process.Start(start)!, address);
    }

    /// <returns>The body of a GET; null while nothing listens.</returns>
    public async Task<string?> GetAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Client.GetAsync(new Uri(Address, path), cancellationToken);
            return await response.Content.ReadAsStringAsync(cancellationToken);
        }
        catch (HttpRequestException) when (!_process.HasExited)
        {
            return null;
        }
    }

    /// <summary>Kills the service as kill -9 does.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <param name="signal">Name of the signal without SIG.</param>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Stops the service as Ctrl+C does.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        await SignalAsync("TERM");
        return await WaitAsync(cancellationToken);
    }

    /// <returns>Its exit code.</returns>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    // The dotnet host that runs the tests, whatever is on the PATH.
    private static string Host() =>
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_lines)
            {
                _lines.Add(line);
            }
        }
    }
}
