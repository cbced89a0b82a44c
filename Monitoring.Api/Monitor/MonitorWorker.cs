using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Status;
using FactoryMonitoring.Monitoring.Api.Telemetry;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Monitor;

/// <summary>
/// Writes, once a second, what only an observer can know. Not part of the refresh: slow writes of the database must not make the
/// snapshot stale.
/// </summary>
internal sealed partial class MonitorWorker(
    MonitorStore store,
    SnapshotStore snapshots,
    DatabaseRoom room,
    FaultMetrics faults,
    IOptions<SilenceOptions> silence,
    TimeProvider time,
    ILogger<MonitorWorker> logger) : BackgroundService
{
    /// <summary>Time between two checks of all sensors.</summary>
    private static readonly TimeSpan SilenceInterval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // After an unclean exit of the whole stack, everything is down until it is up again; this raises no alert.
    private static readonly TimeSpan SilentAtStart = TimeSpan.FromSeconds(10);

    private readonly OutageReport _outage = new(time);
    private DateTimeOffset? _lagWritten;
    private long? _silenceAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var started = time.GetTimestamp();
        var outages = new List<DatabaseOutage>();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                outages.AddRange(snapshots.TakeOutages());
                if (snapshots.Current is not { Situation: var situation } || situation.Away)
                {
                    continue;
                }

                faults.Observe(situation.Recovery);
                if (await WriteAsync(situation, outages, time.GetElapsedTime(started) > SilentAtStart, stoppingToken))
                {
                    outages.Clear();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<bool> WriteAsync(Situation situation, List<DatabaseOutage> outages, bool mayRaise, CancellationToken cancellationToken)
    {
        var (judged, alerts) = mayRaise ? SystemAlerts.Judge(situation) : ([], []);
        var lagAt = situation.LagAt == _lagWritten ? null : situation.LagAt;
        var findings = new MonitorFindings(
            !situation.Judgement.Blind,
            [.. situation.Cluster?.Brokers.Select(broker => (broker.Name, broker.Up)) ?? []],
            lagAt,
            situation.Lag.Total,
            situation.Lag.Seconds,
            judged,
            alerts,
            outages)
        {
            Cluster = [.. situation.Cluster?.Conditions() ?? []],
        };
        try
        {
            var written = await store.WriteAsync(findings, cancellationToken);
            _lagWritten = situation.LagAt;
            if (mayRaise && silence.Value.SilenceAlertAfter is { } after && Silence.CanBeSeen(situation, after) && IsSilenceDue())
            {
                await store.WriteSilencesAsync(after, cancellationToken);
            }

            Log.Written(logger, _outage.Answered());
            return written;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            if (DatabaseFaults.IsNoRoom(exception))
            {
                room.Refused();
            }

            Log.Failed(logger, _outage.Failed(), exception.Message);
            return false;
        }
    }

    private bool IsSilenceDue()
    {
        if (_silenceAt is { } at && time.GetElapsedTime(at) < SilenceInterval) return false;
        _silenceAt = time.GetTimestamp();
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage("Cannot write findings: {Reason}")]
        public static partial void Failed(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("Writing findings again")]
        public static partial void Written(ILogger logger, LogLevel level);
    }
}
