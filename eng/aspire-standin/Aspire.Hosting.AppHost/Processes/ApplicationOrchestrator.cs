using System.Collections.Concurrent;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Processes;

/// <summary>Starts what the model holds, keeps its state, and stops it: what uses a resource before the resource itself.</summary>
internal sealed class ApplicationOrchestrator(
    DistributedApplicationModel model, IDistributedApplicationEventing eventing, ResourceNotificationService notifications,
    ResourceLoggerService loggers, Reaper reaper, ContainerEngine containers, IConfiguration configuration,
    IOptions<HealthCheckServiceOptions> healthChecks, IHostEnvironment environment, IServiceProvider services, ILogger<DistributedApplication> logger) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10), ShutdownPatience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<IResource, TaskCompletionSource> _skippedWaits = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ResourceProcess> _processes = [];
    private Task? _stopped;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation("Aspire: the stand-in under eng/aspire-standin, not the packages");
        logger.LogInformation("Distributed application starting.");
        logger.LogInformation("Application host directory is: {AppHostDirectory}", environment.ContentRootPath);
        await eventing.PublishAsync(new BeforeStartEvent(services, model), cancellationToken);
        // Subscribed after all others: a resource's own handlers have done their work by the time it waits.
        eventing.Subscribe<BeforeResourceStartedEvent>(WaitAsync);

        var resources = model.Resources.ToList();
        foreach (var resource in resources)
            Prepare(resource);
        foreach (var resource in resources)
            await notifications.PublishUpdateAsync(resource, snapshot => snapshot with { CreationTimeStamp = DateTime.UtcNow });
        foreach (var resource in resources.OfType<IResourceWithConnectionString>().Where(r => IsProcess((r as IResourceWithParent)?.Parent ?? r)))
            await eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services), cancellationToken);
        foreach (var resource in resources)
            _ = InitializeAsync(resource);
        logger.LogInformation("Distributed application started. Press Ctrl+C to shut down.");
    }

    public Task StopAsync(CancellationToken cancellationToken) => _stopped ??= StopAllAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        reaper.Dispose();
        _stopping.Dispose();
        _processes.ForEach(process => process.Dispose());
    }

    internal Task PublishAsync(IResource resource, string id, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        var published = notifications.PublishUpdateAsync(resource, id, change);
        if (!notifications.TryGetCurrentState(id, out var now))
            return published;
        // A resource inside a process, such as a database of a server, is what its parent is.
        foreach (var child in model.Resources.OfType<IResourceWithParent>().Where(child => child.Parent == resource && !IsProcess(child)))
            _ = notifications.PublishUpdateAsync(child, snapshot => snapshot with
            {
                State = now.Snapshot.State, ExitCode = now.Snapshot.ExitCode,
                StartTimeStamp = now.Snapshot.StartTimeStamp, StopTimeStamp = now.Snapshot.StopTimeStamp,
            });
        return published;
    }

    private static bool IsProcess(IResource resource) => resource is ProjectResource or ExecutableResource or ContainerResource;

    private void Prepare(IResource resource)
    {
        loggers.Register(resource);
        foreach (var check in resource.Annotations.OfType<HealthCheckAnnotation>())
            if (healthChecks.Value.Registrations.All(registration => registration.Name != check.Key))
                throw new DistributedApplicationException($"The health check '{check.Key}' of '{resource.Name}' is not registered.");
        if (!IsProcess(resource))
            return;
        Ports.Allocate(resource, configuration.GetValue("DcpPublisher:RandomizePorts", false));
        var ids = Enumerable.Range(0, resource.GetReplicaCount())
            .Select(_ => $"{resource.Name}-{RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz", 8)}").ToList();
        resource.Annotations.Add(new InstancesAnnotation(ids));
        var explicitly = resource.HasAnnotationOfType<ExplicitStartupAnnotation>();
        var initial = resource.TryGetLastAnnotation<ResourceSnapshotAnnotation>(out var given) ? given.InitialSnapshot
            : new CustomResourceSnapshot { ResourceType = resource switch { ProjectResource => "Project", ContainerResource => "Container", _ => "Executable" }, Properties = [] };
        resource.Annotations.Add(new ResourceSnapshotAnnotation(initial with
        {
            State = explicitly ? KnownResourceStates.NotStarted : KnownResourceStates.Starting,
        }));
        for (var replica = 0; replica < ids.Count; replica++)
            _processes.Add(new ResourceProcess(resource, ids[replica], replica, this, eventing, loggers, reaper, containers, services, logger));
        AddLifecycleCommands(resource);
    }

    private void AddLifecycleCommands(IResource resource)
    {
        Add(KnownResourceCommands.StartCommand, "Start", "Play", state => state is "Starting" or "Stopping" or null ? ResourceCommandState.Disabled
            : state is "Running" ? ResourceCommandState.Hidden : ResourceCommandState.Enabled, async (process, token) =>
            {
                if (_skippedWaits.TryGetValue(process.Resource, out var skip))
                    skip.TrySetResult(); // a start asked for while it waits is a start without the waits
                return await process.StartAsync(token);
            });
        Add(KnownResourceCommands.StopCommand, "Stop", "Stop", state => state is "Running" ? ResourceCommandState.Enabled
            : state is "Stopping" ? ResourceCommandState.Disabled : ResourceCommandState.Hidden, async (process, token) =>
            {
                await process.StopAsync(StopPatience, token);
                return CommandResults.Success();
            });
        Add(KnownResourceCommands.RestartCommand, "Restart", "ArrowCounterclockwise", state => state is "Running" ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled, async (process, token) =>
            {
                await process.StopAsync(StopPatience, token);
                return await process.StartAsync(token);
            });

        void Add(string name, string displayName, string icon, Func<string?, ResourceCommandState> state,
            Func<ResourceProcess, CancellationToken, Task<ExecuteCommandResult>> execute)
            => resource.Annotations.Add(new ResourceCommandAnnotation(name, displayName, update => state(update.ResourceSnapshot.State?.Text),
                command => execute(_processes.First(process => process.Id == command.ResourceName), command.CancellationToken),
                new CommandOptions { IconName = icon, IconVariant = IconVariant.Filled, IsHighlighted = name != KnownResourceCommands.RestartCommand }));
    }

    private async Task InitializeAsync(IResource resource)
    {
        try
        {
            await eventing.PublishAsync(new InitializeResourceEvent(resource, eventing, loggers, notifications, services), _stopping.Token);
        }
        catch (Exception exception)
        {
            if (_stopping.IsCancellationRequested)
                return;
            logger.LogError(exception, "Resource {Resource} cannot be initialized.", resource.Name);
            await notifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = KnownResourceStates.FailedToStart });
            return;
        }
        if (!resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
            await Task.WhenAll(_processes.Where(process => process.Resource == resource).Select(process => process.StartAsync(_stopping.Token)));
    }

    private async Task WaitAsync(BeforeResourceStartedEvent starting, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        var skip = _skippedWaits[starting.Resource] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var waits = notifications.WaitForDependenciesAsync(starting.Resource, limit.Token);
        var first = await Task.WhenAny(waits, skip.Task);
        _skippedWaits.TryRemove(starting.Resource, out _);
        if (first == waits)
            await waits;
        else
            await limit.CancelAsync();
        _stopping.Token.ThrowIfCancellationRequested();
    }

    private async Task StopAllAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        using var now = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        now.CancelAfter(ShutdownPatience);
        var used = _processes.Select(process => process.Resource).Distinct().ToDictionary(resource => resource, Uses);
        Dictionary<IResource, Lazy<Task>> stops = [];
        foreach (var resource in used.Keys)
            stops[resource] = new(() => StopAfterUsersAsync(resource));
        await Task.WhenAll(stops.Values.Select(stop => stop.Value));
        await containers.CloseAsync();

        async Task StopAfterUsersAsync(IResource resource)
        {
            var users = used.Keys.Where(user => used[user].Contains(resource) && !used[resource].Contains(user));
            await Task.WhenAll(users.Select(user => stops[user].Value));
            await Task.WhenAll(_processes.Where(process => process.Resource == resource)
                .Select(process => process.StopAsync(StopPatience, now.Token)));
        }
    }

    /// <summary>All that a resource waits for, refers to or is part of, and the parts of these, directly or not.</summary>
    private HashSet<IResource> Uses(IResource resource)
    {
        HashSet<IResource> found = [];
        var parts = model.Resources.ToLookup(part => (part as IResourceWithParent)?.Parent
            ?? part.Annotations.OfType<ResourceRelationshipAnnotation>().LastOrDefault(relationship => relationship.Type == "Parent")?.Resource);
        Visit(resource);
        return found;

        void Visit(object value)
        {
            if (value is IValueWithReferences composed)
                foreach (var reference in composed.References)
                    Visit(reference);
            if (value is not IResource visited || !found.Add(visited))
                return;
            foreach (var wait in visited.Annotations.OfType<WaitAnnotation>())
                Visit(wait.Resource);
            foreach (var relationship in visited.Annotations.OfType<ResourceRelationshipAnnotation>().Where(r => r.Type == "Reference"))
                Visit(relationship.Resource);
            if (visited is IResourceWithParent { Parent: var parent })
                Visit(parent);
            foreach (var part in parts[visited])
                Visit(part);
        }
    }
}
