using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// The values that a form contains, each as a reading. They are written into the object itself, as an array that <see cref="DialectReader"/> reads: members
/// that they share are in the object around them.
/// </summary>
internal sealed class FormValues(MeasuredNames names)
{
    /// <summary>The array's name, which no device uses.</summary>
    public const string Readings = ":readings";

    /// <summary>In a reading: the position of its value in the message.</summary>
    public const string Place = ":place";

    /// <summary>In a reading: the suffix that it adds to the id.</summary>
    public const string Part = ":part";

    private const int MaxUnread = 8;
    private const int MaxShown = 60;

    private readonly List<Value> _values = [];
    private List<Value> _chosen = [];
    private int _group;
    private readonly SortedSet<string> _unread = new(StringComparer.Ordinal);

    private sealed record Value(string Place, MeasuredName Name, JsonElement Number, string? Id, string? Part, JsonElement? Time, float? Quality, int Group, int Order)
    {
        // Values without a part are separate series.
        public (string?, string?, string?, int) Measurement => (Id, Part, Time?.ToString(), Part is null ? Order : -1);

        /// <summary>Whether it is null, or a word for a missing value.</summary>
        public bool IsNone => Number.ValueKind == JsonValueKind.Null || (Number.ValueKind == JsonValueKind.String && Words.IsNoValue(Encoding.UTF8.GetBytes(Number.GetString()!)));

        // A missing value ranks lowest; a name with its unit is more certain than one without.
        public int Rank => (IsNone ? 0 : 8) + (Name.HasOwnUnit ? 4 : 0)
            + (SensorCatalog.Types.TryGetValue(Name.Type, out var type) && Name.Unit == type.Unit ? 2 : 0)
            + ($"/{Place}/".Contains($"/{Name.Type}/", StringComparison.Ordinal) ? 1 : 0);
    }

    /// <summary>Numbers that were found and are not read, by their names in the message; at most 8.</summary>
    public IReadOnlyCollection<string> Unread => _unread;

    public bool IsEmpty => _values.Count == 0;

    /// <summary>Returns the types of the catalog whose values have no unit of their own, neither in a name nor in the settings.</summary>
    public IEnumerable<SensorTypeInfo> PlainTypes() =>
        _values.Where(value => value.Name.Unit is null).Select(value => SensorCatalog.Types.GetValueOrDefault(value.Name.Type)).OfType<SensorTypeInfo>().Distinct();

    public void Clear()
    {
        _group = 0;
        _values.Clear();
        _unread.Clear();
    }

    /// <summary>Adds all numbers of an object whose names identify the measurement, and notes the others.</summary>
    /// <param name="place">The pointer before the names, with a trailing slash; empty for the message itself.</param>
    /// <param name="id">The device's id; null if the message around it, or its record, has it.</param>
    /// <param name="part">Prefix of what each number adds to the id. It distinguishes the sensors of one device.</param>
    /// <param name="name">What names mean in this form; takes precedence over their general meaning.</param>
    public void AddAll(JsonElement from, string place, string? id = null, string? part = null, JsonElement? time = null, Func<string, MeasuredName?>? name = null)
    {
        _group++;
        var quality = IsInvalid(from) ? 0 : (float?)null;
        foreach (var member in from.EnumerateObject())
        {
            var isNumber = member.Value.ValueKind == JsonValueKind.Number;
            if (member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("value", out var inner))
            {
                AddObject(member, inner, place + Escaped(member.Name), id, part, time, quality);
                continue;
            }

            if (member.Value.ValueKind == JsonValueKind.Array && member.Value.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Number))
            {
                Pass(place + Escaped(member.Name));
                continue;
            }

            if (!isNumber && member.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
            {
                continue;
            }

            if ((name?.Invoke(member.Name) ?? names.Find(member.Name)) is { } known)
            {
                if (known.HasOwnUnit && !SensorCatalog.Types.ContainsKey(known.Type) && IsWord(member.Value))
                {
                    // battery_V = "ok" is not a measurement.
                    continue;
                }

                Add(place + Escaped(member.Name), known, member.Value, id, PartOf(part, known.Part), time, quality);
            }
            else if (isNumber && !IsNoMeasurement(member.Name))
            {
                Pass(place + Escaped(member.Name));
            }
        }
    }

    // {"temperature":{"value":21.5,"unit":"C"}}
    private void AddObject(JsonProperty member, JsonElement value, string place, string? id, string? part, JsonElement? time, float? quality)
    {
        var unit = UnitMembers.Of(member.Value);
        var known = names.Find(member.Name);
        known = unit is null ? known : known is null ? MeasuredNames.Of(member.Name, unit) : known with { Unit = unit, HasOwnUnit = true };
        time = KnownTime(member.Value) ?? time;
        quality = QualityOf(member.Value) ?? quality;
        var isNumber = value.ValueKind == JsonValueKind.Number;
        if (known is { Part.Length: <= ReadingParser.MaxTypeLength } && (isNumber || (SensorCatalog.Types.ContainsKey(known.Type) && value.ValueKind is JsonValueKind.String or JsonValueKind.Null)))
        {
            Add($"{place}/value", known, value, id, PartOf(part, known.Part), time, quality);
        }
        else if (isNumber)
        {
            Pass(place);
        }
    }

    private static JsonElement? KnownTime(JsonElement value)
    {
        foreach (var member in value.EnumerateObject().Where(member => member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number))
        {
            if (member.Name.ToLowerInvariant() is "timestamp" or "time" or "ts" or "datetime" or "@timestamp" or "observedat" or "sourcetimestamp")
            {
                return member.Value;
            }
        }

        return null;
    }

    private static float? QualityOf(JsonElement value) =>
        IsInvalid(value) ? 0
        : !value.TryGetProperty("quality", out var quality) ? null
        : quality.ValueKind == JsonValueKind.Number && quality.TryGetSingle(out var number) && Words.QualityOf(number) is >= 0 and <= 1 and var read ? read
        : quality.ValueKind == JsonValueKind.String && Words.TryReadQuality(Encoding.UTF8.GetBytes(quality.GetString()!), out var word) ? word
        : null;

    /// <summary>Whether an object says that its values are not valid.</summary>
    public static bool IsInvalid(JsonElement values) =>
        (values.TryGetProperty("is_valid", out var isValid) || values.TryGetProperty("isValid", out isValid) || values.TryGetProperty("valid", out isValid)) && isValid.ValueKind == JsonValueKind.False;

    private static bool IsWord(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString()!.Trim() is var text && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) && !Words.IsNoValue(Encoding.UTF8.GetBytes(text));

    // The component temperature:0 of a device has one temperature; a switch has a temperature among other values.
    private static string PartOf(string? of, string part) => of is null ? part : of.StartsWith($"{part}:", StringComparison.Ordinal) ? of : $"{of}-{part}";

    /// <param name="part">The suffix added to the id; null for none.</param>
    public void Add(string place, MeasuredName name, JsonElement number, string? id = null, string? part = null, JsonElement? time = null, float? quality = null) =>
        _values.Add(new(place, name, number, id, part, time, quality, _group, _values.Count));

    /// <summary>Records a number that is not read.</summary>
    public void Pass(string place)
    {
        if (_unread.Count < MaxUnread)
        {
            _unread.Add(JsonText.Shorten(place, MaxShown));
        }
    }

    /// <summary>Writes the readings into the object.</summary>
    /// <param name="body">A JSON object that is not empty.</param>
    public byte[] Write(ReadOnlySpan<byte> body)
    {
        var buffer = new ArrayBufferWriter<byte>(body.Length + 256);
        // What is rejected is shown as it was sent.
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartArray();
        foreach (var value in _chosen)
        {
            json.WriteStartObject();
            json.WriteString(Place, value.Place);
            if (value.Part is not null)
            {
                json.WriteString(Part, value.Part);
            }

            if (value.Id is not null)
            {
                json.WriteString("sensor_id", value.Id);
            }

            if (value.Time is { } time)
            {
                json.WritePropertyName("timestamp");
                time.WriteTo(json);
            }

            if (value.Name.Type.Length > 0)
            {
                json.WriteString("sensor_type", value.Name.Type);
            }

            if (value.Name.Unit is { } unit)
            {
                json.WriteString("unit", unit);
            }

            if (value.Quality is { } quality)
            {
                json.WriteNumber("quality", quality);
            }

            json.WritePropertyName("value");
            if (value.Number.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                json.WriteNumberValue(value.Number.ValueKind == JsonValueKind.True ? 1 : 0);
            }
            else
            {
                value.Number.WriteTo(json);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        // Of two members with the same name the last counts: none of the message follows this one.
        var inner = body.Trim(" \t\r\n"u8)[..^1].TrimEnd(" \t\r\n"u8);
        return [.. inner, .. inner.Length > 1 ? ","u8 : default, .. "\""u8, .. Encoding.UTF8.GetBytes(Readings), .. "\":"u8, .. buffer.WrittenSpan, (byte)'}'];
    }

    /// <summary>Chooses the most certain of several values of one sensor; missing ones only if there is nothing else.</summary>
    /// <returns>Which values differ and are equally certain; null if there are none.</returns>
    public string? Choose()
    {
        string? problem = null;
        var chosen = new List<Value>();
        foreach (var same in _values.GroupBy(value => value.Measurement))
        {
            var best = same.MaxBy(value => value.Rank)!;
            chosen.Add(best);
            if (!best.IsNone && same.FirstOrDefault(other => other.Rank == best.Rank && other.Name.Unit == best.Name.Unit && other.Number.ToString() != best.Number.ToString()) is { } rival)
            {
                problem ??= $"{best.Place} ({Shown(best)}) and {rival.Place} ({Shown(rival)}) are the same {best.Name.Type} with different values: send one of them, or each with a sensor id of its own, or name those that are read in {MessagesOptions.Section}:{nameof(MessagesOptions.Mapping)}:{nameof(MappingOptions.Values)}:{best.Name.Type}";
            }

            foreach (var other in same.Where(other => other != best && !other.IsNone))
            {
                Pass(other.Place);
            }
        }

        if (chosen.Exists(value => !value.IsNone))
        {
            chosen.RemoveAll(value => value.IsNone);
        }

        // Values of one object are ordered by name, as several values from the settings are by type.
        _chosen = [.. chosen.OrderBy(value => value.Group).ThenBy(value => value.Part, StringComparer.Ordinal).ThenBy(value => value.Order)];
        return problem;

        static string Shown(Value value) => JsonText.Shorten(value.Number.ToString(), MaxShown);
    }

    public static string Escaped(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>Whether a name is that of a time, a message number or a device.</summary>
    public static bool IsNoMeasurement(string name) =>
        name.ToLowerInvariant() is var lower && (lower is "ts" or "time" or "timestamp" or "datetime" or "@timestamp" or "id" or "seq" or "sequence" or "version" or "quality" or "count" or "partitionid" or "unixtime" or "last_seen"
            or "device" or "sensor" or "fport" or "fcnt" || lower.EndsWith("_id", StringComparison.Ordinal) || lower.EndsWith("time", StringComparison.Ordinal) || name.EndsWith("Id", StringComparison.Ordinal));
}
