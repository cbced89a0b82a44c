using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// Reads a message in place in the client's memory, and leaves the result in its fields: known sensors cost no allocation.
/// It is the value deserializer of one consumer and is only used by the thread that polls it. It never throws: for a message that is not a
/// reading, or whose reading fails in any other way, it returns a <see cref="Rejection"/>. The client drops a message whose deserializer throws.
/// </summary>
/// <param name="keys">The key of the next message.</param>
/// <param name="dialects">Reads messages in other forms than this system's sensors'; the sensors' messages pay nothing for it.</param>
/// <param name="avro">Reads Avro, if there is a Schema Registry.</param>
/// <param name="unread">Notified of the numbers in a message that are not read.</param>
internal sealed class ReadingParser(SensorDirectory sensors, KeyMemory keys, DialectReader dialects, AvroMessages? avro = null, UnreadMembers? unread = null) : IDeserializer<Rejection>
{
    public const int MaxBytes = 64 * 1024;

    /// <summary>Maximum number of readings in one message.</summary>
    public const int MaxReadings = 5_000;

    public const int MaxIdLength = 255;
    public const int MaxTypeLength = 100;
    public const int MaxUnitLength = 32;
    public const int MaxSequenceIdLength = 64;

    /// <summary>Maximum nesting of a message as text in the text of another.</summary>
    private const int MaxTexts = 2;

    /// <summary>Maximum number of characters of an exception's text in a <see cref="Detail"/>.</summary>
    private const int MaxFailure = 200;

    /// <summary>The framing of a Schema Registry's serializer: a zero, and the schema's id in four bytes.</summary>
    private const int FramingBytes = 5;

    /// <summary>A number from here on is a status code of OPC UA, not a quality.</summary>
    public const float LeastStatusCode = 1 << 30;

    private static readonly byte[][] Names =
        [.. "timestamp sensor_id sensor_type location value unit alert_level quality metadata".Split(' ').Select(Encoding.UTF8.GetBytes)];

    /// <summary>By <see cref="LooseName"/>: another spelling of one of these is read by the second reader.</summary>
    private static readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> LooseNames = LooseOf(Names);

    private static readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> LooseNamesInside = LooseOf(
        [.. "factory_section machine_id zone reading_count sequence_id warning_threshold critical_threshold backfill".Split(' ').Select(Encoding.UTF8.GetBytes)]);

    private readonly MessageShapes _shapes = new();
    private readonly byte[] _scratch = new byte[2048];
    private int _scratchUsed;
    private bool _hasBareWords;
    private Reading _reading;
    private Reading[] _several = [];
    private TakeReading? _take;
    private Headers? _headers;
    private int _taken;

    /// <summary>The reading of the last message that was not rejected; partition, offset and time of production are not set.</summary>
    public ref Reading Reading => ref _reading;

    /// <summary>All readings of that message, if it contains more than one; otherwise empty, as for nearly all messages.</summary>
    public Span<Reading> Several => _taken > 1 ? _several.AsSpan(0, _taken) : default;

    /// <summary>For the last rejected message: what exactly is wrong, the stored part of its bytes, and the fields that could be read.</summary>
    public string Detail { get; private set; } = "";

    public KeptValue Rejected { get; private set; } = KeptValue.Of([], isNull: true);

    public string? SensorId { get; private set; }

    public string? SequenceId { get; private set; }

    public long? ReadingCount => _reading.HasCount ? _reading.ReadingCount : null;

    public Rejection Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => Parse(data, isNull, context.Headers);

    /// <param name="headers">The record's headers, if the client provides them.</param>
    public Rejection Parse(ReadOnlySpan<byte> message, bool isNull = false, Headers? headers = null)
    {
        try
        {
            return Read(message, isNull, headers);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return Fail(message, isNull, exception);
        }
    }

    /// <summary>Rejects a message that cannot be read because of a fault of this program, not of the message alone.</summary>
    public Rejection Fail(ReadOnlySpan<byte> message, bool isNull, Exception exception)
    {
        (_taken, _reading, SensorId, SequenceId) = (0, default, Kept(keys.Bytes, MaxIdLength), null);
        Rejected = KeptValue.Of(message, isNull);
        return Failed(exception);
    }

    /// <summary>Rejects a message whose time is that of its record, which is not in the years 1 to 9999.</summary>
    /// <param name="recordTime">Milliseconds since 1970-01-01 UTC.</param>
    public Rejection RejectRecordTime(long recordTime)
    {
        (SensorId, SequenceId) = (_reading.Sensor.Identity.Name, _reading.Sensor.ToRow().SequenceId);
        return Reject(Rejection.InvalidTimestamp, $"The message has no time of its own, and its record's timestamp is {recordTime} ms since 1970: it must be in the years 1 to 9999");
    }

    private Rejection Read(ReadOnlySpan<byte> message, bool isNull, Headers? headers)
    {
        (_taken, _headers) = (0, headers);
        if (_shapes.TryRead(keys.Hash, message, ref _reading))
        {
            return Rejection.None;
        }

        // A byte order mark, or a Schema Registry's framing, is not part of the JSON.
        var isFramed = message.Length > FramingBytes && message[0] == 0;
        var before = message.StartsWith("\uFEFF"u8) ? 3 : isFramed && message[FramingBytes] is (byte)'{' or (byte)'[' ? FramingBytes : 0;
        var json = message[before..];
        if (before > 0 && _shapes.TryRead(keys.Hash, json, ref _reading))
        {
            return Rejection.None;
        }

        var isAvro = isFramed && avro is not null;
        var rejection = isAvro && before == 0 ? ParseAvro(message) : ParseJson(json);
        if (isAvro && before > 0 && rejection == Rejection.MalformedJson)
        {
            // A number in Avro may begin like JSON.
            rejection = ParseAvro(message);
        }

        if (rejection is not (Rejection.None or Rejection.AwaitsSchema))
        {
            Rejected = KeptValue.Of(message, isNull);
            // By its key, as the sensor's page counts its rejected messages.
            SensorId ??= Kept(keys.Bytes, MaxIdLength);
        }

        return rejection;
    }

    private Rejection ParseAvro(ReadOnlySpan<byte> message)
    {
        (_reading, SensorId, SequenceId) = (default, null, null);
        if (message.Length > MaxBytes)
        {
            return TooLarge(message.Length);
        }

        return avro!.Read(message) switch
        {
            AvroMessages.Outcome.Read => _shapes.TryRead(keys.Hash, avro.Json, ref _reading) ? Rejection.None : ParseJson(avro.Json),
            AvroMessages.Outcome.AwaitsSchema => Rejection.AwaitsSchema,
            _ => Reject(Rejection.MalformedJson, avro.Detail),
        };
    }

    private Rejection ParseJson(ReadOnlySpan<byte> json, int depth = 0)
    {
        // The reader throws at NaN, and a producer that sends it once sends it again.
        var fields = new Fields();
        var quoted = _hasBareWords ? BareWords.Quote(json) : null;
        var rejection = quoted is null ? ReadAsAgreed(json, ref fields) : Rejection.MalformedJson;
        if (rejection == Rejection.None)
        {
            _shapes.Remember(json, _reading);
            return Rejection.None;
        }

        if (rejection is not (Rejection.Empty or Rejection.Oversized or Rejection.MalformedJson or Rejection.InvalidText))
        {
            rejection = ReadAsDialect(dialects, json, ref fields);
        }

        if (rejection == Rejection.MalformedJson && (quoted ??= BareWords.Quote(json)) is not null)
        {
            _hasBareWords = true;
            rejection = ReadAsDialect(dialects, quoted, ref fields);
        }

        if (rejection == Rejection.MalformedJson && depth < MaxTexts && KnownForms.InText(json) is { } inner)
        {
            return ParseJson(inner, depth + 1);
        }

        if (rejection is Rejection.MissingField or Rejection.MalformedJson or Rejection.WrongType or Rejection.InvalidTimestamp)
        {
            rejection = ReadAsKnownForm(quoted ?? json, rejection, ref fields);
        }

        if (rejection != Rejection.None)
        {
            SensorId = Kept(fields.Sensor.Id, MaxIdLength);
            SequenceId = Kept(fields.Sensor.SequenceId.Bytes, MaxSequenceIdLength);
        }

        return rejection;
    }

    /// <summary>Reads a message in the form of this system's sensors.</summary>
    private Rejection ReadAsAgreed(ReadOnlySpan<byte> message, ref Fields fields)
    {
        _reading = new Reading { Quality = 1, Warning = double.NaN, Critical = double.NaN };
        _scratchUsed = 0;
        try
        {
            return Read(message, ref fields);
        }
        catch (JsonException exception)
        {
            return Malformed(message, exception);
        }
        catch (InvalidOperationException)
        {
            return NotUnicode();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return Failed(exception);
        }
    }

    /// <summary>Reads a message in any other known form, and describes the problem if it has none.</summary>
    private Rejection ReadAsDialect(DialectReader reader, ReadOnlySpan<byte> message, ref Fields fields)
    {
        try
        {
            _taken = 0;
            var rejection = reader.Read(reader.ReadsHeaders && BinaryEvent.ToStructured(_headers, message) is { } whole ? whole : message, keys.Bytes, ref _reading, ref fields.Sensor, _take ??= Take);
            Detail = reader.Detail;
            return rejection;
        }
        catch (JsonException exception)
        {
            return Malformed(message, exception);
        }
        catch (InvalidOperationException)
        {
            return NotUnicode();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Here the sensor and the number that were found are still known: the ledger counts the message as rejected.
            return Failed(exception);
        }
    }

    /// <summary>Reads a message that could not be read otherwise in one of the forms that are recognized by their members.</summary>
    /// <param name="first">Why it could not be read.</param>
    private Rejection ReadAsKnownForm(ReadOnlySpan<byte> message, Rejection first, ref Fields fields)
    {
        var (reason, detail) = (first, Detail);
        if (message.Length > MaxBytes || dialects.Forms is not { } forms)
        {
            return first;
        }

        if (first == Rejection.MalformedJson && message.Trim(" \t\r\n"u8) is { IsEmpty: false } word && Words.IsNoValue(word))
        {
            return Reject(Rejection.NoValue, $"The message is {Encoding.UTF8.GetString(word)} alone, which is no value: it must be a number, or one JSON object in UTF-8");
        }

        try
        {
            if (first == Rejection.MalformedJson && forms.OfNumber(message, keys.Bytes) is not (null, null) and var (problem, number))
            {
                return number is null ? Reject(Rejection.MissingField, problem!) : ReadAsDialect(forms.Contract, number, ref fields);
            }

            foreach (var known in forms.Find(message.ToArray()))
            {
                var rejection = ReadAsDialect(known.Reader, known.Message.Span, ref fields);
                // A wrong time is not replaced by another one, unless the form has a time member of its own.
                if (rejection == Rejection.None && (first != Rejection.InvalidTimestamp || known.Name is not null || known.Reader.IsMeasured))
                {
                    NoteUnread(known.Reader);
                    return rejection;
                }

                // The times of platforms need no mapping: there, something else is missing.
                if (rejection != Rejection.None && first == Rejection.MissingField && dialects.LacksTime && !known.Reader.LacksTime)
                {
                    (reason, detail) = (rejection, Detail);
                }

                detail += known.Reader.Ambiguity;
                if (rejection != Rejection.None && (known.Name is not null || known.Reader.IsCertain || known.Reader.IsMeasured))
                {
                    return Reject(rejection, $"Read as {known.Name ?? known.Reader.Form}. {Detail}");
                }
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Not JSON, half a surrogate pair in an escape, a sum beyond the range of numbers, or anything else. The problem has already been reported.
        }

        return Reject(reason, detail);
    }

    private void NoteUnread(DialectReader reader)
    {
        if (unread is null || reader.Unread.Count == 0)
        {
            return;
        }

        var names = string.Join(", ", reader.Unread);
        foreach (ref var reading in _several.AsSpan(0, _taken))
        {
            unread.Note(reading.Sensor.Identity.Name, names);
        }
    }

    /// <summary>Takes a reading of a message that may contain more.</summary>
    private (Rejection Reason, string Detail) Take(in SensorText sensor)
    {
        var rejection = _taken < MaxReadings ? Resolve(sensor) : Reject(Rejection.Oversized, $"The message holds more than {MaxReadings} readings, which are allowed");
        if (rejection == Rejection.None)
        {
            if (_taken == _several.Length)
            {
                Array.Resize(ref _several, Math.Max(4, _taken * 2));
            }

            _reading.Index = _taken;
            _several[_taken++] = _reading;
        }

        return (rejection, Detail);
    }

    private Rejection TooLarge(int bytes) => Reject(Rejection.Oversized, $"The message has {bytes} bytes: {MaxBytes} are allowed");

    private Rejection Malformed(ReadOnlySpan<byte> message, JsonException exception) => Reject(
        Rejection.MalformedJson,
        message[0] == 0
            ? "The message begins with a zero byte, as Avro and Protobuf of a Schema Registry do: it must be one JSON object in UTF-8. Avro is read where Consumers:Messages:SchemaRegistry:Url names the registry"
            : $"Cannot read the message as JSON{JsonText.Where(message, exception)}: it must be one JSON object in UTF-8");

    // The reader's exception for text that is not UTF-8 or contains half a surrogate pair.
    private Rejection NotUnicode() => Reject(Rejection.InvalidText, "Cannot read the message's text: it must be valid UTF-8, without halves of surrogate pairs");

    private Rejection Failed(Exception exception) =>
        Reject(Rejection.InvalidValue, $"Cannot read the message ({exception.GetType().Name}: {JsonText.Shorten(exception.Message, MaxFailure)}): a time or a number in it may be out of range. Report the message, because the consumer must name the problem");

    private static string? Kept(ReadOnlySpan<byte> text, int maxBytes) =>
        text.IsEmpty || !IsStorable(text) || text.Length > maxBytes ? null : Encoding.UTF8.GetString(text);

    private Rejection Reject(Rejection rejection, string detail)
    {
        Detail = detail;
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
        public bool HasBackfill;
    }

    private Rejection Read(ReadOnlySpan<byte> message, ref Fields fields)
    {
        if (message.IsEmpty)
        {
            return Reject(Rejection.Empty, "The message is empty: it must be one JSON object");
        }

        if (message.Length > MaxBytes)
        {
            return TooLarge(message.Length);
        }

        var json = new Utf8JsonReader(message);
        json.Read();
        if (json.TokenType == JsonTokenType.StartArray)
        {
            // The second reader reads its elements.
            return Rejection.WrongType;
        }

        if (json.TokenType != JsonTokenType.StartObject)
        {
            return Reject(Rejection.MalformedJson, $"The message is {JsonText.KindOf(json.TokenType)}: it must be one JSON object");
        }

        // An error in one field must not prevent the others from being read: a rejected message is accounted for by sensor and number.
        var first = Rejection.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rejection = ReadField(ref json, ref fields);
            first = first == Rejection.None ? rejection : first;
        }

        // Anything after the object makes the reader throw.
        json.Read();
        return first != Rejection.None ? first : _shapes.IsRepeated ? Rejection.MissingField : Complete(ref fields);
    }

    private Rejection ReadField(ref Utf8JsonReader json, ref Fields fields)
    {
        // By length first: at most two comparisons, where the last of the names would have taken nine.
        var name = NameOf(ref json);
        json.Read();
        switch (name.Length)
        {
            case 4 when name.SequenceEqual("unit"u8):
                return ReadText(ref json, MaxUnitLength, ref fields.Sensor.Unit, ref fields.HasUnit);
            case 5 when name.SequenceEqual("value"u8):
                Mark(ShapeField.Value, ref json);
                return ReadNumber(ref json, ref _reading.Value, ref fields.HasValue);
            case 7 when name.SequenceEqual("quality"u8):
                return ReadQuality(ref json);
            case 8 when name.SequenceEqual("location"u8):
                return ReadLocation(ref json, ref fields);
            case 8 when name.SequenceEqual("metadata"u8):
                return ReadMetadata(ref json, ref fields);
            case 9 when name.SequenceEqual("timestamp"u8):
                return ReadTimestamp(ref json, ref fields);
            case 9 when name.SequenceEqual("sensor_id"u8):
                return ReadText(ref json, MaxIdLength, ref fields.Sensor.Id, ref fields.HasId);
            case 11 when name.SequenceEqual("sensor_type"u8):
                return ReadText(ref json, MaxTypeLength, ref fields.Sensor.Type, ref fields.HasType);
            case 11 when name.SequenceEqual("alert_level"u8):
                return ReadLevel(ref json);
            default:
                json.Skip();
                return OfOtherName(name, LooseNames);
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

    private Rejection Complete(ref Fields fields) =>
        fields.HasTimestamp && fields.HasId && fields.HasType && fields.HasValue && fields.HasUnit && !fields.Sensor.Unit.IsEmpty && !fields.Sensor.Type.IsEmpty ? Resolve(fields.Sensor) : Rejection.MissingField;

    /// <summary>Finds the sensor, or adds one whose text can be stored.</summary>
    private Rejection Resolve(in SensorText sensor)
    {
        if (sensors.Find(sensor) is { } known)
        {
            _reading.Sensor = known;
            return Rejection.None;
        }

        // The second reader converts a fraction, and a unit null is none.
        if (sensor.Id.IsEmpty || Words.IsNull(sensor.Unit) || (Fraction.Is(sensor.Unit) && DialectReader.TypeOf(sensor.Type) is { Unit: "%" }))
        {
            return Rejection.MissingField;
        }

        var wrong = !IsStorable(sensor.Id) ? "sensor id" : !IsStorable(sensor.Type) ? "sensor type" : !IsStorable(sensor.Unit) ? "unit"
            : !IsStorable(sensor.Section.Bytes) ? "factory section" : !IsStorable(sensor.Machine.Bytes) ? "machine id" : !IsStorable(sensor.Zone.Bytes) ? "zone"
            : !IsStorable(sensor.SequenceId.Bytes) ? "sequence id" : null;
        if (wrong is not null)
        {
            return Reject(Rejection.InvalidText, $"Cannot store the {wrong}: it must be valid UTF-8 without NUL characters");
        }

        _reading.Sensor = sensors.Add(sensor);
        return Rejection.None;
    }

    private Rejection ReadTimestamp(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return WrongType(ref json);
        }

        if (!json.TryGetDateTime(out var time) || (time.Kind == DateTimeKind.Unspecified && !dialects.IsUtc))
        {
            return Rejection.InvalidTimestamp;
        }

        if (time.Kind == DateTimeKind.Local)
        {
            if (!json.TryGetDateTimeOffset(out var withOffset))
            {
                return Rejection.InvalidTimestamp;
            }

            time = withOffset.UtcDateTime;
        }

        _reading.Timestamp = PostgresTime.FromUtc(time);
        Mark(ShapeField.Timestamp, ref json);
        fields.HasTimestamp = true;
        return Rejection.None;
    }

    private Rejection ReadText(scoped ref Utf8JsonReader json, int maxLength, ref ReadOnlySpan<byte> text, ref bool isPresent)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return WrongType(ref json);
        }

        // The second reader compares what is there twice.
        var isRepeated = isPresent;
        text = TextOf(ref json);
        isPresent = true;
        return isRepeated ? Rejection.MissingField : CheckLength(text, maxLength);
    }

    // varchar(n) counts characters, not bytes.
    private static Rejection CheckLength(ReadOnlySpan<byte> text, int maxLength) =>
        text.Length <= maxLength || Encoding.UTF8.GetCharCount(text) <= maxLength
            ? Rejection.None
            : Rejection.TooLong;

    private ReadOnlySpan<byte> TextOf(scoped ref Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return json.ValueSpan;
        }

        // Escaped text is common, because serializers escape the degree sign; unescaped it is never longer.
        var room = json.ValueSpan.Length <= _scratch.Length - _scratchUsed ? _scratch.AsSpan(_scratchUsed) : new byte[json.ValueSpan.Length];
        var length = json.CopyString(room);
        _scratchUsed += length;
        return room[..length];
    }

    private static bool IsStorable(ReadOnlySpan<byte> text) => !text.Contains((byte)0) && Utf8.IsValid(text);

    private static Rejection ReadNumber(ref Utf8JsonReader json, ref double number, ref bool isPresent)
    {
        if (json.TokenType != JsonTokenType.Number)
        {
            return WrongType(ref json);
        }

        if (!json.TryGetDouble(out var value) || !double.IsFinite(value))
        {
            return Rejection.InvalidValue;
        }

        number = value;
        isPresent = true;
        return Rejection.None;
    }

    private Rejection ReadQuality(ref Utf8JsonReader json)
    {
        var quality = 0.0;
        var isPresent = false;
        var rejection = ReadNumber(ref json, ref quality, ref isPresent);
        if (isPresent)
        {
            Mark(ShapeField.Quality, ref json);
            _reading.Quality = (float)quality;
            if (!(_reading.Quality is >= 0 and <= 1))
            {
                return OfOtherQuality();
            }
        }

        return rejection;
    }

    private Rejection OfOtherQuality()
    {
        _reading.Quality = Words.QualityOf(_reading.Quality);
        return _reading.Quality >= LeastStatusCode || !float.IsFinite(_reading.Quality) ? Rejection.InvalidValue : Rejection.None;
    }

    private Rejection ReadLevel(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return WrongType(ref json);
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
            return Rejection.InvalidAlertLevel;
        }

        _reading.HasLevel = true;
        Mark(ShapeField.Level, ref json);
        return Rejection.None;
    }

    private Rejection ReadLocation(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return WrongType(ref json);
        }

        var first = Rejection.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rejection = Rejection.None;
            if (json.ValueTextEquals("factory_section"u8))
            {
                rejection = ReadOptionalText(ref json, MaxIdLength, ref fields.Sensor.Section);
            }
            else if (json.ValueTextEquals("machine_id"u8))
            {
                rejection = ReadOptionalText(ref json, MaxIdLength, ref fields.Sensor.Machine);
            }
            else if (json.ValueTextEquals("zone"u8))
            {
                rejection = ReadOptionalText(ref json, MaxIdLength, ref fields.Sensor.Zone);
            }
            else
            {
                rejection = OfOtherName(ref json);
            }

            first = first == Rejection.None ? rejection : first;
        }

        return first;
    }

    /// <summary>Skips an unknown member of the location or the metadata.</summary>
    private static Rejection OfOtherName(ref Utf8JsonReader json)
    {
        var name = json.ValueSpan;
        json.Read();
        json.Skip();
        return OfOtherName(name, LooseNamesInside);
    }

    /// <summary>An unknown member is ignored, unless its name is another spelling of a known one, such as machineId: then the second reader reads the message.</summary>
    private static Rejection OfOtherName(ReadOnlySpan<byte> name, HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> known) =>
        known.Contains(LooseName.Of(name, stackalloc byte[LooseName.MaxLength])) ? Rejection.MissingField : Rejection.None;

    private static HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> LooseOf(byte[][] names) =>
        names.Select(name => LooseName.Of(name, new byte[LooseName.MaxLength]).ToArray()).ToHashSet(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    private Rejection ReadOptionalText(scoped ref Utf8JsonReader json, int maxLength, ref OptionalUtf8 found)
    {
        json.Read();
        ReadOnlySpan<byte> text = default;
        var isPresent = found.IsPresent;
        var rejection = ReadText(ref json, maxLength, ref text, ref isPresent);
        found = new OptionalUtf8(isPresent && !text.IsEmpty, text);
        return rejection;
    }

    private Rejection ReadMetadata(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return WrongType(ref json);
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
                rejection = ReadOptionalText(ref json, MaxSequenceIdLength, ref fields.Sensor.SequenceId);
            }
            else if (json.ValueTextEquals("warning_threshold"u8))
            {
                json.Read();
                rejection = double.IsNaN(_reading.Warning) ? ReadNumber(ref json, ref _reading.Warning, ref isPresent) : WrongType(ref json);
            }
            else if (json.ValueTextEquals("critical_threshold"u8))
            {
                json.Read();
                rejection = double.IsNaN(_reading.Critical) ? ReadNumber(ref json, ref _reading.Critical, ref isPresent) : WrongType(ref json);
            }
            else if (json.ValueTextEquals("backfill"u8))
            {
                json.Read();
                rejection = ReadBackfill(ref json, ref fields);
            }
            else
            {
                rejection = OfOtherName(ref json);
            }

            first = first == Rejection.None ? rejection : first;
        }

        return first;
    }

    private static Rejection ReadBackfill(ref Utf8JsonReader json, ref Fields fields)
    {
        if (json.TokenType is not (JsonTokenType.True or JsonTokenType.False))
        {
            return WrongType(ref json);
        }

        var isRepeated = fields.HasBackfill;
        (fields.HasBackfill, fields.Sensor.IsBackfill) = (true, json.TokenType == JsonTokenType.True);
        return isRepeated ? Rejection.MissingField : Rejection.None;
    }

    private Rejection ReadCount(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return Rejection.None;
        }

        if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var count))
        {
            return WrongType(ref json);
        }

        _reading.ReadingCount = count;
        _reading.HasCount = true;
        Mark(ShapeField.Count, ref json);
        return Rejection.None;
    }

    private static Rejection WrongType(ref Utf8JsonReader json)
    {
        var isNull = json.TokenType == JsonTokenType.Null;
        json.Skip();
        return isNull ? Rejection.None : Rejection.WrongType;
    }
}

/// <summary>Keeps the key of the last message, for the few that become dead letters; a key of more than 4 KiB is treated as none.</summary>
internal sealed class KeyMemory : IDeserializer<Ignore>
{
    public const int MaxBytes = 4 * 1024;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private int _length;
    private bool _isNull = true;

    public byte[]? Key => _isNull ? null : _bytes.AsSpan(0, _length).ToArray();

    /// <summary>The same in place; empty if there is none.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _isNull ? 0 : _length);

    /// <summary>Equal for equal keys.</summary>
    public int Hash => Utf8Comparer.Instance.GetHashCode(Bytes);

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
