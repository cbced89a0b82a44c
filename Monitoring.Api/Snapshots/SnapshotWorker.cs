using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Status;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>
/// Refreshes the snapshot once a second and on change, at most once per <see cref="SnapshotOptions.MinimumInterval"/>: changes
/// in the meantime share one refresh.
/// </summary>
internal sealed partial class SnapshotWorker(
    MonitoringQueries queries,
    HistoryQueries history,
    LagHistory lagHistory,
    RebalanceCosts costs,
    SnapshotStore store,
    DatabaseRoom room,
    ClusterState cluster,
    RefreshSignal signal,
    IOptions<SnapshotOptions> options,
    KafkaNames kafka,
    [FromKeyedServices(SnapshotWorker.HeartbeatName)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<SnapshotWorker> logger) : BackgroundService
{
    public const string HeartbeatName = "snapshot";

    // Maximum age of the account, and of rows that are only needed to describe what happened.
    private static readonly TimeSpan SlowInterval = TimeSpan.FromMilliseconds(900);

    private MonitoringRows? _slowRows;
    private long _slowReadAt;
    private readonly OutageReport _outage = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                heartbeat.Beat();
                await heartbeat.WaitAsync(RefreshAsync(stoppingToken));
                await Task.Delay(options.Value.MinimumInterval, time, stoppingToken);
                await WaitForChangeAsync(options.Value.Interval - options.Value.MinimumInterval, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        try
        {
            var all = _slowRows is null || time.GetElapsedTime(_slowReadAt, asked) >= SlowInterval;
            var rows = await queries.ReadAsync(kafka.SensorTopic, cluster.Latest?.LogId, all ? null : _slowRows, cancellationToken);
            if (all)
            {
                _slowRows = rows;
                _slowReadAt = asked;
            }

            if (store.Current is null)
            {
                // Measurements from before this process started.
                foreach (var (at, lag, seconds) in await history.LagAsync(cancellationToken))
                {
                    lagHistory.Add(new(at, lag, seconds));
                }
            }

            store.Replace(rows with { RebalancingEvents = await costs.AddAsync(rows.RebalancingEvents, cancellationToken) });
            Log.DatabaseBack(logger, _outage.Answered());
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            var noRoom = DatabaseFaults.IsNoRoom(exception);
            if (noRoom)
            {
                room.Refused();
            }

            store.MarkAway(noRoom);
            Log.DatabaseAway(logger, _outage.Failed(), exception.Message);
        }
    }

    private async Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await signal.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nothing has changed, but the next refresh is due.
        }
    }

    private static partial class Log
    {
        [LoggerMessage("The database does not answer, serving the last snapshot as stale: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("The database answers again")]
        public static partial void DatabaseBack(ILogger logger, LogLevel level);
    }
}
