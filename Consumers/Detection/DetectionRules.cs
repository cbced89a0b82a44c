using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>What is held against the readings of one sensor_type; infinite where a rule does not apply.</summary>
internal sealed record TypeRules(double Warning, double Critical, int ConsecutiveHigh, double RapidChange, double BaselineDeviation);

/// <summary>The rules by sensor_type: configuration wins over the catalog. A type that neither knows has the thresholds of its messages alone.</summary>
internal sealed class DetectionRules
{
    private const int DefaultConsecutiveHigh = 3;

    private static readonly TypeRules Unknown = new(
        double.PositiveInfinity, double.PositiveInfinity, DefaultConsecutiveHigh, double.PositiveInfinity, double.PositiveInfinity);

    private readonly Dictionary<string, TypeRules> _types = [];

    public DetectionRules(DetectionOptions options)
    {
        NoDataAfter = options.NoDataAfter;
        MaxSensors = options.MaxSensorsPerPartition;
        foreach (var type in SensorCatalog.Types.Values)
        {
            _types[type.Name] = new TypeRules(type.Warning, type.Critical, type.ConsecutiveHigh, type.RapidChange, type.BaselineDeviation);
        }

        foreach (var (type, over) in options.Types)
        {
            var rules = Of(type);
            _types[type] = new TypeRules(
                over.WarningThreshold ?? rules.Warning,
                over.CriticalThreshold ?? rules.Critical,
                over.ConsecutiveHigh ?? rules.ConsecutiveHigh,
                over.RapidChange ?? rules.RapidChange,
                over.BaselineDeviation ?? rules.BaselineDeviation);
        }
    }

    public TimeSpan NoDataAfter { get; }

    /// <summary>Sensors of a partition that are judged.</summary>
    public int MaxSensors { get; }

    public TypeRules Of(string sensorType) => _types.GetValueOrDefault(sensorType, Unknown);
}
