using System.Globalization;
using System.Text;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.AppHost.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>The read-only part of the control endpoint; <see cref="CommandEndpoint"/> executes the commands.</summary>
internal static class ResourceEndpoints
{
    public static void MapControl(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(ControlRoutes.Resources, List);
        endpoints.MapGet(ControlRoutes.Exits, (ExitLog exits) => Results.Json(exits.All(), ControlJson.Context.IReadOnlyListResourceExit));
        endpoints.MapGet(ControlRoutes.Doctor, DoctorAsync);
        endpoints.MapPost(ControlRoutes.Commands, CommandEndpoint.RunAsync);
    }

    private static IResult List(HttpRequest request, DistributedApplicationModel model, ResourceWatch watch, ExitLog exits, FactorySetup setup)
    {
        IReadOnlyList<ResourceBody> bodies = [.. model.Resources.Where(resource => !ResourceWatch.IsPlumbing(resource)).Select(resource => Describe(resource, watch, exits, setup.Settings.Faults))];
        return Answers.Body(request, bodies, ControlJson.Context.IReadOnlyListResourceBody, Table(bodies));
    }

    private static async Task<IResult> DoctorAsync(Doctor doctor, CancellationToken cancellationToken)
    {
        var findings = await doctor.ExamineAsync(cancellationToken);
        var lines = string.Concat(findings.Select(finding => $"{(finding.Well ? "ok  " : "FAIL")}  {finding.Subject,-20} {finding.Text}\n"));
        return Results.Text(lines, Answers.Text, statusCode: findings.All(finding => finding.Well) ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static ResourceBody Describe(IResource resource, ResourceWatch watch, ExitLog exits, bool faults)
    {
        var snapshot = watch.Find(resource.Name);
        // Aspire does not report signals: the exit code of a process that a signal ended is -1 or missing.
        var exit = snapshot.IsAlive() ? null : exits.Last(resource.Name);
        return new ResourceBody(
            resource.Name,
            snapshot?.ResourceType ?? resource.GetType().Name,
            snapshot?.State?.Text,
            snapshot?.HealthStatus?.ToString().ToLowerInvariant(),
            snapshot is null ? null : resource.WorkerPid(snapshot),
            snapshot?.ContainerId(),
            // The first URL is shown; it must not be that of a link.
            [.. (snapshot?.Urls ?? []).OrderBy(url => url.Name == "link").Select(url => url.Url)],
            exit is null ? snapshot?.ExitCode : exit.ExitCode,
            snapshot?.StartTimeStamp?.ToUniversalTime(),
            snapshot?.StopTimeStamp?.ToUniversalTime(),
            snapshot is not null && resource.IsPaused(snapshot),
            resource.TakesCommands() ? [.. Enum.GetValues<ResourceAction>().Where(action => !action.IsFault() || (faults && resource.CanPause()))] : []);
    }

    private static string Table(IReadOnlyList<ResourceBody> bodies)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"NAME",-20} {"STATE",-14} {"HEALTH",-10} {"PID",8}  {"STARTED",-9} URL");
        foreach (var body in bodies)
        {
            var state = body is { State: "Exited" or "Finished", Pid: null } ? $"{body.State} ({body.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "signal"})" : body.Paused ? "Paused" : body.State ?? "-";
            text.AppendLine().Append(
                CultureInfo.InvariantCulture,
                $"{body.Name,-20} {state,-14} {body.Health ?? "-",-10} {body.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-",8}  {body.Started?.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture) ?? "-",-9} {((body.Pid is not null || body.ContainerId is not null) && body.Urls.Count > 0 ? body.Urls[0] : null)}");
        }
        return text.ToString();
    }
}
