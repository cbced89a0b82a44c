namespace FactoryMonitoring.Contracts;

/// <summary>
/// Counts of end-to-end latencies (time of production to committed row) in fixed buckets, so that those of several consumers and seconds
/// add up and a percentile of the sum is a measured one, exact to its bucket.
/// </summary>
public static class LatencyHistogram
{
    /// <summary>Upper bounds in milliseconds, inclusive; one more bucket stands for all above the last.</summary>
    public static readonly int[] UpperBoundsMs =
        [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500, 750,
         1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000];

    public static int BucketCount => UpperBoundsMs.Length + 1;

    /// <summary>Index of the bucket a latency falls into; a negative one (clocks apart) falls into the first.</summary>
    public static int BucketOf(double milliseconds)
    {
        var index = Array.BinarySearch(UpperBoundsMs, (int)Math.Min(Math.Ceiling(milliseconds), int.MaxValue));
        return index < 0 ? ~index : index;
    }

    /// <summary>The upper bound, in ms, of the bucket that holds the quantile; null where nothing was counted.</summary>
    /// <param name="counts">Counts per bucket, <see cref="BucketCount"/> long.</param>
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
