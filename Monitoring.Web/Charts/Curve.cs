using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <summary>A curve as an SVG path in a box of <see cref="Width"/> by <see cref="Height"/>; a gap in the values is a gap in the line.</summary>
/// <param name="Line">The path of the line; empty without values.</param>
/// <param name="Area">The path of what lies below it.</param>
/// <param name="Peak">The largest value, which touches the top unless the scale is larger.</param>
public sealed record Curve(string Line, string Area, double? Peak, double? Least)
{
    public const int Width = 600;
    public const int Height = 100;

    /// <summary>More points than this cannot be told apart at the width of a panel.</summary>
    private const int Buckets = 150;

    public static readonly Curve Empty = new("", "", null, null);

    /// <param name="scale">The value that touches the top; the peak where null.</param>
    public static Curve Of<T>(
        IEnumerable<T> points, Func<T, DateTimeOffset> at, Func<T, double?> value, DateTimeOffset from, DateTimeOffset to, double? scale = null)
    {
        var buckets = new double?[Buckets];
        var width = (to - from) / Buckets;
        foreach (var point in points)
        {
            var time = at(point);
            if (time < from || time > to || value(point) is not { } number) continue;

            // Buckets stand still on the clock, so that an old point does not dance as the window moves; a peak is never thinned away.
            var bucket = (int)((time.UtcTicks / width.Ticks) - (from.UtcTicks / width.Ticks));
            bucket = Math.Clamp(bucket, 0, Buckets - 1);
            buckets[bucket] = Math.Max(buckets[bucket] ?? number, number);
        }

        var peak = buckets.Max();
        if (peak is null) return Empty;
        var top = Math.Max(scale ?? peak.Value, double.Epsilon);
        var line = new StringBuilder();
        var area = new StringBuilder();
        var start = -1;
        for (var i = 0; i <= Buckets; i++)
        {
            // One silent bucket between two values is the rhythm of the measurement, not a gap.
            var filled = i < Buckets && (buckets[i] is not null || (start >= 0 && i + 1 < Buckets && buckets[i + 1] is not null));
            if (filled)
            {
                if (buckets[i] is not { } number) continue;
                line.Append(start < 0 ? 'M' : 'L');
                if (start < 0) start = i;
                Append(line, X(i), Y(number / top));
            }
            else if (start >= 0)
            {
                area.Append('M');
                Append(area, X(start), Height);
                for (var j = start; j < i; j++)
                {
                    if (buckets[j] is not { } number) continue;
                    area.Append('L');
                    Append(area, X(j), Y(number / top));
                }

                area.Append('L');
                Append(area, X(i - 1), Height);
                area.Append('Z');
                start = -1;
            }
        }

        return new(line.ToString(), area.ToString(), peak, buckets.Min());
    }

    private static double X(int bucket) => (double)bucket / (Buckets - 1) * Width;

    private static double Y(double share) => Height - 2 - (Math.Clamp(share, 0, 1) * (Height - 6));

    private static void Append(StringBuilder path, double x, double y) =>
        path.Append(CultureInfo.InvariantCulture, $"{x:0.#} {y:0.#}");
}
