using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>How to find the process that does a resource's work, which can differ from the process that Aspire started.</summary>
/// <param name="Find">Finds the process; null if there is none.</param>
/// <param name="Engine">The engine of the resource's container; null if the resource is no container.</param>
internal sealed record WorkerAnnotation(Func<CustomResourceSnapshot, int?> Find, ContainerEngine? Engine = null) : IResourceAnnotation;

/// <summary>A command that kills a resource as a power cut would, without a graceful shutdown.</summary>
internal static class KillCommand
{
    public const string Name = "kill";

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    /// <summary>Adds the command for a resource that is a process.</summary>
    /// <param name="worker">Finds the process; by default the youngest descendant of the one that Aspire started.</param>
    public static IResourceBuilder<T> WithKill<T>(this IResourceBuilder<T> builder, Func<CustomResourceSnapshot, int?>? worker = null)
        where T : IResource
    {
        var annotation = new WorkerAnnotation(worker ?? YoungestDescendant);
        return builder.WithKill((_, snapshot) => Task.FromResult(Kill(annotation.Find(snapshot))), annotation);
    }

    /// <summary>Adds the command for a resource that is killed in another way.</summary>
    public static IResourceBuilder<T> WithKill<T>(
        this IResourceBuilder<T> builder, Func<ExecuteCommandContext, CustomResourceSnapshot, Task<ExecuteCommandResult>> kill)
        where T : IResource => builder.WithKill(kill, new WorkerAnnotation(_ => null));

    /// <summary>Adds the command for a resource that is a container.</summary>
    public static IResourceBuilder<T> WithContainerKill<T>(this IResourceBuilder<T> builder, ContainerEngine engine) where T : IResource =>
        builder.WithKill(
            (_, snapshot) => Task.FromResult(
                snapshot.ContainerId() is { } id && engine.Does("kill", id)
                    ? CommandResults.Success()
                    : CommandResults.Failure($"{engine.Command} does not kill its container")),
            new WorkerAnnotation(_ => null, engine));

    /// <summary>Returns success with a message for the dashboard and for the command line, which shows only results.</summary>
    public static ExecuteCommandResult Done(string what) => CommandResults.Success(what, what);

    /// <summary>Returns how the resource's process is found; null if it has none that can be killed.</summary>
    public static WorkerAnnotation? WorkerOf(this IResource resource) => resource.Annotations.OfType<WorkerAnnotation>().LastOrDefault();

    /// <summary>Whether the resource is running, or is stopping and has not exited yet.</summary>
    public static bool IsAlive(this CustomResourceSnapshot? snapshot) => snapshot?.State?.Text is { } state && (state == KnownResourceStates.Running || state == KnownResourceStates.Stopping);

    /// <summary>Returns the id of the resource's container; null if it has none.</summary>
    public static string? ContainerId(this CustomResourceSnapshot snapshot) =>
        snapshot.Properties.FirstOrDefault(property => property.Name == "container.id")?.Value as string;

    /// <summary>Returns the process that Aspire has started; null if there is none.</summary>
    public static int? ProcessId(this CustomResourceSnapshot snapshot) =>
        snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value is { } value && int.TryParse(value.ToString(), CultureInfo.InvariantCulture, out var pid)
            ? pid
            : null;

    /// <summary>Returns the process that does the resource's work; null if there is none.</summary>
    public static int? WorkerPid(this IResource resource, CustomResourceSnapshot snapshot) =>
        snapshot.IsAlive() ? resource.WorkerOf()?.Find(snapshot) : null;

    private static IResourceBuilder<T> WithKill<T>(
        this IResourceBuilder<T> builder, Func<ExecuteCommandContext, CustomResourceSnapshot, Task<ExecuteCommandResult>> kill,
        WorkerAnnotation worker) where T : IResource
    {
        var name = builder.Resource.Name;
        return builder.WithAnnotation(worker).WithCommand(Name, "Kill", async context =>
        {
            var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
            if (!notifications.TryGetCurrentState(context.ResourceName, out var current) || !current.Snapshot.IsAlive())
                return CommandResults.Failure($"{name} does not run");
            var exits = context.Services.GetRequiredService<ExitLog>();
            var result = await exits.AnnounceAsync(name, ExitCause.Killed, by: null, () => kill(context, current.Snapshot));
            if (!result.Success) return result;
            // The resource must not be reported as running to a start that follows.
            await context.Services.GetRequiredService<ResourceWatch>().UntilEndedAsync(name, EndLimit, context.CancellationToken);
            return Done($"{name}: killed");
        }, new CommandOptions
        {
            Description = "SIGKILL to the process that does the work",
            ConfirmationMessage = $"Kill {name}? It gets no chance to finish anything.",
            IconName = "Flash",
            UpdateState = context => context.ResourceSnapshot.IsAlive() ? ResourceCommandState.Enabled : ResourceCommandState.Hidden,
        });
    }

    private static ExecuteCommandResult Kill(int? pid)
    {
        if (pid is null) return CommandResults.Failure("its process was not found");
        try
        {
            using var process = Process.GetProcessById(pid.Value);
            process.Kill();
            return CommandResults.Success();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return CommandResults.Failure("its process was already gone");
        }
    }

    private static int? YoungestDescendant(CustomResourceSnapshot snapshot) => snapshot.ProcessId() is { } pid ? ProcessTree.YoungestDescendant(pid) : null;
}
