using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>An object for each sensor, with the units beside the objects.</summary>
    private bool Tasmota(JsonElement root)
    {
        if (Has(root, "StatusSNS", JsonValueKind.Object))
        {
            return ReadTasmota(root.GetProperty("StatusSNS"), "StatusSNS/");
        }

        return ReadTasmota(root, "");
    }

    private bool ReadTasmota(JsonElement root, string place)
    {
        if (Text(root, "Time") is null || !(Text(root, "TempUnit") is not null || Text(root, "PressureUnit") is not null || Has(root, "ENERGY", JsonValueKind.Object) || place.Length > 0))
        {
            return false;
        }

        var degrees = Text(root, "TempUnit") switch
        {
            null or "C" => "°C",
            "F" => "°F",
            _ => null,
        };
        if (degrees is null)
        {
            return false;
        }

        MeasuredName? Meaning(string name) => name switch
        {
            "Temperature" => new(SensorCatalog.Temperature.Name, degrees, SensorCatalog.Temperature.Name, true),
            "Pressure" => new(SensorCatalog.Pressure.Name, Text(root, "PressureUnit") ?? "hPa", SensorCatalog.Pressure.Name, true),
            _ => null,
        };
        static MeasuredName? Metered(string name) => name switch
        {
            "Power" => new(SensorCatalog.Energy.Name, "W", SensorCatalog.Energy.Name, true),
            "Voltage" => new("voltage", "V", "voltage", true),
            "Current" => new("current", "A", "current", true),
            "Frequency" => new("frequency", "Hz", "frequency", true),
            _ => null,
        };

        var time = root.GetProperty("Time");
        foreach (var sensor in root.EnumerateObject().Where(sensor => sensor.Value.ValueKind == JsonValueKind.Object && sensor.Name != "ENERGY"))
        {
            // Of a sensor without an id the name always follows the record's key: a message lacks the sensors that did not answer.
            var id = Text(sensor.Value, "Id");
            _values.AddAll(sensor.Value, $"{place}{FormValues.Escaped(sensor.Name)}/", id, id is null ? sensor.Name : null, time, Meaning);
        }

        if (Has(root, "ENERGY", JsonValueKind.Object))
        {
            _values.AddAll(root.GetProperty("ENERGY"), $"{place}ENERGY/", time: time, name: Metered);
        }

        return true;
    }
}
