using System.Diagnostics;
using System.Text;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>A service of the factory as a separate process, as built next to the tests; it can be killed and started again on its port.</summary>
internal sealed class ServiceProcess(string project, Func<ServiceProcess, IEnumerable<(string Name, string Value)>> environment) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly StringBuilder _output = new();
    private Process? _process;

    public int Port { get; } = Ports.Free();

    public Uri Address => new($"http://127.0.0.1:{Port}");

    public int ProcessId => _process!.Id;

    /// <summary>Runs the service's program for a one-time task, or for a start that it refuses.</summary>
    /// <returns>The exit code and the output.</returns>
    public static async Task<(int Code, string Output)> RunAsync(string project, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.AssemblyOf(project), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output + await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>Starts the service and waits until it is healthy.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Repository.AssemblyOf(project)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment(this)) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(3) };
        using var limit = new CancellationTokenSource(Limit);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await IsHealthyAsync(client, limit.Token))
        {
            if (_process.HasExited || !await WaitAsync(timer, limit.Token)) throw new InvalidOperationException($"{project} does not become healthy:\n{Output}");
        }
    }

    /// <summary>What the service has written.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Kills the service as kill -9 does.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        process.Kill(entireProcessTree: true);
        using var limit = new CancellationTokenSource(Limit);
        await process.WaitForExitAsync(limit.Token);
        process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken limit)
    {
        try
        {
            return await timer.WaitForNextTickAsync(limit);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> IsHealthyAsync(HttpClient client, CancellationToken limit)
    {
        try
        {
            using var response = await client.GetAsync("/health", limit);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output) _output.AppendLine(line.Data);
    }
}
