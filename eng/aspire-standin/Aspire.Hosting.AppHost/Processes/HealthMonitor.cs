using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Processes;

/// <summary>Runs the health checks of what is running, and says once after each start that it is ready.</summary>
internal sealed class HealthMonitor(
    ResourceNotificationService notifications, HealthCheckService checks, IDistributedApplicationEventing eventing, IServiceProvider services)
    : BackgroundService
{
    private static readonly TimeSpan WhileUnhealthy = TimeSpan.FromSeconds(1), WhileHealthy = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ConcurrentDictionary<string, CancellationTokenSource> running = new();
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            var isRunning = change.Snapshot.State?.Text == KnownResourceStates.Running;
            if (isRunning && !running.ContainsKey(change.ResourceId))
            {
                var stop = running[change.ResourceId] = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                _ = MonitorAsync(change.Resource, change.ResourceId, stop.Token);
            }
            else if (!isRunning && running.TryRemove(change.ResourceId, out var stopped))
            {
                await stopped.CancelAsync();
                stopped.Dispose();
            }
        }
    }

    private async Task MonitorAsync(IResource resource, string id, CancellationToken cancellationToken)
    {
        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(annotation => annotation.Key).ToHashSet();
        var ready = false;
        try
        {
            while (!ready || keys.Count > 0)
            {
                var healthy = keys.Count == 0 || await CheckAsync(resource, id, keys, cancellationToken);
                if (healthy && !ready)
                {
                    ready = true;
                    var handlers = eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
                    await PublishAsync(resource, id, snapshot => snapshot with { Ready = handlers });
                }
                await Task.Delay(healthy ? WhileHealthy : WhileUnhealthy, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return; // it is not running any more
        }
    }

    private async Task<bool> CheckAsync(IResource resource, string id, HashSet<string> keys, CancellationToken cancellationToken)
    {
        var report = await checks.CheckHealthAsync(registration => keys.Contains(registration.Name), cancellationToken);
        await PublishAsync(resource, id, snapshot => snapshot with
        {
            HealthReports = [.. report.Entries.Select(entry => new HealthReportSnapshot(
                entry.Key, entry.Value.Status, entry.Value.Description, entry.Value.Exception?.ToString()) { LastRunAt = DateTime.UtcNow })],
        });
        return report.Status == HealthStatus.Healthy;
    }

    private Task PublishAsync(IResource resource, string id, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
        => notifications.PublishUpdateAsync(resource, id,
            snapshot => snapshot.State?.Text == KnownResourceStates.Running ? change(snapshot) : snapshot);
}
