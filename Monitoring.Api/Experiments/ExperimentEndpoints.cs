using System.Globalization;
using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Experiments;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using Npgsql;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Faults on purpose, and the verdicts on what they did.</summary>
internal static class ExperimentEndpoints
{
    public static void MapExperiments(this RouteGroupBuilder api)
    {
        api.MapGet("/experiments", List)
            .Describe<ExperimentsBody>("experiments", "The experiments, what must hold in each, and their records");
        api.MapPost("/experiments/{name}/run", StartAsync)
            .WithName("run-experiment")
            .WithSummary("Runs an experiment: breaks something on purpose, mends it, and says whether what must hold has held")
            .Produces<ExperimentStartedBody>(StatusCodes.Status202Accepted)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        api.MapGet("/experiments/runs", Runs)
            .Describe<ExperimentRunsBody>("experiment-runs", "Runs of one experiment or of all, newest first");
        api.MapGet("/experiments/runs/{id:long}", Run)
            .Describe<ExperimentRunBody>("experiment-run", "A run, whole");
        api.MapGet("/experiments/runs/{id:long}/report.json", ReportAsync)
            .WithName("experiment-report-json")
            .WithSummary("A run as a file of JSON")
            .Produces<ExperimentRunBody>()
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        api.MapGet("/experiments/runs/{id:long}/report.md", PageAsync)
            .WithName("experiment-report-md")
            .WithSummary("A run as a page of Markdown")
            .Produces<string>(StatusCodes.Status200OK, "text/markdown")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static Task<IResult> List(
        QueryCache cache, ControlClient control, SnapshotStore snapshots, ExperimentStore store, ExperimentRunner runner, HttpResponse response) =>
        cache.ServeAsync("experiments", response, ApiJson.Context.ExperimentsBody, async cancellationToken =>
        {
            var site = await ExperimentSite.LookAsync(control, snapshots, cancellationToken);
            var (newest, records) = await store.RecordsAsync(site.GroupProtocol, site.KafkaBacking, cancellationToken);
            return (ExperimentsBody?)site.Describe(runner.Running, newest, records);
        });

    private static async Task<IResult> StartAsync(
        string name, ControlClient control, SnapshotStore snapshots, ExperimentRunner runner, CancellationToken cancellationToken)
    {
        if (ExperimentCatalog.Find(name) is not { } experiment)
        {
            var names = string.Join(", ", ExperimentCatalog.All.Select(each => each.Name));
            return TypedResults.Problem($"There is no experiment {name}: {names}.", statusCode: StatusCodes.Status404NotFound, title: "No such experiment");
        }

        var site = await ExperimentSite.LookAsync(control, snapshots, cancellationToken);
        if (site.Obstacle is { } obstacle)
        {
            return TypedResults.Problem(obstacle, statusCode: StatusCodes.Status403Forbidden, title: "No experiments here");
        }

        if (site.ObstacleTo(experiment) is { } unavailable)
        {
            return TypedResults.Problem(
                $"{name} cannot be run here: {unavailable}.", statusCode: StatusCodes.Status409Conflict, title: "Not on these brokers");
        }

        try
        {
            return await runner.TryBeginAsync(experiment, site, cancellationToken) is { } id
                ? TypedResults.Accepted($"/api/experiments/runs/{id.ToString(CultureInfo.InvariantCulture)}", new ExperimentStartedBody(id))
                : TypedResults.Problem(
                    $"{runner.Running?.Name ?? "Another experiment"} runs: one at a time.", statusCode: StatusCodes.Status409Conflict, title: "An experiment runs");
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return TypedResults.Problem(
                "The database does not answer: a run could not be written down.", statusCode: StatusCodes.Status503ServiceUnavailable, title: "No database");
        }
    }

    private static Task<IResult> Runs(QueryCache cache, ExperimentStore store, HttpResponse response, string? name, string? limit)
    {
        var input = new Input();
        var one = input.OneOf("name", name, [.. ExperimentCatalog.All.Select(experiment => experiment.Name)]);
        var most = input.Integer("limit", limit, 50, 1, 500);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync($"experiment runs {one} {most}", response, ApiJson.Context.ExperimentRunsBody, async cancellationToken =>
                (ExperimentRunsBody?)new ExperimentRunsBody(await store.NewestAsync(one, most, cancellationToken)));
    }

    private static Task<IResult> Run(QueryCache cache, ExperimentStore store, ExperimentRunner runner, HttpResponse response, long id) =>
        runner.Running is { } running && running.Id == id
            ? Task.FromResult<IResult>(new BodyResult(new Body<ExperimentRunBody>(running, ApiJson.Context.ExperimentRunBody), TimeSpan.Zero, false))
            : cache.ServeAsync(
                string.Create(CultureInfo.InvariantCulture, $"experiment run {id}"),
                response,
                ApiJson.Context.ExperimentRunBody,
                cancellationToken => store.FindAsync(id, cancellationToken));

    private static Task<IResult> ReportAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        FileAsync(id, store, runner, run => JsonSerializer.SerializeToUtf8Bytes(run, ApiJson.Context.ExperimentRunBody), "application/json", "json", cancellationToken);

    private static Task<IResult> PageAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        FileAsync(id, store, runner, run => Encoding.UTF8.GetBytes(RunReport.Markdown(run)), "text/markdown; charset=utf-8", "md", cancellationToken);

    private static async Task<IResult> FileAsync(
        long id, ExperimentStore store, ExperimentRunner runner, Func<ExperimentRunBody, byte[]> write, string type, string extension, CancellationToken cancellationToken)
    {
        try
        {
            var run = runner.Running is { } running && running.Id == id ? running : await store.FindAsync(id, cancellationToken);
            return run is null
                ? TypedResults.Problem("There is no such run.", statusCode: StatusCodes.Status404NotFound, title: "Not Found")
                : TypedResults.File(write(run), type, string.Create(CultureInfo.InvariantCulture, $"{run.Name}-{run.Id}.{extension}"));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return TypedResults.Problem("The database does not answer.", statusCode: StatusCodes.Status503ServiceUnavailable, title: "No database");
        }
    }
}
