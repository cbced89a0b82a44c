using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Prometheus;

/// <summary>
/// Maintains services.json, which tells Prometheus what to scrape: every service that was started, including one that has died since, because alerts fire on
/// its silence. A service that was never started, or that has exited with code 0, is not listed.
/// </summary>
internal sealed class PrometheusTargets(string directory, ResourceNotificationService notifications) : LifetimeService
{
    /// <summary>The projects that serve /metrics, and the job that each is scraped as.</summary>
    private static readonly Dictionary<string, string> Jobs = new(StringComparer.Ordinal)
    {
        ["Sensors"] = "sensors", ["Consumers"] = "consumers",
        ["Monitoring.Api"] = ResourceNames.MonitoringApi, ["Monitoring.Web"] = ResourceNames.MonitoringWeb, ["FaultLab"] = ResourceNames.FaultLab,
    };

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public override async Task StartingAsync(CancellationToken cancellationToken)
    {
        // The targets of an earlier run do not apply to this run.
        Directory.CreateDirectory(directory);
        await TryWriteAsync("[]", cancellationToken);
        await base.StartingAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        SortedDictionary<string, Target> targets = new(StringComparer.Ordinal);
        var written = "";
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            if (Describe(change) is { } target) targets[change.Resource.Name] = target;
            else targets.Remove(change.Resource.Name);
            var text = JsonSerializer.Serialize(targets.Values, Json);
            if (text != written && await TryWriteAsync(text, stoppingToken)) written = text;
        }
    }

    private static Target? Describe(ResourceEvent change)
    {
        var snapshot = change.Snapshot;
        if (change.Resource is not ProjectResource project || snapshot.StartTimeStamp is null
            || snapshot.ExitCode == 0 && KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text)
            || !Jobs.TryGetValue(Path.GetFileNameWithoutExtension(project.Annotations.OfType<IProjectMetadata>().Last().ProjectPath), out var job)
            || project.GetEndpoint("http") is not { Exists: true, IsAllocated: true } endpoint)
            return null;
        return new Target([$"{endpoint.Host}:{endpoint.Port}"], new Labels(job, project.Name));
    }

    private async Task<bool> TryWriteAsync(string text, CancellationToken cancellationToken)
    {
        // Written to another file and renamed, so that Prometheus never reads an incomplete file.
        var partial = Path.Combine(directory, "services.partial");
        try
        {
            await File.WriteAllTextAsync(partial, text, cancellationToken);
            File.Move(partial, Path.Combine(directory, "services.json"), overwrite: true);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // a full disk, for example: written with the next change
        }
    }

    private sealed record Target(string[] Targets, Labels Labels);

    private sealed record Labels(string Job, string Instance);
}
