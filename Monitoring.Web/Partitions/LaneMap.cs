using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>
/// Lanes of so many partitions that they have no room for words: a map of time and partition. One path holds all bars of an owner, and one all stalls, so that
/// 600 partitions are as few elements as there are owners.
/// </summary>
/// <param name="Paths">Each with the class that says whose it is; stalls last, above the bars.</param>
/// <param name="Names">Labels at the side, with the share of the height at which their lanes begin: some of the partitions, or, where the lanes are grouped
/// by owner, its mark and how many partitions it has.</param>
public sealed record LaneMap(IReadOnlyList<(string Class, string Data)> Paths, IReadOnlyList<(string Name, double At)> Names)
{
    /// <summary>From so many lanes on they are drawn as a map.</summary>
    public const int Least = 25;

    /// <summary>From so many lanes on they are grouped by their newest owners: lanes of a pixel each say nothing one by one.</summary>
    private const int LeastGrouped = 129;

    /// <summary>Of the picture's coordinates; a lane is 1 high.</summary>
    public const int Width = 1000;

    private const int MostNames = 12;

    private static readonly int[] Steps = [5, 10, 20];

    public static LaneMap Of(Lanes lanes)
    {
        var owners = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        var (stalls, outages) = (new StringBuilder(), new StringBuilder());
        var isGrouped = lanes.Rows.Count >= LeastGrouped;
        Lane[] rows = isGrouped ? [.. lanes.Rows.OrderBy(OwnerOf, StringComparer.Ordinal)] : [.. lanes.Rows];
        for (var row = 0; row < rows.Length; row++)
        {
            foreach (var piece in rows[row].Pieces)
            {
                var path = piece.ConsumerId is not { } owner ? piece.IsOutage ? outages : stalls
                    : owners.TryGetValue(Owners.Css(owner), out var known) ? known : owners[Owners.Css(owner)] = new();
                var (from, to) = ((int)(piece.From * Width), (int)Math.Ceiling(piece.To * Width));
                path.Append(CultureInfo.InvariantCulture, $"M{from} {row}h{Math.Max(2, to - from)}v1H{from}z");
            }
        }

        return new(
            [
                .. owners.Select(owner => ($"owned {owner.Key}", owner.Value.ToString())),
                .. new[] { ("outage", outages), ("waiting", stalls) }.Where(path => path.Item2.Length > 0).Select(path => (path.Item1, path.Item2.ToString())),
            ],
            [.. (isGrouped ? Groups(rows) : Some(rows)).Select(label => (label.Name, (double)label.Row / rows.Length))]);
    }

    /// <summary>Who reads it, or has read it last.</summary>
    private static string OwnerOf(Lane lane) => lane.Pieces.LastOrDefault(piece => piece.ConsumerId is not null)?.ConsumerId ?? "";

    private static IEnumerable<(string Name, int Row)> Groups(Lane[] rows)
    {
        var row = 0;
        foreach (var group in rows.GroupBy(OwnerOf))
        {
            yield return ($"{(group.Key.Length == 0 ? Display.Unknown : Owners.Mark(group.Key))}: {Display.Count(group.Count())}", row);
            row += group.Count();
        }
    }

    private static IEnumerable<(string Name, int Row)> Some(Lane[] rows)
    {
        var step = Steps.First(each => rows.Length / each <= MostNames);
        return rows.Select((lane, row) => ($"P{lane.Partition}", row)).Where(lane => lane.row % step == 0);
    }
}
