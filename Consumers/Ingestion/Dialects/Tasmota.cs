using System.Buffers;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Telemetry of Tasmota's firmware: an object for each sensor, and their units beside them.</summary>
internal static class Tasmota
{
    private static readonly string[] Measured = ["Temperature", "Humidity", "Pressure"];

    /// <summary>By the names that Tasmota gives the units of temperature and pressure, the units of the types.</summary>
    public static IReadOnlyDictionary<string, Dictionary<string, string>> Units { get; } = (
        from temperature in ((string Name, string Unit)[])[("C", "°C"), ("F", "°F")]
        from pressure in ((string Name, string Unit)[])[("hPa", "hPa"), ("mmHg", "mmHg"), ("inHg", "inHg")]
        select (Key: Key(temperature.Name, pressure.Name), Units: new Dictionary<string, string>
        {
            [SensorCatalog.Temperature.Name] = temperature.Unit, [SensorCatalog.Pressure.Name] = pressure.Unit,
        })).ToDictionary(pair => pair.Key, pair => pair.Units);

    /// <summary>Finds the sensors of a message: an array of objects with time, values and, where the sensor has one, its id.</summary>
    /// <param name="units">A key of <see cref="Units"/>.</param>
    /// <returns>False where it is none, or several of its sensors have no id, so that the record's key cannot name them.</returns>
    public static bool ToReadings(JsonElement message, out string units, out byte[] readings)
    {
        (units, readings) = ("", []);
        if (Text(message, "Time") is not { } time || (Text(message, "TempUnit") ?? Text(message, "PressureUnit")) is null)
        {
            return false;
        }

        units = Key(Text(message, "TempUnit") ?? "C", Text(message, "PressureUnit") ?? "hPa");
        var sensors = message.EnumerateObject().Select(member => member.Value)
            .Where(sensor => sensor.ValueKind == JsonValueKind.Object && Measured.Any(measured => Has(sensor, measured))).ToList();
        if (sensors.Count == 0 || sensors.Count(sensor => Text(sensor, "Id") is null) > 1 || !Units.ContainsKey(units))
        {
            return false;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartArray();
        foreach (var sensor in sensors)
        {
            json.WriteStartObject();
            json.WriteString("time", time);
            if (Text(sensor, "Id") is { } id)
            {
                json.WriteString("sensor_id", id);
            }

            foreach (var measured in Measured)
            {
                if (Has(sensor, measured))
                {
                    json.WritePropertyName(measured);
                    sensor.GetProperty(measured).WriteTo(json);
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        readings = buffer.WrittenSpan.ToArray();
        return true;
    }

    /// <summary>A sensor that does not answer has a null in place of a value.</summary>
    private static bool Has(JsonElement sensor, string measured) => sensor.TryGetProperty(measured, out var value) && value.ValueKind != JsonValueKind.Null;

    private static string Key(string temperature, string pressure) => $"{temperature} {pressure}";

    private static string? Text(JsonElement message, string name) =>
        message.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
