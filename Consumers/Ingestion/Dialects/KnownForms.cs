using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>A form that a message may have, and its reader.</summary>
/// <param name="Name">In words; null if the reader determines the form.</param>
/// <param name="Message">JSON.</param>
internal sealed record KnownForm(string? Name, ReadOnlyMemory<byte> Message, DialectReader Reader);

/// <summary>
/// Widely used message forms whose members have fixed positions and an unambiguous meaning: they need no mapping. They are tried after a message
/// could not be read otherwise, and not if the settings name the members of values. Not thread-safe.
/// </summary>
internal sealed class KnownForms
{
    /// <summary>Times added by platforms; used before and after the times of a device.</summary>
    private const string TimesOfPlatforms = "last_seen|received_at|EnqueuedTimeUtc|enqueuedTime|unixtime";

    private const string LaterTimes = "timestamp|time|ts|Timestamp|Time|dateutc|params/ts|EventEnqueuedUtcTime|systemProperties/iothub-enqueuedtime|eventTime|data/systemProperties/iothub-enqueuedtime";

    private const string Ids = "deviceName|device/friendlyName|end_device_ids/device_id|deviceInfo/deviceName|SystemProperties/connectionDeviceId|systemProperties/iothub-connection-device-id|"
        + "IoTHub/ConnectionDeviceId|data/systemProperties/iothub-connection-device-id|thingName";

    /// <summary>What identifies a device where no id is named. A uuid of the message itself is often another one for each message.</summary>
    private const string OtherIds = "device/id|device/uuid|device/mac|device/ieeeAddr|device/serial|device_uuid|mac|mac_address|dev_eui|device_eui|imei|serial_number";

    private readonly MessagesOptions _options;
    private readonly bool _isOff;
    private readonly DialectReader _homeAssistant;
    private readonly DialectReader _telegraf;
    private readonly DialectReader _telegrafBatch;
    private readonly DialectReader _values;
    private readonly MeasuredNames _names;

    /// <param name="ownUnits">Returns a sensor_type's unit from other settings, which may change.</param>
    public KnownForms(MessagesOptions options, Func<string, string?> ownUnits)
    {
        var own = options.Mapping;
        _options = options;
        _isOff = own.Value is { Length: > 0 } || own.Readings is { Length: > 0 } || own.Values.Count > 0;
        _names = new MeasuredNames(own.Units, ownUnits);
        DialectReader Reader(MappingOptions mapping) => new(options, mapping, ownUnits);
        Contract = Reader(own);
        MappingOptions Telegraf(string? readings) => new()
        {
            Id = "tags/sensor_id|tags/device_id|tags/device|tags/sensor|tags/id", Type = "name", Value = "fields/value", Unit = "tags/unit|fields/unit",
            Readings = readings, DefaultType = own.DefaultType, DefaultUnit = own.DefaultUnit, Units = own.Units,
        };
        _homeAssistant = Reader(new()
        {
            Time = "last_updated|last_changed", Id = "entity_id", Type = "attributes/device_class", Value = "state", Unit = "attributes/unit_of_measurement",
            DefaultType = own.DefaultType, DefaultUnit = own.DefaultUnit, Units = own.Units,
        });
        _telegraf = Reader(Telegraf(null));
        _telegrafBatch = Reader(Telegraf("metrics"));
        _values = new DialectReader(
            options,
            new MappingOptions
            {
                Time = Pointers(own.Time, TimesOfPlatforms, LaterTimes), Id = Pointers(own.Id, Ids), Quality = own.Quality, Section = own.Section, Machine = own.Machine, Zone = own.Zone,
                ReadingCount = own.ReadingCount, SequenceId = own.SequenceId, Backfill = own.Backfill, DefaultType = own.DefaultType, DefaultUnit = own.DefaultUnit, Units = own.Units,
                Readings = FormValues.Readings, Part = FormValues.Part, Place = FormValues.Place, OtherIds = OtherIds,
            },
            ownUnits,
            new ValueForms(_names, own.Id is { Length: > 0 }));
    }

    /// <summary>Reads messages that were made from one of another form.</summary>
    public DialectReader Contract { get; }

    /// <summary>Returns the forms that a message may have that could not be read otherwise; the first one with which it can be read is its form.</summary>
    /// <param name="message">JSON, or a text that is not JSON.</param>
    /// <exception cref="JsonException">The message is not JSON.</exception>
    public IEnumerable<KnownForm> Find(ReadOnlyMemory<byte> message)
    {
        if (_isOff)
        {
            yield break;
        }

        if (!IsObjectOrArray(message.Span))
        {
            if (LineProtocol.ToTelegraf(message.Span.Trim(" \t\r\n"u8)) is { } metrics)
            {
                yield return new(null, metrics, _values);
                yield return new("InfluxDB's line protocol", metrics, _telegrafBatch);
            }

            yield break;
        }

        yield return new(null, message, _values);
        if (FormOf(message) is { } form)
        {
            yield return form;
        }
    }

    /// <summary>Creates a message from a text that is only a number: the record's key names the sensor, and the end of the key may name the type.</summary>
    /// <returns>What is missing to read it and what to do, or the message; two nulls if it is not a number.</returns>
    public (string? Problem, byte[]? Message) OfNumber(ReadOnlySpan<byte> message, ReadOnlySpan<byte> key)
    {
        var text = message.Trim(" \t\r\n"u8);
        byte[] unitOfValue = [];
        if (text.IsEmpty || text.Length > 40
            || !((Utf8Parser.TryParse(text, out double number, out var length) && length == text.Length && double.IsFinite(number)) || ValueWithUnit.TryRead(text, out number, out unitOfValue)))
        {
            return default;
        }

        var name = Encoding.UTF8.GetString(key).Trim('"');
        var type = NameOf(name);
        if (ValueWithUnit.IsAmbiguous(unitOfValue, Encoding.UTF8.GetBytes(type?.Type ?? "")) && type?.Unit != Encoding.UTF8.GetString(unitOfValue))
        {
            return ($"The message is {Encoding.UTF8.GetString(text)} alone, and the letter behind the number can be a unit, a multiplier or a mark: send the number alone", null);
        }

        string[] lacks =
        [
            .. _options.RecordTime ? Array.Empty<string>() : [$"no time: set {MessagesOptions.Section}:{nameof(MessagesOptions.RecordTime)}=true, and that of its record counts"],
            .. name.Length > 0 ? Array.Empty<string>() : ["no sensor id: send it with that as the record's key"],
            .. type is { Type.Length: > 0 } ? Array.Empty<string>() : [$"no sensor type: set {MessagesOptions.Section}:{nameof(MessagesOptions.Mapping)}:{nameof(MappingOptions.DefaultType)}, or end the key with a type, as hall/temperature"],
        ];
        if (lacks.Length > 0)
        {
            return ($"The message is the number {Encoding.UTF8.GetString(text)} alone, and has {string.Join("; ", lacks)}", null);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("value", number);
        json.WriteString("sensor_type", type!.Type);
        if (unitOfValue.Length > 0)
        {
            json.WriteString("unit", unitOfValue);
        }
        else if (type.Unit is { } unit)
        {
            json.WriteString("unit", unit);
        }

        json.WriteEndObject();
        json.Flush();
        return (null, buffer.WrittenSpan.ToArray());
    }

    // As devices name their topics: hall/temperature, or hall/temperature/state.
    private MeasuredName? NameOf(string key)
    {
        var parts = key.Split('/', '.');
        var last = parts.Length > 1 && parts[^1] is "state" or "value" ? parts[^2] : parts[^1];
        return (parts.Length > 1 ? _names.Find(last) : null) ?? (_options.Mapping.DefaultType is { Length: > 0 } type ? new(type, null, "", false) : null);
    }

    /// <summary>Returns the text of a message that is a single quoted text, if it contains a message or a number; otherwise null.</summary>
    public static byte[]? InText(ReadOnlySpan<byte> message)
    {
        var text = message.Trim(" \t\r\n"u8);
        if (text is not [(byte)'"', _, .., (byte)'"'] || text.Length > ReadingParser.MaxBytes)
        {
            return null;
        }

        try
        {
            var json = new Utf8JsonReader(text);
            json.Read();
            var content = new byte[text.Length];
            content = content[..json.CopyString(content)];
            return json.Read() || content.AsSpan().Trim(" \t\r\n"u8) is not [(byte)'{' or (byte)'[' or (byte)'-' or (>= (byte)'0' and <= (byte)'9'), ..] ? null : content;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private KnownForm? FormOf(ReadOnlyMemory<byte> message)
    {
        using var document = JsonDocument.Parse(message);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Array)
        {
            return FormOf(root, message);
        }

        return SenMl.ToReadings(root, out var readings) ? new("SenML", readings, Contract)
            : root.GetArrayLength() > 0 && root[0].ValueKind == JsonValueKind.Object ? FormOf(root[0], message)
            : null;
    }

    /// <param name="message">The message as read, whatever its first object is.</param>
    private KnownForm? FormOf(JsonElement root, ReadOnlyMemory<byte> message)
    {
        bool Has(string name, JsonValueKind kind) => root.TryGetProperty(name, out var member) && member.ValueKind == kind;
        return Has("entity_id", JsonValueKind.String) && root.TryGetProperty("state", out _) && Has("attributes", JsonValueKind.Object) ? new("a state of Home Assistant", message, _homeAssistant)
            : ValueForms.IsTelegraf(root) ? new("Telegraf's JSON", message, _telegraf)
            : Has("metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var batch && batch.GetArrayLength() > 0 && ValueForms.IsTelegraf(batch[0]) ? new("Telegraf's JSON", message, _telegrafBatch)
            : null;
    }

    private static bool IsObjectOrArray(ReadOnlySpan<byte> message) => message.TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..];

    private static string Pointers(params string?[] lists) => string.Join('|', lists.Where(list => list is { Length: > 0 }).SelectMany(list => list!.Split('|')).Distinct(StringComparer.Ordinal));
}
