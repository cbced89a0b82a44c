using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Prometheus;

/// <summary>
/// Keeps services.json, from which Prometheus learns what to scrape: what has been started, also when it has died since, for its silence is
/// what alerts are about; not what nobody has started, and not what has ended in order.
/// </summary>
internal sealed class PrometheusTargets(string directory, ResourceNotificationService notifications) : LifetimeService
{
    /// <summary>The projects that serve /metrics, and the job each is scraped as.</summary>
    private static readonly Dictionary<string, string> Jobs = new(StringComparer.Ordinal)
    {
        ["Sensors"] = "sensors", ["Consumers"] = "consumers",
        ["Monitoring.Api"] = ResourceNames.MonitoringApi, ["Monitoring.Web"] = ResourceNames.MonitoringWeb, ["FaultLab"] = ResourceNames.FaultLab,
    };

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public override async Task StartingAsync(CancellationToken cancellationToken)
    {
        // An earlier run's are not this run's.
        Directory.CreateDirectory(directory);
        await WriteAsync("[]", cancellationToken);
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
            if (text == written) continue;
            await WriteAsync(written = text, stoppingToken);
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

    private async Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        // Renamed into place, so that Prometheus never reads half a file.
        var partial = Path.Combine(directory, "services.partial");
        await File.WriteAllTextAsync(partial, text, cancellationToken);
        File.Move(partial, Path.Combine(directory, "services.json"), overwrite: true);
    }

    private sealed record Target(string[] Targets, Labels Labels);

    private sealed record Labels(string Job, string Instance);
}
