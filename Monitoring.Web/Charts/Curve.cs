using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <summary>A curve as an SVG path in a box of <see cref="Width"/> by <see cref="Height"/>; a gap in the values is a gap in the line.</summary>
/// <param name="Line">The path of the line; empty without values.</param>
/// <param name="Area">The path of the area below the line.</param>
/// <param name="Peak">The largest value.</param>
/// <param name="Top">The value at the top of the box; less than the peak if a spike would flatten all other values.</param>
/// <param name="PeakAt">The position of the peak, as a fraction of the width.</param>
/// <param name="Gaps">The ranges in which nothing was measured, as fractions of the width.</param>
public sealed record Curve(string Line, string Area, double? Peak, double? Least, double Top, double PeakAt, IReadOnlyList<(double From, double To)> Gaps)
{
    public const int Width = 600;
    public const int Height = 100;

    /// <summary>Maximum number of points that can be distinguished at the width of a panel.</summary>
    private const int MostBuckets = 150;

    public static readonly Curve Empty = new("", "", null, null, 0, 0, [(0, 1)]);

    /// <summary>Maximum number of buckets that can be outliers, which do not determine the scale.</summary>
    private const int Spike = 4;

    /// <summary>Buckets are outliers if the peak exceeds the highest of the others by this factor.</summary>
    private const double StandsOut = 4;

    /// <summary>Whether the peak is higher than the box.</summary>
    public bool IsCut => Peak > Top;

    /// <param name="scale">The value at the top; if null, it is determined from the values.</param>
    /// <param name="interval">The distance of two points if they are few: less than half of it is no gap.</param>
    public static Curve Of<T>(
        IEnumerable<T> points, Func<T, DateTimeOffset> at, Func<T, double?> value, DateTimeOffset from, DateTimeOffset to, double? scale = null, TimeSpan interval = default)
    {
        var count = interval > TimeSpan.Zero ? (int)Math.Clamp(Math.Round((to - from) / interval * 2), 2, MostBuckets) : MostBuckets;
        var buckets = new double?[count];
        var width = (to - from) / count;
        if (width.Ticks < 1) return Empty;
        foreach (var point in points)
        {
            var time = at(point);
            if (time < from || time > to || value(point) is not { } number) continue;

            // Buckets are aligned to the clock, so that an old point does not jitter as the window moves; a peak is never dropped.
            var bucket = (int)((time.UtcTicks / width.Ticks) - (from.UtcTicks / width.Ticks));
            bucket = Math.Clamp(bucket, 0, count - 1);
            buckets[bucket] = Math.Max(buckets[bucket] ?? number, number);
        }

        var peak = buckets.Max();
        if (peak is null) return Empty;
        var top = Math.Max(scale ?? Scale(buckets), double.Epsilon);
        var line = new StringBuilder();
        var area = new StringBuilder();
        var start = -1;
        for (var i = 0; i <= count; i++)
        {
            // A single empty bucket between two values results from the measurement interval and is not a gap.
            var filled = i < count && (buckets[i] is not null || (start >= 0 && i + 1 < count && buckets[i + 1] is not null));
            if (filled)
            {
                if (buckets[i] is not { } number) continue;
                line.Append(start < 0 ? 'M' : 'L');
                if (start < 0) start = i;
                Append(line, X(i, count), Y(number / top));
            }
            else if (start >= 0)
            {
                // A path of one point is invisible.
                if (start == i - 1) line.Append("h2");
                area.Append('M');
                Append(area, X(start, count), Height);
                for (var j = start; j < i; j++)
                {
                    if (buckets[j] is not { } number) continue;
                    area.Append('L');
                    Append(area, X(j, count), Y(number / top));
                }

                area.Append('L');
                Append(area, X(i - 1, count), Height);
                area.Append('Z');
                start = -1;
            }
        }

        return new(line.ToString(), area.ToString(), peak, buckets.Min(), top, (double)Array.IndexOf(buckets, peak) / (count - 1), Unmeasured(buckets));
    }

    /// <summary>Returns the peak or, if a few values would flatten all others, 1.5 times the highest of the others.</summary>
    private static double Scale(double?[] buckets)
    {
        double[] falling = [.. buckets.OfType<double>().OrderDescending()];
        return falling.Length > Spike && falling[Spike] is > 0 and var next && falling[0] > next * StandsOut ? next * 1.5 : falling[0];
    }

    /// <summary>Returns gaps of more than one empty bucket; the newest values may still be in transit.</summary>
    private static List<(double From, double To)> Unmeasured(double?[] buckets)
    {
        var gaps = new List<(double, double)>();
        var start = -1;
        for (var i = 0; i <= buckets.Length; i++)
        {
            if (i < buckets.Length && buckets[i] is null)
            {
                if (start < 0) start = i;
            }
            else if (start >= 0)
            {
                if (i - start > (i == buckets.Length ? 3 : 1)) gaps.Add((Share(start - 1), Share(i)));
                start = -1;
            }
        }

        return gaps;

        double Share(int bucket) => Math.Clamp((double)bucket / (buckets.Length - 1), 0, 1);
    }

    private static double X(int bucket, int count) => (double)bucket / (count - 1) * Width;

    private static double Y(double share) => Height - 2 - (Math.Clamp(share, 0, 1) * (Height - 6));

    private static void Append(StringBuilder path, double x, double y) =>
        path.Append(CultureInfo.InvariantCulture, $"{x:0.#} {y:0.#}");
}
