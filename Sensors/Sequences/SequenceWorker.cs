using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Sensors.Sequences;

/// <summary>Fetches blocks of reading_counts before the sensors run out of them, for all that want one in one statement.</summary>
internal sealed partial class SequenceWorker(
    IReadingSource source,
    SensorSequenceStore store,
    [FromKeyedServices(SequenceWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<SequenceWorker> logger) : BackgroundService
{
    public const string Loop = "sequence loop";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private bool _isDatabaseAway;

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
        var wanting = source.Sensors.Where(sensor => sensor.Counts.WantsBlock).ToDictionary(sensor => sensor.Id);
        if (wanting.Count == 0)
        {
            return;
        }

        try
        {
            foreach (var (sensorId, first) in await store.ReserveAsync(wanting.Keys, ReadingCounts.BlockSize, cancellationToken))
            {
                wanting[sensorId].Counts.Add(first);
            }

            if (_isDatabaseAway)
            {
                Log.DatabaseBack(logger);
            }

            _isDatabaseAway = false;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            if (!_isDatabaseAway)
            {
                Log.DatabaseAway(logger, exception.Message);
            }

            _isDatabaseAway = true;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "No reading counts can be fetched, sensors go on until theirs end: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Information, "Reading counts are fetched again")]
        public static partial void DatabaseBack(ILogger logger);
    }
}
