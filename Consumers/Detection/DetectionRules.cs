using System.Collections.Concurrent;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>What is held against the readings of one sensor_type, in the unit of the sensor that is judged; infinite where a rule does not apply.</summary>
/// <param name="Range">From the least to the most that the type measures; NaN where that is not known.</param>
/// <param name="DeadbandShare">Of the range, or of the limit where no range is known: an alert ends where the value is this much within its limit again.</param>
/// <param name="OnDelay">How long a rule must hold before it is an alert.</param>
/// <param name="OffDelay">How long it must no longer hold before its alert ends.</param>
internal sealed record TypeRules(
    double Warning,
    double Critical,
    int ConsecutiveHigh,
    double RapidChange,
    double BaselineDeviation,
    double Range,
    double DeadbandShare,
    TimeSpan OnDelay,
    TimeSpan OffDelay)
{
    /// <summary>By which <see cref="DetectionRules.Edition"/> it was made.</summary>
    public int Edition { get; init; }

    /// <summary>What is usual is learned from each sensor's own readings.</summary>
    public bool Learning { get; init; }

    /// <summary>Microseconds between two readings from which on the second counts as a whole one for what is learned.</summary>
    public double LearningStep { get; init; } = DetectionRules.DefaultLearningStep.TotalMicroseconds;

    /// <summary>The unit of the type's limits, which cannot be converted to the sensor's: none of them holds. Null where they do hold, or there are none.</summary>
    public string? OtherUnit { get; init; }

    /// <summary>How far within <paramref name="limit"/> a value must be for the alert to end.</summary>
    public double DeadbandAt(double limit) => DeadbandShare * (double.IsNaN(Range) ? Math.Abs(limit) : Range);

    /// <summary>The same rules for values in another unit.</summary>
    public TypeRules In(UnitConversion unit) => this with
    {
        Warning = unit.Of(Warning),
        Critical = unit.Of(Critical),
        RapidChange = Math.Abs(unit.Scale) * RapidChange,
        BaselineDeviation = Math.Abs(unit.Scale) * BaselineDeviation,
        Range = Math.Abs(unit.Scale) * Range,
    };

    /// <summary>For values in a unit that the type's cannot be converted to: the thresholds of its messages alone.</summary>
    public TypeRules WithoutLimits(string typeUnit) => this with
    {
        OtherUnit = typeUnit,
        Warning = double.PositiveInfinity,
        Critical = double.PositiveInfinity,
        RapidChange = double.PositiveInfinity,
        BaselineDeviation = double.PositiveInfinity,
        Range = double.NaN,
    };
}

/// <summary>
/// The rules by sensor_type: configuration wins over the catalog. A type that neither knows has the thresholds of its messages alone. New rules hold from
/// the next reading on.
/// </summary>
internal sealed class DetectionRules
{
    private const int DefaultConsecutiveHigh = 3;
    private const double DefaultDeadband = 0.02;

    public static readonly TimeSpan DefaultLearningStep = TimeSpan.FromMinutes(1);

    /// <summary>Units come from messages.</summary>
    private const int MaxConverted = 1_000;

    private static readonly TypeRules Unknown = new(
        double.PositiveInfinity,
        double.PositiveInfinity,
        DefaultConsecutiveHigh,
        double.PositiveInfinity,
        double.PositiveInfinity,
        double.NaN,
        DefaultDeadband,
        TimeSpan.Zero,
        TimeSpan.Zero);

    private volatile Book _book;

    public DetectionRules(DetectionOptions options) => _book = Read(options, 1);

    /// <summary>Counts how often the rules were replaced.</summary>
    public int Edition => _book.Edition;

    public TimeSpan NoDataAfter => _book.NoDataAfter;

    /// <summary>How long what is usual is learned before anything is unusual.</summary>
    public TimeSpan LearnFor => _book.LearnFor;

    /// <summary>Sensors of a partition that are judged.</summary>
    public int MaxSensors => _book.MaxSensors;

    /// <summary>The unit that the settings, or the catalog, give the limits of a type; null where neither does. For any thread.</summary>
    public string? UnitOf(string sensorType) => _book.Types.GetValueOrDefault(sensorType)?.Unit;

    /// <summary>For any thread.</summary>
    public void Replace(DetectionOptions options) => _book = Read(options, Edition + 1);

    /// <param name="unit">Of the values that are judged.</param>
    public TypeRules Of(string sensorType, string unit)
    {
        var book = _book;
        var type = book.Types.GetValueOrDefault(sensorType, book.Unknown);
        if (type.Unit is null || type.Unit == unit)
        {
            return type.Rules;
        }

        // Sensors share their rules, and to find a unit costs more than to judge a reading by far.
        if (!book.Converted.TryGetValue((sensorType, unit), out var rules))
        {
            rules = UnitConversion.Between(type.Unit, unit) is { } conversion ? type.Rules.In(conversion) : type.Rules.WithoutLimits(type.Unit);
            if (book.Converted.Count < MaxConverted)
            {
                book.Converted[(sensorType, unit)] = rules;
            }
        }

        return rules;
    }

    private static Book Read(DetectionOptions options, int edition)
    {
        var unknown = Unknown with { Edition = edition };
        var types = SensorCatalog.Types.Values.ToDictionary(type => type.Name, type => new UnitRules(
            type.Unit,
            unknown with
            {
                Warning = type.Warning,
                Critical = type.Critical,
                ConsecutiveHigh = type.ConsecutiveHigh,
                RapidChange = type.RapidChange,
                BaselineDeviation = type.BaselineDeviation,
                Range = type.Maximum - type.Minimum,
            }), StringComparer.OrdinalIgnoreCase);
        foreach (var (type, over) in options.Types)
        {
            var (unit, rules) = types.GetValueOrDefault(type, new UnitRules(null, unknown));
            types[type] = new(over.Unit ?? unit, rules with
            {
                Warning = over.WarningThreshold ?? rules.Warning,
                Critical = over.CriticalThreshold ?? rules.Critical,
                ConsecutiveHigh = over.ConsecutiveHigh ?? rules.ConsecutiveHigh,
                RapidChange = over.RapidChange ?? rules.RapidChange,
                BaselineDeviation = over.BaselineDeviation ?? rules.BaselineDeviation,
                Range = over.Maximum - over.Minimum ?? rules.Range,
                DeadbandShare = over.Deadband ?? rules.DeadbandShare,
                OnDelay = over.OnDelay ?? rules.OnDelay,
                OffDelay = over.OffDelay ?? rules.OffDelay,
                Learning = over.Learning ?? rules.Learning,
                LearningStep = over.LearningStep?.TotalMicroseconds ?? rules.LearningStep,
            });
        }

        return new(edition, options.NoDataAfter, options.LearnFor, options.MaxSensorsPerPartition, types, new UnitRules(null, unknown));
    }

    /// <param name="Unit">Of the rules; null where they hold in whatever unit a message has.</param>
    private sealed record UnitRules(string? Unit, TypeRules Rules);

    private sealed record Book(int Edition, TimeSpan NoDataAfter, TimeSpan LearnFor, int MaxSensors, IReadOnlyDictionary<string, UnitRules> Types, UnitRules Unknown)
    {
        /// <summary>By type and unit of sensors whose unit is not that of their type. For any thread.</summary>
        public ConcurrentDictionary<(string Type, string Unit), TypeRules> Converted { get; } = [];
    }
}
