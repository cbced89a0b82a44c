using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Sensors;

/// <summary>Publishes each reading when it is due.</summary>
internal sealed partial class SensorWorker(
    IReadingSource source,
    ReadingPublisher publisher,
    ProducerCondition condition,
    [FromKeyedServices(SensorWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<SensorWorker> logger,
    BackfillGuard? guard = null) : BackgroundService
{
    public const string Loop = "sensor loop";
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(4);

    /// <summary>Readings that are later than this are not sent afterwards: a sensor does not measure the past.</summary>
    private static readonly TimeSpan LatestStart = TimeSpan.FromSeconds(1);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (await publisher.FlushAsync(FlushLimit) is > 0 and var left)
        {
            Log.NotFlushed(logger, left);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Log.Started(logger, source.Sensors.Count, source.Sensors[0].Type.Name, source.Sensors[0].Id);
        var origin = time.GetTimestamp();
        var shift = TimeSpan.Zero;
        long published = 0;
        var maySend = guard is null || await guard.MaySendAsync(stoppingToken);
        while (maySend && source.TryNext(out var sample))
        {
            var due = sample.Due + shift;
            await SleepAsync(origin, due, stoppingToken);
            if (time.GetElapsedTime(origin) - due is var late && late > LatestStart)
            {
                shift += late;
            }

            await publisher.PublishAsync(sample, stoppingToken);
            published++;
        }

        Log.Ended(logger, published);
        condition.IsOver = true;
        await SleepAsync(origin, TimeSpan.MaxValue, stoppingToken);
    }

    private async Task SleepAsync(long origin, TimeSpan due, CancellationToken cancellationToken)
    {
        heartbeat.Beat();
        while (due - time.GetElapsedTime(origin) is var left && left >= ShortestSleep)
        {
            await Task.Delay(left < LongestSleep ? left : LongestSleep, time, cancellationToken);
            heartbeat.Beat();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Started {Count} {Type} sensors, the first is {Sensor}")]
        public static partial void Started(ILogger logger, int count, string type, string sensor);

        [LoggerMessage(LogLevel.Information, "The replay has ended after {Count} readings")]
        public static partial void Ended(ILogger logger, long count);

        [LoggerMessage(LogLevel.Warning, "{Count} readings were not acknowledged before the stop: discarding them")]
        public static partial void NotFlushed(ILogger logger, int count);
    }
}
