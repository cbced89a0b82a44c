namespace FactoryMonitoring.Contracts;

/// <summary>
/// Counts of end-to-end latencies (time of production to committed row) in fixed buckets. The counts of several consumers and seconds can be added,
/// and a percentile of the sum is a measured one, exact to its bucket.
/// </summary>
public static class LatencyHistogram
{
    private const int Most = 60_000;

    /// <summary>
    /// Upper bounds in milliseconds, inclusive: 1, 2, 3 … 20, 22 … 50, 55 … 100, and so on in each power of ten, so that no bucket is wider than a tenth of the
    /// values in it. One more bucket counts everything above the last bound, 60,000.
    /// </summary>
    public static readonly int[] UpperBoundsMs = [.. Bounds()];

    public static int BucketCount => UpperBoundsMs.Length + 1;

    private static IEnumerable<int> Bounds()
    {
        var power = 1;
        for (var bound = 1; bound <= Most; bound += bound < 20 * power ? power : bound < 50 * power ? 2 * power : 5 * power)
        {
            power = bound == 100 * power ? bound / 10 : power;
            yield return bound;
        }
    }

    /// <summary>Returns the index of a latency's bucket; a negative latency (clock skew) falls into the first.</summary>
    public static int BucketOf(double milliseconds)
    {
        var index = Array.BinarySearch(UpperBoundsMs, (int)Math.Min(Math.Ceiling(milliseconds), int.MaxValue));
        return index < 0 ? ~index : index;
    }

    /// <summary>Returns the upper bound, in ms, of the bucket that holds the quantile; null if nothing was counted.</summary>
    /// <param name="counts">Counts per bucket, at most <see cref="BucketCount"/> long; missing ones at the end are 0.</param>
    /// <param name="quantile">Between 0 and 1.</param>
    public static double? Quantile(ReadOnlySpan<long> counts, double quantile)
    {
        long total = 0;
        foreach (var count in counts)
        {
            total += count;
        }

        if (total == 0)
        {
            return null;
        }

        var rank = Math.Max(1, (long)Math.Ceiling(quantile * total));
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= rank)
            {
                return UpperBoundsMs[Math.Min(i, UpperBoundsMs.Length - 1)];
            }
        }

        return UpperBoundsMs[^1];
    }
}
