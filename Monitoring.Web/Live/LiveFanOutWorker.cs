namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>Tells the pages of changes: the first at once, then no more often than they can be seen.</summary>
internal sealed class LiveFanOutWorker(LiveState state, TimeProvider time) : BackgroundService
{
    /// <summary>Five renders a second and page at the most.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await state.FanOutAsync(stoppingToken);
            await Task.Delay(Interval, time, stoppingToken);
        }
    }
}
