using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using FactoryMonitoring.Sensors.Replay;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors;

/// <summary>Checks what attributes cannot: the thresholds against each other, and the file to be replayed.</summary>
internal sealed class SensorsSettingsCheck(CheckedFile file) : IValidateOptions<SensorsOptions>
{
    public ValidateOptionsResult Validate(string? name, SensorsOptions options)
    {
        if (options.SensorType is null || !SensorCatalog.Types.ContainsKey(options.SensorType))
        {
            return ValidateOptionsResult.Skip; // the generated validator reports it
        }

        if (!string.IsNullOrEmpty(options.Replay.File))
        {
            try
            {
                file.Plan(options.Replay);
                return ValidateOptionsResult.Success;
            }
            catch (ReplayFileException exception)
            {
                return ValidateOptionsResult.Fail($"Sensors:Replay:File = {options.Replay.File}: {exception.Message}");
            }
        }

        var thresholds = options.Thresholds;
        if (double.IsFinite(thresholds.Warning) && double.IsFinite(thresholds.Critical) && thresholds.Warning < thresholds.Critical)
        {
            return ValidateOptionsResult.Success;
        }

        var type = options.SensorType.ToUpperInvariant();
        return ValidateOptionsResult.Fail(string.Create(
            CultureInfo.InvariantCulture,
            $"{type}_WARNING_THRESHOLD = {thresholds.Warning}: must be a number below {type}_CRITICAL_THRESHOLD = {thresholds.Critical}"));
    }
}
