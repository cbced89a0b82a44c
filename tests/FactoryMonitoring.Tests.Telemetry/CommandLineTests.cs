using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Telemetry;

/// <summary>The AppHost as users run it, with Aspire's command line: run, describe, resource, logs, stop and the MCP server.</summary>
[Collection("Dashboard")]
public sealed class CommandLineTests : IAsyncLifetime
{
    private const string Consumer = "sensor-consumer-2";
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(6));
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-cli-{Guid.NewGuid():N}")).FullName;
    private Process? _run;

    public async Task InitializeAsync()
    {
        Assert.Equal(0, (await DotnetAsync("tool", "restore")).ExitCode);
        _run = Start(["aspire", "run", "--no-build", .. AppHost, "--", .. StackFixture.StackArguments(_directory), "--Factory:Faults=true"]);
        _ = _run.StandardOutput.ReadToEndAsync(_limit.Token);
        _ = _run.StandardError.ReadToEndAsync(_limit.Token);
        // Repeated until the command line finds the AppHost; the resource can still take a while to start then.
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while ((await AspireAsync("wait", Consumer, "--timeout", "120")).ExitCode != 0)
        {
            Assert.False(_run.HasExited, "aspire run has ended");
            await poll.WaitForNextTickAsync(_limit.Token);
        }
    }

    public async Task DisposeAsync()
    {
        if (_run is { HasExited: false })
        {
            await AspireAsync("stop");
            await _run.WaitForExitAsync(_limit.Token);
        }
        _run?.Dispose();
        Directory.Delete(_directory, recursive: true);
        _limit.Dispose();
    }

    [Fact]
    public async Task The_command_line_shows_commands_and_stops_the_factory()
    {
        var described = JsonNode.Parse((await AspireAsync("describe", "--format", "Json")).Output)!["resources"]!.AsArray();
        var names = described.Select(resource => resource!["displayName"]!.GetValue<string>()).ToHashSet();
        Assert.Superset(new HashSet<string>([.. StackFixture.Services, "fault-lab", "kafka1", "postgres", "factorydb", "sensors", "consumers"]), names);
        Assert.DoesNotContain(names, name => name.EndsWith("-rebuilder", StringComparison.Ordinal));

        var killed = await AspireAsync("resource", Consumer, "kill");
        Assert.True(killed.ExitCode == 0, killed.Output);
        Assert.Contains($"{Consumer}: killed", killed.Output, StringComparison.Ordinal);
        Assert.Equal(("killed", 137, "Aspire"), await LastExitAsync(Consumer));
        await SucceedsAsync("resource", Consumer, "start");
        await SucceedsAsync("wait", Consumer);
        await SucceedsAsync("resource", Consumer, "stop");
        Assert.Equal(("stopped", 0, "Aspire"), await LastExitAsync(Consumer));

        var refused = await AspireAsync("resource", "consumers", "scale", "--consumers", "99");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("consumers = 99: must be an integer between 1 and 6", refused.Output, StringComparison.Ordinal);
        await AuditShowsAsync(($"kill {Consumer}", true), ($"start {Consumer}", true), ($"stop {Consumer}", true), ("scale to 99 consumers", false));

        Assert.Contains("Application started.", (await AspireAsync("logs", "sensor-consumer-1")).Output, StringComparison.Ordinal);

        Assert.Contains("sensor-consumer-1", await AskMcpAsync(), StringComparison.Ordinal);

        var processes = (await ResourcesAsync()).Select(resource => resource!["pid"]?.GetValue<int>()).OfType<int>().ToArray();
        Assert.NotEmpty(processes);
        await SucceedsAsync("stop");
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (processes.Any(process => Directory.Exists($"/proc/{process}"))) await poll.WaitForNextTickAsync(_limit.Token);
    }

    private static string[] AppHost => ["--apphost", Path.Combine(Repository.Root, "FactoryMonitoring.AppHost", "FactoryMonitoring.AppHost.csproj"), "--non-interactive", "--nologo"];

    /// <summary>Initializes a session with the MCP server and requests the list of resources.</summary>
    /// <returns>The answer of the server.</returns>
    private async Task<string> AskMcpAsync()
    {
        using var server = Start(["aspire", "agent", "mcp", "--nologo"]);
        _ = server.StandardError.ReadToEndAsync(_limit.Token);
        try
        {
            await SendAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""");
            await AnswerAsync(1);
            await SendAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
            await SendAsync("""{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_resources","arguments":{}}}""");
            return await AnswerAsync(2);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }

        async Task SendAsync(string message)
        {
            await server.StandardInput.WriteLineAsync(message.AsMemory(), _limit.Token);
            await server.StandardInput.FlushAsync(_limit.Token);
        }

        async Task<string> AnswerAsync(int id)
        {
            while (await server.StandardOutput.ReadLineAsync(_limit.Token) is { } line)
            {
                if (JsonNode.Parse(line)?["id"]?.GetValue<int>() == id) return line;
            }
            throw new InvalidOperationException("the MCP server closed its output");
        }
    }

    private async Task<(string Cause, int? ExitCode, string? By)> LastExitAsync(string resource)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        JsonNode? exit;
        while ((exit = (await ControlAsync("/exits")).AsArray().LastOrDefault(one => one!["resource"]!.GetValue<string>() == resource)) is null)
            await poll.WaitForNextTickAsync(_limit.Token);
        return (exit["cause"]!.GetValue<string>(), exit["exit_code"]?.GetValue<int>(), exit["by"]?.GetValue<string>());
    }

    /// <summary>Waits until the audit log has these actions from Aspire, each once, and no others.</summary>
    private async Task AuditShowsAsync(params (string Act, bool Done)[] acts)
    {
        using var client = new HttpClient { BaseAddress = new Uri(JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_directory, "stack.json"), _limit.Token))!["api"]!.GetValue<string>()) };
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        (string, bool)[] shown;
        do
        {
            await poll.WaitForNextTickAsync(_limit.Token);
            shown = [.. JsonNode.Parse(await client.GetStringAsync(new Uri("/api/audit", UriKind.Relative), _limit.Token))!.AsArray()
                .Where(entry => entry!["who"]!.GetValue<string>() == "Aspire").Select(entry => (entry!["act"]!.GetValue<string>(), entry["done"]!.GetValue<bool>()))];
        }
        while (shown.Length < acts.Length);
        Assert.Equal(acts.Order(), shown.Order());
    }

    private async Task<JsonArray> ResourcesAsync() => (await ControlAsync("/resources")).AsArray();

    private async Task<JsonNode> ControlAsync(string path)
    {
        var stack = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_directory, "stack.json"), _limit.Token))!;
        using var client = new HttpClient { BaseAddress = new Uri(stack["url"]!.GetValue<string>()) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", stack["token"]!.GetValue<string>());
        return JsonNode.Parse(await client.GetStringAsync(new Uri(path, UriKind.Relative), _limit.Token))!;
    }

    private async Task SucceedsAsync(params string[] arguments)
    {
        var (code, output) = await AspireAsync(arguments);
        if (code != 0)
        {
            var log = await File.ReadAllLinesAsync(Path.Combine(_directory, "logs", $"{Consumer}.log"), _limit.Token);
            Assert.Fail($"aspire {string.Join(' ', arguments)}: exit code {code}: {output}\n{await ControlAsync("/resources")}\n{string.Join('\n', log.TakeLast(40))}");
        }
    }

    private Task<(int ExitCode, string Output)> AspireAsync(params string[] arguments) => DotnetAsync(["aspire", .. arguments, .. AppHost]);

    private async Task<(int ExitCode, string Output)> DotnetAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var outputs = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(_limit.Token), process.StandardError.ReadToEndAsync(_limit.Token));
        await process.WaitForExitAsync(_limit.Token);
        return (process.ExitCode, string.Concat(outputs));
    }

    private static Process Start(IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo("dotnet", arguments)
    {
        WorkingDirectory = Repository.Root,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "true", ["NO_COLOR"] = "1" },
    })!;
}
