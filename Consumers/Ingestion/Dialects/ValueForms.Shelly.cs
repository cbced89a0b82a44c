using System.Globalization;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>Components by name and number (second generation), or the status of the first generation, whose device is its MAC address.</summary>
    private bool Shelly(JsonElement root)
    {
        var isNotice = Text(root, "method") is { } method && method.StartsWith("Notify", StringComparison.Ordinal) && Has(root, "params", JsonValueKind.Object);
        var (status, place) = isNotice ? (root.GetProperty("params"), "params/") : (root, "");
        var components = status.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object && IsComponent(member.Name)).ToList();
        if (components.Count > 0)
        {
            foreach (var component in components)
            {
                ReadComponent(component.Value, $"{place}{FormValues.Escaped(component.Name)}/", Text(root, "src"), component.Name, Member(status, "ts"));
            }

            return true;
        }

        if (!(Has(root, "mac", JsonValueKind.String) && Has(root, "unixtime", JsonValueKind.Number)))
        {
            return false;
        }

        var (mac, time) = (Text(root, "mac")!, root.GetProperty("unixtime"));
        foreach (var member in root.EnumerateObject())
        {
            var at = FormValues.Escaped(member.Name);
            if (member.Name is "tmp" && member.Value.ValueKind == JsonValueKind.Object)
            {
                if (Member(member.Value, "tC") is null && Member(member.Value, "tF") is null && member.Value.TryGetProperty("value", out var degrees))
                {
                    _values.Add($"{at}/value", Warmth(UnitMembers.Of(member.Value)), degrees, mac, "temperature", time, FormValues.IsInvalid(member.Value) ? 0 : null);
                    continue;
                }

                ReadComponent(member.Value, $"{at}/", mac, null, time);
            }
            else if (member.Name is "hum" && Has(root, "hum", JsonValueKind.Object) && member.Value.TryGetProperty("value", out var humidity))
            {
                _values.Add($"{at}/value", Humidity, humidity, mac, "humidity", time, FormValues.IsInvalid(member.Value) ? 0 : null);
            }
            else if (member.Name is "ext_temperature" or "ext_humidity" && member.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (var probe in member.Value.EnumerateObject().Where(probe => probe.Value.ValueKind == JsonValueKind.Object))
                {
                    ReadComponent(probe.Value, $"{at}/{FormValues.Escaped(probe.Name)}/", mac, $"{member.Name}:{probe.Name}", time);
                }
            }
            else if (member.Name is "meters" or "emeters" && member.Value.ValueKind == JsonValueKind.Array)
            {
                foreach (var (index, meter) in member.Value.EnumerateArray().Index().Where(meter => meter.Item.ValueKind == JsonValueKind.Object))
                {
                    ReadComponent(meter, string.Create(CultureInfo.InvariantCulture, $"{at}/{index}/"), mac, string.Create(CultureInfo.InvariantCulture, $"{member.Name[..^1]}:{index}"), time);
                }
            }
        }

        return true;
    }

    private static readonly MeasuredName Humidity = new(SensorCatalog.Humidity.Name, "%", SensorCatalog.Humidity.Name, true);

    private static MeasuredName Warmth(string? unit) => new(SensorCatalog.Temperature.Name, unit, SensorCatalog.Temperature.Name, unit is not null);

    private static bool IsComponent(string name) => name.LastIndexOf(':') is > 0 and var at && at < name.Length - 1 && name.AsSpan(at + 1).ContainsAnyExceptInRange('0', '9') == false;

    private void ReadComponent(JsonElement component, string place, string? id, string? name, JsonElement? time)
    {
        _values.AddAll(component, place, id, name, time, Meaning);
        // The internal temperature of a switch.
        if (Has(component, "temperature", JsonValueKind.Object))
        {
            _values.AddAll(component.GetProperty("temperature"), $"{place}temperature/", id, name, time, Meaning);
        }

        // A three-phase meter has a value for each phase, and their sum.
        static MeasuredName? Meaning(string name) =>
            name.IndexOf('_', StringComparison.Ordinal) is > 0 and var mark && name[..mark] is "a" or "b" or "c" or "n" or "total" && Plain(name[(mark + 1)..]) is { } ofPhase
                ? ofPhase with { Part = $"{name[..mark]}-{ofPhase.Part}" } : Plain(name);

        static MeasuredName? Plain(string name) => name switch
        {
            "tC" => Warmth("°C"),
            "tF" => Warmth("°F"),
            "rh" or "hum" => Humidity,
            "apower" or "power" or "act_power" => new(SensorCatalog.Energy.Name, "W", SensorCatalog.Energy.Name, true),
            "voltage" => new("voltage", "V", "voltage", true),
            "current" => new("current", "A", "current", true),
            "freq" => new("frequency", "Hz", "frequency", true),
            "lux" => new("illuminance", "lx", "illuminance", true),
            _ => null,
        };
    }
}
