using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>
/// The newest death of a consumer that owned partitions, and the progress of the recovery: each time was observed, none is computed from
/// settings.
/// </summary>
internal static class Recovery
{
    // Partitions that are lost within this time of each other were lost by the same death.
    private static readonly TimeSpan OneDeath = TimeSpan.FromSeconds(15);

    /// <param name="rows">The rows that were read.</param>
    /// <param name="judgement">The active components.</param>
    /// <param name="lag">Lag over time, oldest first, by the database's clock.</param>
    /// <returns>Null if no consumer died in the last hour.</returns>
    public static RecoveryStopwatch? Newest(MonitoringRows rows, Judgement judgement, IEnumerable<LagPoint> lag)
    {
        var waiting = Waiting(rows, judgement);
        var lost = rows.Successions.Select(row => (row.Predecessor, At: row.LostAt))
            .Concat(waiting.Select(row => (Predecessor: row.Owner!, At: LastSign(rows, row))))
            .ToList();
        if (lost.Count == 0)
        {
            return null;
        }

        var newest = lost.MaxBy(each => each.At);
        var component = newest.Predecessor;
        var successions = rows.Successions.Where(row => row.Predecessor == component && newest.At - row.LostAt < OneDeath)
            .GroupBy(row => row.Partition).Select(group => group.MinBy(row => row.Epoch)!).ToList();
        var orphans = waiting.Where(row => row.Owner == component).ToList();
        var heartbeat = orphans.Count == 0 ? null : HeartbeatOf(rows, component);
        var lastSign = successions.Select(row => row.LostAt).Concat(orphans.Select(row => LastSign(rows, row))).Max();
        var firstClaim = successions.Count == 0 ? (DateTimeOffset?)null : successions.Min(row => row.ClaimedAt);
        var exit = rows.Exits.LastOrDefault(row =>
            row.IsKill && row.ComponentId == component && row.At >= lastSign - TimeSpan.FromSeconds(1) && !(row.At > firstClaim));
        var killedAt = exit?.At ?? lastSign;

        DateTimeOffset?[] notices =
        [
            rows.StatusChanges.LastOrDefault(row =>
                row.Kind == "consumer" && row.ComponentId == component && row.Status == Statuses.Inactive && row.At >= killedAt)?.At,
            firstClaim,
        ];
        DateTimeOffset? reassigned = orphans.Count == 0 ? successions.Max(row => row.ClaimedAt) : null;
        DateTimeOffset? flowing = orphans.Count == 0 && successions.All(row => row.RecoveredAt is not null) ? successions.Max(row => row.RecoveredAt) : null;
        return new(
            component,
            killedAt,
            exit is not null ? "exit" : heartbeat >= lastSign ? "heartbeat" : "commit",
            Since(notices.Min()),
            Since(reassigned),
            Since(flowing),
            Since(flowing is { } from ? CaughtUp(lag, killedAt, from) : null),
            [.. successions.Select(row => row.Partition).Concat(orphans.Select(row => row.Partition)).Distinct().Order()]);

        int? Since(DateTimeOffset? at) => at is { } reached ? (int)Math.Max(0, (reached - killedAt).TotalMilliseconds) : null;
    }

    /// <summary>Returns the partitions whose owner is silent.</summary>
    public static IReadOnlyList<PartitionRow> Waiting(MonitoringRows rows, Judgement judgement)
    {
        var silent = rows.Consumers.Where(row => !row.Stopped && !judgement.Consumers.Contains(row.Health.ConsumerId))
            .Select(row => row.Health.ConsumerId).ToHashSet();
        return [.. rows.Partitions.Where(row => row.ReleasedAt is null && row.Owner is not null && silent.Contains(row.Owner))];
    }

    private static DateTimeOffset? HeartbeatOf(MonitoringRows rows, string consumer) =>
        rows.Consumers.FirstOrDefault(row => row.Health.ConsumerId == consumer)?.Health.LastHeartbeat;

    private static DateTimeOffset LastSign(MonitoringRows rows, PartitionRow partition)
    {
        var heartbeat = HeartbeatOf(rows, partition.Owner!) ?? DateTimeOffset.MinValue;
        return partition.LastCommitAt is { } commit && commit > heartbeat ? commit : heartbeat;
    }

    // The lag is back at its level in the 30 s before the death.
    private static DateTimeOffset? CaughtUp(IEnumerable<LagPoint> lag, DateTimeOffset killedAt, DateTimeOffset flowing)
    {
        long? level = null;
        foreach (var point in lag)
        {
            if (point.At > killedAt - TimeSpan.FromSeconds(30) && point.At <= killedAt)
            {
                level = Math.Max(level ?? 0, point.Lag);
            }
            else if (point.At >= flowing && point.Lag <= level)
            {
                return point.At;
            }
        }

        return null;
    }
}

/// <summary>The total lag of all partitions at one moment.</summary>
internal readonly record struct LagPoint(DateTimeOffset At, long Lag, double? Seconds);
