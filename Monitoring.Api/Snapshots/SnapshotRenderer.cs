using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>Renders the bodies of a moment from the rows, the measurements and the judged statuses. Called by one thread at a time.</summary>
internal sealed class SnapshotRenderer(ClusterState clusterState, LagTracker lag, LagHistory lagHistory, DiskWatch disks, TimeProvider time)
{
    // Age from which a measurement of the cluster is no longer used.
    private static readonly TimeSpan MeasuredFor = TimeSpan.FromSeconds(6);
    private static readonly ApiJsonContext Json = ApiJson.Context;

    private readonly OverallStatusWriter _overall = new();

    public Snapshot Render(MonitoringRows rows, Judgement judgement, DateTimeOffset now, DatabaseClock clock, bool away, bool stale, bool noRoom, bool readOnly, long validUntil)
    {
        var timestamp = time.GetTimestamp();
        var cluster = clusterState.Latest is { } latest && time.GetElapsedTime(latest.Timestamp, timestamp) < MeasuredFor ? latest : null;
        var lagNow = cluster is not null && time.GetElapsedTime(lag.Latest.Timestamp, timestamp) < MeasuredFor ? lag.Latest : LagState.Unknown;
        var recovery = Recovery.Newest(rows, judgement, lagHistory.Points);
        var consumers = rows.Consumers.Select(row => Judge(row, judgement)).ToList();
        var producers = rows.Producers.Select(row => row.Health with { Status = StatusOf(judgement.Producers.Contains(row.Health.ProducerId)), Stopped = row.Stopped }).ToList();
        var situation = new Situation(
            rows,
            judgement,
            cluster,
            lagNow,
            lagNow.Total is null ? null : At(lagNow.Timestamp),
            recovery,
            now,
            away,
            stale,
            time.GetElapsedTime(clock.Timestamp, timestamp))
        {
            NoRoom = noRoom,
            ReadOnly = readOnly,
            Free = disks.Snapshot(),
        };
        var hourAgo = now - TimeSpan.FromHours(1);
        var system = new SystemStatusBody(
            new(
                new(judgement.Consumers.Count, consumers.Count, consumers.Max(consumer => consumer.LastHeartbeat)),
                new(judgement.Producers.Count, producers.Count, producers.Max(producer => producer.LastHeartbeat)),
                cluster is null ? null : new(cluster.Brokers.Count(broker => broker.Up), cluster.Brokers.Count, At(cluster.Timestamp))),
            [.. rows.RebalancingEvents.TakeWhile(each => each.Timestamp > hourAgo).Take(10)],
            _overall.Write(situation),
            stale,
            away ? DatabaseStates.Away : noRoom ? DatabaseStates.NoRoom : readOnly ? DatabaseStates.ReadOnly : DatabaseStates.Up,
            rows.StoredSince);
        var assignment = new PartitionAssignmentBody(
            [.. consumers.Where(consumer => consumer.AssignedPartitions.Count > 0).Select(consumer =>
                new AssignmentBody(consumer.ConsumerId, consumer.AssignedPartitions, consumer.Status, consumer.LastHeartbeat))],
            ByPartition(rows.StoredPerPartition),
            stale);
        var metrics = new RealTimeMetricsBody(
            rows.StoredPerConsumerRecently,
            [.. producers.Where(producer => producer.Status == Statuses.Active)
                .Select(producer => new ComponentValue(producer.ProducerId, producer.TotalMessagesSent))],
            ByPartition(rows.StoredPerPartitionRecently),
            Pipeline(rows, lagNow),
            stale);
        return new(
            new(system, Json.SystemStatusBody),
            new(consumers, Json.IReadOnlyListConsumerHealthBody),
            new(producers, Json.IReadOnlyListProducerHealthBody),
            new(assignment, Json.PartitionAssignmentBody),
            new(metrics, Json.RealTimeMetricsBody),
            new(rows.RecentAlerts, Json.IReadOnlyListAlertBody),
            new(Cluster(rows, cluster, lagNow, At, stale), Json.ClusterBody),
            new(rows.Ledger with { Stale = stale }, Json.LedgerBody),
            rows.RebalancingEvents,
            situation,
            now,
            stale,
            clock.Timestamp,
            validUntil);

        DateTimeOffset At(long measured) => clock.At(measured, time);
    }

    private static ConsumerHealthBody Judge(ConsumerRow row, Judgement judgement) =>
        judgement.Consumers.Contains(row.Health.ConsumerId)
            ? row.Health with { Status = Statuses.Active }
            : row.Health with { Status = Statuses.Inactive, Stopped = row.Stopped, AssignedPartitions = [], MessagesProcessedLastMinute = row.StoredLastMinute };

    private static string StatusOf(bool active) => active ? Statuses.Active : Statuses.Inactive;

    private ClusterBody Cluster(MonitoringRows rows, ClusterMeasurement? cluster, LagState lagNow, Func<long, DateTimeOffset> at, bool stale)
    {
        var stored = rows.Partitions.ToDictionary(row => row.Partition);
        var brokers = cluster?.Brokers.Select(broker => new BrokerBody(
            broker.Id,
            broker.Name,
            broker.Host,
            broker.Port,
            broker.Up,
            broker.ChangedAt is { } changed ? at(changed) : rows.StatusChanges.FirstOrDefault(row => row.Kind == "broker" && row.ComponentId == broker.Name)?.At,
            cluster.Partitions.Count == 0 ? null : cluster.Partitions.Values.Count(partition => partition.Leader == broker.Id),
            cluster.Quorum is { } quorum ? broker.Id == quorum.Leader : null));
        return new(
            [.. brokers ?? []],
            [.. stored.Keys.Union(cluster?.Partitions.Keys ?? []).Order().Select(Partition)],
            cluster?.LogId ?? (rows.Partitions is [var first, ..] ? first.LogId : null),
            cluster is null ? null : at(cluster.Timestamp),
            stale,
            lagNow.Total is null ? null : at(lagNow.Timestamp),
            cluster?.SensorTopic);

        PartitionBody Partition(int partition)
        {
            var measured = cluster?.Partitions.GetValueOrDefault(partition);

            // Offsets of one log have no meaning in another.
            var row = stored.GetValueOrDefault(partition) is { } candidate && (cluster?.LogId is null || candidate.LogId == cluster.LogId) ? candidate : null;
            var behind = lagNow.Partitions.GetValueOrDefault(partition);
            return new(
                partition,
                measured?.Leader,
                measured?.Replicas,
                measured?.InSyncReplicas,
                // Readings that were stored since the measurement were in the log.
                measured?.EndOffset is { } end ? Math.Max(end, row?.NextOffset ?? 0) : null,
                row?.NextOffset,
                behind?.Lag,
                behind?.Seconds is { } seconds ? Math.Round(seconds, 3) : null,
                row?.ReleasedAt is null ? row?.Owner : null,
                row?.Epoch,
                lag.StoredPerSecond.TryGetValue(partition, out var rate) ? Math.Round(rate, 3) : null,
                rows.StoredPerPartition.TryGetValue(partition, out var count) ? count : null,
                row?.RecoveredAt);
        }
    }

    private static PipelineMetrics Pipeline(MonitoringRows rows, LagState lagNow)
    {
        var samples = rows.Samples;
        var acknowledged = (double)samples.Acknowledged / PipelineSamples.Seconds;
        var stored = (double)samples.Stored / PipelineSamples.Seconds;
        return new(
            acknowledged,
            stored,
            samples.MaximumPerSecond,
            lagNow.Total,
            lagNow.Seconds is { } seconds ? Math.Round(seconds, 3) : null,
            lagNow.CatchUpSeconds is { } left ? Math.Round(left, 1) : null,
            LatencyHistogram.Quantile(samples.LatencyCounts, 0.5),
            LatencyHistogram.Quantile(samples.LatencyCounts, 0.95),
            LatencyHistogram.Quantile(samples.LatencyCounts, 0.99),
            samples.CommitMs is { } commit ? Math.Round(commit, 3) : null,
            rows.StoredPerPartition.Values.Sum(),
            samples.Slowest?.Milliseconds,
            samples.Slowest?.TraceId);
    }

    private static Dictionary<string, long> ByPartition(IReadOnlyDictionary<int, long> counts) =>
        counts.ToDictionary(pair => pair.Key.ToString(CultureInfo.InvariantCulture), pair => pair.Value);
}
