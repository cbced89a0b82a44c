using System.Globalization;
using System.Text;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>A resource as it stands.</summary>
/// <param name="Health">healthy, degraded, unhealthy; null while it does not run.</param>
/// <param name="Pid">The process that does the work.</param>
/// <param name="Paused">It was stopped in its tracks and not yet let go on.</param>
/// <param name="Actions">What may be posted to <c>/resources/{name}/{action}</c>.</param>
internal sealed record ResourceBody(
    string Name, string Type, string? State, string? Health, int? Pid, string? ContainerId, IReadOnlyList<string> Urls, int? ExitCode,
    DateTimeOffset? Started, DateTimeOffset? Stopped, bool Paused, IReadOnlyList<string> Actions);

/// <summary>
/// What the control endpoint offers. Each answer comes as JSON, or as lines of text to those who accept <c>text/plain</c>.
/// </summary>
internal static class ResourceEndpoints
{
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(5);

    // What a shell calls them, and what Aspire does.
    private static readonly Dictionary<string, string> Commands = new(StringComparer.OrdinalIgnoreCase)
    {
        ["start"] = KnownResourceCommands.StartCommand,
        ["stop"] = KnownResourceCommands.StopCommand,
        ["restart"] = KnownResourceCommands.RestartCommand,
        [KillCommand.Name] = KillCommand.Name,
    };

    // Those that are faults and nothing else.
    private static readonly Dictionary<string, string> FaultCommands = new(StringComparer.OrdinalIgnoreCase)
    {
        [PauseCommands.Pause] = PauseCommands.Pause,
        [PauseCommands.Resume] = PauseCommands.Resume,
    };

    public static void MapControl(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/resources", List);
        endpoints.MapPost("/resources/{name}/{action}", CommandAsync);
        endpoints.MapGet("/exits", Exits);
        endpoints.MapGet("/doctor", DoctorAsync);
    }

    private static IResult List(HttpRequest request, DistributedApplicationModel model, ResourceWatch watch, FactorySetup setup)
    {
        string[] actions = setup.Settings.Faults ? [.. Commands.Keys, .. FaultCommands.Keys] : [.. Commands.Keys];
        var bodies = model.Resources.Where(resource => !ResourceWatch.IsPlumbing(resource)).Select(resource => Describe(resource, watch, actions)).ToArray();
        return Answers.WantsText(request) ? Results.Text(Table(bodies), Answers.Text) : Results.Ok(bodies);
    }

    private static async Task<IResult> CommandAsync(
        string name, string action, string? by, HttpRequest request, DistributedApplicationModel model, ResourceCommandService commands, ExitLog exits,
        ResourceWatch watch, FactorySetup setup, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!model.Resources.TryGetByName(name, out var resource))
            return Answers.Line(request, StatusCodes.Status404NotFound, $"there is no {name}: {string.Join(", ", model.Resources.Where(HasCommands).Select(one => one.Name))}");
        if (!Commands.TryGetValue(action, out var command) && !FaultCommands.TryGetValue(action, out command))
            return Answers.Line(request, StatusCodes.Status404NotFound, $"there is no action {action}: {string.Join(", ", [.. Commands.Keys, .. FaultCommands.Keys])}");
        if (FaultCommands.ContainsKey(action) && !setup.Settings.Faults) return FaultEndpoints.Refusal(request);

        // Only what runs can end: an announcement that nothing follows would be taken for the next end's.
        var runs = watch.Runs(resource.Name);
        if (runs && command == KnownResourceCommands.StartCommand)
            return Answers.Line(request, StatusCodes.Status200OK, $"{resource.Name}: runs already");
        if (runs && command is (PauseCommands.Pause or PauseCommands.Resume) && resource.IsPaused(watch.Find(resource.Name)!) == (command == PauseCommands.Pause))
            return Answers.Line(request, StatusCodes.Status200OK, $"{resource.Name}: {(command == PauseCommands.Pause ? "paused already" : "was not paused")}");
        var at = time.GetUtcNow();
        if (runs && (command == KillCommand.Name || command == KnownResourceCommands.StopCommand || command == KnownResourceCommands.RestartCommand))
            exits.Announce(resource.Name, command == KillCommand.Name ? ExitCause.Killed : ExitCause.Stopped, by ?? "control");
        var result = await commands.ExecuteCommandAsync(resource, command, cancellationToken);
        // Who starts it next must not be told that it runs.
        if (result.Success && command == KillCommand.Name) await watch.UntilEndedAsync(resource.Name, KillLimit, cancellationToken);
        return result.Success
            ? Answers.Line(request, StatusCodes.Status200OK, $"{resource.Name}: {Past(command)}", at)
            : Answers.Line(request, StatusCodes.Status409Conflict, $"{resource.Name} could not be {Past(command)}: {result.Message}");
    }

    private static IResult Exits(HttpContext context, ExitLog exits, long since = 0)
    {
        var request = context.Request;
        if (!request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)) return Results.Ok(exits.Since(since));
        if (long.TryParse(request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var last)) since = last;
        return TypedResults.ServerSentEvents(Events(exits, since, context.RequestAborted));
    }

    private static async IAsyncEnumerable<System.Net.ServerSentEvents.SseItem<ResourceExit>> Events(
        ExitLog exits, long since, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var exit in exits.WatchAsync(since, cancellationToken))
            yield return new(exit, "exit") { EventId = exit.Id.ToString(CultureInfo.InvariantCulture) };
    }

    private static async Task<IResult> DoctorAsync(Doctor doctor, HttpResponse response, CancellationToken cancellationToken)
    {
        var findings = await doctor.ExamineAsync(cancellationToken);
        var lines = string.Concat(findings.Select(finding => $"{(finding.Well ? "ok  " : "FAIL")}  {finding.Subject,-20} {finding.Text}\n"));
        return Results.Text(lines, Answers.Text, statusCode: findings.All(finding => finding.Well) ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static bool HasCommands(IResource resource) => resource.WorkerOf() is not null;

    private static ResourceBody Describe(IResource resource, ResourceWatch watch, IReadOnlyList<string> actions)
    {
        var snapshot = watch.Find(resource.Name);
        return new ResourceBody(
            resource.Name,
            snapshot?.ResourceType ?? resource.GetType().Name,
            snapshot?.State?.Text,
            snapshot?.HealthStatus?.ToString().ToLowerInvariant(),
            snapshot is null ? null : resource.WorkerPid(snapshot),
            snapshot?.Properties.FirstOrDefault(property => property.Name == "container.id")?.Value?.ToString(),
            [.. (snapshot?.Urls ?? []).Select(url => url.Url)],
            snapshot?.ExitCode,
            snapshot?.StartTimeStamp?.ToUniversalTime(),
            snapshot?.StopTimeStamp?.ToUniversalTime(),
            snapshot is not null && resource.IsPaused(snapshot),
            HasCommands(resource) ? actions : []);
    }

    private static string Table(IReadOnlyList<ResourceBody> bodies)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{"NAME",-20} {"STATE",-14} {"HEALTH",-10} {"PID",8}  {"STARTED",-9} URL");
        foreach (var body in bodies)
        {
            var state = body is { ExitCode: { } code, Pid: null } && body.State is "Exited" or "Finished" ? $"{body.State} ({body.ExitCode})" : body.Paused ? "Paused" : body.State ?? "-";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{body.Name,-20} {state,-14} {body.Health ?? "-",-10} {body.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",8}  {body.Started?.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture) ?? "-",-9} {(body.Urls.Count > 0 ? body.Urls[0] : null)}");
        }
        return text.ToString();
    }

    private static string Past(string action) => action switch
    {
        "start" => "started",
        "stop" => "stopped",
        "restart" => "restarted",
        PauseCommands.Pause => "paused",
        PauseCommands.Resume => "resumed",
        _ => "killed",
    };
}
