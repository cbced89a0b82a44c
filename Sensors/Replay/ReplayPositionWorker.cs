using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>Writes the position of the replay in its file once a second, for the page of its sensors.</summary>
/// <param name="pace">For a backfill; null for a replay.</param>
/// <param name="guard">For a backfill; null for a replay.</param>
internal sealed partial class ReplayPositionWorker(
    ReplayFeed feed, ReplayStore store, IOptions<SensorsOptions> options, TimeProvider time, ILogger<ReplayPositionWorker> logger, BackfillPace? pace = null,
    BackfillGuard? guard = null) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);
    private readonly string[] _sensors = [.. feed.Sensors.Select(sensor => sensor.Id).Distinct()];
    private readonly OutageReport _outage = new(time);
    private ReplayProgress? _written;

    /// <summary>Writes the final position: this worker is registered before the one that publishes, and stops after it.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = new CancellationTokenSource(StopLimit, time);
        await WriteAsync(limit.Token);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            // Written even if nothing has changed: a killed replay is recognized by the missing writes.
            if (_written is not { IsOver: true })
            {
                await WriteAsync(stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var position = feed.Position;
        if (guard is { Fingerprint: null })
        {
            // Nothing is sent, or not yet: the stored position remains.
            return;
        }

        var estimate = pace is null ? null : BackfillEstimate.Of(feed.Plan, pace.Snapshot(), feed.PassedOver);
        var progress = new ReplayProgress(
            Path.GetFileName(feed.Plan.File),
            position.Row,
            position.Played,
            feed.Plan.Rows,
            position.SourceTimestamp,
            position.IsOver && estimate is null or { Waiting: 0 },
            feed.Plan.Readings,
            estimate is null ? null : new BackfillProgress(estimate.Stored, estimate.RowsPerSecond, estimate.Left?.TotalSeconds));
        try
        {
            await store.WriteAsync(options.Value.ProducerId, _sensors, progress, cancellationToken);
            if (guard?.Fingerprint is { } fingerprint)
            {
                await store.NoteBackfillAsync(fingerprint, progress is { IsOver: true, Backfill.Stored: var stored } && stored == progress.Readings, cancellationToken);
            }

            _written = progress;
            Log.WrittenAgain(logger, _outage.Answered());
        }
        catch (Exception exception)
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                Log.NotWritten(logger, _outage.Failed(), exception.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage("Cannot write the position of the replay, the pages of its sensors show an older row: {Reason}")]
        public static partial void NotWritten(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("Writing the position of the replay again")]
        public static partial void WrittenAgain(ILogger logger, LogLevel level);
    }
}
