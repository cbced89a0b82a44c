using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Status;
using FactoryMonitoring.Monitoring.Api.Streaming;
using FactoryMonitoring.ServiceDefaults.Health;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

/// <summary>The parts of the snapshot on a clock that the test advances, and rows to fill them with.</summary>
internal sealed class MonitoringScene
{
    public static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public MonitoringScene()
    {
        var history = new LagHistory();
        Lag = new LagTracker(history, Time);
        Store = new SnapshotStore(
            new SnapshotRenderer(Cluster, Lag, history, new DiskWatch(new ConfigurationBuilder().Build(), Time), Time), new DatabaseRoom(Time), Mode, Lag, Cluster, Hub, Time);
    }

    public FakeTimeProvider Time { get; } = new(Start);

    public ClusterState Cluster { get; } = new();

    public DatabaseMode Mode { get; } = new();

    public LagTracker Lag { get; }

    public StreamHub Hub { get; } = new();

    public SnapshotStore Store { get; }

    /// <summary>Returns rows as if read now: the database's clock is an hour ahead of this machine's.</summary>
    public MonitoringRows Rows(params ConsumerRow[] consumers) => new(
        DatabaseNow, Time.GetTimestamp(), Cluster.Latest?.LogId, consumers, [], [], new Dictionary<int, long>(), [], [], [], new Dictionary<int, long>(),
        new(0, 0, [], null, null), new LedgerBody(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, [], [], []), [], [], []);

    public DateTimeOffset DatabaseNow => Time.GetUtcNow() + TimeSpan.FromHours(1);

    public static ConsumerRow Consumer(string id, DateTimeOffset heartbeat, string status = "active", params int[] partitions) =>
        new(new(id, status, partitions, heartbeat, 10, 100), status == "inactive", 4);

    public static Situation Situation(MonitoringRows rows, IEnumerable<string>? active = null, ClusterMeasurement? cluster = null, LagState? lag = null, RecoveryStopwatch? recovery = null) =>
        new(rows, new((active ?? []).ToHashSet(), new HashSet<string>(), null, false), cluster, lag ?? LagState.Unknown, null, recovery, rows.DatabaseTime, false, false, TimeSpan.Zero);
}
