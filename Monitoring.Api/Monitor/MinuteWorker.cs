using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Monitor;

/// <summary>Sums up the samples of each minute that is over.</summary>
internal sealed class MinuteWorker(MinuteStore store, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    /// <summary>Between two hours of samples that are not summed up yet, as after an upgrade.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DateTimeOffset? from = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            var isMore = false;
            try
            {
                (from, isMore) = await store.SumUpAsync(from, stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
            {
                // SnapshotWorker logs the outage; the samples stay.
            }

            await Task.Delay(isMore ? Pause : Interval, time, stoppingToken);
        }
    }
}
