using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Api;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>
/// Fetches the data that the stream does not contain: the last ten minutes once per connection, and the ownership of partitions whenever it has changed.
/// </summary>
internal sealed class LiveDetailsWorker(LiveState state, ApiQueries queries, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    /// <summary>Ownership contains more than the events (a recovery, a last commit), so it is also read at this interval.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        using var subscription = state.Subscribe(LiveParts.Rebalances | LiveParts.System | LiveParts.Link, () =>
        {
            if (changed.CurrentCount == 0) changed.Release();
        });
        var connected = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            var live = state.Current.Link == LinkState.Live;
            if (live && !connected) connected = await ReadHistoryAsync(stoppingToken);
            if (!live) connected = false;
            if (live) await ReadOwnershipAsync(stoppingToken);
            await changed.WaitAsync(Longest, stoppingToken);
            await Task.Delay(Shortest, time, stoppingToken);
        }
    }

    private async Task<bool> ReadHistoryAsync(CancellationToken cancellationToken)
    {
        if ((await queries.GetAsync<HistoryBody>("api/history", TimeSpan.Zero, cancellationToken)).Value is not { } history) return false;
        state.Change(LiveParts.History, view =>
        {
            var newest = history.Points is [.., { } last] ? last.At : DateTimeOffset.MinValue;
            IReadOnlyList<HistoryPoint> points = [.. history.Points, .. view.History.Where(point => point.At > newest)];
            var now = view.Now(time);
            return view with { History = points, Curves = PipelineCurves.Of(points, now - Window, now) };
        });
        return true;
    }

    private async Task ReadOwnershipAsync(CancellationToken cancellationToken)
    {
        var ownership = (await queries.GetAsync<OwnershipBody>(ApiQueries.Ownership(TimeSpan.FromMinutes(5)), TimeSpan.Zero, cancellationToken)).Value;
        if (ownership is not null) state.Change(LiveParts.Ownership, view => view with { Ownership = ownership });
    }
}
