using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;
using static System.FormattableString;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// Settings by sensor_type that override the catalog or add types to it. Alerts are a function of the log only if every consumer of the group has the same
/// settings.
/// </summary>
internal sealed class DetectionOptions
{
    public const string Section = "Detection";

    public Dictionary<string, RuleOptions> Types { get; init; } = [];

    /// <summary>
    /// Open alerts of a sensor that sent nothing for this long, and for five of its intervals, end for lack of data.
    /// </summary>
    public TimeSpan NoDataAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a baseline is learned from a sensor's readings before any of them can be unusual.</summary>
    public TimeSpan LearnFor { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// The maximum number of sensors judged in one partition, about 500 bytes of memory each. Readings of further sensors are only stored; silent sensors are
    /// evicted.
    /// </summary>
    public int MaxSensorsPerPartition { get; set; } = 50_000;
}

/// <summary>Null keeps the catalog's value; values in <see cref="Unit"/>.</summary>
internal sealed class RuleOptions
{
    /// <summary>
    /// The unit of the values here. Readings in another unit are judged by converted limits; null for a type that is not in the catalog means that units are
    /// ignored.
    /// </summary>
    public string? Unit { get; set; }

    /// <summary>The lower end of the type's range.</summary>
    public double? Minimum { get; set; }

    /// <summary>The upper end of the type's range.</summary>
    public double? Maximum { get; set; }

    public double? WarningThreshold { get; set; }

    public double? CriticalThreshold { get; set; }

    public int? ConsecutiveHigh { get; set; }

    public double? RapidChange { get; set; }

    public double? BaselineDeviation { get; set; }

    /// <summary>Whether a baseline is learned from each sensor's readings.</summary>
    public bool? Learning { get; set; }

    /// <summary>A reading counts as one for learning if this much time has passed since the one before, otherwise as that share of one.</summary>
    public TimeSpan? LearningStep { get; set; }

    /// <summary>A share of the range: an alert ends when the value is this much within its limit again.</summary>
    public double? Deadband { get; set; }

    /// <summary>How long a rule must hold, by the records' timestamps, before it raises an alert.</summary>
    public TimeSpan? OnDelay { get; set; }

    /// <summary>How long a rule must no longer hold before its alert ends.</summary>
    public TimeSpan? OffDelay { get; set; }
}

/// <summary>Reads the types again, each separately: in a dictionary, the binder silently omits entries that it cannot read.</summary>
internal sealed class TypeSettings(IConfiguration configuration) : IPostConfigureOptions<DetectionOptions>
{
    /// <exception cref="InvalidOperationException">A value cannot be read; the message names key, value and type.</exception>
    /// <exception cref="OptionsValidationException">A switch is neither on nor off.</exception>
    public void PostConfigure(string? name, DetectionOptions options)
    {
        foreach (var type in configuration.GetSection($"{DetectionOptions.Section}:{nameof(options.Types)}").GetChildren())
        {
            if (type[nameof(RuleOptions.Learning)] is { Length: > 0 } learning && !bool.TryParse(learning, out _))
            {
                var key = $"{type.Path}:{nameof(RuleOptions.Learning)}";
                throw new OptionsValidationException(key, typeof(DetectionOptions), [$"{key} = {learning}: must be true or false"]);
            }

            options.Types[type.Key] = type.Get<RuleOptions>() ?? new RuleOptions();
        }
    }
}

/// <summary>Adds TEMPERATURE_WARNING_THRESHOLD and similar environment variables to the configuration.</summary>
internal sealed class ThresholdVariables(IConfiguration configuration) : IPostConfigureOptions<DetectionOptions>
{
    public void PostConfigure(string? name, DetectionOptions options)
    {
        foreach (var type in SensorCatalog.Types.Keys)
        {
            var variables = type.ToUpperInvariant();
            if (Read($"{variables}_WARNING_THRESHOLD") is { } warning)
            {
                RulesOf(options, type).WarningThreshold = warning;
            }

            if (Read($"{variables}_CRITICAL_THRESHOLD") is { } critical)
            {
                RulesOf(options, type).CriticalThreshold = critical;
            }
        }
    }

    private static RuleOptions RulesOf(DetectionOptions options, string type)
    {
        if (!options.Types.TryGetValue(type, out var rules))
        {
            options.Types[type] = rules = new RuleOptions();
        }

        return rules;
    }

    private double? Read(string key)
    {
        var text = configuration[key];
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : throw new OptionsValidationException(key, typeof(DetectionOptions), [$"{key} = {text}: must be a number"]);
    }
}

internal sealed class DetectionOptionsValidator : IValidateOptions<DetectionOptions>
{
    public ValidateOptionsResult Validate(string? name, DetectionOptions options)
    {
        if (options.NoDataAfter < TimeSpan.FromSeconds(1) || options.NoDataAfter > TimeSpan.FromDays(1))
        {
            return ValidateOptionsResult.Fail(
                $"{DetectionOptions.Section}:{nameof(options.NoDataAfter)} = {options.NoDataAfter}: must be between 00:00:01 and 1.00:00:00");
        }

        if (options.LearnFor < TimeSpan.Zero || options.LearnFor > TimeSpan.FromDays(30))
        {
            return ValidateOptionsResult.Fail(
                $"{DetectionOptions.Section}:{nameof(options.LearnFor)} = {options.LearnFor}: must be between 00:00:00 and 30.00:00:00");
        }

        if (options.MaxSensorsPerPartition is < 1 or > 1_000_000)
        {
            return ValidateOptionsResult.Fail(
                $"{DetectionOptions.Section}:{nameof(options.MaxSensorsPerPartition)} = {options.MaxSensorsPerPartition}: must be between 1 and 1000000");
        }

        foreach (var (type, rules) in options.Types)
        {
            var key = $"{DetectionOptions.Section}:Types:{type}";
            if (rules.ConsecutiveHigh is < 1 or > 1000)
            {
                return ValidateOptionsResult.Fail($"{key}:{nameof(rules.ConsecutiveHigh)} = {rules.ConsecutiveHigh}: must be between 1 and 1000");
            }

            if (rules.RapidChange <= 0 || rules.BaselineDeviation <= 0)
            {
                return ValidateOptionsResult.Fail(
                    $"{key}:{nameof(rules.RapidChange)} = {rules.RapidChange}, {nameof(rules.BaselineDeviation)} = {rules.BaselineDeviation}: must be a number above 0");
            }

            if (rules.Minimum is null != rules.Maximum is null || rules.Minimum >= rules.Maximum)
            {
                return ValidateOptionsResult.Fail(
                    $"{key}:{nameof(rules.Minimum)} = {Or(rules.Minimum)}, {nameof(rules.Maximum)} = {Or(rules.Maximum)}: must both be set, the first less than the second");
            }

            if (rules.Deadband is < 0 or > 0.5)
            {
                return ValidateOptionsResult.Fail(Invariant($"{key}:{nameof(rules.Deadband)} = {rules.Deadband}: must be between 0 and 0.5, a share of the range"));
            }

            if (IsTooLong(rules.OnDelay) || IsTooLong(rules.OffDelay))
            {
                return ValidateOptionsResult.Fail(
                    $"{key}:{nameof(rules.OnDelay)} = {rules.OnDelay}, {nameof(rules.OffDelay)} = {rules.OffDelay}: must be between 00:00:00 and 1.00:00:00");
            }

            var known = SensorCatalog.Types.Values.FirstOrDefault(one => one.Name.Equals(type, StringComparison.OrdinalIgnoreCase));
            var (warning, critical) = (rules.WarningThreshold ?? known?.Warning, rules.CriticalThreshold ?? known?.Critical);
            if (warning > critical)
            {
                // The error names the setting that is set; if both are, the first.
                var (set, value, wanted) = rules.WarningThreshold is not null ? (nameof(rules.WarningThreshold), warning, $"at most {nameof(rules.CriticalThreshold)}, which is {Or(critical)}")
                    : (nameof(rules.CriticalThreshold), critical, $"at least {nameof(rules.WarningThreshold)}, which is {Or(warning)}");
                return ValidateOptionsResult.Fail($"{key}:{set} = {Or(value)}: must be {wanted}{(rules.WarningThreshold is null || rules.CriticalThreshold is null ? " by default; set both" : "")}");
            }

            if (rules.WarningThreshold is { } low && !double.IsFinite(low) || rules.CriticalThreshold is { } high && !double.IsFinite(high))
            {
                return ValidateOptionsResult.Fail(
                    $"{key}:{nameof(rules.WarningThreshold)} = {Or(rules.WarningThreshold)}, {nameof(rules.CriticalThreshold)} = {Or(rules.CriticalThreshold)}: must be numbers");
            }

            if (rules.LearningStep is { } step && (step < TimeSpan.Zero || step > TimeSpan.FromHours(1)))
            {
                return ValidateOptionsResult.Fail($"{key}:{nameof(rules.LearningStep)} = {step}: must be between 00:00:00 and 01:00:00");
            }

            if (rules.Unit is { } unit && (string.IsNullOrWhiteSpace(unit) || unit.Length > 50))
            {
                return ValidateOptionsResult.Fail($"{key}:{nameof(rules.Unit)} = {unit}: must have 1 to 50 characters");
            }
        }

        return ValidateOptionsResult.Success;
    }

    private static bool IsTooLong(TimeSpan? delay) => delay is { } known && (known < TimeSpan.Zero || known > TimeSpan.FromDays(1));

    private static string Or(double? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "(not set)";
}
