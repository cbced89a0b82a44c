using FactoryMonitoring.Monitoring.Api.Status;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>The lag of the last quarter of an hour, one point per measurement, by the database's clock. Not safe for several threads.</summary>
internal sealed class LagHistory
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(15);

    private readonly Queue<LagPoint> _points = new();

    /// <summary>Oldest first.</summary>
    public IReadOnlyCollection<LagPoint> Points => _points;

    public void Add(LagPoint point)
    {
        _points.Enqueue(point);
        while (point.At - _points.Peek().At > Kept)
        {
            _points.Dequeue();
        }
    }
}
