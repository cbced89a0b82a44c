using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>Events of one consumer at one time, combined: a rebalance moves several partitions at once.</summary>
/// <param name="Partitions">The partitions: P1, P4; three or more in a row as P0–P3.</param>
/// <param name="StallMs">The longest stall among the events.</param>
/// <param name="Delayed">The readings that waited for it; null without a stall.</param>
public sealed record RebalanceGroup(string ConsumerId, string EventType, string Partitions, DateTimeOffset Timestamp, string? Reason, int? StallMs, Delayed? Delayed)
{
    private static readonly TimeSpan MaximumGap = TimeSpan.FromSeconds(2);

    public string Level => EventType switch
    {
        "lost" => "critical",
        "assigned" => "ok",
        _ => "idle",
    };

    /// <param name="events">The events, newest first.</param>
    public static IEnumerable<RebalanceGroup> Of(IReadOnlyList<RebalancingEventBody> events)
    {
        var rest = events.ToList();
        while (rest is [{ } first, ..])
        {
            var group = rest.Where(each => each.ConsumerId == first.ConsumerId && each.EventType == first.EventType && first.Timestamp - each.Timestamp <= MaximumGap).ToArray();
            rest.RemoveAll(group.Contains);
            yield return new(
                first.ConsumerId,
                first.EventType,
                PartitionNames.Of(group.Where(each => each.PartitionNumber is not null).Select(each => each.PartitionNumber!.Value).Distinct()),
                first.Timestamp,
                group.Select(each => each.Reason).FirstOrDefault(reason => reason is not null),
                group.Max(each => each.StallMs),
                Delayed.Of(group));
        }
    }
}
