namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// A network link between some of the services and the server that they connect to. After a cut link is restored, its connections continue where they stopped,
/// as TCP retransmission does over a real link, unless one side has given up. The proxies that carry the link ask it before they forward anything.
/// </summary>
internal sealed class Link(FactoryLink name, TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _cut;
    private TimeSpan _delay;
    private int _connections;

    public FactoryLink Name => name;

    public LinkState State
    {
        get
        {
            lock (_lock) return _cut is not null ? LinkState.Cut : _delay > TimeSpan.Zero ? LinkState.Slow : LinkState.Up;
        }
    }

    public TimeSpan Delay
    {
        get
        {
            lock (_lock) return _delay;
        }
    }

    /// <summary>Number of connections over the link.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Performs an action.</summary>
    /// <param name="delay">Additional delay in each direction for a slow link.</param>
    public void Change(LinkAction action, TimeSpan delay)
    {
        switch (action)
        {
            case LinkAction.Cut: Cut(); break;
            case LinkAction.Slow: Slow(delay); break;
            default: Restore(); break;
        }
    }

    /// <summary>Lets nothing through from now on.</summary>
    public void Cut()
    {
        lock (_lock) _cut ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Lets everything through with this additional delay in each direction, and up to twice the delay under load.</summary>
    public void Slow(TimeSpan delay) => Open(delay);

    /// <summary>Lets everything through without delay.</summary>
    public void Restore() => Open(TimeSpan.Zero);

    /// <summary>Waits until the link lets data through.</summary>
    public async ValueTask PassAsync()
    {
        if (Delay is var delay && delay > TimeSpan.Zero) await Task.Delay(delay, time);
        while (Present() is { } cut) await cut.Task;
    }

    internal void Opened() => Interlocked.Increment(ref _connections);

    internal void Closed() => Interlocked.Decrement(ref _connections);

    private TaskCompletionSource? Present()
    {
        lock (_lock) return _cut;
    }

    private void Open(TimeSpan delay)
    {
        TaskCompletionSource? cut;
        lock (_lock)
        {
            _delay = delay;
            (cut, _cut) = (_cut, null);
        }
        cut?.TrySetResult();
    }
}
