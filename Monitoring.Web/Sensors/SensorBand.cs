using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Sensors;

/// <summary>The scale on which a sensor's value is shown: its type's usual range or, for an own type or unit, the surroundings of its value and thresholds.</summary>
/// <param name="Low">The value at the left end.</param>
/// <param name="High">The value at the right end.</param>
internal sealed record SensorBand(double Low, double High, double? Warning, double? Critical)
{
    /// <summary>The ends are multiples of a power of ten, of which the band has at least so many.</summary>
    private const double Parts = 10;

    /// <returns>Null if the sensor has no threshold.</returns>
    public static SensorBand? Of(SensorBody sensor)
    {
        var (warning, critical) = (SensorWords.Warning(sensor), SensorWords.Critical(sensor));
        if (warning is null && critical is null) return null;
        // The usual range is known only in the unit of the type.
        var usual = SensorCatalog.Types.TryGetValue(sensor.SensorType, out var known) && known.Unit == sensor.Unit ? known : null;
        double[] shown = [sensor.LastValue, .. new[] { warning, critical, usual?.Minimum, usual?.Maximum }.OfType<double>()];
        var (low, high) = (shown.Min(), shown.Max());
        if (usual is null)
        {
            var margin = high > low ? (high - low) / 2 : Math.Max(Math.Abs(high), 1) / 2;
            (low, high) = (low - margin, high + margin);
        }

        var step = Math.Pow(10, Math.Floor(Math.Log10((high - low) / Parts)));
        return new(Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, warning, critical);
    }

    /// <summary>Returns the position of a value as a fraction of the width.</summary>
    public double Share(double value) => Math.Clamp((value - Low) / (High - Low), 0, 1);
}
