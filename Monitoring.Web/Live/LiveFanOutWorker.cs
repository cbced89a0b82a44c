namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>Notifies the pages of changes: of the first at once, then no more often than they can be perceived.</summary>
internal sealed class LiveFanOutWorker(LiveState state, TimeProvider time) : BackgroundService
{
    /// <summary>At most five renders per second and page.</summary>
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
