using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <summary>A line through every point, for values that are few or that come at different intervals: no value is combined with another.</summary>
internal static class PointLine
{
    /// <summary>A longer pause than so many usual intervals is a gap.</summary>
    private const int Intervals = 4;

    private static readonly TimeSpan ShortestGap = TimeSpan.FromSeconds(3);

    /// <summary>Returns the position of a time; the middle if the axis has no length.</summary>
    public static double Share(DateTimeOffset at, DateTimeOffset from, DateTimeOffset to) => to > from ? Math.Clamp((at - from) / (to - from), 0, 1) : 0.5;

    /// <param name="points">Oldest first; X and Y in the coordinates of the picture.</param>
    /// <returns>The path; a point without a neighbor is a short stroke, because a path of one point is invisible.</returns>
    public static string Of(IReadOnlyList<(DateTimeOffset At, double X, double Y)> points)
    {
        var gap = Gap(points);
        var path = new StringBuilder();
        for (var i = 0; i < points.Count; i++)
        {
            var begins = i == 0 || points[i].At - points[i - 1].At > gap;
            path.Append(CultureInfo.InvariantCulture, $"{(begins ? 'M' : 'L')}{points[i].X:0.###} {points[i].Y:0.###}");
            if (begins && (i + 1 == points.Count || points[i + 1].At - points[i].At > gap)) path.Append("h2");
        }

        return path.ToString();
    }

    private static TimeSpan Gap(IReadOnlyList<(DateTimeOffset At, double X, double Y)> points)
    {
        var distances = points.Zip(points.Skip(1), (first, second) => second.At - first.At).Order().ToArray();
        return distances.Length > 0 && distances[distances.Length / 2] * Intervals is var usual && usual > ShortestGap ? usual : ShortestGap;
    }
}
