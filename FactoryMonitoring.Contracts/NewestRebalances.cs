using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Contracts;

/// <summary>Cuts the history of rebalancing events between two rebalances: a part of one would say something false about the whole.</summary>
public static class NewestRebalances
{
    /// <summary>The minimum number of events, if there are so many.</summary>
    public const int Least = 50;

    /// <summary>No rebalance has a longer pause between two of its events.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <param name="events">Newest first.</param>
    /// <returns>The newest events, up to the beginning of a rebalance.</returns>
    public static IReadOnlyList<RebalancingEventBody> Of(IReadOnlyList<RebalancingEventBody> events)
    {
        var count = Math.Min(Least, events.Count);
        while (count > 0 && count < events.Count && events[count - 1].Timestamp - events[count].Timestamp <= LongestPause) count++;
        return count == events.Count ? events : [.. events.Take(count)];
    }

    /// <param name="events">Newest first; the oldest rebalance among them may be cut in half.</param>
    /// <returns>The events without that one; all of them if they are one rebalance.</returns>
    public static IReadOnlyList<RebalancingEventBody> WithoutOldest(IReadOnlyList<RebalancingEventBody> events)
    {
        var count = events.Count - 1;
        while (count > 0 && events[count - 1].Timestamp - events[count].Timestamp <= LongestPause) count--;
        return count <= 0 ? events : [.. events.Take(count)];
    }
}
