using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void No_bucket_is_wider_than_a_tenth_of_what_it_holds()
    {
        var bounds = LatencyHistogram.UpperBoundsMs;

        Assert.Equal((1, 60_000), (bounds[0], bounds[^1]));
        Assert.All(bounds.Zip(bounds.Skip(1)).Where(pair => pair.First >= 10), pair => Assert.InRange((double)(pair.Second - pair.First) / pair.First, 0.001, 0.1));
        Assert.All(bounds.Index(), bound => Assert.Equal(bound.Index, LatencyHistogram.BucketOf(bound.Item)));
        Assert.Equal((0, LatencyHistogram.BucketCount - 1), (LatencyHistogram.BucketOf(-5), LatencyHistogram.BucketOf(60_001)));
    }

    [Theory]
    [InlineData(0.5, 17)]
    [InlineData(0.95, 44)]
    [InlineData(0.99, 7_500)]
    public void A_quantile_is_the_bound_of_the_bucket_that_holds_it(double quantile, double milliseconds)
    {
        var counts = new long[LatencyHistogram.BucketOf(7_300) + 1];
        counts[LatencyHistogram.BucketOf(17)] = 90;
        counts[LatencyHistogram.BucketOf(43)] = 8;
        counts[LatencyHistogram.BucketOf(7_300)] = 2;

        Assert.Equal(milliseconds, LatencyHistogram.Quantile(counts, quantile));
    }
}
