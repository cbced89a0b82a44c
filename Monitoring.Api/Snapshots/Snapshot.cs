using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>All bodies of one moment.</summary>
/// <param name="ReadAt">When the data were read, by <see cref="TimeProvider.GetTimestamp"/>.</param>
/// <param name="ValidUntil">When the snapshot has to be rendered again, even if nothing new was read: a status changes, or it becomes stale.</param>
internal sealed record Snapshot(
    Body<SystemStatusBody> System,
    Body<IReadOnlyList<ConsumerHealthBody>> Consumers,
    Body<IReadOnlyList<ProducerHealthBody>> Producers,
    Body<PartitionAssignmentBody> Assignment,
    Body<RealTimeMetricsBody> Metrics,
    Body<IReadOnlyList<AlertBody>> Alerts,
    Body<ClusterBody> Cluster,
    Body<LedgerBody> Ledger,
    IReadOnlyList<RebalancingEventBody> RebalancingEvents,
    Situation Situation,
    DateTimeOffset TakenAt,
    bool Stale,
    long ReadAt,
    long ValidUntil);
