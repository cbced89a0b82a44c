using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Determines whether the factory is in its steady state: all components active, no lag, readings flowing.</summary>
internal static class SteadyState
{
    private const double LagSeconds = 2;

    // The two offsets are not of exactly the same moment, so one or two readings are always in flight.
    private const long LagMessages = 20;

    /// <param name="snapshot">The present snapshot; null if the monitoring API does not answer.</param>
    /// <param name="consumers">The number of consumers that must be active; null for all that have not stopped gracefully.</param>
    /// <returns>What is not well, in words; null if all is well.</returns>
    public static string? Obstacle(StreamSnapshot? snapshot, int? consumers)
    {
        if (snapshot is null)
        {
            return "the monitoring API does not answer";
        }

        if (snapshot.Stale)
        {
            return "the database does not answer";
        }

        var cluster = snapshot.Cluster;
        if (cluster.Brokers.Count == 0 || cluster.Partitions.Count == 0)
        {
            return "the brokers do not answer";
        }

        if (cluster.Brokers.FirstOrDefault(broker => !broker.Up) is { } down)
        {
            return $"{down.Name} is down";
        }

        if (cluster.Partitions.FirstOrDefault(partition =>
            partition.Leader is null || partition.Replicas is null || partition.InSyncReplicas is null || partition.InSyncReplicas.Count < partition.Replicas.Count) is { } lacking)
        {
            return $"a replica of partition {lacking.Partition} is not in sync";
        }

        if (snapshot.Producers.FirstOrDefault(producer => producer is { Stopped: false, Status: not Statuses.Active }) is { } silent)
        {
            return $"{silent.ProducerId} is not active";
        }

        if (snapshot.Producers.FirstOrDefault(producer => producer is { Stopped: false, Connection: not "connected" }) is { } apart)
        {
            return $"{apart.ProducerId} is {apart.Connection}";
        }

        return snapshot.Producers.Any(producer => producer.Status == Statuses.Active) ? Unshared(snapshot, consumers) ?? Behind(snapshot) : "no sensor is active";
    }

    /// <summary>Checks whether the given number of consumers share all partitions, and whether each partition flows.</summary>
    /// <returns>What is not the case, in words; null if it is.</returns>
    public static string? Unshared(StreamSnapshot snapshot, int? consumers)
    {
        var active = snapshot.ActiveConsumers().Select(consumer => consumer.ConsumerId).ToHashSet();
        if (snapshot.Consumers.FirstOrDefault(consumer => consumer is { Stopped: false, Status: not Statuses.Active }) is { } missing)
        {
            return $"{missing.ConsumerId} is not active";
        }

        if (active.Count == 0 || (consumers is { } count && active.Count != count))
        {
            return $"{active.Count} consumers are active";
        }

        var partitions = snapshot.Cluster.Partitions;
        if (partitions.Count == 0 || partitions.Any(partition => partition.StoredOffset is null))
        {
            return "not every partition was claimed";
        }

        if (partitions.FirstOrDefault(partition => partition.Owner is null || !active.Contains(partition.Owner)) is { } orphan)
        {
            return $"partition {orphan.Partition} belongs to nobody";
        }

        if (partitions.FirstOrDefault(partition => partition.RecoveredAt is null) is { } still)
        {
            return $"partition {still.Partition} does not flow yet";
        }

        return partitions.Select(partition => partition.Owner).Distinct().Count() < Math.Min(active.Count, partitions.Count) ? "a consumer has no partition" : null;
    }

    private static string? Behind(StreamSnapshot snapshot) => snapshot.Metrics.Pipeline switch
    {
        { Lag: null } or null => "the lag is not known",
        { Lag: > LagMessages and var waiting, LagSeconds: null or > LagSeconds } => $"{waiting} messages wait",
        { StoredPerSecond: > 0 } => null,
        _ => "no readings flow",
    };
}

internal static class SnapshotExtensions
{
    public static IEnumerable<ConsumerHealthBody> ActiveConsumers(this StreamSnapshot snapshot) => snapshot.Consumers.Where(consumer => consumer.Status == Statuses.Active);
}
