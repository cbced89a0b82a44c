using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>A piece of a lane; <see cref="From"/> and <see cref="To"/> are fractions of the window.</summary>
/// <param name="ConsumerId">The owner; null for a stall.</param>
/// <param name="Note">The label in the middle of a stall.</param>
/// <param name="Tip">All details, one per line.</param>
/// <param name="IsOutage">Whether it is a stall of all partitions because the database was unavailable.</param>
public sealed record LanePiece(double From, double To, string? ConsumerId, string? Note, string Tip, bool IsOutage = false);

public sealed record Lane(int Partition, IReadOnlyList<LanePiece> Pieces)
{
    /// <summary>The state at the end of the window; null if nobody has read the partition in it. An outage that has not ended counts before an owner.</summary>
    public LanePiece? Newest => Pieces.OrderBy(piece => piece.To).ThenBy(piece => piece.IsOutage).LastOrDefault();
}

/// <param name="Critical">Whether a component went down.</param>
public sealed record LaneMark(double At, string Label, bool Critical, string Tip);

/// <summary>The ownership of partitions as a picture: lanes of bars and stalls, marks, and the ticks of the axis.</summary>
public sealed record Lanes(IReadOnlyList<Lane> Rows, IReadOnlyList<LaneMark> Marks, IReadOnlyList<(double At, string Label)> Ticks)
{
    /// <summary>Duration below which a handover is drawn as a seam and not as a stall.</summary>
    private static readonly TimeSpan ShortestStall = TimeSpan.FromSeconds(1);

    /// <summary>How long a dead consumer's partitions may be stalled until the group has noticed.</summary>
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(10);

    /// <summary>Marks that are closer than this fraction of the width are combined.</summary>
    private const double MinimumGap = 0.012;

    private const int MostInTip = 8;
    private const int MostTicks = 6;

    private static readonly TimeSpan[] Steps =
    [
        .. new[] { 5, 10, 20, 60, 120, 300, 600, 1_200, 3_600, 7_200, 14_400 }.Select(seconds => TimeSpan.FromSeconds(seconds)),
    ];

    /// <summary>Labels of stalls in one lane that are closer than this fraction of the width would overlap.</summary>
    private const double LabelWidth = 0.06;

    /// <summary>The shortest axis around a fault.</summary>
    private static readonly TimeSpan Closest = TimeSpan.FromSeconds(30);

    /// <summary>Length of the axis as a multiple of the newest fault's age, so that its stall is wide while it lasts and shrinks afterwards.</summary>
    private const int Reach = 3;

    /// <summary>Returns the window that shows the newest fault closely; <paramref name="usual"/> if nothing has failed recently.</summary>
    /// <param name="active">The consumers that are alive.</param>
    public static TimeSpan WindowAround(OwnershipBody ownership, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan usual)
    {
        var faults = ownership.Marks.Where(mark => IsCritical(mark.Kind)).Select(mark => mark.At)
            .Concat(ownership.Spans.GroupBy(span => span.Partition).SelectMany(spans => Interruptions([.. spans.OrderBy(span => span.Generation)], active, now)))
            .Where(at => at <= now).ToArray();
        if (faults.Length == 0) return usual;
        var window = (now - faults.Max()) * Reach;
        return window < Closest ? Closest : window > usual ? usual : window;
    }

    /// <summary>Returns the times at which a partition stopped flowing for longer than a seam.</summary>
    private static IEnumerable<DateTimeOffset> Interruptions(OwnershipSpan[] spans, IReadOnlySet<string> active, DateTimeOffset now)
    {
        for (var i = 0; i < spans.Length; i++)
        {
            var last = i + 1 == spans.Length;
            var ended = spans[i].EndedAt ?? (last && !active.Contains(spans[i].ConsumerId) ? spans[i].LastCommitAt : null);
            var until = last ? now : spans[i + 1].RecoveredAt ?? spans[i + 1].EndedAt ?? now;
            if (ended is { } at && until - at >= ShortestStall) yield return at;
        }
    }

    /// <param name="partitions">All existing partitions with their state, including those without an owner in the window.</param>
    /// <param name="active">The consumers that are alive; an owner that is not alive has stopped reading, whatever the database contains.</param>
    public static Lanes Of(
        OwnershipBody ownership, IEnumerable<PartitionBody> partitions, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan window)
    {
        var known = partitions.ToArray();
        return Of(ownership, [.. known.Select(partition => partition.Partition)], active, now, window,
            known.Where(partition => partition is { Lag: > 0, LagSeconds: not null }).ToDictionary(partition => partition.Partition, partition => TimeSpan.FromSeconds(partition.LagSeconds!.Value)));
    }

    /// <param name="partitions">All existing partitions, including those without an owner in the window.</param>
    /// <param name="active">The consumers that are alive; an owner that is not alive has stopped reading, whatever the database contains.</param>
    /// <param name="waits">The age of the oldest message that is not stored, by partition; null if stalls of live owners are not to be shown.</param>
    public static Lanes Of(
        OwnershipBody ownership, IReadOnlyCollection<int> partitions, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan window, IReadOnlyDictionary<int, TimeSpan>? waits = null)
    {
        var from = now - window;
        var outages = Outages(ownership.Marks, now);
        double At(DateTimeOffset time) => Math.Clamp((time - from) / window, 0, 1);

        var spansOf = ownership.Spans.ToLookup(span => span.Partition);
        var rows = partitions.Union(ownership.Spans.Select(span => span.Partition)).Order().Select(partition =>
        {
            var spans = spansOf[partition].OrderBy(span => span.Generation).ToArray();
            return new Lane(partition, Labelled([.. spans.SelectMany((span, index) =>
                Pieces(span, index == 0 ? null : spans[index - 1], index + 1 == spans.Length, active, now, waits?.GetValueOrDefault(partition) ?? TimeSpan.Zero))
                .Select(piece => new LanePiece(At(piece.From), At(piece.To), piece.ConsumerId, piece.Note, piece.Tip))
                .Concat(outages.Select(piece => new LanePiece(At(piece.From), At(piece.To), null, piece.Note, piece.Tip, IsOutage: true)))
                .Where(piece => piece.To > piece.From)]));
        }).ToArray();
        return new(rows, Merge(ownership.Marks.Where(mark => mark.At > from && mark.At <= now).OrderBy(mark => mark.At), At), TicksOf(window));
    }

    /// <summary>Removes labels of stalls that would overlap; the newest stall keeps its label.</summary>
    private static LanePiece[] Labelled(LanePiece[] pieces)
    {
        var next = double.PositiveInfinity;
        foreach (var index in Enumerable.Range(0, pieces.Length).Where(each => pieces[each] is { ConsumerId: null, IsOutage: false }).OrderByDescending(each => pieces[each].To))
        {
            var middle = (pieces[index].From + pieces[index].To) / 2;
            if (next - middle < LabelWidth) pieces[index] = pieces[index] with { Note = null };
            else next = middle;
        }

        return pieces;
    }

    /// <summary>Combines events that are too close together to be distinguished in the picture into one mark, which describes all of them.</summary>
    private static LaneMark[] Merge(IEnumerable<TimelineMark> marks, Func<DateTimeOffset, double> at)
    {
        var groups = new List<List<TimelineMark>>();
        foreach (var mark in marks)
        {
            if (groups is [.., var last] && IsCritical(last[0].Kind) == IsCritical(mark.Kind) && at(mark.At) - at(last[0].At) < MinimumGap) last.Add(mark);
            else groups.Add([mark]);
        }

        return [.. groups.Select(group => new LaneMark(
            at(group[0].At),
            LabelOf(group),
            IsCritical(group[0].Kind),
            string.Join('\n', group.Take(MostInTip).Select(mark => $"{Iso(mark.At)} {mark.ComponentId} {Words(mark.Kind)}{(mark.Detail is null ? "" : $", {mark.Detail}")}"))
                + (group.Count > MostInTip ? $"\nand {group.Count - MostInTip} more" : "")))];
    }

    private static string LabelOf(List<TimelineMark> group)
    {
        var labels = group.GroupBy(Label).ToDictionary(one => one.Key, one => one.Count());
        // A component that was killed is obviously down.
        foreach (var part in (string[])["broker", "database"])
        {
            if (labels.ContainsKey($"{part} killed")) labels.Remove($"{part} down");
        }

        var (first, count) = labels.First();
        return $"{(count == 1 ? "" : $"{count} × ")}{first}{(labels.Count == 1 ? "" : $" + {labels.Count - 1}")}";
    }

    // While the database is unavailable, nothing is stored, whichever consumer owns the partition.
    private static (DateTimeOffset From, DateTimeOffset To, string Note, string Tip)[] Outages(IReadOnlyList<TimelineMark> marks, DateTimeOffset now)
    {
        var outages = new List<(DateTimeOffset, DateTimeOffset, string, string)>();
        DateTimeOffset? since = null;
        foreach (var mark in marks.OrderBy(mark => mark.At))
        {
            if (mark.Kind == "database-down") since ??= mark.At;
            if (mark.Kind != "database-up" || since is not { } down) continue;
            outages.Add(Outage(down, mark.At));
            since = null;
        }

        if (since is { } still) outages.Add(Outage(still, now));
        return [.. outages];

        static (DateTimeOffset, DateTimeOffset, string, string) Outage(DateTimeOffset from, DateTimeOffset to) =>
            (from, to, Duration(to - from), $"the database was away for {Duration(to - from)}: nothing could be stored\nsince {Iso(from)}");
    }

    private static IEnumerable<(DateTimeOffset From, DateTimeOffset To, string? ConsumerId, string? Note, string Tip)> Pieces(
        OwnershipSpan span, OwnershipSpan? before, bool isLast, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan waits)
    {
        var begins = span.RecoveredAt ?? span.ClaimedAt;
        if (before?.EndedAt is { } left)
        {
            // A partition waits until its new owner has stored a record, or is at the end of the log.
            var until = span.RecoveredAt ?? span.EndedAt ?? now;
            if (until - left >= ShortestStall)
            {
                yield return (left, until, null, Duration(until - left),
                    $"P{span.Partition} waited {Duration(until - left)}{(span.RecoveredAt is null ? " so far" : "")}\nfrom {before.ConsumerId} ({before.EndedBy}) to {span.ConsumerId}\nsince {Iso(left)}");
            }

            if (span.RecoveredAt is null) yield break;
        }

        var dead = span.EndedAt is null && !active.Contains(span.ConsumerId);
        // An owner that is alive but stores nothing although messages wait is not reading.
        var stands = isLast && span.EndedAt is null && waits >= IdleLimit && now - (span.LastCommitAt ?? begins) >= IdleLimit;
        dead |= stands;
        var ends = span.EndedAt ?? (stands ? Latest(span.LastCommitAt ?? begins, now - waits) : dead ? span.LastCommitAt ?? begins : now);
        yield return (begins, ends, span.ConsumerId, null, Describe(span, dead, ends));
        if (dead && isLast && now - ends >= ShortestStall)
        {
            yield return (ends, now, null, $"waits {Duration(now - ends)}", $"P{span.Partition} waits\n{span.ConsumerId} has stored nothing for {Duration(now - ends)}");
        }
    }

    private static DateTimeOffset Latest(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static string Describe(OwnershipSpan span, bool dead, DateTimeOffset ends) => string.Join('\n',
    [
        $"P{span.Partition}: {span.ConsumerId}",
        $"generation {Count(span.Generation)} · {Plural(span.Stored, "reading")} stored",
        $"from {Iso(span.ClaimedAt)}{(span.EndedAt is null ? dead ? $", silent since {Iso(ends)}" : "" : $" to {Iso(ends)}, {span.EndedBy}")}",
        .. span.StallMs is { } stall ? [$"began after a stall of {DurationMs(stall)}"] : Array.Empty<string>(),
    ]);

    private static IReadOnlyList<(double, string)> TicksOf(TimeSpan window)
    {
        var step = Steps.FirstOrDefault(each => window / each <= MostTicks, TimeSpan.FromDays(Math.Ceiling(window.TotalDays / MostTicks)));
        return
        [
            .. Enumerable.Range(1, (int)(window / step)).Reverse().Select(i => (Math.Max(0, 1 - (i * (step / window))), $"−{Ago(step * i)}")),
        ];
    }

    private static string Ago(TimeSpan span) =>
        span < TimeSpan.FromMinutes(1) || (span < TimeSpan.FromMinutes(2) && span.Seconds != 0) ? $"{span.TotalSeconds:0}\u00a0s" : Duration(span);

    private static bool IsCritical(string kind) => kind is "kill" or "exit" or "broker-down" or "database-down";

    private static string Label(TimelineMark mark) => mark.Kind switch
    {
        "broker-down" => "broker down",
        "broker-up" => "broker up",
        "database-down" => "database down",
        "database-up" => "database up",
        "kill" or "exit" => $"{Short(mark.ComponentId)} {(mark.Kind == "kill" ? "killed" : "ended")}",
        _ => mark.Kind,
    };

    private static string Short(string component) => component switch
    {
        _ when component.StartsWith("sensor-consumer", StringComparison.Ordinal) => "consumer",
        _ when component.EndsWith("-sensor", StringComparison.Ordinal) => "sensor",
        _ when component.StartsWith("kafka", StringComparison.Ordinal) => "broker",
        ResourceNames.Postgres => "database",
        "monitoring-api" => "API",
        "monitoring-web" => "web",
        _ => component,
    };

    internal static string Words(string kind) => kind switch
    {
        "kill" => "killed",
        "exit" => "ended by itself",
        "join" => "joined the group",
        "leave" => "left the group",
        "broker-down" or "database-down" => "down",
        "broker-up" or "database-up" => "up again",
        _ => kind,
    };
}
