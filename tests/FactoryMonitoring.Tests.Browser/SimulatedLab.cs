using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.FaultLab.Experiments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>
/// Replaces the fault lab: offers the real experiments, reports runs as the test wants them, and records the commands that it receives. A run thus takes as
/// long as the test wants, and breaks nothing.
/// </summary>
internal sealed class SimulatedLab : IAsyncDisposable
{
    public const string ConsumerKilled = "consumer-killed";
    private const string Json = "application/json";

    private static readonly ExperimentSite Site = new(null, KafkaBackings.Processes, "consumer");

    private readonly ConcurrentQueue<string> _commands = new();
    private readonly Dictionary<string, (string State, bool Paused)> _parts = [];
    private readonly IReadOnlyList<ExperimentBody> _experiments = Site.Describe(null, new([], [])).Experiments;
    private WebApplication _app = null!;
    private IReadOnlyList<ExperimentRunBody> _runs = [];
    private bool _enabled = true;

    public Uri Address { get; private set; } = null!;

    /// <summary>The immediate commands that it received.</summary>
    public IReadOnlyCollection<string> Commands => _commands;

    /// <summary>Whether faults are enabled.</summary>
    public bool Enabled
    {
        get => Volatile.Read(ref _enabled);
        set => Volatile.Write(ref _enabled, value);
    }

    /// <summary>The user of the last request, as reported by the web application.</summary>
    public (string? Name, string? Role)? Visitor { get; private set; }

    public ExperimentRunBody? Running => Runs.FirstOrDefault(run => run.Verdict == Verdicts.Running);

    private IReadOnlyList<ExperimentRunBody> Runs => Volatile.Read(ref _runs);

    public async Task StartAsync()
    {
        Reset();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Use((context, next) =>
        {
            if (context.Request.Method == "POST") Visitor = (context.Request.Headers[VisitorHeaders.Name], context.Request.Headers[VisitorHeaders.Role]);
            return next(context);
        });
        _app.MapGet(LabRoutes.Experiments, () => Answer(Lab(), ApiJson.Context.ExperimentsBody));
        _app.MapPost(LabRoutes.Run, Run);
        _app.MapGet(LabRoutes.Runs, (string name, string? window, DateTimeOffset? from, DateTimeOffset? to) => Answer(
            new([.. Runs.Where(run => run.Name == name && run.StartedAt >= (DateTimeOffset.UtcNow - SpanText.Read(window) ?? from ?? default) && run.StartedAt <= (to ?? DateTimeOffset.MaxValue))
                .Select(run => run.Summary())]),
            ApiJson.Context.ExperimentRunsBody));
        _app.MapGet(LabRoutes.RunById, (long id) => Runs.FirstOrDefault(run => run.Id == id) is { } run
            ? Answer(run, ApiJson.Context.ExperimentRunBody)
            : Results.Problem(statusCode: 404));
        _app.MapGet(LabRoutes.ReportMarkdown, (long id) => Results.Text($"# Run {id}\n", "text/markdown"));
        _app.MapGet(LabRoutes.Resources, () => Answer(Parts(), ControlJson.Context.IReadOnlyListResourceBody));
        _app.MapPost(LabRoutes.Commands, CommandAsync);
        await _app.StartAsync();
        Address = new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    /// <summary>Restores the initial state: past runs, nothing running, nothing broken.</summary>
    public void Reset()
    {
        Volatile.Write(ref _runs, SimulatedRuns.Past(_experiments, DateTimeOffset.UtcNow));
        Enabled = true;
        _commands.Clear();
        Visitor = null;
        lock (_parts)
        {
            _parts.Clear();
            foreach (var name in Names) _parts[name] = (name is "sensor-consumer-4" or "sensor-consumer-5" or "sensor-consumer-6" ? "NotStarted" : "Running", false);
        }
    }

    /// <summary>Changes the state of the current run.</summary>
    public void Update(Func<ExperimentRunBody, ExperimentRunBody> change) => Keep(change(Running!));

    /// <summary>Ends the current run.</summary>
    public void End(int recoveryMs, string verdict) =>
        Update(run => SimulatedRuns.End(Find(run.Name), run, run.KilledAt!.Value, recoveryMs, verdict));

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static readonly string[] Names =
    [
        .. Enumerable.Range(1, 6).Select(ResourceNames.Consumer), .. SensorCatalog.Types.Keys.Select(ResourceNames.Sensor), .. Enumerable.Range(1, 3).Select(ResourceNames.Broker),
        ResourceNames.Postgres,
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
                    RecoveryP50Ms = recoveries.Length < 5 ? null : recoveries[(recoveries.Length - 1) / 2],
                    RecoveryP95Ms = recoveries.Length < 5 ? null : recoveries[^1],
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

    private void Keep(ExperimentRunBody run) => Volatile.Write(ref _runs, [run, .. Runs.Where(each => each.Id != run.Id)]);

    private async Task<IResult> CommandAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        var command = ControlCommand.Read(await reader.ReadToEndAsync()).Command!;
        _commands.Enqueue(command.ToString());
        if (command is ResourceCommand { Name: var name, Action: var action })
        {
            lock (_parts)
            {
                _parts[name] = action switch
                {
                    ResourceAction.Pause => ("Running", true),
                    ResourceAction.Kill => ("Finished", false),
                    ResourceAction.Stop => ("Exited", false),
                    _ => ("Running", false),
                };
            }
        }

        return Answer(new($"{command}: done"), ControlJson.Context.CommandAnswer);
    }

    private IReadOnlyList<ResourceBody> Parts()
    {
        lock (_parts)
        {
            return
            [
                .. _parts.Select(part => new ResourceBody(
                    part.Key, "Project", part.Value.State, part.Value.State == "Running" ? "healthy" : null, null, null, [], null, null, null, part.Value.Paused,
                    Enum.GetValues<ResourceAction>())),
            ];
        }
    }

    private static IResult Answer<T>(T body, JsonTypeInfo<T> type) => Results.Text(JsonSerializer.Serialize(body, type), Json);
}
