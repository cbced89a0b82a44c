using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Npgsql;

namespace FactoryMonitoring.Consumers.Maintenance;

/// <summary>Creates the coming days' partitions in time, and drops those past the retention. Concurrent consumers do it once.</summary>
internal sealed partial class RetentionWorker(
    ReadingPartitions days, RetentionStore store, TimeProvider time, ILogger<RetentionWorker> logger) : BackgroundService
{
    private const int DaysAhead = 3;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var outage = new OutageReport(time);
        while (true)
        {
            var pause = Interval;
            try
            {
                // Drops first: on a full disk that frees the space for the coming days.
                foreach (var dropped in await days.DropExpiredAsync(stoppingToken))
                {
                    Log.Dropped(logger, dropped);
                }

                await days.EnsureAroundTodayAsync(DaysAhead, stoppingToken);
                await store.PruneAsync(stoppingToken);
                Log.Done(logger, outage.Answered());
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                Log.Failed(logger, outage.Failed(), exception.Message);
                pause = RetryDelay;
            }

            await Task.Delay(pause, time, stoppingToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Dropped {Table}, which is past the retention")]
        public static partial void Dropped(ILogger logger, string table);

        [LoggerMessage(Message = "Creating and dropping daily partitions again")]
        public static partial void Done(ILogger logger, LogLevel level);

        [LoggerMessage(Message = "Cannot create or drop the daily partitions, retrying: {Reason}")]
        public static partial void Failed(ILogger logger, LogLevel level, string reason);
    }
}
