using System.Threading.Channels;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>
/// The single copy of the live state in this process. One feed writes it, every page reads it; subscribers are notified at most once per
/// <see cref="LiveFanOutWorker.Interval"/> if their parts have changed.
/// </summary>
internal sealed class LiveState
{
    private readonly Lock _gate = new();
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Subscription[] _subscriptions = [];
    private LiveParts _dirty;
    private volatile LiveView _current = LiveView.Nothing;

    public LiveView Current => _current;

    /// <summary>Number of subscriptions: one for each live component on each open page.</summary>
    public int SubscriptionCount => _subscriptions.Length;

    /// <summary>Waits for the first data, for at most <paramref name="patience"/>, so that a page that is rendered at startup is not empty.</summary>
    public async Task WaitForDataAsync(TimeSpan patience, TimeProvider time)
    {
        if (_first.Task.IsCompleted) return;
        await _first.Task.WaitAsync(patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Change(LiveParts parts, Func<LiveView, LiveView> change)
    {
        lock (_gate)
        {
            _current = change(_current);
            _dirty |= parts;
            if (_current.Snapshot is not null) _first.TrySetResult();
            _changed.Writer.TryWrite(true);
        }
    }

    public IDisposable Subscribe(LiveParts parts, Action changed)
    {
        var subscription = new Subscription(this, parts, changed);
        lock (_gate) _subscriptions = [.. _subscriptions, subscription];
        return subscription;
    }

    /// <summary>Waits for a change and notifies the subscribers of the changed parts.</summary>
    public async Task FanOutAsync(CancellationToken cancellationToken)
    {
        await _changed.Reader.ReadAsync(cancellationToken);
        LiveParts dirty;
        Subscription[] subscriptions;
        lock (_gate)
        {
            dirty = _dirty;
            _dirty = LiveParts.None;
            subscriptions = _subscriptions;
        }

        foreach (var subscription in subscriptions)
        {
            if ((subscription.Parts & dirty) != 0) subscription.Changed();
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (_gate) _subscriptions = [.. _subscriptions.Where(other => other != subscription)];
    }

    private sealed class Subscription(LiveState owner, LiveParts parts, Action changed) : IDisposable
    {
        public LiveParts Parts { get; } = parts;

        public Action Changed { get; } = changed;

        public void Dispose() => owner.Remove(this);
    }
}
