using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Monitor;

/// <summary>Determines which alerts about the system itself hold in a situation.</summary>
internal static class SystemAlerts
{
    private const string ConsumerDown = "consumer_down";
    private const string SensorDown = "sensor_down";
    private const string BrokerDown = "broker_down";
    private const string DatabaseDown = "database_down";
    private const string PartitionStalled = "partition_stalled";
    private const string LedgerViolated = "ledger_violated";

    private static readonly TimeSpan RecentExit = TimeSpan.FromSeconds(30);

    /// <summary>The values of anomaly_type if sensor_type is system.</summary>
    public static readonly string[] Rules = [ConsumerDown, SensorDown, BrokerDown, DatabaseDown, PartitionStalled, LedgerViolated];

    /// <returns>The rules that could be judged, and all alerts of those that hold.</returns>
    public static (IReadOnlyList<string> Judged, IReadOnlyList<SystemAlert> Alerts) Judge(Situation situation)
    {
        // A blind observer raises no alert; an outage of the database is written when it is over.
        if (situation.Judgement.Blind)
        {
            return ([], []);
        }

        var rows = situation.Rows;
        var judged = new List<string> { ConsumerDown, SensorDown, LedgerViolated };
        var alerts = new List<SystemAlert>();
        alerts.AddRange(rows.Consumers.Where(row => !row.Stopped && !situation.Judgement.Consumers.Contains(row.Health.ConsumerId))
            .Select(row => Down(ConsumerDown, rows, row.Health.ConsumerId, row.Health.LastHeartbeat)));
        alerts.AddRange(rows.Producers.Where(row => !row.Stopped && !situation.Judgement.Producers.Contains(row.Health.ProducerId))
            .Select(row => Down(SensorDown, rows, row.Health.ProducerId, row.Health.LastHeartbeat)));
        var ledger = rows.Ledger;
        if (ledger.Missing > 0 || ledger.Duplicated > 0)
        {
            alerts.Add(new(
                LedgerViolated,
                "ledger",
                $"{Sentences.Readings(ledger.Missing)} acknowledged and not stored, {Sentences.Readings(ledger.Duplicated)} stored twice"));
        }

        if (situation.Cluster is { } cluster)
        {
            judged.Add(BrokerDown);
            alerts.AddRange(cluster.Brokers.Where(broker => !broker.Up)
                .Select(broker => Down(BrokerDown, rows, broker.Name, situation.Now - RecentExit)));
        }

        if (situation.Lag.Total is not null)
        {
            judged.Add(PartitionStalled);
            alerts.AddRange(Stalls.Of(situation).Select(stall => new SystemAlert(
                PartitionStalled,
                $"partition-{stall.Row.Partition}",
                $"Partition {stall.Row.Partition} stands still: {Sentences.Messages(stall.Lag.Lag)} wait")));
        }

        return (judged, alerts);
    }

    private static SystemAlert Down(string rule, MonitoringRows rows, string component, DateTimeOffset? lastSign) =>
        new(rule, component, $"{component} is down{Cause(rows, component, lastSign)}");

    // An exit before the last heartbeat is an earlier exit.
    private static string Cause(MonitoringRows rows, string component, DateTimeOffset? lastSign) =>
        rows.Exits.FirstOrDefault(exit => exit.ComponentId == component && !(exit.At < lastSign - TimeSpan.FromSeconds(2))) switch
        {
            { IsKill: true, AskedBy: { } who } => $": killed by {who}",
            { IsKill: true } => ": killed",
            { ExitCode: { } code } => $": exit code {code}",
            _ => "",
        };
}

/// <summary>Determines whether silence of sensors can be detected.</summary>
internal static class Silence
{
    /// <summary>Returns false while readings wait in the brokers for a time close to the silence limit, or while it is not known whether they do.</summary>
    public static bool CanBeSeen(Situation situation, TimeSpan after) =>
        !situation.Judgement.Blind && situation.Lag.Total is not null && situation.Judgement.Consumers.Count > 0
            && situation.Lag.Partitions.Values.All(lag => lag is { Lag: 0 } || lag.Seconds < after.TotalSeconds / 2);
}

/// <summary>Finds partitions that are stalled although there are messages to read.</summary>
internal static class Stalls
{
    // The partitions of a dead consumer are stalled for a session timeout: a stall that exceeds that with a margin is a separate fault.
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static IEnumerable<(PartitionRow Row, PartitionLag Lag)> Of(Situation situation)
    {
        foreach (var row in situation.Rows.Partitions)
        {
            if (situation.Lag.Partitions.TryGetValue(row.Partition, out var lag) && lag.Lag > 0
                && lag.LeastSeconds >= Limit.TotalSeconds && !(situation.Now - row.LastCommitAt < Limit))
            {
                yield return (row, lag);
            }
        }
    }
}
