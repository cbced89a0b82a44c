using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>The lag of each partition at one moment, in messages; without partitions whose lag was not known.</summary>
public sealed record LagSample(DateTimeOffset At, IReadOnlyDictionary<int, long> Partitions)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    /// <summary>The time over which a trend is computed.</summary>
    private static readonly TimeSpan TrendOver = TimeSpan.FromSeconds(10.5);

    /// <summary>Adds the present lag if the newest sample is old enough.</summary>
    internal static IReadOnlyList<LagSample> Add(IReadOnlyList<LagSample> known, ClusterBody cluster, DateTimeOffset now) =>
        known is [.., { } last] && now - last.At < Every
            ? known
            : [.. known.Where(each => now - each.At <= Kept), new(now, cluster.Partitions.Where(each => each.Lag is not null).ToDictionary(each => each.Partition, each => each.Lag!.Value))];

    /// <summary>Returns the total lag of these partitions at each moment at which all of them were known.</summary>
    internal static IReadOnlyList<(DateTimeOffset At, long Lag)> Of(IReadOnlyList<LagSample> samples, IReadOnlyList<int> partitions) => partitions.Count == 0
        ? []
        : [.. samples.Where(sample => partitions.All(sample.Partitions.ContainsKey)).Select(sample => (sample.At, partitions.Sum(partition => sample.Partitions[partition])))];

    /// <summary>Returns the recent growth of the lag, in messages per second; null before there are two samples.</summary>
    internal static double? Trend(IReadOnlyList<(DateTimeOffset At, long Lag)> lags)
    {
        if (lags is not [.., var last]) return null;
        var first = lags.First(each => last.At - each.At <= TrendOver);
        return last.At > first.At ? (last.Lag - first.Lag) / (last.At - first.At).TotalSeconds : null;
    }
}
