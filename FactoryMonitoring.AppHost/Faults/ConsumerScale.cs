using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Changes how many of the model's consumers run.</summary>
internal sealed class ConsumerScale(
    FactorySetup setup, DistributedApplicationModel model, ResourceWatch watch, AnnouncedCommands commands) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
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
            var problems = await Task.WhenAll(Enumerable.Range(1, Most).Select(number => ChangeAsync(ResourceNames.Consumer(number), number <= consumers, by, patience.Token)));
            return [.. problems.OfType<string>()];
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
