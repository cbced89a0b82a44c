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
internal sealed class ValueForms(MeasuredNames names)
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

    /// <summary>An object for each sensor, and their units beside them.</summary>
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
        var sensors = root.EnumerateObject().Where(sensor => sensor.Value.ValueKind == JsonValueKind.Object && sensor.Name != "ENERGY").ToList();
        // One sensor without an id has the record's key; of several each has its own name behind that.
        var unnamed = sensors.Count(sensor => Text(sensor.Value, "Id") is null && sensor.Value.EnumerateObject().Any(member => Meaning(member.Name) is not null || names.Find(member.Name) is not null));
        foreach (var sensor in sensors)
        {
            var id = Text(sensor.Value, "Id");
            _values.AddAll(sensor.Value, $"{place}{FormValues.Escaped(sensor.Name)}/", id, id is null && unnamed > 1 ? sensor.Name : null, time, Meaning);
        }

        if (Has(root, "ENERGY", JsonValueKind.Object))
        {
            _values.AddAll(root.GetProperty("ENERGY"), $"{place}ENERGY/", time: time, name: Metered);
        }

        return true;
    }

    /// <summary>A metric, or a batch of them. A field <c>value</c> is of the metric's name; others are of their own.</summary>
    private bool Telegraf(JsonElement root)
    {
        if (IsTelegraf(root))
        {
            ReadTelegraf(root, "");
            return true;
        }

        if (!(Has(root, "metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var batch && batch.GetArrayLength() > 0 && batch.EnumerateArray().All(IsTelegraf)))
        {
            return false;
        }

        foreach (var (index, metric) in batch.EnumerateArray().Index())
        {
            ReadTelegraf(metric, string.Create(CultureInfo.InvariantCulture, $"metrics/{index}/"));
        }

        return true;
    }

    private void ReadTelegraf(JsonElement metric, string place)
    {
        var (fields, time) = (metric.GetProperty("fields"), metric.GetProperty("timestamp"));
        var tags = Has(metric, "tags", JsonValueKind.Object) ? metric.GetProperty("tags") : default;
        var id = tags.ValueKind == JsonValueKind.Object ? ((string[])["sensor_id", "device_id", "device", "sensor", "id"]).Select(tag => Text(tags, tag)).FirstOrDefault(text => text is { Length: > 0 }) : null;
        if (fields.TryGetProperty("value", out var value))
        {
            var unit = (tags.ValueKind == JsonValueKind.Object ? Text(tags, "unit") : null) ?? Text(fields, "unit");
            _values.Add($"{place}fields/value", new(Text(metric, "name") ?? "", unit, "", unit is not null), value, id, part: null, time);
            foreach (var other in fields.EnumerateObject().Where(other => other.Value.ValueKind == JsonValueKind.Number && other.Name != "value"))
            {
                _values.Pass($"{place}fields/{FormValues.Escaped(other.Name)}");
            }

            return;
        }

        _values.AddAll(fields, $"{place}fields/", id, time: time);
    }

    /// <summary>Whether it is a metric of Telegraf.</summary>
    public static bool IsTelegraf(JsonElement metric) => metric.ValueKind == JsonValueKind.Object
        && metric.TryGetProperty("name", out _) && metric.TryGetProperty("timestamp", out _)
        && metric.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Object;

    /// <summary>OPC 10000-14: the messages of data sets. Publisher and writer tell their sensors from those of others.</summary>
    private bool OpcUa(JsonElement root)
    {
        if (!(Has(root, "MessageType", JsonValueKind.String) && root.TryGetProperty("Messages", out var messages) && messages.ValueKind is JsonValueKind.Array or JsonValueKind.Object))
        {
            return false;
        }

        var publisher = Word(root, "PublisherId");
        foreach (var (index, message) in (messages.ValueKind == JsonValueKind.Array ? [.. messages.EnumerateArray()] : (JsonElement[])[messages]).Index())
        {
            if (message.ValueKind != JsonValueKind.Object || !Has(message, "Payload", JsonValueKind.Object))
            {
                continue;
            }

            var writer = Word(message, "DataSetWriterName") ?? Word(message, "DataSetWriterId");
            var id = string.Join('/', new[] { Word(message, "PublisherId") ?? publisher, writer }.Where(part => part is not null));
            var place = string.Create(CultureInfo.InvariantCulture, $"Messages/{index}/Payload/");
            foreach (var field in message.GetProperty("Payload").EnumerateObject())
            {
                var (value, time, quality) = Unpacked(field.Value);
                if (names.Find(field.Name) is { } known)
                {
                    _values.Add(place + FormValues.Escaped(field.Name), known, value, id.Length > 0 ? id : null, known.Part, time ?? Member(message, "Timestamp"), quality);
                }
                else if (value.ValueKind == JsonValueKind.Number)
                {
                    _values.Pass(place + FormValues.Escaped(field.Name));
                }
            }
        }

        return true;
    }

    /// <summary>A field is a value, a variant (its type and body) or a value with its time and status.</summary>
    private static (JsonElement Value, JsonElement? Time, float? Quality) Unpacked(JsonElement field)
    {
        (JsonElement? time, float? quality) = (null, null);
        for (var depth = 0; depth < 2 && field.ValueKind == JsonValueKind.Object; depth++)
        {
            time ??= Member(field, "SourceTimestamp");
            quality ??= field.TryGetProperty("StatusCode", out var status) ? QualityOf(status) : field.TryGetProperty("Status", out status) ? QualityOf(status) : null;
            field = field.TryGetProperty("Value", out var value) || field.TryGetProperty("Body", out value) ? value : default;
        }

        return (field, time, quality);
    }

    // The first two bits of a status are its severity.
    private static float? QualityOf(JsonElement status) => status.ValueKind switch
    {
        JsonValueKind.Number when status.TryGetUInt32(out var code) => (code >> 30) switch { 0 => 1, 1 => 0.5f, _ => 0 },
        JsonValueKind.String when Words.TryReadQuality(Encoding.UTF8.GetBytes(status.GetString()!), out var quality) => quality,
        JsonValueKind.Object when status.TryGetProperty("Symbol", out var symbol) || status.TryGetProperty("Code", out symbol) => QualityOf(symbol),
        _ => null,
    };

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
                ReadComponent(member.Value, $"{at}/", mac, null, time);
            }
            else if (member.Name is "hum" && Has(root, "hum", JsonValueKind.Object) && member.Value.TryGetProperty("value", out var humidity))
            {
                _values.Add($"{at}/value", Humidity, humidity, mac, "humidity", time);
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

    private static bool IsComponent(string name) => name.LastIndexOf(':') is > 0 and var at && at < name.Length - 1 && name.AsSpan(at + 1).ContainsAnyExceptInRange('0', '9') == false;

    private void ReadComponent(JsonElement component, string place, string? id, string? name, JsonElement? time)
    {
        _values.AddAll(component, place, id, name, time, Meaning);
        // The temperature within a switch.
        if (Has(component, "temperature", JsonValueKind.Object))
        {
            _values.AddAll(component.GetProperty("temperature"), $"{place}temperature/", id, name, time, Meaning);
        }

        // A meter of three phases has each of them, and their sum.
        static MeasuredName? Meaning(string name) =>
            name.IndexOf('_', StringComparison.Ordinal) is > 0 and var mark && name[..mark] is "a" or "b" or "c" or "n" or "total" && Plain(name[(mark + 1)..]) is { } ofPhase
                ? ofPhase with { Part = $"{name[..mark]}-{ofPhase.Part}" } : Plain(name);

        static MeasuredName? Plain(string name) => name switch
        {
            "tC" => new(SensorCatalog.Temperature.Name, "°C", SensorCatalog.Temperature.Name, true),
            "tF" => new(SensorCatalog.Temperature.Name, "°F", SensorCatalog.Temperature.Name, true),
            "rh" or "hum" => Humidity,
            "apower" or "power" or "act_power" => new(SensorCatalog.Energy.Name, "W", SensorCatalog.Energy.Name, true),
            "voltage" => new("voltage", "V", "voltage", true),
            "current" => new("current", "A", "current", true),
            "freq" => new("frequency", "Hz", "frequency", true),
            "lux" => new("illuminance", "lx", "illuminance", true),
            _ => null,
        };
    }

    /// <summary>What is put into properties of assets, and the notice of such a value. The type is the last part of an alias, where that is one.</summary>
    private bool SiteWise(JsonElement root)
    {
        if (Has(root, "entries", JsonValueKind.Array))
        {
            foreach (var (index, entry) in root.GetProperty("entries").EnumerateArray().Index())
            {
                if (entry.ValueKind == JsonValueKind.Object && Has(entry, "propertyValues", JsonValueKind.Array))
                {
                    ReadSiteWise(entry, entry.GetProperty("propertyValues"), string.Create(CultureInfo.InvariantCulture, $"entries/{index}/propertyValues/"));
                }
            }

            return true;
        }

        if (Has(root, "payload", JsonValueKind.Object) && root.GetProperty("payload") is var payload && Has(payload, "values", JsonValueKind.Array) && Has(payload, "propertyId", JsonValueKind.String))
        {
            ReadSiteWise(payload, payload.GetProperty("values"), "payload/values/");
            return true;
        }

        return false;
    }

    private void ReadSiteWise(JsonElement property, JsonElement values, string place)
    {
        var alias = Text(property, "propertyAlias");
        var id = alias ?? string.Join('/', new[] { Text(property, "assetId"), Text(property, "propertyId") }.Where(part => part is not null));
        var named = names.Find((alias ?? "").Split('/')[^1]);
        foreach (var (index, value) in values.EnumerateArray().Index())
        {
            if (value.ValueKind != JsonValueKind.Object || !Has(value, "value", JsonValueKind.Object) || !Has(value, "timestamp", JsonValueKind.Object))
            {
                continue;
            }

            var (variant, time) = (value.GetProperty("value"), value.GetProperty("timestamp"));
            if (!(variant.TryGetProperty("doubleValue", out var number) || variant.TryGetProperty("integerValue", out number) || variant.TryGetProperty("booleanValue", out number)))
            {
                continue;
            }

            float? quality = Text(value, "quality") is { } word && Words.TryReadQuality(Encoding.UTF8.GetBytes(word), out var known) ? known : null;
            _values.Add(
                string.Create(CultureInfo.InvariantCulture, $"{place}{index}/value"), named ?? new("", null, "", false), number, id.Length > 0 ? id : null, part: null, TimeOf(time), quality);
        }
    }

    // Seconds and the nanoseconds behind them, as one text.
    private JsonElement? TimeOf(JsonElement time)
    {
        if (!(time.TryGetProperty("timeInSeconds", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetInt64(out var whole)))
        {
            return null;
        }

        var nanoseconds = time.TryGetProperty("offsetInNanos", out var offset) && offset.ValueKind == JsonValueKind.Number && offset.TryGetInt32(out var part) && part is > 0 and < 1_000_000_000 ? part : 0;
        return Parse(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{whole}.{nanoseconds:000000000}")));
    }

    /// <summary>Entities of NGSI v2 (normalized or as keys and values) and NGSI-LD, and notices that hold them.</summary>
    private bool Ngsi(JsonElement root)
    {
        if (root.TryGetProperty("subscriptionId", out _) && Has(root, "data", JsonValueKind.Array))
        {
            var noticed = Member(root, "notifiedAt");
            var isAny = false;
            foreach (var (index, entity) in root.GetProperty("data").EnumerateArray().Index())
            {
                isAny |= entity.ValueKind == JsonValueKind.Object && ReadEntity(entity, string.Create(CultureInfo.InvariantCulture, $"data/{index}/"), noticed);
            }

            return isAny;
        }

        return ReadEntity(root, "", null);
    }

    private bool ReadEntity(JsonElement entity, string place, JsonElement? noticed)
    {
        if (!(Text(entity, "id") is { Length: > 0 } id && Text(entity, "type") is not null))
        {
            return false;
        }

        // Other objects have an id and a type as well: an attribute of NGSI has its type and its value.
        var attributes = entity.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("value", out _) && member.Value.TryGetProperty("type", out _)).ToList();
        var isPlain = attributes.Count == 0;
        var time = ValueOf(entity, "TimeInstant") ?? ValueOf(entity, "dateObserved") ?? ValueOf(entity, "observedAt") ?? ValueOf(entity, "dateModified") ?? noticed;
        if (isPlain)
        {
            // Without a time, only what names its standard is one.
            if (time is null && !(entity.TryGetProperty("@context", out _) || id.StartsWith("urn:ngsi-ld:", StringComparison.Ordinal)))
            {
                return false;
            }

            _values.AddAll(entity, place, id, time: time);
            return true;
        }

        foreach (var attribute in attributes)
        {
            var (value, at) = (attribute.Value, place + FormValues.Escaped(attribute.Name));
            var metadata = Has(value, "metadata", JsonValueKind.Object) ? value.GetProperty("metadata") : default;
            JsonElement? Note(string name) => metadata.ValueKind == JsonValueKind.Object ? ValueOf(metadata, name) : null;
            var number = value.GetProperty("value");
            if (number.ValueKind is not (JsonValueKind.Number or JsonValueKind.Null) && !(number.ValueKind == JsonValueKind.String && Text(value, "type") is "Number" or "Float" or "Integer"))
            {
                continue;
            }

            var code = Text(value, "unitCode") ?? (Note("unitCode") is { ValueKind: JsonValueKind.String } written ? written.GetString() : null);
            var known = code is { Length: > 0 and <= ReadingParser.MaxUnitLength } ? MeasuredNames.Of(attribute.Name, UnitCodes.SymbolOf(code)) : names.Find(attribute.Name);
            if (known is not null)
            {
                _values.Add($"{at}/value", known, number, id, known.Part, Member(value, "observedAt") ?? Note("TimeInstant") ?? Note("timestamp") ?? Note("dateObserved") ?? time);
            }
            else if (number.ValueKind == JsonValueKind.Number)
            {
                _values.Pass($"{at}/value");
            }
        }

        return true;
    }

    private static JsonElement? ValueOf(JsonElement entity, string name) => Has(entity, name, JsonValueKind.Object) ? Member(entity.GetProperty(name), "value") : Member(entity, name);

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
