using System.Collections.Concurrent;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>The limits for the readings of one sensor_type, in the unit of the sensor that is judged; infinite if a rule does not apply.</summary>
/// <param name="Range">The width of the type's range; NaN if unknown.</param>
/// <param name="DeadbandShare">
/// A share of the range, or of the limit if the range is unknown: an alert ends when the value is this much within its limit again.
/// </param>
/// <param name="OnDelay">How long a rule must hold before it raises an alert.</param>
/// <param name="OffDelay">How long a rule must no longer hold before its alert ends.</param>
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
    /// <summary>The <see cref="DetectionRules.Edition"/> with which it was created.</summary>
    public int Edition { get; init; }

    /// <summary>Whether a baseline is learned from each sensor's readings.</summary>
    public bool Learning { get; init; }

    /// <summary>Microseconds between two readings from which on the second counts as a whole one for learning.</summary>
    public double LearningStep { get; init; } = DetectionRules.DefaultLearningStep.TotalMicroseconds;

    /// <summary>
    /// The unit of the type's limits, if it cannot be converted to the sensor's: none of the limits applies. Null if they apply, or there are none.
    /// </summary>
    public string? OtherUnit { get; init; }

    /// <summary>The lower end of the type's range; NaN if unknown.</summary>
    public double Minimum { get; init; } = double.NaN;

    /// <summary>Returns the deadband at a value.</summary>
    public double DeadbandAt(double value) => DeadbandShare * (double.IsNaN(Range) ? Math.Abs(value) : Range);

    /// <summary>
    /// Returns how far within <paramref name="limit"/> a value must be for the alert to end: the deadband, or half the way to the lowest value there can be if
    /// that is less, so that the alert can end at all.
    /// </summary>
    /// <param name="isDistance">Whether the limit is that of a step or a distance, which is never below 0.</param>
    public double DeadbandWithin(double limit, bool isDistance)
    {
        var deadband = DeadbandAt(limit);
        var room = isDistance ? limit : limit - Minimum;
        return room > 0 ? Math.Min(deadband, room / 2) : deadband;
    }

    /// <summary>Returns the same rules for values in another unit.</summary>
    public TypeRules In(UnitConversion unit) => this with
    {
        Warning = unit.Of(Warning),
        Critical = unit.Of(Critical),
        RapidChange = Math.Abs(unit.Scale) * RapidChange,
        BaselineDeviation = Math.Abs(unit.Scale) * BaselineDeviation,
        Range = Math.Abs(unit.Scale) * Range,
        Minimum = unit.Of(Minimum),
    };

    /// <summary>Returns the rules for values in a unit that the type's unit cannot be converted to: only the thresholds of the messages.</summary>
    public TypeRules WithoutLimits(string typeUnit) => this with
    {
        OtherUnit = typeUnit,
        Warning = double.PositiveInfinity,
        Critical = double.PositiveInfinity,
        RapidChange = double.PositiveInfinity,
        BaselineDeviation = double.PositiveInfinity,
        Range = double.NaN,
        Minimum = double.NaN,
    };
}

/// <summary>
/// The rules by sensor_type: configuration takes precedence over the catalog. A type in neither has only the thresholds of its messages. New rules apply from
/// the next reading on.
/// </summary>
internal sealed class DetectionRules
{
    private const int DefaultConsecutiveHigh = 3;
    private const double DefaultDeadband = 0.02;

    public static readonly TimeSpan DefaultLearningStep = TimeSpan.FromMinutes(1);

    /// <summary>Limits the cache, because units come from messages.</summary>
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

    /// <summary>How long a baseline is learned before any reading can be unusual.</summary>
    public TimeSpan LearnFor => _book.LearnFor;

    /// <summary>The maximum number of sensors judged in a partition.</summary>
    public int MaxSensors => _book.MaxSensors;

    /// <summary>Returns the unit of a type's limits from the settings or the catalog; null if neither has one. Thread-safe.</summary>
    public string? UnitOf(string sensorType) => _book.Types.GetValueOrDefault(sensorType)?.Unit;

    /// <summary>Thread-safe.</summary>
    public void Replace(DetectionOptions options) => _book = Read(options, Edition + 1);

    /// <param name="unit">The unit of the values that are judged.</param>
    public TypeRules Of(string sensorType, string unit)
    {
        var book = _book;
        var type = book.Types.GetValueOrDefault(sensorType, book.Unknown);
        if (type.Unit is null || type.Unit == unit)
        {
            return type.Rules;
        }

        // Sensors share their rules, because finding a unit costs far more than judging a reading.
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
                Minimum = type.Minimum,
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
                Minimum = over.Minimum ?? rules.Minimum,
                DeadbandShare = over.Deadband ?? rules.DeadbandShare,
                OnDelay = over.OnDelay ?? rules.OnDelay,
                OffDelay = over.OffDelay ?? rules.OffDelay,
                Learning = over.Learning ?? rules.Learning,
                LearningStep = over.LearningStep?.TotalMicroseconds ?? rules.LearningStep,
            });
        }

        return new(edition, options.NoDataAfter, options.LearnFor, options.MaxSensorsPerPartition, types, new UnitRules(null, unknown));
    }

    /// <param name="Unit">The unit of the rules; null if they apply to any unit that a message has.</param>
    private sealed record UnitRules(string? Unit, TypeRules Rules);

    private sealed record Book(int Edition, TimeSpan NoDataAfter, TimeSpan LearnFor, int MaxSensors, IReadOnlyDictionary<string, UnitRules> Types, UnitRules Unknown)
    {
        /// <summary>Rules by type and unit, for sensors whose unit is not their type's. Thread-safe.</summary>
        public ConcurrentDictionary<(string Type, string Unit), TypeRules> Converted { get; } = [];
    }
}
