using System.Diagnostics;
using Microsoft.AspNetCore.Components;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>A component that polls a service; components with the same request share the answer.</summary>
public abstract class PolledComponent<T> : ComponentBase, IDisposable
    where T : class
{
    /// <summary>Age up to which an answer is not requested again when a page opens, so that prerendered content does not flicker.</summary>
    private static readonly TimeSpan YoungEnough = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closed = new();
    private string? _asked;
    private PeriodicTimer? _timer;

    [Inject]
    internal ApiQueries Queries { get; set; } = null!;

    [Inject]
    internal TimeProvider Time { get; set; } = null!;

    protected Fetched<T> Answer { get; private set; } = Fetched<T>.Nothing;

    /// <summary>Path and query of the request, below the service's address.</summary>
    protected abstract string Path { get; }

    /// <summary>Whether the answer is shown until that to another request arrives: with another filter, but not of another item.</summary>
    protected virtual bool KeepsAnswer => false;

    protected virtual TimeSpan Every => TimeSpan.FromSeconds(2);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected override void OnInitialized()
    {
        if (RendererInfo.IsInteractive) _ = PollAsync(_closed.Token);
    }

    protected override async Task OnParametersSetAsync()
    {
        if (_asked == Path) return;
        _asked = Path;
        if (!KeepsAnswer) Answer = Fetched<T>.Nothing;
        // Another request may be due sooner than the next one of the last.
        if (_timer is { } timer) timer.Period = Every;
        await AskAsync(YoungEnough, _closed.Token);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        _closed.Cancel();
        _closed.Dispose();
    }

    private async Task PollAsync(CancellationToken closed)
    {
        // The requests that follow do not belong to the trace in which the page was opened.
        Activity.Current = null;
        using var timer = _timer = new PeriodicTimer(Every, Time);
        try
        {
            while (await timer.WaitForNextTickAsync(closed))
            {
                await InvokeAsync(async () =>
                {
                    await AskAsync(Every / 2, closed);
                    StateHasChanged();
                });
                timer.Period = Every;
            }
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
            // The page was closed during the wait.
        }
    }

    private async Task AskAsync(TimeSpan fresh, CancellationToken closed)
    {
        var path = Path;
        try
        {
            var answer = await Queries.GetAsync<T>(path, fresh, closed);
            if (path == Path) Answer = answer;
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
            // The page was closed.
        }
    }
}
