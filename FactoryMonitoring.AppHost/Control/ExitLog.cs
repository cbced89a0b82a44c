using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>The process exits since the AppHost was started, and the announcements of expected exits.</summary>
internal sealed class ExitLog(TimeProvider time)
{
    private const int Kept = 1000;

    /// <summary>Aspire's dashboard, command line or MCP server.</summary>
    public const string Aspire = "Aspire";

    /// <summary>The exit code that a shell reports for a process killed by SIGKILL.</summary>
    private const int ByKill = 137;

    /// <summary>How long after its announcement an exit is attributed to it.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly List<Announcement> _announced = [];
    private readonly Queue<ResourceExit> _history = [];
    private readonly List<ChannelWriter<ResourceExit>> _watchers = [];
    private long _last;

    /// <summary>Announces that a process is about to be stopped or killed.</summary>
    /// <param name="by">Who does it; null keeps the value of an earlier announcement with the same cause.</param>
    public Announcement Announce(string resource, ExitCause cause, string? by)
    {
        lock (_lock)
        {
            _announced.RemoveAll(announced => !IsPending(announced));
            if (by is null && Pending(resource) is { } earlier && earlier.Cause == cause) by = earlier.By;
            var announcement = new Announcement(resource, cause, by ?? Aspire, time.GetUtcNow());
            _announced.Add(announcement);
            return announcement;
        }
    }

    /// <summary>Withdraws an announcement because its action failed; an earlier announcement applies again.</summary>
    public void Withdraw(Announcement announcement)
    {
        lock (_lock) _announced.Remove(announcement);
    }

    /// <summary>Announces an exit, and withdraws the announcement unless the action succeeds.</summary>
    /// <param name="by">As for <see cref="Announce"/>.</param>
    public async Task<ExecuteCommandResult> AnnounceAsync(string resource, ExitCause cause, string? by, Func<Task<ExecuteCommandResult>> action)
    {
        var announcement = Announce(resource, cause, by);
        var succeeded = false;
        try
        {
            var result = await action();
            succeeded = result.Success;
            return result;
        }
        finally
        {
            if (!succeeded) Withdraw(announcement);
        }
    }

    /// <summary>Whether an exit of the resource is announced.</summary>
    public bool IsAnnounced(string resource)
    {
        lock (_lock) return Pending(resource) is not null;
    }

    /// <summary>When the pending kill of the resource was announced; null if no kill is pending.</summary>
    public DateTimeOffset? PendingKill(string resource)
    {
        lock (_lock) return Pending(resource) is { Cause: ExitCause.Killed } pending ? pending.At : null;
    }

    /// <summary>Records that a process has exited.</summary>
    public ResourceExit Record(string resource, DateTimeOffset seen, int? exitCode, int? pid)
    {
        lock (_lock)
        {
            var announced = Pending(resource);
            _announced.RemoveAll(one => one.Resource == resource);
            var killed = announced is { Cause: ExitCause.Killed };
            // Aspire does not report signals: the exit code of a process that a signal ended is -1.
            if (exitCode == -1) exitCode = killed ? ByKill : null;
            var exit = new ResourceExit(
                ++_last,
                resource,
                killed ? announced!.At : seen,
                exitCode,
                announced?.Cause ?? (exitCode == 0 ? ExitCause.Finished : ExitCause.Died),
                announced?.By,
                pid);
            _history.Enqueue(exit);
            if (_history.Count > Kept) _history.Dequeue();
            foreach (var watcher in _watchers) watcher.TryWrite(exit);
            return exit;
        }
    }

    /// <summary>Returns the exits until now, oldest first.</summary>
    public IReadOnlyList<ResourceExit> All()
    {
        lock (_lock) return [.. _history];
    }

    /// <summary>Returns the resource's last exit; null if it has never exited.</summary>
    public ResourceExit? Last(string resource)
    {
        lock (_lock) return _history.LastOrDefault(exit => exit.Resource == resource);
    }

    /// <summary>Returns the exits until now, oldest first, and then each exit as it happens.</summary>
    public async IAsyncEnumerable<ResourceExit> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<ResourceExit>();
        lock (_lock)
        {
            foreach (var exit in _history) channel.Writer.TryWrite(exit);
            _watchers.Add(channel.Writer);
        }
        try
        {
            await foreach (var exit in channel.Reader.ReadAllAsync(cancellationToken)) yield return exit;
        }
        finally
        {
            lock (_lock) _watchers.Remove(channel.Writer);
        }
    }

    private Announcement? Pending(string resource) => _announced.LastOrDefault(announced => announced.Resource == resource && IsPending(announced));

    private bool IsPending(Announcement announced) => time.GetUtcNow() - announced.At < Window;

    internal sealed record Announcement(string Resource, ExitCause Cause, string By, DateTimeOffset At);
}
