using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>The lag of the last 15 minutes, one point per measurement, by the database's clock. Not thread-safe.</summary>
internal sealed class LagHistory
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan RateOver = TimeSpan.FromSeconds(10.5);
    private static readonly TimeSpan LeastRateOver = TimeSpan.FromSeconds(2);

    private readonly Queue<LagPoint> _points = new();

    /// <summary>Oldest first.</summary>
    public IReadOnlyCollection<LagPoint> Points => _points;

    /// <summary>
    /// Time until the lag is 0, at the rate in messages at which it fell over the last 10 s; null while it does not fall, and before there are two points
    /// at least 2 s apart.
    /// </summary>
    public double? CatchUpSeconds
    {
        get
        {
            if (_points.Count == 0)
            {
                return null;
            }

            var last = _points.Last();
            var first = _points.First(point => last.At - point.At <= RateOver);
            var (fallen, span) = (first.Lag - last.Lag, last.At - first.At);
            return last.Lag == 0 ? 0 : fallen > 0 && span >= LeastRateOver ? last.Lag / (fallen / span.TotalSeconds) : null;
        }
    }

    public void Add(LagPoint point)
    {
        _points.Enqueue(point);
        while (point.At - _points.Peek().At > Kept)
        {
            _points.Dequeue();
        }
    }
}
