using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>Writes the consumer's heartbeat every second, as long as the polling loop beats, too.</summary>
internal sealed partial class HeartbeatWorker(
    ConsumerHealthStore store,
    ConsumerKey consumerKey,
    ConsumerIdentity identity,
    ConsumerStatus status,
    IngestWorker ingest,
    [FromKeyedServices(HeartbeatWorker.Loop)] LoopHeartbeat loop,
    IOptions<ConsumersOptions> options,
    TimeProvider time,
    ILogger<HeartbeatWorker> logger) : BackgroundService
{
    /// <summary>Name of the polling loop's heartbeat.</summary>
    public const string Loop = "ingest-loop";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EndLimit = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = time.GetTimestamp();
        var key = await consumerKey.GetAsync(stoppingToken);
        var counted = false;
        var outage = new OutageReport(time);
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            var (sample, lastMinute, total) = status.EndSecond();
            if (loop.IsSilent)
            {
                continue;
            }

            try
            {
                if (!counted)
                {
                    var before = await store.StoredTotalAsync(key, stoppingToken);
                    status.StartFrom(before);
                    total += before;
                    counted = true;
                }

                var isWhole = await store.BeatAsync(
                    new ConsumerPulse(
                        identity.ConsumerId,
                        status.Owned,
                        lastMinute,
                        total,
                        time.GetElapsedTime(started),
                        identity.InstanceId,
                        Environment.ProcessId,
                        Environment.MachineName,
                        options.Value.GroupProtocol,
                        status.Condition,
                        Environment.WorkingSet),
                    sample,
                    stoppingToken);
                if (isWhole)
                {
                    Log.Written(logger, outage.Answered());
                }
                else
                {
                    Log.SampleNotWritten(logger, outage.Failed(), Conditions.NoRoom);
                }
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                Log.NotWritten(logger, outage.Failed(), exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Writes "inactive" once nothing is owned any more.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // If the database does not respond, cancelling takes seconds: the client asks the server to cancel, and waits for that. A statement that has not ended
        // when the partitions are released shows that nothing can be written.
        var ended = Task.Run(() => base.StopAsync(cancellationToken), CancellationToken.None);
        await (ingest.ExecuteTask ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await ended.WaitAsync(EndLimit, cancellationToken);
            await store.StopAsync(identity.ConsumerId, identity.InstanceId, CancellationToken.None).WaitAsync(StopLimit, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            Log.NotWritten(logger, LogLevel.Warning, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Message = "Cannot write the heartbeat: {Reason}")]
        public static partial void NotWritten(ILogger logger, LogLevel level, string reason);

        [LoggerMessage(Message = "Cannot write the rate beside the heartbeat: {Reason}")]
        public static partial void SampleNotWritten(ILogger logger, LogLevel level, string reason);

        [LoggerMessage(Message = "Writing the heartbeat again")]
        public static partial void Written(ILogger logger, LogLevel level);
    }
}
