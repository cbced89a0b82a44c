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

    /// <param name="partitions">All partitions that exist, also those nobody owned in the window.</param>
    /// <param name="active">The consumers that are alive; an owner that is not has stopped reading, whatever the database says.</param>
    public static Lanes Of(
        OwnershipBody ownership, IReadOnlyCollection<int> partitions, IReadOnlySet<string> active, DateTimeOffset now, TimeSpan window)
    {
        var from = now - window;
        double At(DateTimeOffset time) => Math.Clamp((time - from) / window, 0, 1);

        var rows = partitions.Union(ownership.Spans.Select(span => span.Partition)).Order().Select(partition =>
        {
            var spans = ownership.Spans.Where(span => span.Partition == partition).OrderBy(span => span.Generation).ToArray();
            return new Lane(partition, [.. spans.SelectMany((span, index) =>
                Pieces(span, index == 0 ? null : spans[index - 1], index + 1 < spans.Length ? spans[index + 1] : null, active, now))
                .Where(piece => piece.To > from)
                .Select(piece => new LanePiece(At(piece.From), At(piece.To), piece.ConsumerId, piece.Note, piece.Tip))
                .Where(piece => piece.To > piece.From)]);
        }).ToArray();
        LaneMark[] marks = [.. ownership.Marks.Where(mark => mark.At > from && mark.At <= now).OrderBy(mark => mark.At).Select(mark =>
            new LaneMark(At(mark.At), Label(mark.Kind), IsCritical(mark.Kind), $"{mark.ComponentId}: {Words(mark.Kind)}\n{Utc(mark.At)}{(mark.Detail is null ? "" : $"\n{mark.Detail}")}"))];
        return new(rows, marks, TicksOf(window));
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
                    $"P{span.Partition} waited {Duration(until - left)}{(span.RecoveredAt is null ? " so far" : "")}\nfrom {before.ConsumerId} ({before.EndedBy}) to {span.ConsumerId}\nsince {Utc(left)}");
            }

            if (span.RecoveredAt is null) yield break;
        }

        var dead = span.EndedAt is null && !active.Contains(span.ConsumerId);
        var ends = span.EndedAt ?? (dead ? span.LastCommitAt ?? begins : now);
        var note = dead && now - ends >= Seam ? $"silent {Duration(now - ends)}"
            : after is not null && (after.RecoveredAt ?? now) - ends is var stall && stall >= Seam ? $"stalled {Duration(stall)}"
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
        $"from {Utc(span.ClaimedAt)}{(span.EndedAt is null ? dead ? $", silent since {Utc(ends)}" : "" : $" to {Utc(ends)}, {span.EndedBy}")}",
        .. span.StallMs is { } stall ? [$"began after a stall of {DurationMs(stall)}"] : Array.Empty<string>(),
    ]);

    private static string Utc(DateTimeOffset at) => at.UtcDateTime.ToString("HH:mm:ss.f", System.Globalization.CultureInfo.InvariantCulture) + " UTC";

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

    private static string Label(string kind) => kind switch
    {
        "broker-down" => "broker",
        "broker-up" => "broker up",
        "database-down" => "database",
        "database-up" => "database up",
        _ => kind,
    };

    private static string Words(string kind) => kind switch
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
