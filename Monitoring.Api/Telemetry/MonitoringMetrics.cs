using System.Diagnostics.Metrics;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Telemetry;

/// <summary>Exposes the snapshot's data about cluster, group and ledger as metrics. Unknown values are omitted.</summary>
internal sealed class MonitoringMetrics
{
    private readonly SnapshotStore _snapshots;
    private readonly KeyValuePair<string, object?> _group;
    private readonly KeyValuePair<string, object?> _topic;

    public MonitoringMetrics(IMeterFactory meters, SnapshotStore snapshots, KafkaNames kafka)
    {
        _snapshots = snapshots;
        _topic = new("topic", kafka.SensorTopic);
        _group = new("group", kafka.ConsumerGroup);
        var meter = meters.Create(FaultMetrics.MeterName);
        meter.CreateObservableGauge("kafka.brokers", () => Of(Brokers), "{broker}", "Brokers that are up.");
        meter.CreateObservableGauge("kafka.consumer_group.members", () => Of(Members), "{member}", "Active consumers.");
        meter.CreateObservableGauge("kafka.consumer_group.lag", () => Of(Lag), "{message}", "Messages of a partition that are not stored yet.");
        meter.CreateObservableGauge("kafka.consumer_group.lag_sum", () => Of(LagSum), "{message}", "Messages of all partitions that are not stored yet.");
        meter.CreateObservableGauge("kafka.consumer_group.offset", () => Of(Offset), "{message}", "The next offset of a partition to be stored.");
        meter.CreateObservableGauge("kafka.partition.current_offset", () => Of(End), "{message}", "Where the log of a partition ends.");
        meter.CreateObservableGauge("kafka.partition.replicas_in_sync", () => Of(InSync), "{replica}", "Replicas of a partition that are in sync.");
        meter.CreateObservableCounter(
            "factory.delivery.missing",
            () => Of(situation => [new(situation.Rows.Ledger.Missing)]),
            "{reading}",
            "Acknowledged readings that were neither stored nor rejected.");
        meter.CreateObservableCounter(
            "factory.delivery.duplicated",
            () => Of(situation => [new(situation.Rows.Ledger.Duplicated)]),
            "{reading}",
            "Readings that were stored twice.");
    }

    private IEnumerable<Measurement<long>> Of(Func<Situation, IEnumerable<Measurement<long>>> read) =>
        _snapshots.Current is { Stale: false, Situation: var situation } ? read(situation) : [];

    private static IEnumerable<Measurement<long>> Brokers(Situation situation) =>
        situation.Cluster is { Brokers.Count: > 0 } cluster ? [new(cluster.Brokers.Count(broker => broker.Up))] : [];

    private IEnumerable<Measurement<long>> Members(Situation situation) => [new(situation.Judgement.Consumers.Count, _group)];

    private IEnumerable<Measurement<long>> Lag(Situation situation) =>
        situation.Lag.Partitions.Select(pair => new Measurement<long>(pair.Value.Lag, _group, _topic, Partition(pair.Key)));

    private IEnumerable<Measurement<long>> LagSum(Situation situation) => situation.Lag.Total is { } total ? [new(total, _group, _topic)] : [];

    private IEnumerable<Measurement<long>> Offset(Situation situation) =>
        from pair in Partitions(situation)
        let next = situation.Cluster!.NextOffset(situation.Rows, pair.Key)
        where next is not null
        select new Measurement<long>(next.Value, _group, _topic, Partition(pair.Key));

    private IEnumerable<Measurement<long>> End(Situation situation) => Partitions(situation).Where(pair => pair.Value.EndOffset is not null)
        .Select(pair => new Measurement<long>(pair.Value.EndOffset!.Value, _topic, Partition(pair.Key)));

    private IEnumerable<Measurement<long>> InSync(Situation situation) => Partitions(situation)
        .Select(pair => new Measurement<long>(pair.Value.InSyncReplicas.Count, _topic, Partition(pair.Key)));

    private static IEnumerable<KeyValuePair<int, PartitionMeasurement>> Partitions(Situation situation) =>
        situation.Cluster is { } cluster ? cluster.Partitions : [];

    private static KeyValuePair<string, object?> Partition(int partition) => new("partition", partition);
}
