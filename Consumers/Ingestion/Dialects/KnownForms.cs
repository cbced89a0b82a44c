using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>A message in a form that is known, and who reads it.</summary>
/// <param name="Name">In words.</param>
/// <param name="Message">JSON.</param>
/// <param name="IsCertain">No other form looks like this one, so a rejection names it.</param>
internal sealed record KnownForm(string Name, ReadOnlyMemory<byte> Message, DialectReader Reader, bool IsCertain);

/// <summary>
/// Widely used forms of messages whose members are where that form has them, and mean one thing alone: they need no mapping. They are looked for after a message
/// could not be read otherwise. Where the settings name where values are, they are not looked for. Used by one thread.
/// </summary>
internal sealed class KnownForms
{
    /// <summary>Types whose name as a member means a value in the unit of that type. An energy is often in kWh, and no power.</summary>
    private static readonly string[] NamedTypes = [SensorCatalog.Temperature.Name, SensorCatalog.Humidity.Name, SensorCatalog.Pressure.Name];

    /// <summary>Where platforms put what a device has measured.</summary>
    private static readonly string[] Places =
        ["", "values/", "telemetry/", "data/", "state/reported/", "Body/", "body/", "payload/", "uplink_message/decoded_payload/", "decoded_payload/", "object/"];

    /// <summary>Beside values, each says that the unit of one may be another than its type's.</summary>
    private static readonly string[] Units = ["unit", "units", "uom", "TempUnit", "temperature_unit", "unit_of_measurement"];

    private readonly bool _isOff;
    private readonly DialectReader _plain;
    private readonly DialectReader _homeAssistant;
    private readonly DialectReader _telegraf;
    private readonly DialectReader _telegrafBatch;
    private readonly DialectReader _opcUa;
    private readonly DialectReader _values;
    private readonly Dictionary<string, DialectReader> _tasmota;

    public KnownForms(MessagesOptions options, DialectReader plain)
    {
        var own = options.Mapping;
        _isOff = own.Value is { Length: > 0 } || own.Readings is { Length: > 0 } || own.Values.Count > 0;
        _plain = plain;
        DialectReader Reader(MappingOptions mapping) => new(options, mapping);
        Dictionary<string, string> Values(params string[] places) => NamedTypes.ToDictionary(
            type => type, type => string.Join('|', places.SelectMany(place => (string[])[place + type, place + char.ToUpperInvariant(type[0]) + type[1..]])));
        MappingOptions Telegraf(string? readings) => new()
        {
            Id = "tags/sensor_id|tags/device_id|tags/device|tags/sensor|tags/id", Type = "name", Value = "fields/value", Unit = "tags/unit|fields/unit",
            Values = Values("fields/"), Readings = readings, DefaultType = own.DefaultType, DefaultUnit = own.DefaultUnit, Units = own.Units,
        };
        _homeAssistant = Reader(new()
        {
            Time = "last_updated|last_changed", Id = "entity_id", Type = "attributes/device_class", Value = "state", Unit = "attributes/unit_of_measurement",
            DefaultType = own.DefaultType, DefaultUnit = own.DefaultUnit, Units = own.Units,
        });
        _telegraf = Reader(Telegraf(null));
        _telegrafBatch = Reader(Telegraf("metrics"));
        _opcUa = Reader(new()
        {
            Time = "Timestamp", Id = "DataSetWriterName|DataSetWriterId|PublisherId", Readings = "Messages",
            Values = NamedTypes.ToDictionary(type => type, type => $"Payload/{char.ToUpperInvariant(type[0])}{type[1..]}/Value|Payload/{type}/Value"), Units = own.Units,
        });
        _tasmota = Tasmota.Units.ToDictionary(units => units.Key, units => Reader(new() { Values = Values(""), Units = units.Value }));
        _values = Reader(new()
        {
            Time = "last_seen|received_at|EnqueuedTimeUtc|enqueuedTime",
            Id = "deviceName|device/friendlyName|end_device_ids/device_id|deviceInfo/deviceName|SystemProperties/connectionDeviceId|systemProperties/iothub-connection-device-id|thingName",
            Values = Values(Places), Units = own.Units,
        });
    }

    /// <summary>Finds the form of a message that could not be read otherwise.</summary>
    /// <param name="message">JSON, or a text that is none.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public KnownForm? Find(ReadOnlyMemory<byte> message)
    {
        if (_isOff)
        {
            return null;
        }

        var text = message.Span.TrimStart(" \t\r\n"u8);
        if (text is not [(byte)'{' or (byte)'[', ..])
        {
            return LineProtocol.ToTelegraf(text) is { } metrics ? new("InfluxDB's line protocol", metrics, _telegrafBatch, true) : null;
        }

        using var document = JsonDocument.Parse(message);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Array)
        {
            return SenMl.ToReadings(root, out var readings) ? new("SenML", readings, _plain, true)
                : root.GetArrayLength() > 0 && root[0].ValueKind == JsonValueKind.Object && FormOf(root[0], default) is { Message.IsEmpty: true } first ? first with { Message = message }
                : null;
        }

        return FormOf(root, message);
    }

    /// <param name="message">The object; what its form leaves as it is.</param>
    private KnownForm? FormOf(JsonElement root, ReadOnlyMemory<byte> message)
    {
        bool Has(string name, JsonValueKind kind) => root.TryGetProperty(name, out var member) && member.ValueKind == kind;
        if (Has("entity_id", JsonValueKind.String) && root.TryGetProperty("state", out _) && Has("attributes", JsonValueKind.Object))
        {
            return new("a state of Home Assistant", message, _homeAssistant, true);
        }

        if (Tasmota.ToReadings(root, out var units, out var sensors))
        {
            return new("Tasmota's telemetry", sensors, _tasmota[units], true);
        }

        if (IsTelegraf(root))
        {
            return new("Telegraf's JSON", message, _telegraf, true);
        }

        if (Has("metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var batch && batch.GetArrayLength() > 0 && IsTelegraf(batch[0]))
        {
            return new("Telegraf's JSON", message, _telegrafBatch, true);
        }

        if (Has("MessageType", JsonValueKind.String) && Has("Messages", JsonValueKind.Array))
        {
            return new("OPC UA PubSub's JSON", message, _opcUa, true);
        }

        return root.TryGetProperty("value", out _) || Units.Any(unit => root.TryGetProperty(unit, out _)) ? null : new("values by their types", message, _values, false);
    }

    private static bool IsTelegraf(JsonElement metric) => metric.ValueKind == JsonValueKind.Object
        && metric.TryGetProperty("name", out _) && metric.TryGetProperty("timestamp", out _)
        && metric.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Object;
}
