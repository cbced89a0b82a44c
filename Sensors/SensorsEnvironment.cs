using System.Globalization;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Sensors;

/// <summary>Maps the environment variables of a sensor to section <c>Sensors</c>.</summary>
internal static class SensorsEnvironment
{
    public static void Map(IConfiguration configuration)
    {
        var section = configuration.GetSection(SensorsOptions.Section);
        Put(nameof(SensorsOptions.SensorType), configuration[EnvironmentNames.SensorType]);
        var isReplay = section["Replay:File"] is { Length: > 0 };
        if (isReplay)
        {
            // The replayed sensors may have any type; this is the type of the process.
            Put("Replay:SensorType", section["Replay:SensorType"] ?? section[nameof(SensorsOptions.SensorType)]);
            Put(nameof(SensorsOptions.SensorType), section["Replay:SensorType"] is { } replayed && SensorCatalog.Types.ContainsKey(replayed) ? replayed : SensorCatalog.Temperature.Name);
        }

        var type = section[nameof(SensorsOptions.SensorType)];
        Put(nameof(SensorsOptions.ProducerId),
            configuration[EnvironmentNames.ProducerId] ?? section[nameof(SensorsOptions.ProducerId)] ?? configuration["OTEL_SERVICE_NAME"] ?? $"{type}-sensor");
        Put(nameof(SensorsOptions.SensorId), configuration[EnvironmentNames.SensorId]);
        Put(nameof(SensorsOptions.SamplingInterval), Duration(configuration[EnvironmentNames.SamplingInterval]));
        Put(nameof(SensorsOptions.WarningThreshold), configuration[$"{type}_WARNING_THRESHOLD"]);
        Put(nameof(SensorsOptions.CriticalThreshold), configuration[$"{type}_CRITICAL_THRESHOLD"]);
        if (isReplay)
        {
            Put("Replay:SensorId", section["Replay:SensorId"] ?? section[nameof(SensorsOptions.SensorId)]);
            Put("Replay:WarningThreshold", section["Replay:WarningThreshold"] ?? section[nameof(SensorsOptions.WarningThreshold)]);
            Put("Replay:CriticalThreshold", section["Replay:CriticalThreshold"] ?? section[nameof(SensorsOptions.CriticalThreshold)]);
        }

        Put(nameof(SensorsOptions.FactorySection), configuration[EnvironmentNames.FactorySection]);
        Put(nameof(SensorsOptions.MachineId), configuration[EnvironmentNames.MachineId]);
        Put(nameof(SensorsOptions.Zone), configuration[EnvironmentNames.Zone]);
        Put(nameof(SensorsOptions.Topic), configuration[EnvironmentNames.SensorTopic]);

        void Put(string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                section[key] = value;
            }
        }
    }

    // The variable is in seconds, the setting is a TimeSpan; a value that is not a number is left to the binder, which names it in its error.
    private static string? Duration(string? seconds) =>
        double.TryParse(seconds, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < 1e9
            ? TimeSpan.FromSeconds(number).ToString("c", CultureInfo.InvariantCulture)
            : seconds;
}
