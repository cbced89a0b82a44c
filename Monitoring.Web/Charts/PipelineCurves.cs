using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <summary>The three curves of the overview; the live ones are computed once per second for all pages.</summary>
public sealed record PipelineCurves(Curve Stored, Curve LatencyP50, Curve LatencyP95, Curve LatencyP99, Curve Lag)
{
    public static readonly PipelineCurves None = new(Curve.Empty, Curve.Empty, Curve.Empty, Curve.Empty, Curve.Empty);

    /// <param name="interval">As of <see cref="Curve.Of"/>.</param>
    public static PipelineCurves Of(IReadOnlyList<HistoryPoint> history, DateTimeOffset from, DateTimeOffset to, TimeSpan interval = default)
    {
        // Percentiles share one scale so that their order is visible.
        var slowest = Draw(point => point.LatencyP99Ms);
        return new(
            Draw(point => point.StoredPerSecond), Draw(point => point.LatencyP50Ms, slowest.Top), Draw(point => point.LatencyP95Ms, slowest.Top), slowest,
            Draw(point => point.Lag));

        Curve Draw(Func<HistoryPoint, double?> value, double? scale = null) => Curve.Of(history, point => point.At, value, from, to, scale, interval);
    }
}
