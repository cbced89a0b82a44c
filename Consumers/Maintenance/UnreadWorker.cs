using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Npgsql;

namespace FactoryMonitoring.Consumers.Maintenance;

/// <summary>Writes which numbers in their messages are not read, for the sensors' pages.</summary>
internal sealed partial class UnreadWorker(UnreadMembers members, UnreadMemberStore store, TimeProvider time, ILogger<UnreadWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var outage = new OutageReport(time);
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (members.TakeChanged() is not { Count: > 0 } changed)
            {
                continue;
            }

            try
            {
                await store.WriteAsync(changed, stoppingToken);
                Log.Written(logger, outage.Answered());
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                members.Return(changed);
                Log.NotWritten(logger, outage.Failed(), exception.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Message = "Cannot write which numbers of messages are not read, retrying: {Reason}")]
        public static partial void NotWritten(ILogger logger, LogLevel level, string reason);

        [LoggerMessage(Message = "Writing which numbers of messages are not read again")]
        public static partial void Written(ILogger logger, LogLevel level);
    }
}
