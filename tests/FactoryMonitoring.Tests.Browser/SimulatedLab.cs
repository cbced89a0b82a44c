using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using FactoryMonitoring.Contracts.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>
/// Stands before the monitoring API, and where the AppHost's control endpoint would be: passes everything on, but answers for the experiments itself, tells
/// of runs on the stream, and writes down what it was commanded. So a run goes as fast as the test wants, and breaks nothing.
/// </summary>
internal sealed class SimulatedLab(Uri api) : IAsyncDisposable
{
    public const string Token = "token-of-the-test";
    public const string ConsumerKilled = "consumer-killed";
    private const string Json = "application/json";

    private readonly HttpClient _api = new() { BaseAddress = api, Timeout = Timeout.InfiniteTimeSpan };
    private readonly ConcurrentDictionary<Channel<string>, bool> _streams = new();
    private readonly ConcurrentQueue<string> _commands = new();
    private readonly Dictionary<string, (string State, bool Paused)> _parts = [];
    private WebApplication _app = null!;
    private IReadOnlyList<ExperimentBody> _experiments = [];
    private IReadOnlyList<ExperimentRunBody> _runs = [];
    private bool _enabled = true;

    /// <summary>Where the web finds the monitoring API.</summary>
    public int Port { get; private set; }

    /// <summary>Where the web finds the control endpoint.</summary>
    public Uri Control => new($"http://127.0.0.1:{Port}/control");

    /// <summary>What the control endpoint was asked to do.</summary>
    public IReadOnlyCollection<string> Commands => _commands;

    /// <summary>Whether something may be broken.</summary>
    public bool Enabled
    {
        get => Volatile.Read(ref _enabled);
        set => Volatile.Write(ref _enabled, value);
    }

    public ExperimentRunBody? Running => Runs.FirstOrDefault(run => run.Verdict == Verdicts.Running);

    private IReadOnlyList<ExperimentRunBody> Runs => Volatile.Read(ref _runs);

    public async Task StartAsync()
    {
        // The experiments are the real ones; what became of them is not.
        _experiments = JsonSerializer.Deserialize(await _api.GetStringAsync("api/experiments"), ApiJson.Context.ExperimentsBody)!.Experiments;
        Reset();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/api/stream", StreamAsync);
        _app.MapGet("/api/experiments", () => Answer(Lab(), ApiJson.Context.ExperimentsBody));
        _app.MapPost("/api/experiments/{name}/run", Run);
        _app.MapGet("/api/experiments/runs", (string name) =>
            Answer(new([.. Runs.Where(run => run.Name == name).Select(run => run.Summary())]), ApiJson.Context.ExperimentRunsBody));
        _app.MapGet("/api/experiments/runs/{id:long}", (long id) => Runs.FirstOrDefault(run => run.Id == id) is { } run
            ? Answer(run, ApiJson.Context.ExperimentRunBody)
            : Results.Problem(statusCode: 404));
        _app.MapGet("/api/experiments/runs/{id:long}/report.md", (long id) => Results.Text($"# Run {id}\n", "text/markdown"));
        _app.MapGet("/control/resources", (HttpRequest request) => IsKnown(request)
            ? Results.Json(Parts().Select(part => new { name = part.Name, state = part.State, health = part.State == "Running" ? "healthy" : null, paused = part.Paused, actions = (string[])["start", "stop", "kill", "pause", "resume"] }))
            : Results.Unauthorized());
        _app.MapPost("/control/{**what}", Command);
        _app.MapFallback(PassOnAsync);
        await _app.StartAsync();
        Port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    /// <summary>As at the start: past runs, nothing running, nothing broken.</summary>
    public void Reset()
    {
        Volatile.Write(ref _runs, SimulatedRuns.Past(_experiments, DateTimeOffset.UtcNow));
        Enabled = true;
        _commands.Clear();
        lock (_parts)
        {
            _parts.Clear();
            foreach (var name in Names) _parts[name] = (name is "sensor-consumer-4" or "sensor-consumer-5" or "sensor-consumer-6" ? "NotStarted" : "Running", false);
        }
    }

    /// <summary>What has become of the running run; told on the stream.</summary>
    public void Tell(Func<ExperimentRunBody, ExperimentRunBody> change) => Keep(change(Running!));

    /// <summary>The running run is over.</summary>
    public void End(int recoveryMs, string verdict) =>
        Tell(run => SimulatedRuns.End(Find(run.Name), run, run.KilledAt!.Value, recoveryMs, verdict));

    public async ValueTask DisposeAsync()
    {
        foreach (var stream in _streams.Keys) stream.Writer.TryComplete();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _api.Dispose();
    }

    private static readonly string[] Names =
    [
        .. Enumerable.Range(1, 6).Select(number => $"sensor-consumer-{number}"), "temperature-sensor", "vibration-sensor", "energy-sensor", "humidity-sensor", "pressure-sensor",
        "kafka1", "kafka2", "kafka3", "postgres",
    ];

    private ExperimentsBody Lab()
    {
        var runs = Runs;
        return new(
            Enabled,
            Enabled ? null : "Factory:Faults is false",
            "consumer",
            "processes",
            Running,
            [.. _experiments.Select(each =>
            {
                var own = runs.Where(run => run.Name == each.Name).ToArray();
                int[] recoveries = [.. own.Where(run => run.GroupProtocol == "consumer" && run.RecoveryMs is not null).Select(run => run.RecoveryMs!.Value).Order()];
                return each with
                {
                    Last = own.FirstOrDefault()?.Summary(),
                    Runs = own.Count(run => run.Verdict is Verdicts.Pass or Verdicts.Fail),
                    Passed = own.Count(run => run.Verdict == Verdicts.Pass),
                    RecoveryP50Ms = recoveries.Length == 0 ? null : recoveries[(recoveries.Length - 1) / 2],
                    RecoveryP95Ms = recoveries.Length == 0 ? null : recoveries[^1],
                };
            })]);
    }

    private IResult Run(string name)
    {
        if (!Enabled) return Results.Problem("Factory:Faults is false", statusCode: 403);
        if (Running is not null) return Results.Problem("One runs already", statusCode: 409);
        var run = SimulatedRuns.Begin(Find(name), Runs.Max(each => each.Id) + 1, DateTimeOffset.UtcNow);
        Keep(run);
        return Results.Text(JsonSerializer.Serialize(new ExperimentStartedBody(run.Id), ApiJson.Context.ExperimentStartedBody), Json, statusCode: 202);
    }

    private ExperimentBody Find(string name) => _experiments.Single(each => each.Name == name);

    private void Keep(ExperimentRunBody run)
    {
        Volatile.Write(ref _runs, [run, .. Runs.Where(each => each.Id != run.Id)]);
        var told = $"event: {StreamEvents.Experiment}\ndata: {JsonSerializer.Serialize(run, ApiJson.Context.ExperimentRunBody)}\n\n";
        foreach (var stream in _streams.Keys) stream.Writer.TryWrite(told);
    }

    private IResult Command(HttpRequest request, string what)
    {
        if (!IsKnown(request)) return Results.Unauthorized();
        _commands.Enqueue($"{what}{request.QueryString}");
        if (what.Split('/') is ["resources", var name, var action])
        {
            lock (_parts) _parts[name] = action switch { "pause" => ("Running", true), "kill" => ("Finished", false), "stop" => ("Exited", false), _ => ("Running", false) };
            return Results.Text($"{name}: {action}\n");
        }

        return Results.Text($"{what}: done\n");
    }

    private static bool IsKnown(HttpRequest request) => request.Headers.Authorization == $"Bearer {Token}";

    private (string Name, string State, bool Paused)[] Parts()
    {
        lock (_parts) return [.. _parts.Select(part => (part.Key, part.Value.State, part.Value.Paused))];
    }

    private static IResult Answer<T>(T body, JsonTypeInfo<T> type) => Results.Text(JsonSerializer.Serialize(body, type), Json);

    private async Task StreamAsync(HttpContext context)
    {
        var ended = context.RequestAborted;
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/stream");
        if (context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last) request.Headers.Add("Last-Event-ID", last);
        using var response = await _api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ended);
        context.Response.ContentType = "text/event-stream";
        var stream = Channel.CreateUnbounded<string>();
        _streams[stream] = true;
        var reading = ReadAsync(response, stream.Writer, ended);
        try
        {
            await foreach (var block in stream.Reader.ReadAllAsync(ended))
            {
                await context.Response.WriteAsync(block, ended);
                await context.Response.Body.FlushAsync(ended);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The web has gone.
        }
        finally
        {
            _streams.TryRemove(stream, out _);
            stream.Writer.TryComplete();
        }

        await reading;
    }

    private static async Task ReadAsync(HttpResponseMessage response, ChannelWriter<string> blocks, CancellationToken ended)
    {
        try
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(ended));
            var block = new StringBuilder();
            while (await reader.ReadLineAsync(ended) is { } line)
            {
                block.Append(line).Append('\n');
                if (line.Length > 0) continue;
                if (!blocks.TryWrite(block.ToString())) return;
                block.Clear();
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException)
        {
            // The API was killed by a test, or the web has gone: the stream ends.
        }

        blocks.TryComplete();
    }

    private async Task PassOnAsync(HttpContext context)
    {
        using var response = await _api.GetAsync(context.Request.Path + context.Request.QueryString, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
