using System.Globalization;
using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Finds the values of an object by the form of the platform that has sent it, and else by their names alone. Each is a reading: what the form says of it (sensor,
/// type, unit, time, quality) is written beside it. Used by one thread.
/// </summary>
/// <param name="names">What names of numbers mean.</param>
internal sealed partial class ValueForms(MeasuredNames names)
{
    /// <summary>Where platforms put what a device has measured.</summary>
    private static readonly string[] Places =
    [
        "", "values", "telemetry", "data", "state/reported", "current/state/reported", "Body", "body", "data/body", "payload", "uplink_message/decoded_payload", "decoded_payload", "object",
    ];

    /// <summary>Beside values, each says that the unit of one may be another than its type's.</summary>
    private static readonly string[] Units = ["unit", "units", "uom", "TempUnit", "temperature_unit", "unit_of_measurement"];

    /// <summary>Of a RuuviTag, which measures 500 to 1155 hPa.</summary>
    private const double LeastPascals = 20_000;

    private readonly FormValues _values = new(names);
    private readonly List<JsonDocument> _inner = [];

    /// <summary>What the last object was, in words; null where it held nothing that is read.</summary>
    public string? Name { get; private set; }

    /// <summary>No other form looks like this one.</summary>
    public bool IsCertain { get; private set; }

    /// <summary>Why what was found cannot be read, and what to set; null where it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Numbers that lie beside what is read, and are not read.</summary>
    public IReadOnlyCollection<string> Unread => _values.Unread;

    /// <summary>Writes what the object holds into it as <see cref="FormValues.Readings"/>.</summary>
    /// <param name="body">A JSON object.</param>
    /// <returns>Null where it holds nothing that is known.</returns>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidOperationException">Its text is no valid Unicode.</exception>
    public byte[]? Read(ReadOnlySpan<byte> body)
    {
        (Name, IsCertain, Problem) = (null, false, null);
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

            _values.Choose();
            if (_values.DoubtfulPressure() is var (place, pressure))
            {
                Problem = $"The pressure {pressure} at {place} has no unit, and could be in hPa, Pa, kPa or bar: name it in {MessagesOptions.Section}:{nameof(MessagesOptions.Mapping)}:{nameof(MappingOptions.Units)}:pressure, as Pa";
            }

            return _values.Write(body, names.UnitOf);
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
            // A state of Home Assistant is one value.
            return (null, false);
        }

        (string Name, Func<JsonElement, bool> IsRead)[] forms =
        [
            ("Tasmota's telemetry", Tasmota), ("Telegraf's JSON", Telegraf), ("OPC UA PubSub's JSON", OpcUa), ("a status of a Shelly", Shelly), ("values of AWS IoT SiteWise", SiteWise),
            ("an entity of NGSI", Ngsi), ("a RuuviTag's values", RuuviTag),
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

        if (_values.HasPlain && Units.Any(unit => root.TryGetProperty(unit, out _)))
        {
            _values.Clear();
        }

        return ("values by their names", false);
    }

    /// <summary>What gateways of RuuviTags send decoded: the pressure is in Pa.</summary>
    private bool RuuviTag(JsonElement root)
    {
        string[] marks = ["dataFormat", "data_format", "movementCounter", "movement_counter", "measurementSequenceNumber", "measurement_sequence_number", "gw_mac", "accelX", "accelerationX", "acceleration_x"];
        if (!root.TryGetProperty("pressure", out _) || !marks.Any(mark => root.TryGetProperty(mark, out _)))
        {
            return false;
        }

        // Some gateways make hPa of them; no tag measures so little in Pa, or so much in hPa.
        var isPa = names.Find("pressure")?.Unit is null && double.TryParse(root.GetProperty("pressure").ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var pressure) && pressure >= LeastPascals;
        _values.AddAll(root, "", Text(root, "mac") ?? Text(root, "id"), name: name => name == "pressure" && isPa ? new(SensorCatalog.Pressure.Name, "Pa", SensorCatalog.Pressure.Name, true) : null);
        return true;
    }

    private JsonElement Parse(byte[] json)
    {
        var document = JsonDocument.Parse(json);
        _inner.Add(document);
        return document.RootElement;
    }

    /// <summary>Follows a pointer; what stands there as text or in base64 is read as JSON.</summary>
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

    /// <summary>A text, or a number as it is written.</summary>
    private static string? Word(JsonElement root, string name) => Member(root, name) is { } member && member.ToString() is { Length: > 0 } word ? word : null;
}
