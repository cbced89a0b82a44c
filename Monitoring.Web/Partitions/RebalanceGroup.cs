using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>Events of one consumer at one time, told together: a rebalance moves several partitions at once.</summary>
/// <param name="Partitions">P1, P4; three and more in a row as P0–P3.</param>
/// <param name="StallMs">The longest stall among them.</param>
public sealed record RebalanceGroup(string ConsumerId, string EventType, string Partitions, DateTimeOffset Timestamp, string? Reason, int? StallMs)
{
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(2);

    public string Level => EventType switch
    {
        "lost" => "critical",
        "assigned" => "ok",
        _ => "idle",
    };

    /// <param name="events">Newest first.</param>
    public static IEnumerable<RebalanceGroup> Of(IReadOnlyList<RebalancingEventBody> events)
    {
        var rest = events.ToList();
        while (rest is [{ } first, ..])
        {
            var group = rest.Where(each => each.ConsumerId == first.ConsumerId && each.EventType == first.EventType && first.Timestamp - each.Timestamp <= Together).ToArray();
            rest.RemoveAll(group.Contains);
            yield return new(
                first.ConsumerId,
                first.EventType,
                Names([.. group.Where(each => each.PartitionNumber is not null).Select(each => each.PartitionNumber!.Value).Distinct().Order()]),
                first.Timestamp,
                group.Select(each => each.Reason).FirstOrDefault(reason => reason is not null),
                group.Max(each => each.StallMs));
        }
    }

    internal static string Names(int[] partitions)
    {
        var names = new List<string>();
        for (var first = 0; first < partitions.Length;)
        {
            var last = first;
            while (last + 1 < partitions.Length && partitions[last + 1] == partitions[last] + 1) last++;
            if (last - first >= 2) names.Add($"P{partitions[first]}–P{partitions[last]}");
            else names.AddRange(partitions[first..(last + 1)].Select(partition => $"P{partition}"));
            first = last + 1;
        }

        return string.Join(", ", names);
    }
}
