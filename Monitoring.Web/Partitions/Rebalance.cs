using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>The events from the first partition that an owner gave up or lost until the last one flowed again, as one rebalance.</summary>
/// <param name="Key">A key that does not change while the rebalance continues.</param>
/// <param name="What">The consumers that caused it, and how.</param>
/// <param name="Partitions">The partitions that changed hands: P1, P4; three or more in a row as P0–P3.</param>
/// <param name="LongestStallMs">The longest stall of a partition; null if no stall was measured.</param>
/// <param name="StallMs">The total of the stalls of all partitions.</param>
/// <param name="Delayed">The readings that waited in the logs of these partitions; null without a stall.</param>
/// <param name="PauseMs">How long partitions had no consumer since an earlier rebalance, as while the factory is off; null if all of them had one.</param>
/// <param name="Steps">The steps, oldest first.</param>
public sealed record Rebalance(
    string Key, string Level, string What, string? Cause, string Partitions, DateTimeOffset At, int? LongestStallMs, int? StallMs, Delayed? Delayed, int? PauseMs, IReadOnlyList<RebalanceGroup> Steps, Lanes Lanes, string End)
{
    /// <summary>Events within this time of each other belong together.</summary>
    private static readonly TimeSpan MaximumGap = TimeSpan.FromSeconds(2);

    /// <summary>A partition that is taken after a longer time is part of another rebalance.</summary>
    private static readonly TimeSpan Longest = NewestRebalances.LongestPause;

    private const double TicksPerLane = 8;

    /// <param name="events">In any order.</param>
    /// <returns>Newest first.</returns>
    public static IEnumerable<Rebalance> Of(IReadOnlyList<RebalancingEventBody> events)
    {
        var rising = events.OrderBy(each => each.Timestamp).ThenBy(each => each.Generation).ThenBy(each => each.Id).ToArray();
        var groups = new List<List<RebalancingEventBody>>();
        var until = DateTimeOffset.MinValue;
        for (var i = 0; i < rising.Length; i++)
        {
            if (groups.Count == 0 || rising[i].Timestamp - until > MaximumGap) groups.Add([]);
            groups[^1].Add(rising[i]);
            var end = OverAt(rising, i);
            if (end > until) until = end;
        }

        return groups.AsEnumerable().Reverse().Select(Of);
    }

    /// <summary>Returns when the change that an event started is complete: when the partition has its next owner, which has stored.</summary>
    private static DateTimeOffset OverAt(RebalancingEventBody[] rising, int index)
    {
        var each = rising[index];
        if (IsTaken(each)) return each.Timestamp;
        var next = rising.Skip(index + 1).FirstOrDefault(other => IsTaken(other) && other.PartitionNumber == each.PartitionNumber);
        return next is not null && next.Timestamp - each.Timestamp <= Longest ? next.Timestamp : each.Timestamp;
    }

    private static bool IsTaken(RebalancingEventBody each) => each.EventType == "assigned";

    private static Rebalance Of(List<RebalancingEventBody> all)
    {
        var given = all.Where(each => !IsTaken(each)).Select(each => each.PartitionNumber).ToHashSet();
        bool EndsPause(RebalancingEventBody each) => IsTaken(each) && each.StallMs > Longest.TotalMilliseconds && !given.Contains(each.PartitionNumber);
        var events = all.ConvertAll(each => EndsPause(each) ? each with { StallMs = null } : each);
        RebalanceGroup[] steps = [.. RebalanceGroup.Of([.. events.AsEnumerable().Reverse()]).Reverse()];
        var cause = steps.FirstOrDefault(step => step.EventType == "lost")
            ?? steps.FirstOrDefault(step => step is { EventType: "revoked", Reason: "left" })
            ?? steps.FirstOrDefault(step => step is { EventType: "assigned", Reason: "joined" })
            ?? steps.FirstOrDefault(step => step.EventType == "revoked")
            ?? steps[0];
        // Several consumers may have done the same at once, for example when all of them start.
        var (names, moved) = (events.Where(IsLike).Select(each => each.ConsumerId).Distinct().ToArray(), PartitionNames.Of(events.Where(IsLike).Select(each => each.PartitionNumber).OfType<int>().Distinct()));
        bool IsLike(RebalancingEventBody each) => each.EventType == cause.EventType && each.Reason == cause.Reason;
        var stalls = events.Select(each => each.StallMs).OfType<int>().ToArray();
        var (lanes, end) = LanesOf(events);
        return new(
            $"{events[0].Id} {Iso(events[0].Timestamp)}",
            cause.EventType == "lost" ? "critical" : "idle",
            $"{(names.Length == 1 ? names[0] : $"{names[0]} and {names.Length - 1} more")} {Verb(cause, moved)}",
            cause.Reason is "joined" or "left" ? null : cause.Reason,
            PartitionNames.Of(events.Select(each => each.PartitionNumber).OfType<int>().Distinct()),
            events[0].Timestamp,
            stalls.Length == 0 ? null : stalls.Max(),
            stalls.Length == 0 ? null : stalls.Sum(),
            Delayed.Of(events),
            all.Where(EndsPause).Max(each => each.StallMs),
            steps,
            lanes,
            end);
    }

    private static string Verb(RebalanceGroup cause, string partitions) => cause switch
    {
        { EventType: "lost" } => $"lost {partitions}",
        { Reason: "joined" } => $"joined and got {partitions}",
        { Reason: "left" } => $"left {partitions}",
        { EventType: "revoked" } => $"gave {partitions} up",
        _ => $"got {partitions}",
    };

    /// <summary>Returns the previous owner of each partition, how long the partition waited, and its owner since.</summary>
    private static (Lanes Lanes, string End) LanesOf(List<RebalancingEventBody> events)
    {
        var first = events.Min(Begins);
        var last = events.Max(each => each.Timestamp);
        foreach (var each in events.Where(each => each.StallMs is not null))
        {
            var left = events.LastOrDefault(other => !IsTaken(other) && other.PartitionNumber == each.PartitionNumber && other.Timestamp <= each.Timestamp)?.Timestamp ?? Begins(each);
            if (left.AddMilliseconds(each.StallMs!.Value) is var recovered && recovered > last) last = recovered;
        }

        var margin = TimeSpan.FromTicks(Math.Max((last - first).Ticks / 6, TimeSpan.TicksPerSecond / 2));
        var (from, to) = (first - margin, last + margin);
        double At(DateTimeOffset at) => Math.Clamp((at - from) / (to - from), 0, 1);

        Lane[] rows =
        [
            .. events.Where(each => each.PartitionNumber is not null).GroupBy(each => each.PartitionNumber!.Value).OrderBy(group => group.Key)
                .Select(group => new Lane(group.Key, [.. Pieces(group.Key, [.. group]).Where(piece => piece.To > piece.From)])),
        ];
        var step = Step((to - from).TotalSeconds / TicksPerLane);
        var ticks = Enumerable.Range(0, (int)TicksPerLane + 2).Select(i => i * step).Where(seconds => At(first.AddSeconds(seconds)) < 0.9)
            .Select(seconds => (At(first.AddSeconds(seconds)), seconds == 0 ? "0\u00a0s" : $"+{Number(seconds)}\u00a0s")).ToArray();
        return (new(rows, [], ticks), $"+{Number(Math.Round((to - first).TotalSeconds, 1))}\u00a0s");

        IEnumerable<LanePiece> Pieces(int partition, RebalancingEventBody[] own)
        {
            (string Id, DateTimeOffset Since)? owner = null;
            DateTimeOffset? left = null;
            foreach (var each in own)
            {
                if (!IsTaken(each))
                {
                    yield return new(owner is { } known ? At(known.Since) : 0, At(each.Timestamp), each.ConsumerId, null, $"P{partition}: {each.ConsumerId}\nuntil {Iso(each.Timestamp)}: {each.EventType}{(each.Reason is null ? "" : $", {each.Reason}")}");
                    (owner, left) = (null, each.Timestamp);
                    continue;
                }

                var recovered = each.StallMs is { } stall ? (left ?? Begins(each)).AddMilliseconds(stall) : each.Timestamp;
                if ((left ?? (each.StallMs is null ? null : Begins(each))) is { } began)
                {
                    yield return new(
                        At(began), At(recovered), null, each.StallMs is { } ms ? DurationMs(ms) : null,
                        $"P{partition} waited {(each.StallMs is { } waited ? DurationMs(waited) : $"at least {Duration(each.Timestamp - began)}")}\nfor {each.ConsumerId}");
                }

                (owner, left) = ((each.ConsumerId, recovered), null);
            }

            if (owner is { } present) yield return new(At(present.Since), 1, present.Id, null, $"P{partition}: {present.Id}\nsince {Iso(present.Since)}");
            else if (left is { } since) yield return new(At(since), 1, null, null, $"P{partition} waits since {Iso(since)}");
        }
    }

    /// <summary>Returns when a stall began of which only the end is known.</summary>
    private static DateTimeOffset Begins(RebalancingEventBody each) => IsTaken(each) && each.StallMs is { } stall ? each.Timestamp.AddMilliseconds(-stall) : each.Timestamp;

    private static double Step(double rough) => new[] { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60 }.FirstOrDefault(step => step >= rough, 60);
}
