using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Monitoring.Web.Sensors;

/// <summary>The newest values of a sensor as a small curve, from its lowest to its highest.</summary>
internal sealed record Trend(string Line, int Count, double Least, double Most, DateTimeOffset From)
{
    /// <param name="from">Readings that arrived before are left out.</param>
    /// <param name="to">Readings that arrived later are left out; null for none.</param>
    /// <returns>Null if there are no two readings of different times.</returns>
    public static Trend? Of(SensorDetailBody sensor, DateTimeOffset from, DateTimeOffset? to = null)
    {
        // Readings of one transaction arrived at the same time, but were taken one after the other.
        var byArrival = sensor.Sensor is null || SensorWords.IsByArrival(sensor.Sensor, sensor.Readings);
        var points = sensor.Readings.Where(reading => reading.ProcessingTimestamp >= from && (to is null || reading.ProcessingTimestamp <= to))
            .Select(reading => (At: byArrival ? reading.ProcessingTimestamp : reading.Timestamp, reading.Value)).OrderBy(point => point.At).ToArray();
        if (points.Length == 0 || points[^1].At <= points[0].At) return null;
        var (least, most) = (points.Min(point => point.Value), points.Max(point => point.Value));
        return new(PointLine.Of([.. points.Select(point => (point.At, PointLine.Share(point.At, points[0].At, points[^1].At) * Curve.Width, Y(point.Value)))]), points.Length, least, most, points[0].At);

        // A temperature does not begin at 0; a constant value is a line in the middle.
        double Y(double value) => Curve.Height * (most > least ? 0.96 - ((value - least) / (most - least) * 0.92) : 0.5);
    }
}
