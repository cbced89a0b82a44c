namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// A network link between some of the services and what they talk to. Cut and restored, the connections over it go on where they stood, as TCP retransmits over
/// a real one, unless a side has given up by then. The proxies over which it leads ask it before they pass on anything.
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

    /// <summary>Connections that lead over it now.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Does one of the actions.</summary>
    /// <param name="delay">How much longer each way takes when it is slow.</param>
    public void Change(LinkAction action, TimeSpan delay)
    {
        switch (action)
        {
            case LinkAction.Cut: Cut(); break;
            case LinkAction.Slow: Slow(delay); break;
            default: Restore(); break;
        }
    }

    /// <summary>Nothing gets through from now on.</summary>
    public void Cut()
    {
        lock (_lock) _cut ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Everything gets through, but each way takes this much longer, and up to twice that under load.</summary>
    public void Slow(TimeSpan delay) => Open(delay);

    /// <summary>Everything gets through, without delay.</summary>
    public void Restore() => Open(TimeSpan.Zero);

    /// <summary>Returns when the link lets something through.</summary>
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
