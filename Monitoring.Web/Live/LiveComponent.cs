using Microsoft.AspNetCore.Components;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>A component that is rendered again only when one of its parts of the live state has changed.</summary>
public abstract class LiveComponent : ComponentBase, IDisposable
{
    private IDisposable? _subscription;
    private int _queued;

    [Inject]
    internal LiveState Live { get; set; } = null!;

    [Inject]
    internal TimeProvider Time { get; set; } = null!;

    protected LiveView View => Live.Current;

    /// <summary>The parts that this component shows.</summary>
    protected abstract LiveParts Parts { get; }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected override void OnInitialized()
    {
        // A prerendered component is rendered once and discarded.
        if (RendererInfo.IsInteractive) _subscription = Live.Subscribe(Parts, OnChanged);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _subscription?.Dispose();
    }

    private void OnChanged()
    {
        // A page that renders slowly gets only the newest state, not every state in between.
        if (Interlocked.Exchange(ref _queued, 1) == 0) _ = InvokeAsync(Draw);
    }

    private void Draw()
    {
        Volatile.Write(ref _queued, 0);
        StateHasChanged();
    }
}
