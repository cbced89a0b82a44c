using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>Reads from the database ten times a second up to which offsets consumers have stored the log.</summary>
internal sealed partial class BackfillPaceWorker(
    BackfillPace pace, DeliveryAccount account, ReplayStore store, IOptions<SensorsOptions> options, TimeProvider time, ILogger<BackfillPaceWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly OutageReport _outage = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            if (account.Epoch.LogId is { } logId)
            {
                await ObserveAsync(logId, stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ObserveAsync(string logId, CancellationToken cancellationToken)
    {
        try
        {
            pace.Observe(logId, await store.StoredUpToAsync(options.Value.Topic, logId, cancellationToken));
            Log.AskedAgain(logger, _outage.Answered());
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotAsked(logger, _outage.Failed(), exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage("Cannot read what is stored, the backfill waits: {Reason}")]
        public static partial void NotAsked(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("Reading what is stored again")]
        public static partial void AskedAgain(ILogger logger, LogLevel level);
    }
}
