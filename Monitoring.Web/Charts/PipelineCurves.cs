using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <summary>The three curves of the overview, computed once per second for all pages.</summary>
public sealed record PipelineCurves(Curve Stored, Curve LatencyP50, Curve LatencyP95, Curve LatencyP99, Curve Lag)
{
    public static readonly PipelineCurves None = new(Curve.Empty, Curve.Empty, Curve.Empty, Curve.Empty, Curve.Empty);

    public static PipelineCurves Of(IReadOnlyList<HistoryPoint> history, DateTimeOffset now, TimeSpan window)
    {
        var from = now - window;

        // Percentiles share one scale so that their order is visible.
        var slowest = Curve.Of(history, point => point.At, point => point.LatencyP99Ms, from, now);
        return new(
            Curve.Of(history, point => point.At, point => point.StoredPerSecond, from, now),
            Curve.Of(history, point => point.At, point => point.LatencyP50Ms, from, now, slowest.Top),
            Curve.Of(history, point => point.At, point => point.LatencyP95Ms, from, now, slowest.Top),
            slowest,
            Curve.Of(history, point => point.At, point => point.Lag, from, now));
    }
}
