using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// Reads a message where it lies in the client's memory, and leaves what it found in its own fields: known sensors cost no allocation.
/// It is the value deserializer of one consumer and is used by the thread that polls it, alone. It never throws: a message that is no
/// reading is a <see cref="Rejection"/>.
/// </summary>
/// <param name="keys">The key of the message that is read next.</param>
internal sealed class ReadingParser(SensorDirectory sensors, KeyMemory keys) : IDeserializer<Rejection>
{
    public const int MaxBytes = 64 * 1024;

    private const int MaxIdLength = 255;
    private const int MaxTypeLength = 100;
    private const int MaxUnitLength = 32;
    private const int MaxSequenceIdLength = 64;

    private static readonly byte[][] Names =
        [.. "timestamp sensor_id sensor_type location value unit alert_level quality metadata".Split(' ').Select(Encoding.UTF8.GetBytes)];

    private readonly MessageShapes _shapes = new();
    private readonly byte[] _scratch = new byte[2048];
    private int _scratchUsed;
    private Reading _reading;

    /// <summary>The reading of the last message that was none of the rejections; partition, offset and time of production are not its own.</summary>
    public ref Reading Reading => ref _reading;

    /// <summary>Of the last rejected message: what exactly is wrong, what is kept of its bytes, and what could be read of it.</summary>
    public string Detail { get; private set; } = "";

    public KeptValue Rejected { get; private set; } = KeptValue.Of([], isNull: true);

    public string? SensorId { get; private set; }

    public string? SequenceId { get; private set; }

    public long? ReadingCount => _reading.HasCount ? _reading.ReadingCount : null;

    public Rejection Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => Parse(data, isNull);

    public Rejection Parse(ReadOnlySpan<byte> message, bool isNull = false)
    {
        if (_shapes.TryRead(keys.Hash, message, ref _reading))
        {
            return Rejection.None;
        }

        _reading = new Reading { Quality = 1, Warning = double.NaN, Critical = double.NaN };
        Detail = "";
        _scratchUsed = 0;
        var fields = new Fields();
        Rejection rejection;
        try
        {
            rejection = Read(message, ref fields);
        }
        catch (JsonException exception)
        {
            Detail = Shorten(exception.Message);
            rejection = Rejection.MalformedJson;
        }
        catch (InvalidOperationException)
        {
            // The reader's word for text that is no UTF-8 or half a surrogate pair.
            Detail = "text is not valid Unicode";
            rejection = Rejection.InvalidText;
        }

        if (rejection != Rejection.None)
        {
            Rejected = KeptValue.Of(message, isNull);
            SensorId = Kept(fields.Sensor.Id, MaxIdLength);
            SequenceId = Kept(fields.Sensor.SequenceId.Bytes, MaxSequenceIdLength);
        }
        else
        {
            _shapes.Remember(message, _reading);
        }

        return rejection;
    }

    private static string? Kept(ReadOnlySpan<byte> text, int maxBytes) =>
        text.IsEmpty || !IsStorable(text) || text.Length > maxBytes ? null : Encoding.UTF8.GetString(text);

    private Rejection Reject(Rejection rejection, string detail)
    {
        // The first thing that is wrong is the one that is told.
        Detail = Detail.Length == 0 ? detail : Detail;
        return rejection;
    }

    private ref struct Fields
    {
        public SensorText Sensor;
        public bool HasTimestamp;
        public bool HasValue;
        public bool HasId;
        public bool HasType;
        public bool HasUnit;
    }

    private Rejection Read(ReadOnlySpan<byte> message, ref Fields fields)
    {
        if (message.IsEmpty)
        {
            return Reject(Rejection.Empty, "no bytes");
        }

        if (message.Length > MaxBytes)
        {
            return Reject(Rejection.Oversized, $"{message.Length} bytes, {MaxBytes} are allowed");
        }

        var json = new Utf8JsonReader(message);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return Reject(Rejection.MalformedJson, "not an object");
        }

        // What is wrong with one field must not keep the others from being read: a rejected message is accounted by sensor and number.
        var first = Rejection.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rejection = ReadField(ref json, ref fields);
            first = first == Rejection.None ? rejection : first;
        }

        // Anything behind the object makes the reader throw.
        json.Read();
        return first != Rejection.None ? first : Complete(ref fields);
    }

    private Rejection ReadField(ref Utf8JsonReader json, ref Fields fields)
    {
        // By length first: two comparisons at most, where the last of the names would have cost nine.
        var name = NameOf(ref json);
        json.Read();
        switch (name.Length)
        {
            case 4 when name.SequenceEqual("unit"u8):
                return ReadText(ref json, "unit", MaxUnitLength, ref fields.Sensor.Unit, ref fields.HasUnit);
            case 5 when name.SequenceEqual("value"u8):
                Mark(ShapeField.Value, ref json);
                return ReadNumber(ref json, "value", ref _reading.Value, ref fields.HasValue);
            case 7 when name.SequenceEqual("quality"u8):
                return ReadQuality(ref json);
            case 8 when name.SequenceEqual("location"u8):
                return ReadLocation(ref json, ref fields);
            case 8 when name.SequenceEqual("metadata"u8):
                return ReadMetadata(ref json, ref fields);
            case 9 when name.SequenceEqual("timestamp"u8):
                return ReadTimestamp(ref json, ref fields);
            case 9 when name.SequenceEqual("sensor_id"u8):
                return ReadText(ref json, "sensor_id", MaxIdLength, ref fields.Sensor.Id, ref fields.HasId);
            case 11 when name.SequenceEqual("sensor_type"u8):
                return ReadText(ref json, "sensor_type", MaxTypeLength, ref fields.Sensor.Type, ref fields.HasType);
            case 11 when name.SequenceEqual("alert_level"u8):
                return ReadLevel(ref json);
            default:
                json.Skip();
                return Rejection.None;
        }
    }

    private void Mark(ShapeField field, ref Utf8JsonReader json) =>
        _shapes.Mark(field, (int)json.TokenStartIndex + (json.TokenType == JsonTokenType.String ? 1 : 0), json.ValueSpan.Length);

    private static ReadOnlySpan<byte> NameOf(scoped ref Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return json.ValueSpan;
        }

        foreach (var name in Names)
        {
            if (json.ValueTextEquals(name))
            {
                return name;
            }
        }

        return default;
    }

    private Rejection Complete(ref Fields fields)
    {
        var missing = !fields.HasTimestamp ? "timestamp" : !fields.HasId ? "sensor_id" : !fields.HasType ? "sensor_type" : !fields.HasValue ? "value" : !fields.HasUnit ? "unit" : null;
        if (missing is not null)
        {
            return Reject(Rejection.MissingField, missing);
        }

        if (sensors.Find(fields.Sensor) is { } known)
        {
            _reading.Sensor = known;
            return Rejection.None;
        }

        if (fields.Sensor.Id.IsEmpty)
        {
            return Reject(Rejection.MissingField, "sensor_id is empty");
        }

        if (!IsStorable(fields.Sensor.Id) || !IsStorable(fields.Sensor.Type) || !IsStorable(fields.Sensor.Unit)
            || !IsStorable(fields.Sensor.Section.Bytes) || !IsStorable(fields.Sensor.Machine.Bytes) || !IsStorable(fields.Sensor.Zone.Bytes) || !IsStorable(fields.Sensor.SequenceId.Bytes))
        {
            return Reject(Rejection.InvalidText, "text holds a NUL or is not valid UTF-8");
        }

        _reading.Sensor = sensors.Add(fields.Sensor);
        return Rejection.None;
    }

    private Rejection ReadTimestamp(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, "timestamp", "text");
        }

        if (!json.TryGetDateTime(out var time))
        {
            return Reject(Rejection.InvalidTimestamp, Shorten(Encoding.UTF8.GetString(json.ValueSpan)));
        }

        if (time.Kind == DateTimeKind.Local)
        {
            if (!json.TryGetDateTimeOffset(out var withOffset))
            {
                return Reject(Rejection.InvalidTimestamp, Shorten(Encoding.UTF8.GetString(json.ValueSpan)));
            }

            time = withOffset.UtcDateTime;
        }

        // A time without a zone is taken as UTC.
        _reading.Timestamp = PostgresTime.FromUtc(time);
        Mark(ShapeField.Timestamp, ref json);
        fields.HasTimestamp = true;
        return Rejection.None;
    }

    private Rejection ReadText(scoped ref Utf8JsonReader json, string name, int maxLength, ref ReadOnlySpan<byte> text, ref bool isPresent)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, name, "text");
        }

        text = TextOf(ref json);
        isPresent = true;
        return CheckLength(text, name, maxLength);
    }

    // varchar(n) counts characters, not bytes.
    private Rejection CheckLength(ReadOnlySpan<byte> text, string name, int maxLength) =>
        text.Length <= maxLength || Encoding.UTF8.GetCharCount(text) <= maxLength
            ? Rejection.None
            : Reject(Rejection.TooLong, $"{name} has more than {maxLength} characters");

    private ReadOnlySpan<byte> TextOf(scoped ref Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return json.ValueSpan;
        }

        // Escaped text is common, for serializers escape the degree sign; unescaped it is never longer.
        var room = json.ValueSpan.Length <= _scratch.Length - _scratchUsed ? _scratch.AsSpan(_scratchUsed) : new byte[json.ValueSpan.Length];
        var length = json.CopyString(room);
        _scratchUsed += length;
        return room[..length];
    }

    private static bool IsStorable(ReadOnlySpan<byte> text) => !text.Contains((byte)0) && Utf8.IsValid(text);

    private Rejection ReadNumber(ref Utf8JsonReader json, string name, ref double number, ref bool isPresent)
    {
        if (json.TokenType != JsonTokenType.Number)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, name, "a number");
        }

        if (!json.TryGetDouble(out var value) || !double.IsFinite(value))
        {
            return Reject(Rejection.InvalidValue, $"{name} is beyond a double");
        }

        number = value;
        isPresent = true;
        return Rejection.None;
    }

    private Rejection ReadQuality(ref Utf8JsonReader json)
    {
        var quality = 0.0;
        var isPresent = false;
        var rejection = ReadNumber(ref json, "quality", ref quality, ref isPresent);
        if (isPresent)
        {
            Mark(ShapeField.Quality, ref json);
            _reading.Quality = (float)quality;
            if (!float.IsFinite(_reading.Quality))
            {
                return Reject(Rejection.InvalidValue, "quality is beyond a float");
            }
        }

        return rejection;
    }

    private Rejection ReadLevel(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, "alert_level", "text");
        }

        if (json.ValueTextEquals("normal"u8))
        {
            _reading.Level = AlertLevel.Normal;
        }
        else if (json.ValueTextEquals("warning"u8))
        {
            _reading.Level = AlertLevel.Warning;
        }
        else if (json.ValueTextEquals("critical"u8))
        {
            _reading.Level = AlertLevel.Critical;
        }
        else
        {
            return Reject(Rejection.InvalidAlertLevel, "alert_level is none of normal, warning, critical");
        }

        _reading.HasLevel = true;
        Mark(ShapeField.Level, ref json);
        return Rejection.None;
    }

    private Rejection ReadLocation(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, "location", "an object");
        }

        var first = Rejection.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rejection = Rejection.None;
            if (json.ValueTextEquals("factory_section"u8))
            {
                rejection = ReadOptionalText(ref json, "factory_section", MaxIdLength, ref fields.Sensor.Section);
            }
            else if (json.ValueTextEquals("machine_id"u8))
            {
                rejection = ReadOptionalText(ref json, "machine_id", MaxIdLength, ref fields.Sensor.Machine);
            }
            else if (json.ValueTextEquals("zone"u8))
            {
                rejection = ReadOptionalText(ref json, "zone", MaxIdLength, ref fields.Sensor.Zone);
            }
            else
            {
                json.Read();
                json.Skip();
            }

            first = first == Rejection.None ? rejection : first;
        }

        return first;
    }

    private Rejection ReadOptionalText(scoped ref Utf8JsonReader json, string name, int maxLength, ref OptionalUtf8 found)
    {
        json.Read();
        ReadOnlySpan<byte> text = default;
        var isPresent = false;
        var rejection = ReadText(ref json, name, maxLength, ref text, ref isPresent);
        found = new OptionalUtf8(isPresent, text);
        return rejection;
    }

    private Rejection ReadMetadata(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return json.TokenType == JsonTokenType.Null ? Rejection.None : WrongType(ref json, "metadata", "an object");
        }

        var first = Rejection.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rejection = Rejection.None;
            var isPresent = false;
            if (json.ValueTextEquals("reading_count"u8))
            {
                json.Read();
                rejection = ReadCount(ref json);
            }
            else if (json.ValueTextEquals("sequence_id"u8))
            {
                rejection = ReadOptionalText(ref json, "sequence_id", MaxSequenceIdLength, ref fields.Sensor.SequenceId);
            }
            else if (json.ValueTextEquals("warning_threshold"u8))
            {
                json.Read();
                rejection = ReadNumber(ref json, "warning_threshold", ref _reading.Warning, ref isPresent);
            }
            else if (json.ValueTextEquals("critical_threshold"u8))
            {
                json.Read();
                rejection = ReadNumber(ref json, "critical_threshold", ref _reading.Critical, ref isPresent);
            }
            else
            {
                json.Read();
                json.Skip();
            }

            first = first == Rejection.None ? rejection : first;
        }

        return first;
    }

    private Rejection ReadCount(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return Rejection.None;
        }

        if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var count))
        {
            return WrongType(ref json, "reading_count", "a whole number");
        }

        _reading.ReadingCount = count;
        _reading.HasCount = true;
        Mark(ShapeField.Count, ref json);
        return Rejection.None;
    }

    private Rejection WrongType(ref Utf8JsonReader json, string name, string wanted)
    {
        var found = json.TokenType;
        json.Skip();
        return Reject(Rejection.WrongType, $"{name} is {found}, not {wanted}");
    }

    private static string Shorten(string text)
    {
        const int MaxDetail = 200;
        var printable = string.Concat(text.Take(MaxDetail).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return printable;
    }
}

/// <summary>Keeps the key of the last message, for the few that become dead letters; one of more than 4 KiB counts as none.</summary>
internal sealed class KeyMemory : IDeserializer<Ignore>
{
    public const int MaxBytes = 4 * 1024;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private int _length;
    private bool _isNull = true;

    public byte[]? Key => _isNull ? null : _bytes.AsSpan(0, _length).ToArray();

    /// <summary>The same for the same keys.</summary>
    public int Hash => Utf8Comparer.Instance.GetHashCode(_bytes.AsSpan(0, _isNull ? 0 : _length));

    public Ignore Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        _isNull = isNull || data.Length > MaxBytes;
        if (!_isNull)
        {
            data.CopyTo(_bytes);
            _length = data.Length;
        }

        return default!;
    }
}
