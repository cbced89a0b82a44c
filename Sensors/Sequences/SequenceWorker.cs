using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;

namespace FactoryMonitoring.Sensors.Sequences;

/// <summary>Fetches blocks of reading_counts before the sensors run out of them, for all sensors that need one in one statement.</summary>
internal sealed partial class SequenceWorker(
    IReadingSource source,
    SensorSequenceStore store,
    [FromKeyedServices(SequenceWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<SequenceWorker> logger) : BackgroundService
{
    public const string Loop = "sequence loop";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly OutageReport _outage = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            heartbeat.Beat();
            await heartbeat.WaitAsync(FetchAsync(stoppingToken));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        var wanting = source.Sensors.DistinctBy(sensor => sensor.Id).Where(sensor => sensor.Counts.WantsBlock).ToDictionary(sensor => sensor.Id);
        if (wanting.Count == 0)
        {
            return;
        }

        try
        {
            foreach (var (sensorId, first) in await store.ReserveAsync(wanting.Keys, source.Sensors[0].Counts.BlockSize, cancellationToken))
            {
                wanting[sensorId].Counts.Add(first);
            }

            Log.DatabaseBack(logger, _outage.Answered());
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.DatabaseAway(logger, _outage.Failed(), exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage("Cannot fetch reading counts, using up those that are left: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("Fetching reading counts again")]
        public static partial void DatabaseBack(ILogger logger, LogLevel level);
    }
}
