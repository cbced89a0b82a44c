using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.ApplicationModel;

public sealed class ResourceNotificationServiceOptions
{
    public WaitBehavior DefaultWaitBehavior { get; set; }
}

/// <summary>The present snapshot of every instance of every resource, and each change of them.</summary>
public class ResourceNotificationService
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ChannelWriter<ResourceEvent>> _watchers = [];
    private readonly ResourceLoggerService _loggers;
    private readonly IServiceProvider _services;
    private readonly WaitBehavior _defaultWaitBehavior;

    internal ResourceNotificationService(
        ResourceLoggerService loggers, IServiceProvider services, IOptions<ResourceNotificationServiceOptions> options)
        => (_loggers, _services, _defaultWaitBehavior) = (loggers, services, options.Value.DefaultWaitBehavior);

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_lock)
        {
            if (_current.TryGetValue(resourceId, out resourceEvent))
                return true;
            var named = _current.Values.Where(e => e.Resource.Name.Equals(resourceId, StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
            resourceEvent = named.Count == 1 ? named[0] : null;
            return resourceEvent is not null;
        }
    }

    /// <summary>First the present state of all, then every change, none left out.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var present in _current.Values)
                channel.Writer.TryWrite(present);
            _watchers.Add(channel.Writer);
        }
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
                yield return change;
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(channel.Writer);
        }
    }

    public async Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        foreach (var id in resource.InstanceIds())
            await PublishUpdateAsync(resource, id, stateFactory);
    }

    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        lock (_lock)
        {
            var previous = _current.TryGetValue(resourceId, out var present) ? present.Snapshot : Initial(resource);
            var next = stateFactory(previous);
            if (next.State?.Text != previous.State?.Text && next.State?.Text == KnownResourceStates.Starting)
                next = next with { Ready = null };
            next = next with
            {
                Commands = [.. resource.Annotations.OfType<ResourceCommandAnnotation>().Select(command =>
                    command.Snapshot(new UpdateCommandStateContext { ResourceSnapshot = next, Services = _services }))],
            };
            ResourceEvent change = new(resource, resourceId, next);
            _current[resourceId] = change;
            foreach (var watcher in _watchers)
                watcher.TryWrite(change);
        }
        return Task.CompletedTask;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        await foreach (var change in WatchAsync(cancellationToken))
            if ((change.Resource.Name.Equals(resourceName, StringComparison.OrdinalIgnoreCase) || change.ResourceId == resourceName)
                && predicate(change))
                return change;
        throw new OperationCanceledException($"The resource '{resourceName}' is no longer watched.");
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default)
        => WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(
        string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
        => (await WaitForResourceAsync(resourceName, change => targetStates.Contains(change.Snapshot.State?.Text), cancellationToken))
            .Snapshot.State!.Text;

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
        => WaitForResourceHealthyAsync(resourceName, _defaultWaitBehavior, cancellationToken);

    /// <summary>Throws when the resource has ended and <paramref name="waitBehavior"/> says not to wait for it any longer.</summary>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        var change = await WaitForResourceAsync(resourceName, change =>
            change.Snapshot.HealthStatus == HealthStatus.Healthy && change.Snapshot.Ready is not null
            || Unavailable(change, waitBehavior), cancellationToken);
        if (Unavailable(change, waitBehavior))
            throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it is '{change.Snapshot.State?.Text}'.");
        await change.Snapshot.Ready!.WaitAsync(cancellationToken);
        return change;
    }

    /// <summary>Returns when all that the resource waits for has come; throws when it never will.</summary>
    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        var waits = resource.Annotations.OfType<WaitAnnotation>().ToList();
        if (waits.Count == 0)
            return;
        await PublishUpdateAsync(resource, snapshot => snapshot.State?.Text == KnownResourceStates.Starting || snapshot.State is null
            || snapshot.State.Text == KnownResourceStates.NotStarted ? snapshot with { State = KnownResourceStates.Waiting } : snapshot);
        await Task.WhenAll(waits.Select(wait => WaitForAsync(resource, wait, cancellationToken)));
    }

    private async Task WaitForAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var behavior = _defaultWaitBehavior;
        var logger = _loggers.GetLogger(resource);
        var name = wait.Resource.Name;
        if (wait.WaitType == WaitType.WaitForCompletion)
        {
            logger.LogInformation("Waiting for resource '{Resource}' to complete.", name);
            var ended = await WaitForResourceAsync(name, change => behavior == WaitBehavior.StopOnResourceUnavailable
                ? KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text)
                : change.Snapshot.State?.Text is "Finished" or "Exited" && change.Snapshot.ExitCode == wait.ExitCode, cancellationToken);
            if (ended.Snapshot.State?.Text == KnownResourceStates.FailedToStart || ended.Snapshot.ExitCode != wait.ExitCode)
                throw new DistributedApplicationException(
                    $"Resource '{name}' has ended as '{ended.Snapshot.State?.Text}' with exit code {ended.Snapshot.ExitCode}, not {wait.ExitCode}.");
        }
        else if (wait.WaitType == WaitType.WaitUntilStarted)
        {
            logger.LogInformation("Waiting for resource '{Resource}' to start.", name);
            var started = await WaitForResourceAsync(
                name, change => change.Snapshot.State?.Text == KnownResourceStates.Running || Unavailable(change, behavior), cancellationToken);
            if (Unavailable(started, behavior))
                throw new DistributedApplicationException($"Resource '{name}' is '{started.Snapshot.State?.Text}'.");
        }
        else
        {
            logger.LogInformation("Waiting for resource '{Resource}' to become healthy.", name);
            await Task.WhenAll(wait.Resource.InstanceIds().Select(id => WaitForResourceHealthyAsync(id, behavior, cancellationToken)));
        }
        logger.LogInformation("Finished waiting for resource '{Resource}'.", name);
    }

    private static bool Unavailable(ResourceEvent change, WaitBehavior behavior)
        => behavior == WaitBehavior.StopOnResourceUnavailable && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text);

    private static CustomResourceSnapshot Initial(IResource resource)
        => (resource.TryGetLastAnnotation<ResourceSnapshotAnnotation>(out var initial) ? initial.InitialSnapshot
            : new CustomResourceSnapshot { ResourceType = resource.GetType().Name.Replace("Resource", "", StringComparison.Ordinal), Properties = [] })
        with
        {
            Relationships = [.. resource.Annotations.OfType<ResourceRelationshipAnnotation>()
                .Select(relationship => new RelationshipSnapshot(relationship.Resource.Name, relationship.Type)).Distinct()],
            HealthReports = [.. resource.Annotations.OfType<HealthCheckAnnotation>()
                .Select(check => new HealthReportSnapshot(check.Key, null, null, null))],
        };
}
