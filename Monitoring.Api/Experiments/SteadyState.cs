using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Experiments;

/// <summary>Says whether all is whole: everybody there, nobody behind, readings flowing.</summary>
internal static class SteadyState
{
    private const double LagSeconds = 2;

    // Of two looks at once, a reading or two are always under way.
    private const long LagReadings = 20;

    /// <param name="snapshot">The present moment.</param>
    /// <param name="consumers">How many consumers must be active; null where as many as have not stopped politely.</param>
    /// <returns>What is not well, in words; null when all is.</returns>
    public static string? Obstacle(Snapshot? snapshot, int? consumers)
    {
        if (snapshot is not { Stale: false, Situation: { } situation })
        {
            return "the database does not answer";
        }

        if (situation.Cluster is not { } cluster || cluster.Partitions.Count == 0)
        {
            return "the brokers do not answer";
        }

        if (cluster.Brokers.FirstOrDefault(broker => !broker.Up) is { } down)
        {
            return $"{down.Name} is down";
        }

        if (cluster.Partitions.FirstOrDefault(pair => pair.Value.Leader is null || pair.Value.InSyncReplicas.Count < pair.Value.Replicas.Count) is { Value: not null } lacking)
        {
            return $"a replica of partition {lacking.Key} is not in sync";
        }

        if (situation.Rows.Producers.FirstOrDefault(row => !row.Stopped && !situation.Judgement.Producers.Contains(row.Health.ProducerId)) is { } silent)
        {
            return $"{silent.Health.ProducerId} is not active";
        }

        if (situation.Rows.Producers.FirstOrDefault(row => !row.Stopped && row.Health.Connection != "connected") is { } apart)
        {
            return $"{apart.Health.ProducerId} is {apart.Health.Connection}";
        }

        return situation.Judgement.Producers.Count == 0 ? "no sensor is active" : Unshared(snapshot, consumers) ?? Behind(snapshot);
    }

    /// <summary>Whether so many consumers share all partitions, each of which flows.</summary>
    /// <returns>What is not so, in words; null when it is.</returns>
    public static string? Unshared(Snapshot snapshot, int? consumers)
    {
        var situation = snapshot.Situation;
        var active = situation.Judgement.Consumers;
        if (situation.Rows.Consumers.FirstOrDefault(row => !row.Stopped && !active.Contains(row.Health.ConsumerId)) is { } missing)
        {
            return $"{missing.Health.ConsumerId} is not active";
        }

        if (active.Count == 0 || (consumers is { } count && active.Count != count))
        {
            return $"{active.Count} consumers are active";
        }

        var partitions = situation.Rows.Partitions;
        if (partitions.Count == 0 || partitions.Count < (situation.Cluster?.Partitions.Count ?? 0))
        {
            return "not every partition was claimed";
        }

        if (partitions.FirstOrDefault(row => row.Owner is null || row.ReleasedAt is not null || !active.Contains(row.Owner)) is { } orphan)
        {
            return $"partition {orphan.Partition} belongs to nobody";
        }

        if (partitions.FirstOrDefault(row => row.RecoveredAt is null) is { } still)
        {
            return $"partition {still.Partition} does not flow yet";
        }

        return partitions.Select(row => row.Owner).Distinct().Count() < Math.Min(active.Count, partitions.Count) ? "a consumer has no partition" : null;
    }

    private static string? Behind(Snapshot snapshot) => snapshot.Situation.Lag switch
    {
        { Total: null } => "the lag is not known",
        { Total: > LagReadings, Seconds: null or > LagSeconds } lag => $"{lag.Total} readings wait",
        _ => snapshot.Metrics.Value.Pipeline is { StoredPerSecond: > 0 } ? null : "no readings flow",
    };
}
