using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>Requests a refresh whenever the database announces a change. Without it, the snapshot would still be refreshed once a second.</summary>
internal sealed partial class ChangeListener(ChangeNotifications notifications, RefreshSignal signal, TimeProvider time, ILogger<ChangeListener> logger)
    : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await notifications.ListenAsync(signal.Request, stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
            {
                Log.Lost(logger, exception.Message);
                await Task.Delay(RetryAfter, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Cannot listen for changes: {Reason}")]
        public static partial void Lost(ILogger logger, string reason);
    }
}
