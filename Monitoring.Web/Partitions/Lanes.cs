using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>A piece of a lane; <see cref="From"/> and <see cref="To"/> are shares of the window.</summary>
/// <param name="ConsumerId">The owner; null of a stall.</param>
/// <param name="Note">Stands at the right end of the piece.</param>
/// <param name="Tip">All that is known of it, a line each.</param>
public sealed record LanePiece(double From, double To, string? ConsumerId, string? Note, string Tip);

public sealed record Lane(int Partition, IReadOnlyList<LanePiece> Pieces);

/// <param name="Critical">Something went down.</param>
public sealed record LaneMark(double At, string Label, bool Critical, string Tip);

/// <summary>Who owned what, as a picture: lanes of bars and stalls, marks, and the ticks of the axis.</summary>
public sealed record Lanes(IReadOnlyList<Lane> Rows, IReadOnlyList<LaneMark> Marks, IReadOnlyList<(double At, string Label)> Ticks)
{
    /// <summary>Shorter than this a handover is a seam, not a stall worth a box.</summary>
    private static readonly TimeSpan Seam = TimeSpan.FromSeconds(1);

    /// <summary>Marks closer than this share of the width are one.</summary>
    private const double Apart = 0.012;

    private const int MostInTip = 8;

    /// <param name="partitions">All partitions that exist, also those nobody owned in the window.</param>
    /// <param name="active">The consumers that are alive; an owner that is not has stopped reading, whatever the database says.</param>
    public static Lanes Of(
        OwnershipBody ownership, IReadOnlyCollection<int> partitions, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan window)
    {
        var from = now - window;
        var outages = Outages(ownership.Marks, now);
        double At(DateTimeOffset time) => Math.Clamp((time - from) / window, 0, 1);

        var rows = partitions.Union(ownership.Spans.Select(span => span.Partition)).Order().Select(partition =>
        {
            var spans = ownership.Spans.Where(span => span.Partition == partition).OrderBy(span => span.Generation).ToArray();
            return new Lane(partition, [.. spans.SelectMany((span, index) =>
                Pieces(span, index == 0 ? null : spans[index - 1], index + 1 < spans.Length ? spans[index + 1] : null, active, now))
                .Concat(outages)
                .Where(piece => piece.To > from)
                .Select(piece => new LanePiece(At(piece.From), At(piece.To), piece.ConsumerId, piece.Note, piece.Tip))
                .Where(piece => piece.To > piece.From)]);
        }).ToArray();
        return new(rows, Together(ownership.Marks.Where(mark => mark.At > from && mark.At <= now).OrderBy(mark => mark.At), At), TicksOf(window));
    }

    /// <summary>What happened so close together that it cannot be told apart in the picture is one mark, which tells of all of it.</summary>
    private static LaneMark[] Together(IEnumerable<TimelineMark> marks, Func<DateTimeOffset, double> at)
    {
        var groups = new List<List<TimelineMark>>();
        foreach (var mark in marks)
        {
            if (groups is [.., var last] && IsCritical(last[0].Kind) == IsCritical(mark.Kind) && at(mark.At) - at(last[0].At) < Apart) last.Add(mark);
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
        // That what was killed is down goes without saying.
        foreach (var part in (string[])["broker", "database"])
        {
            if (labels.ContainsKey($"{part} killed")) labels.Remove($"{part} down");
        }

        var (first, count) = labels.First();
        return $"{(count == 1 ? "" : $"{count} × ")}{first}{(labels.Count == 1 ? "" : $" + {labels.Count - 1}")}";
    }

    // While the database is away nothing is stored, whoever owns the partition.
    private static (DateTimeOffset From, DateTimeOffset To, string? ConsumerId, string? Note, string Tip)[] Outages(IReadOnlyList<TimelineMark> marks, DateTimeOffset now)
    {
        var outages = new List<(DateTimeOffset, DateTimeOffset, string?, string?, string)>();
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

        static (DateTimeOffset, DateTimeOffset, string?, string?, string) Outage(DateTimeOffset from, DateTimeOffset to) =>
            (from, to, null, $"{Duration(to - from)}", $"the database was away for {Duration(to - from)}: nothing could be stored\nsince {Iso(from)}");
    }

    private static IEnumerable<(DateTimeOffset From, DateTimeOffset To, string? ConsumerId, string? Note, string Tip)> Pieces(
        OwnershipSpan span, OwnershipSpan? before, OwnershipSpan? after, IReadOnlySet<string> active, DateTimeOffset now)
    {
        var begins = span.RecoveredAt ?? span.ClaimedAt;
        if (before?.EndedAt is { } left)
        {
            // Until its new owner has stored a record, or stands at the end of the log, a partition waits.
            var until = span.RecoveredAt ?? span.EndedAt ?? now;
            if (until - left >= Seam)
            {
                yield return (left, until, null, null,
                    $"P{span.Partition} waited {Duration(until - left)}{(span.RecoveredAt is null ? " so far" : "")}\nfrom {before.ConsumerId} ({before.EndedBy}) to {span.ConsumerId}\nsince {Iso(left)}");
            }

            if (span.RecoveredAt is null) yield break;
        }

        var dead = span.EndedAt is null && !active.Contains(span.ConsumerId);
        var ends = span.EndedAt ?? (dead ? span.LastCommitAt ?? begins : now);
        var note = dead && now - ends >= Seam ? $"silent {Duration(now - ends)}"
            : after is not null && (after.RecoveredAt ?? after.EndedAt ?? now) - ends is var stall && stall >= Seam ? $"stalled {Duration(stall)}"
            : null;
        yield return (begins, ends, span.ConsumerId, note, Describe(span, dead, ends));
        if (dead && after is null && now - ends >= Seam)
        {
            yield return (ends, now, null, null, $"P{span.Partition} waits\n{span.ConsumerId} has stored nothing for {Duration(now - ends)}");
        }
    }

    private static string Describe(OwnershipSpan span, bool dead, DateTimeOffset ends) => string.Join('\n',
    [
        $"P{span.Partition}: {span.ConsumerId}",
        $"generation {Count(span.Generation)} · {Plural(span.Stored, "reading")} stored",
        $"from {Iso(span.ClaimedAt)}{(span.EndedAt is null ? dead ? $", silent since {Iso(ends)}" : "" : $" to {Iso(ends)}, {span.EndedBy}")}",
        .. span.StallMs is { } stall ? [$"began after a stall of {DurationMs(stall)}"] : Array.Empty<string>(),
    ]);


    private static IReadOnlyList<(double, string)> TicksOf(TimeSpan window)
    {
        var (count, step, unit) = window.TotalMinutes switch
        {
            <= 1 => (6, 10, "s"),
            <= 5 => (5, 1, "min"),
            <= 60 => (6, 10, "min"),
            _ => (6, 4, "h"),
        };
        return [.. Enumerable.Range(0, count).Select(i => ((double)i / count, $"−{(count - i) * step}\u00a0{unit}"))];
    }

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
