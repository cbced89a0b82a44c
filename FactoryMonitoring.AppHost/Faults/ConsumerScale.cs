using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Changes how many of the model's consumers run.</summary>
internal sealed class ConsumerScale(
    FactorySetup setup, DistributedApplicationModel model, ResourceWatch watch, ResourceNotificationService notifications, AnnouncedCommands commands, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan HealthPatience = TimeSpan.FromSeconds(12);

    // The group gives a new member its partitions a few heartbeats after it has joined.
    private static readonly TimeSpan HandOver = TimeSpan.FromSeconds(4);
    private readonly SemaphoreSlim _turn = new(1);

    public int Most => setup.Settings.MaxConsumers;

    /// <summary>Returns how many consumers run or are about to.</summary>
    public int Running() => Enumerable.Range(1, Most).Count(number => IsUp(ResourceNames.Consumer(number)));

    /// <summary>Starts and gracefully stops consumers until exactly the first <paramref name="consumers"/> run.</summary>
    /// <param name="by">Who requests the change.</param>
    /// <returns>What went wrong, one entry per consumer; empty on success.</returns>
    public async Task<IReadOnlyList<string>> ChangeAsync(int consumers, string by, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            var problems = await Task.WhenAll(Enumerable.Range(1, Most).Where(number => number > consumers).Select(number => ChangeAsync(ResourceNames.Consumer(number), false, by, patience.Token)));
            return [.. problems.OfType<string>(), .. await StartAsync(consumers, by, patience.Token)];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [$"not done within {Patience.TotalSeconds:F0} s"];
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    // One after another: while a process starts it takes a core, and partitions that are handed over meanwhile wait for it.
    private async Task<IReadOnlyList<string>> StartAsync(int consumers, string by, CancellationToken cancellationToken)
    {
        List<string> problems = [];
        string? started = null;
        foreach (var name in Enumerable.Range(1, consumers).Select(ResourceNames.Consumer))
        {
            var isDown = !IsUp(name);
            if (isDown && started is not null) await UntilHealthyAsync(started, cancellationToken);
            if (await ChangeAsync(name, true, by, cancellationToken) is { } problem) problems.Add(problem);
            if (isDown) started = name;
        }
        return problems;
    }

    private async Task UntilHealthyAsync(string name, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, HealthPatience, Timeout.InfiniteTimeSpan);
        try
        {
            await notifications.WaitForResourceHealthyAsync(name, WaitBehavior.StopOnResourceUnavailable, limit.Token);
            await Task.Delay(HandOver, time, limit.Token);
        }
        catch (Exception exception) when (exception is DistributedApplicationException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // It takes long or has exited: the others start all the same.
        }
    }

    private async Task<string?> ChangeAsync(string name, bool up, string by, CancellationToken cancellationToken)
    {
        if (!model.Resources.TryGetByName(name, out var resource)) return null;
        await watch.UntilEndIsSeenAsync(name, cancellationToken);
        // A consumer that somebody is stopping is about to be down.
        if (watch.Find(name)?.State?.Text == KnownResourceStates.Stopping) await watch.UntilEndedAsync(name, Patience, cancellationToken);
        if (up != IsUp(name) && await commands.RunAsync(resource, up ? ResourceAction.Start : ResourceAction.Stop, by, cancellationToken) is { } problem) return $"{name}: {problem}";
        if (!up) return null;
        // It may have waited for what it depends on, or started already.
        await watch.UntilAsync(name, [KnownResourceStates.Running], cancellationToken);
        return resource.IsPaused(watch.Find(name)!) ? $"{name} is paused: resume it first" : null;
    }

    private bool IsUp(string name)
    {
        var state = watch.Find(name)?.State?.Text;
        return state is not null && state != KnownResourceStates.NotStarted && !KnownResourceStates.TerminalStates.Contains(state);
    }
}
