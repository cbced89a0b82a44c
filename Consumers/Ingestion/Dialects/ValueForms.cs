using System.Globalization;
using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Finds the values of an object by the form of the platform that sent it, otherwise only by their names. Each value is a reading: what the form says about it
/// (sensor, type, unit, time, quality) is written beside it. Not thread-safe.
/// </summary>
/// <param name="names">The meaning of numbers' names.</param>
/// <param name="hasId">Whether the settings name the member of the id.</param>
internal sealed partial class ValueForms(MeasuredNames names, bool hasId)
{
    /// <summary>The positions where platforms put a device's measurements.</summary>
    private static readonly string[] Places =
    [
        "", "values", "telemetry", "data", "state/reported", "current/state/reported", "Body", "body", "data/body", "payload", "uplink_message/decoded_payload", "decoded_payload", "object", "objectJSON",
    ];

    /// <summary>The lowest pressure of a RuuviTag, which measures 500 to 1155 hPa.</summary>
    private const double LeastPascals = 20_000;

    private readonly FormValues _values = new(names);
    private readonly List<JsonDocument> _inner = [];
    private string _key = "";

    /// <summary>The form of the last object, in words; null if it contained nothing that is read.</summary>
    public string? Name { get; private set; }

    /// <summary>Whether no other form looks like this one.</summary>
    public bool IsCertain { get; private set; }

    /// <summary>Why the values found cannot be read, and what to set; null if they can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Why values that were found are not read, as a sentence; empty if there is no reason.</summary>
    public string Ambiguity { get; private set; } = "";

    /// <summary>Numbers beside the values that are not read.</summary>
    public IReadOnlyCollection<string> Unread => _values.Unread;

    /// <summary>Writes the values of the object into it as <see cref="FormValues.Readings"/>.</summary>
    /// <param name="body">A JSON object.</param>
    /// <param name="key">The record's key.</param>
    /// <returns>Null if it contains no known values.</returns>
    /// <exception cref="JsonException">The object is not JSON.</exception>
    /// <exception cref="InvalidOperationException">Its text is not valid Unicode.</exception>
    public byte[]? Read(ReadOnlySpan<byte> body, ReadOnlySpan<byte> key)
    {
        _key = Encoding.UTF8.GetString(key).Trim('"');
        (Name, IsCertain, Problem, Ambiguity) = (null, false, null, "");
        _values.Clear();
        try
        {
            var root = Parse(body.ToArray());
            (Name, IsCertain) = Find(root);
            if (_values.IsEmpty)
            {
                Name = null;
                return null;
            }

            if (AmbiguousUnit() is { } ambiguity)
            {
                Ambiguity = IsCertain ? "" : $". {ambiguity}";
                Problem = IsCertain ? ambiguity : Problem;
            }

            if (Ambiguity.Length > 0)
            {
                Name = null;
                return null;
            }

            Problem = _values.Choose() ?? Problem;
            return _values.Write(body);
        }
        finally
        {
            _inner.ForEach(document => document.Dispose());
            _inner.Clear();
        }
    }

    private (string? Name, bool IsCertain) Find(JsonElement root)
    {
        if (Has(root, "entity_id", JsonValueKind.String) && root.TryGetProperty("state", out _) && Has(root, "attributes", JsonValueKind.Object))
        {
            // A Home Assistant state is a single value.
            return (null, false);
        }

        (string Name, Func<JsonElement, bool> IsRead)[] forms =
        [
            ("Tasmota's telemetry", Tasmota), ("Telegraf's JSON", Telegraf), ("Sparkplug B's JSON", Sparkplug), ("OPC UA PubSub's JSON", OpcUa), ("a status of a Shelly", Shelly), ("values of AWS IoT SiteWise", SiteWise),
            ("an entity of NGSI", Ngsi), ("a RuuviTag's values", RuuviTag), ("an event of rtl_433", Rtl433),
        ];
        foreach (var (name, isRead) in forms)
        {
            if (isRead(root) && !_values.IsEmpty)
            {
                return (name, true);
            }
        }

        if (root.TryGetProperty("value", out _))
        {
            return (null, false);
        }

        foreach (var place in Places)
        {
            if (At(root, place) is { ValueKind: JsonValueKind.Object } values)
            {
                _values.AddAll(values, place.Length == 0 ? "" : $"{place}/");
            }
        }

        if (_values.IsEmpty)
        {
            Normalized(root);
        }

        return ("values by their names", false);
    }

    /// <summary>What The Things Stack derives from a payload in its own names and units, if nothing of the payload itself is read.</summary>
    private void Normalized(JsonElement root)
    {
        const string Place = "uplink_message/normalized_payload";
        if (At(root, Place) is not { ValueKind: JsonValueKind.Array } measurements)
        {
            return;
        }

        foreach (var (index, measurement) in measurements.EnumerateArray().Index().Where(each => Has(each.Item, "air", JsonValueKind.Object)))
        {
            _values.AddAll(
                measurement.GetProperty("air"),
                string.Create(CultureInfo.InvariantCulture, $"{Place}/{index}/air/"),
                time: Member(measurement, "time"),
                name: name => name == "relativeHumidity" ? Humidity : null);
        }
    }

    /// <summary>Describes a member that may name another unit than that of the values without one.</summary>
    private string? AmbiguousUnit()
    {
        foreach (var type in _values.PlainTypes())
        {
            foreach (var part in _inner.Where(part => part.RootElement.ValueKind == JsonValueKind.Object))
            {
                if (UnitMembers.Find(Encoding.UTF8.GetBytes(part.RootElement.GetRawText()), type, IsCertain) is { } unit)
                {
                    return DialectReader.InUnitOf(unit, type.Name, "name it with its unit, as temperature_F");
                }
            }
        }

        return null;
    }

    /// <summary>The decoded data that RuuviTag gateways send: the pressure is in Pa.</summary>
    private bool RuuviTag(JsonElement root)
    {
        string[] marks = ["dataFormat", "data_format", "movementCounter", "movement_counter", "measurementSequenceNumber", "measurement_sequence_number", "gw_mac", "accelX", "accelerationX", "acceleration_x"];
        if (!root.TryGetProperty("pressure", out _) || !marks.Any(mark => root.TryGetProperty(mark, out _)))
        {
            return false;
        }

        // Some gateways convert it to hPa; no tag measures so little in Pa, or so much in hPa.
        var isPa = names.Find("pressure")?.Unit is null && double.TryParse(root.GetProperty("pressure").ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var pressure) && pressure >= LeastPascals;
        _values.AddAll(root, "", Text(root, "mac") ?? Text(root, "id"), name: name => name == "pressure" && isPa ? new(SensorCatalog.Pressure.Name, "Pa", SensorCatalog.Pressure.Name, true) : null);
        return true;
    }

    /// <summary>An event that rtl_433 has received: the device is a model, usually with a channel or an id, as in the topics of rtl_433.</summary>
    private bool Rtl433(JsonElement root)
    {
        string?[] parts = [Text(root, "model"), Word(root, "channel"), Word(root, "id")];
        if (string.IsNullOrEmpty(parts[0]) || (parts[1] ?? parts[2]) is null || !root.TryGetProperty("time", out _) || root.EnumerateObject().Any(member => IsId(member.Name)))
        {
            return false;
        }

        _values.AddAll(root, "", string.Join('/', parts.Where(part => part is not null)));
        return true;

        static bool IsId(string name) => Encoding.UTF8.GetString(LooseName.Of(Encoding.UTF8.GetBytes(name), stackalloc byte[LooseName.MaxLength])) is "sensorid" or "deviceid" or "device" or "sensor" or "devicename" or "thingname";
    }

    private JsonElement Parse(byte[] json)
    {
        var document = JsonDocument.Parse(json);
        _inner.Add(document);
        return document.RootElement;
    }

    /// <summary>Follows a pointer; text or base64 found there is read as JSON.</summary>
    private JsonElement? At(JsonElement root, string place)
    {
        foreach (var name in place.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out root))
            {
                return null;
            }

            if (root.ValueKind == JsonValueKind.String && InText(root.GetString()!) is { } inner)
            {
                root = inner;
            }
        }

        return root;
    }

    private JsonElement? InText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.Trim());
        if (bytes is not [(byte)'{', ..])
        {
            Span<byte> decoded = new byte[bytes.Length];
            bytes = text.StartsWith("ey", StringComparison.Ordinal) && Convert.TryFromBase64String(text, decoded, out var length) ? decoded[..length].ToArray() : [];
        }

        if (bytes is not [(byte)'{', ..])
        {
            return null;
        }

        try
        {
            return Parse(bytes);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool Has(JsonElement root, string name, JsonValueKind kind) => root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var member) && member.ValueKind == kind;

    private static JsonElement? Member(JsonElement root, string name) => root.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.String or JsonValueKind.Number ? member : null;

    private static string? Text(JsonElement root, string name) => Has(root, name, JsonValueKind.String) ? root.GetProperty(name).GetString() : null;

    /// <summary>Returns a text, or a number as written.</summary>
    private static string? Word(JsonElement root, string name) => Member(root, name) is { } member && member.ToString() is { Length: > 0 } word ? word : null;
}
