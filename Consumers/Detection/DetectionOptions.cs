using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// What differs from the catalog, by sensor_type. Alerts are a function of the log only while every consumer of the group has the same.
/// </summary>
internal sealed class DetectionOptions
{
    public const string Section = "Detection";

    public Dictionary<string, RuleOptions> Types { get; init; } = [];

    /// <summary>Open alerts of a sensor that sent nothing for as long as this, and for five of its own intervals, end for want of data.</summary>
    public TimeSpan NoDataAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Sensors of one partition that are judged, about 500 bytes of memory each. Readings of more are stored alone; those that are silent make room.</summary>
    public int MaxSensorsPerPartition { get; set; } = 50_000;
}

/// <summary>Null leaves the catalog's value; values in the type's unit.</summary>
internal sealed class RuleOptions
{
    public double? WarningThreshold { get; set; }

    public double? CriticalThreshold { get; set; }

    public int? ConsecutiveHigh { get; set; }

    public double? RapidChange { get; set; }

    public double? BaselineDeviation { get; set; }
}

/// <summary>Adds the environment's TEMPERATURE_WARNING_THRESHOLD and its like to what the configuration says.</summary>
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
            : throw new OptionsValidationException(key, typeof(DetectionOptions), [$"{key} = {text}: allowed is a number"]);
    }
}

internal sealed class DetectionOptionsValidator : IValidateOptions<DetectionOptions>
{
    public ValidateOptionsResult Validate(string? name, DetectionOptions options)
    {
        if (options.NoDataAfter < TimeSpan.FromSeconds(1) || options.NoDataAfter > TimeSpan.FromDays(1))
        {
            return ValidateOptionsResult.Fail(
                $"{DetectionOptions.Section}:{nameof(options.NoDataAfter)} = {options.NoDataAfter}: allowed is 00:00:01 to 1.00:00:00");
        }

        if (options.MaxSensorsPerPartition is < 1 or > 1_000_000)
        {
            return ValidateOptionsResult.Fail(
                $"{DetectionOptions.Section}:{nameof(options.MaxSensorsPerPartition)} = {options.MaxSensorsPerPartition}: allowed is 1 to 1000000");
        }

        foreach (var (type, rules) in options.Types)
        {
            var key = $"{DetectionOptions.Section}:Types:{type}";
            if (rules.ConsecutiveHigh is < 1 or > 1000)
            {
                return ValidateOptionsResult.Fail($"{key}:{nameof(rules.ConsecutiveHigh)} = {rules.ConsecutiveHigh}: allowed is 1 to 1000");
            }

            if (rules.RapidChange <= 0 || rules.BaselineDeviation <= 0)
            {
                return ValidateOptionsResult.Fail(
                    $"{key}:{nameof(rules.RapidChange)} = {rules.RapidChange}, {nameof(rules.BaselineDeviation)} = {rules.BaselineDeviation}: allowed is a number above 0");
            }
        }

        return ValidateOptionsResult.Success;
    }
}
