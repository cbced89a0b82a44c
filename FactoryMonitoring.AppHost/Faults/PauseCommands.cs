using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Kafka;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// Two commands that pause and resume a resource. A paused resource keeps its connections, locks and memory, and does not notice the pause when it resumes.
/// </summary>
internal static class PauseCommands
{
    public static readonly string Pause = WireName.Of(ResourceAction.Pause);
    public static readonly string Resume = WireName.Of(ResourceAction.Resume);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopInterval = TimeSpan.FromMilliseconds(5);

    // Names the container that is paused: the next container of the same resource is not.
    private const string PausedContainer = "factory.paused";

    /// <summary>Adds both commands to a resource that is a process or a container.</summary>
    public static IResourceBuilder<T> WithPause<T>(this IResourceBuilder<T> builder) where T : IResource
    {
        var resource = builder.Resource;
        return builder
            .WithCommand(Pause, "Pause", context => ChangeAsync(context, resource, true), new CommandOptions
            {
                Description = "SIGSTOP to the process that does the work, and to its children",
                ConfirmationMessage = $"Pause {resource.Name}? It keeps its connections and locks, and does nothing until it is resumed.",
                IconName = "Pause",
                UpdateState = context => Runs(context.ResourceSnapshot) && !resource.IsPaused(context.ResourceSnapshot) ? ResourceCommandState.Enabled : ResourceCommandState.Hidden,
            })
            .WithCommand(Resume, "Resume", context => ChangeAsync(context, resource, false), new CommandOptions
            {
                Description = "SIGCONT to the process that does the work, and to its children",
                IconName = "PlayCircle",
                IsHighlighted = true,
                UpdateState = context => resource.IsPaused(context.ResourceSnapshot) ? ResourceCommandState.Enabled : ResourceCommandState.Hidden,
            });
    }

    /// <summary>Whether the resource is a process or a container: an embedded broker is part of the process that hosts all of them.</summary>
    public static bool CanPause(this IResource resource) => resource.WorkerOf() is not null && resource is not EmbeddedBrokerResource;

    /// <summary>Whether the resource is paused: for a process the system reports it, for a container the last command here decides.</summary>
    public static bool IsPaused(this IResource resource, CustomResourceSnapshot snapshot) =>
        resource.WorkerPid(snapshot) is { } pid
            ? ProcessTree.IsStopped(pid)
            : Runs(snapshot) && Property(snapshot, PausedContainer) is { } container && container == snapshot.ContainerId();

    /// <summary>Resumes the resource's process and its children.</summary>
    /// <returns>Why the resource cannot be resumed; null on success.</returns>
    public static string? LetGoOn(this IResource resource, CustomResourceSnapshot snapshot) => Change(resource, snapshot, pause: false);

    private static async Task<ExecuteCommandResult> ChangeAsync(ExecuteCommandContext context, IResource resource, bool pause)
    {
        var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
        if (!notifications.TryGetCurrentState(context.ResourceName, out var current) || !Runs(current.Snapshot))
            return CommandResults.Failure($"{resource.Name} does not run");
        if (resource.IsPaused(current.Snapshot) == pause) return CommandResults.Failure($"{resource.Name} is {(pause ? "already" : "not")} paused");
        if (Change(resource, current.Snapshot, pause) is { } obstacle) return CommandResults.Failure(obstacle);
        if (pause) await UntilStoppedAsync(resource, current.Snapshot, context.CancellationToken);
        // The update also refreshes which commands are offered.
        await notifications.PublishUpdateAsync(resource, context.ResourceName, snapshot => snapshot with
        {
            Properties =
            [
                .. snapshot.Properties.Where(property => property.Name != PausedContainer),
                .. pause && snapshot.ContainerId() is { } id ? new[] { new ResourcePropertySnapshot(PausedContainer, id) } : [],
            ],
        });
        context.Services.GetRequiredService<AuditRecorder>().AddFromAspire(pause ? ResourceAction.Pause : ResourceAction.Resume, resource.Name);
        return KillCommand.Done($"{resource.Name}: {(pause ? "paused" : "resumed")}");
    }

    // A process that waits for a core stops only when it gets one; until then nothing shows that it has to be resumed.
    private static async Task UntilStoppedAsync(IResource resource, CustomResourceSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (resource.WorkerPid(snapshot) is not { } pid) return;
        int[] family = [pid, .. ProcessTree.Descendants(pid)];
        var start = Stopwatch.GetTimestamp();
        while (!family.All(ProcessTree.IsStopped) && Stopwatch.GetElapsedTime(start) < StopLimit) await Task.Delay(StopInterval, cancellationToken);
    }

    private static string? Change(IResource resource, CustomResourceSnapshot snapshot, bool pause)
    {
        if (resource.WorkerOf()?.Engine is { } engine)
        {
            return snapshot.ContainerId() is { } id && engine.Does(pause ? "pause" : "unpause", id)
                ? null
                : $"{engine.Command} does not {(pause ? "pause" : "unpause")} its container";
        }
        if (OperatingSystem.IsWindows()) return "Windows cannot pause a process";
        if (resource.WorkerPid(snapshot) is not { } pid) return "its process was not found";
        if (pause)
        {
            // The parent is paused first, so that it starts no more children.
            if (!Signals.Freeze(pid)) return "its process was already gone";
            foreach (var child in ProcessTree.Descendants(pid)) Signals.Freeze(child);
            return null;
        }
        foreach (var child in ProcessTree.Descendants(pid)) Signals.Thaw(child);
        return Signals.Thaw(pid) ? null : "its process was already gone";
    }

    private static bool Runs(CustomResourceSnapshot snapshot) => snapshot.State?.Text == KnownResourceStates.Running;

    private static string? Property(CustomResourceSnapshot snapshot, string name) =>
        Convert.ToString(snapshot.Properties.FirstOrDefault(property => property.Name == name)?.Value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;
}
