using System.Globalization;
using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.FaultLab.Control;
using FactoryMonitoring.FaultLab.Experiments;
using FactoryMonitoring.FaultLab.Factory;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for experiments and their verdicts.</summary>
internal static class ExperimentEndpoints
{
    private const int MostRuns = 500;

    public static void MapExperiments(this IEndpointRouteBuilder endpoints)
    {
        var reads = endpoints.MapGroup("").AddEndpointFilter(SayThatTheDatabaseIsAwayAsync);
        reads.MapGet(LabRoutes.Experiments, ListAsync);
        reads.MapPost(LabRoutes.Run, StartAsync);
        reads.MapGet(LabRoutes.Runs, RunsAsync);
        reads.MapGet(LabRoutes.RunById, RunAsync);
        reads.MapGet(LabRoutes.ReportJson, ReportAsync);
        reads.MapGet(LabRoutes.ReportMarkdown, PageAsync);
    }

    private static async ValueTask<object?> SayThatTheDatabaseIsAwayAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !context.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return NoDatabase();
        }
    }

    private static ProblemHttpResult NoDatabase() =>
        TypedResults.Problem("The database does not answer.", statusCode: StatusCodes.Status503ServiceUnavailable, title: "No database");

    private static async Task<IResult> ListAsync(
        ControlClient control, FactoryView factory, RunRecords records, ExperimentRunner runner, CancellationToken cancellationToken)
    {
        var site = await ExperimentSite.ReadAsync(control, factory, cancellationToken);
        return TypedResults.Json(
            site.Describe(runner.Running, await records.ReadAsync(site.GroupProtocol, site.KafkaBacking, cancellationToken)), ApiJson.Context.ExperimentsBody);
    }

    private static async Task<IResult> StartAsync(
        string name, HttpRequest request, ControlClient control, FactoryView factory, ExperimentRunner runner, AuditWriter audit, TimeProvider time, CancellationToken cancellationToken)
    {
        var (requester, at) = (Requester.Of(request), time.GetUtcNow());
        var (run, problem) = await TryStartAsync(name, control, factory, runner, cancellationToken);
        var result = run is { } begun ? string.Create(CultureInfo.InvariantCulture, $"run {begun} began") : problem!.ProblemDetails.Detail!;
        await audit.WriteAsync(new(0, at, requester.By, requester.Role, requester.Address, $"run the experiment {name}", run is not null, result));
        return run is { } id
            ? TypedResults.Json(new ExperimentStartedBody(id), ApiJson.Context.ExperimentStartedBody, statusCode: StatusCodes.Status202Accepted)
            : problem!;
    }

    private static async Task<(long? Run, ProblemHttpResult? Problem)> TryStartAsync(
        string name, ControlClient control, FactoryView factory, ExperimentRunner runner, CancellationToken cancellationToken)
    {
        if (ExperimentCatalog.Find(name) is not { } experiment)
        {
            return (null, NoSuchExperiment(name));
        }

        var site = await ExperimentSite.ReadAsync(control, factory, cancellationToken);
        if (site.Obstacle is { } obstacle)
        {
            return (null, TypedResults.Problem(obstacle, statusCode: StatusCodes.Status403Forbidden, title: "No experiments here"));
        }

        if (site.ObstacleTo(experiment) is { } unavailable)
        {
            return (null, TypedResults.Problem($"{name} cannot be run here: {unavailable}.", statusCode: StatusCodes.Status409Conflict, title: "Not here"));
        }

        long? id;
        try
        {
            id = await runner.TryBeginAsync(experiment, site, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return (null, NoDatabase());
        }

        return id is not null
            ? (id, null)
            : (null, TypedResults.Problem(
                $"{runner.Running?.Name ?? "Another experiment"} runs: one at a time.", statusCode: StatusCodes.Status409Conflict, title: "An experiment runs"));
    }

    /// <param name="name">Only runs of this experiment.</param>
    /// <param name="limit">The newest so many.</param>
    /// <param name="window">Only runs that were started in this length of time until now: 5m, 2h, 7d.</param>
    /// <param name="from">Only runs that were started then or later, in place of the window.</param>
    /// <param name="to">Only runs that were started then or earlier, in place of the window.</param>
    private static async Task<IResult> RunsAsync(
        ExperimentStore store, TimeProvider time, string? name, int? limit, string? window, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellationToken)
    {
        if (name is not null && ExperimentCatalog.Find(name) is null)
        {
            return NoSuchExperiment(name);
        }

        var errors = new Dictionary<string, string[]>();
        if (limit is < 1 or > MostRuns)
        {
            errors["limit"] = [$"must be an integer between 1 and {MostRuns}"];
        }

        var length = SpanText.Read(window);
        if (window is not null && length is null)
        {
            errors["window"] = ["must be a number with s, m, h or d, for example 15m"];
        }

        if (errors.Count > 0)
        {
            return TypedResults.ValidationProblem(errors);
        }

        var runs = await store.NewestAsync(name, limit ?? 50, length is { } age ? time.GetUtcNow() - age : from, to, cancellationToken);
        return TypedResults.Json(new ExperimentRunsBody(runs), ApiJson.Context.ExperimentRunsBody);
    }

    private static async Task<IResult> RunAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        await FindAsync(id, store, runner, cancellationToken) is { } run ? TypedResults.Json(run, ApiJson.Context.ExperimentRunBody) : NoSuchRun(id);

    private static async Task<IResult> ReportAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        await FindAsync(id, store, runner, cancellationToken) is { } run
            ? File(run, JsonSerializer.SerializeToUtf8Bytes(run, ApiJson.Context.ExperimentRunBody), "application/json", "json")
            : NoSuchRun(id);

    private static async Task<IResult> PageAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        await FindAsync(id, store, runner, cancellationToken) is { } run
            ? File(run, Encoding.UTF8.GetBytes(RunReport.Markdown(run)), "text/markdown; charset=utf-8", "md")
            : NoSuchRun(id);

    // The running experiment may have made the database unavailable.
    private static async Task<ExperimentRunBody?> FindAsync(long id, ExperimentStore store, ExperimentRunner runner, CancellationToken cancellationToken) =>
        runner.Running is { } running && running.Id == id ? running : await store.FindAsync(id, cancellationToken);

    private static FileContentHttpResult File(ExperimentRunBody run, byte[] content, string type, string extension) =>
        TypedResults.File(content, type, string.Create(CultureInfo.InvariantCulture, $"{run.Name}-{run.Id}.{extension}"));

    private static ProblemHttpResult NoSuchExperiment(string name) => TypedResults.Problem(
        $"There is no experiment {name}: must be one of {string.Join(", ", ExperimentCatalog.All.Select(each => each.Name))}.",
        statusCode: StatusCodes.Status404NotFound,
        title: "No such experiment");

    private static ProblemHttpResult NoSuchRun(long id) =>
        TypedResults.Problem($"There is no run {id}.", statusCode: StatusCodes.Status404NotFound, title: "No such run");
}
