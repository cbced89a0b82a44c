using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>Keeps a file that is backfilled from being stored a second time, when its producer starts again.</summary>
internal sealed partial class BackfillGuard(
    ReplayFeed feed,
    ReplayStore store,
    IOptions<SensorsOptions> options,
    [FromKeyedServices(SensorWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<BackfillGuard> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly OutageReport _outage = new(time);

    /// <summary>When the file was stored; null where it was not, or is to be stored again.</summary>
    public DateTimeOffset? DoneAt { get; private set; }

    /// <summary>Asks the database, however long it takes to answer.</summary>
    public async Task<bool> IsDoneAsync(CancellationToken cancellationToken)
    {
        while (!options.Value.Replay.Again)
        {
            heartbeat.Beat();
            try
            {
                var plan = feed.Plan;
                DoneAt = await store.BackfilledAtAsync(
                    options.Value.ProducerId, [.. feed.Sensors.Select(sensor => sensor.Id)], Path.GetFileName(plan.File), plan.Rows, plan.Readings, cancellationToken);
                if (DoneAt is { } at)
                {
                    Log.Done(logger, Path.GetFileName(plan.File), at);
                }

                break;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.NotAsked(logger, _outage.Failed(), exception.Message);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }

        return DoneAt is not null;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{File} was backfilled at {At:O}: nothing of it is sent again")]
        public static partial void Done(ILogger logger, string file, DateTimeOffset at);

        [LoggerMessage("The database does not say whether the file was backfilled before, the backfill waits for that: {Reason}")]
        public static partial void NotAsked(ILogger logger, LogLevel level, string reason);
    }
}
