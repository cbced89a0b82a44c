using System.Collections.Concurrent;
using System.Globalization;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Tracks the current state of every resource by name, and records the exit of each process.</summary>
internal sealed partial class ResourceWatch(
    ResourceNotificationService notifications, ExitLog exits, AuditRecorder audit, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ResourceWatch> logger) : LifetimeService
{
    /// <summary>Property of a resource: how its process exited last.</summary>
    public const string LastEnd = "last end";

    // On an overloaded machine Aspire can notice the exit of a process 10 s late.
    private static readonly TimeSpan EndSeenLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Watched> _current = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The last snapshot of the resource; null before there is one.</summary>
    public CustomResourceSnapshot? Find(string resource) => _current.TryGetValue(resource, out var watched) ? watched.Snapshot : null;

    public bool Runs(string resource) => Find(resource)?.State?.Text == KnownResourceStates.Running;

    /// <summary>Whether the resource has exited since the AppHost was started, even if it is running again.</summary>
    public bool HasEnded(string resource) => _current.TryGetValue(resource, out var watched) && watched.Stopped is not null;

    /// <summary>Whether the resource is running, or is stopping and has not exited yet.</summary>
    public bool IsAlive(string resource) => Find(resource).IsAlive();

    /// <summary>Whether the resource has exited, even if Aspire has not noticed it yet.</summary>
    public bool IsGone(string resource) =>
        !IsAlive(resource) || OperatingSystem.IsLinux() && Find(resource)?.ProcessId() is { } pid && !ProcessTree.Exists(pid);

    /// <summary>Waits until the resource has exited, even if Aspire has not noticed it yet, or the limit has passed.</summary>
    public async Task UntilGoneAsync(string resource, TimeSpan limit, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        while (!IsGone(resource) && time.GetElapsedTime(since) < limit) await poll.WaitForNextTickAsync(cancellationToken);
    }

    /// <summary>Waits until Aspire has noticed the exit of a process that is gone or was just killed and that Aspire still considers alive.</summary>
    public async Task UntilEndIsSeenAsync(string resource, CancellationToken cancellationToken)
    {
        var isGone = Find(resource) is { } snapshot && snapshot.IsAlive() && snapshot.ProcessId() is { } pid && !ProcessTree.Exists(pid);
        if (isGone || exits.PendingKill(resource) is not null) await UntilEndedAsync(resource, EndSeenLimit, cancellationToken);
    }

    /// <summary>Waits until the resource has exited or the limit has passed.</summary>
    public Task UntilEndedAsync(string resource, TimeSpan limit, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        return UntilAsync(() => !IsAlive(resource) || time.GetElapsedTime(since) >= limit, cancellationToken);
    }

    /// <summary>Waits until <see cref="Find"/> shows the resource in one of the states. Aspire's own notifications can be ahead of it.</summary>
    public Task UntilAsync(string resource, IReadOnlyList<string> states, CancellationToken cancellationToken) =>
        UntilAsync(() => Find(resource)?.State?.Text is { } state && states.Contains(state), cancellationToken);

    private async Task UntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10), time);
        while (!condition()) await poll.WaitForNextTickAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            var name = change.Resource.Name;
            _current.TryGetValue(name, out var before);
            // Stop commands from Aspire's dashboard or command line are recognized by this state. Every other exit is announced by who causes it.
            if (change.Snapshot.State?.Text == KnownResourceStates.Stopping && before?.Snapshot.State?.Text != KnownResourceStates.Stopping && !exits.IsAnnounced(name))
                exits.Announce(name, ExitCause.Stopped, by: null);
            // The process id is no longer available after the exit, so it is remembered while the process runs.
            var ended = Ended(change.Snapshot);
            // Aspire repeats the snapshot of an earlier exit, sometimes after a restart.
            if (ended && before is not null && !Ended(before.Snapshot) && change.Snapshot.StopTimeStamp is { } end && end == before.Stopped) continue;
            var pid = ended ? before?.Pid : change.Resource.WorkerPid(change.Snapshot) ?? before?.Pid;
            var isNew = ended && before is not null && !Ended(before.Snapshot);
            _current[name] = new(change.Snapshot, pid, ended ? change.Snapshot.StopTimeStamp : before?.Stopped);
            if (!isNew || change.Resource.WorkerOf() is null) continue;
            var seen = change.Snapshot.StopTimeStamp is { } stopped ? new DateTimeOffset(stopped.ToUniversalTime()) : time.GetUtcNow();
            var exit = exits.Record(name, seen, change.Snapshot.ExitCode, before!.Pid);
            var how = exit.ExitCode is { } code ? string.Create(CultureInfo.InvariantCulture, $"exit code {code}") : "by a signal";
            var cause = exit.Cause == ExitCause.Died ? "died" : $"{WireName.Of(exit.Cause)} by {exit.By ?? "itself"}";
            // Aspire's dashboard and `aspire describe` show these values.
            await notifications.PublishUpdateAsync(change.Resource, change.ResourceId, snapshot => snapshot with
            {
                ExitCode = Ended(snapshot) ? exit.ExitCode : snapshot.ExitCode,
                Properties = [.. snapshot.Properties.Where(property => property.Name != LastEnd), new(LastEnd, string.Create(CultureInfo.InvariantCulture, $"{cause}, {how}, {exit.At.UtcDateTime:yyyy-MM-dd HH:mm:ss.fff}Z"))],
            });
            if (lifetime.ApplicationStopping.IsCancellationRequested) continue;
            if (exit.By == ExitLog.Aspire) audit.AddFromAspire(exit.Cause == ExitCause.Killed ? ResourceAction.Kill : ResourceAction.Stop, name);
            if (exit.Cause == ExitCause.Died) Log.Died(logger, name, change.Resource.DiskProblem() is { } problem ? $"{how}, {problem}" : how);
            else Log.Ended(logger, name, exit.Cause, exit.By ?? "itself", how);
        }
    }

    /// <summary>Whether Aspire adds the resource for internal use and does not show it: project rebuilders and the dashboard.</summary>
    public static bool IsPlumbing(IResource resource) => resource is ParameterResource || resource.HasAnnotationOfType<HiddenAnnotation>();

    private static bool Ended(CustomResourceSnapshot snapshot) => KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text);

    private sealed record Watched(CustomResourceSnapshot Snapshot, int? Pid, DateTime? Stopped);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Resource} has ended: {Cause} by {By}, {How}")]
        public static partial void Ended(ILogger logger, string resource, ExitCause cause, string by, string how);

        [LoggerMessage(LogLevel.Warning, "{Resource} has died, {How}; see `make logs NAME={Resource}`")]
        public static partial void Died(ILogger logger, string resource, string how);
    }
}
