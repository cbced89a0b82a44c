using System.Collections.Frozen;

namespace FactoryMonitoring.Contracts;

/// <summary>The severity of one reading against the thresholds that apply to it.</summary>
public enum AlertLevel : short
{
    Normal = 0,
    Warning = 1,
    Critical = 2,
}

/// <summary>The defaults of a sensor type.</summary>
/// <param name="Name">The sensor_type of messages.</param>
/// <param name="IdPrefix">Ids are <c>{IdPrefix}-sensor-001</c> and so on.</param>
/// <param name="Unit">Unit of every value below.</param>
/// <param name="Interval">Time between two readings of one sensor.</param>
/// <param name="ConsecutiveHigh">The number of consecutive readings at warning or worse that raises <c>consecutive_high_alerts</c>.</param>
/// <param name="RapidChange">A larger difference between consecutive readings raises <c>rapid_value_change</c>.</param>
/// <param name="BaselineDeviation">A larger distance from the mean of the 4 previous readings raises <c>baseline_deviation</c>.</param>
public sealed record SensorTypeInfo(
    string Name,
    string IdPrefix,
    string Unit,
    double Base,
    double Minimum,
    double Maximum,
    double Warning,
    double Critical,
    TimeSpan Interval,
    int ConsecutiveHigh,
    double RapidChange,
    double BaselineDeviation);

/// <summary>The five sensor types and their defaults.</summary>
public static class SensorCatalog
{
    public static readonly SensorTypeInfo Temperature =
        new("temperature", "temp", "°C", 25, 15, 45, 35, 40, TimeSpan.FromSeconds(3), 3, 10, 15);

    public static readonly SensorTypeInfo Vibration =
        new("vibration", "vib", "mm/s", 2, 0.5, 8, 5, 7, TimeSpan.FromSeconds(4), 2, 3, 2);

    public static readonly SensorTypeInfo Energy =
        new("energy", "energy", "kW", 100, 50, 200, 150, 180, TimeSpan.FromSeconds(10), 3, 50, 40);

    public static readonly SensorTypeInfo Humidity =
        new("humidity", "humid", "%", 45, 30, 70, 60, 65, TimeSpan.FromSeconds(5), 4, 15, 20);

    public static readonly SensorTypeInfo Pressure =
        new("pressure", "press", "hPa", 1013.25, 980, 1050, 1040, 1045, TimeSpan.FromSeconds(5), 3, 20, 30);

    /// <summary>All types by name.</summary>
    public static readonly FrozenDictionary<string, SensorTypeInfo> Types =
        new[] { Temperature, Vibration, Energy, Humidity, Pressure }.ToFrozenDictionary(type => type.Name);
}
