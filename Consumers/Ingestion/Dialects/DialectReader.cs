using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Reads what <see cref="ReadingParser"/> does not take as it is: other names, other forms of times and numbers, envelopes (docs/messages.md). What it finds is what
/// the same reading of our own sensor would have been. What it does not take either, it tells in words: what was found, what is allowed, and what to set.
/// Used by one thread.
/// </summary>
internal sealed class DialectReader(MessagesOptions options)
{
    private const string Mapping = "Consumers:Messages:Mapping:";

    private readonly MemberFinder _members = new(new MemberMap(options.Mapping));
    private readonly TimeZoneInfo _zone = options.Zone();
    private readonly byte[] _defaultType = Encoding.UTF8.GetBytes(options.Mapping.DefaultType ?? "");
    private readonly byte[] _defaultUnit = Encoding.UTF8.GetBytes(options.Mapping.DefaultUnit ?? "");
    private readonly Dictionary<byte[], byte[]>.AlternateLookup<ReadOnlySpan<byte>> _units = UnitsByType();
    private Rejection _first;

    /// <summary>Whether a time without a zone is one of UTC, so that it can be read without this.</summary>
    public bool IsUtc { get; } = options.Zone() == TimeZoneInfo.Utc;

    /// <summary>What is wrong with the last message that was rejected.</summary>
    public string Detail { get; private set; } = "";

    /// <param name="message">A JSON object, or an array.</param>
    /// <param name="key">Of its record; it is the id of a sensor whose messages have none.</param>
    /// <param name="reading">Gets what was found, from a rejected message too.</param>
    /// <param name="sensor">The same; whether its text can be stored is not known yet.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidOperationException">Its text is no valid Unicode.</exception>
    public Rejection Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor)
    {
        (_first, Detail) = (Rejection.None, "");
        reading = new Reading { Quality = 1, Warning = double.NaN, Critical = double.NaN };
        sensor = default;
        var envelope = Envelope.Open(message);
        if (envelope.Problem is { } problem)
        {
            Reject(Rejection.MalformedJson, problem);
            return _first;
        }

        var body = envelope.Body;
        _members.Find(body);
        var hasTime = ReadTime(envelope, ref reading);
        ReadId(envelope, key, ref sensor);
        sensor.Type = ReadText(body, Member.Type, "sensor type", "Type", ReadingParser.MaxTypeLength, takesNumber: false);
        var hasValue = ReadValue(body, ref reading);
        sensor.Unit = ReadText(body, Member.Unit, "unit", "Unit", ReadingParser.MaxUnitLength, takesNumber: false);
        ReadLevel(body, ref reading);
        ReadQuality(body, ref reading);
        sensor.Section = ReadOptional(body, Member.Section, "factory section", "Section", ReadingParser.MaxIdLength);
        sensor.Machine = ReadOptional(body, Member.Machine, "machine id", "Machine", ReadingParser.MaxIdLength);
        sensor.Zone = ReadOptional(body, Member.Zone, "zone", "Zone", ReadingParser.MaxIdLength);
        ReadCount(body, ref reading);
        sensor.SequenceId = ReadOptional(body, Member.Sequence, "sequence id", "SequenceId", ReadingParser.MaxSequenceIdLength);
        reading.Warning = ReadThreshold(body, Member.Warning, "warning threshold");
        reading.Critical = ReadThreshold(body, Member.Critical, "critical threshold");
        if (_first == Rejection.None)
        {
            Complete(body, hasTime, hasValue, ref sensor);
        }

        return _first;
    }

    private void Complete(ReadOnlySpan<byte> body, bool hasTime, bool hasValue, ref SensorText sensor)
    {
        sensor.Type = _members[Member.Type].IsMissing ? _defaultType : sensor.Type;
        if (!hasTime)
        {
            Miss(body, Rejection.MissingField, "time (timestamp)", "Time");
        }
        else if (sensor.Id.IsEmpty)
        {
            Miss(body, Rejection.MissingField, "sensor id (sensor_id), and its record no key", "Id");
        }
        else if (sensor.Type.IsEmpty && _members[Member.Type].IsMissing)
        {
            Miss(body, Rejection.MissingField, "sensor type (sensor_type)", "Type", $", or set {Mapping}DefaultType");
        }
        else if (!hasValue)
        {
            Miss(body, Rejection.NoValue, "value", "Value");
        }
        else if (_members[Member.Unit].IsMissing)
        {
            sensor.Unit = _units.TryGetValue(sensor.Type, out var unit) ? unit : _defaultUnit;
            if (sensor.Unit.IsEmpty)
            {
                var known = string.Join(", ", SensorCatalog.Types.Keys.Order(StringComparer.Ordinal));
                Miss(body, Rejection.MissingField, $"unit, and its type {Quoted(sensor.Type)} has none of its own (as {known} have)", "Unit", $", or set {Mapping}DefaultUnit");
            }
        }
    }

    private void Miss(ReadOnlySpan<byte> body, Rejection reason, string what, string key, string alternative = "") =>
        Reject(reason, $"The message has no {what}: {JsonText.Members(body)}. Name the member that holds it in {Mapping}{key}{alternative}");

    private bool ReadTime(in Envelope envelope, ref Reading reading)
    {
        var found = _members[Member.Time];
        var isOfEvent = found.IsMissing;
        found = isOfEvent ? envelope.Time : found;
        var message = isOfEvent ? envelope.Event : envelope.Body;

        if (found.IsMissing)
        {
            return false;
        }

        if (found.Type is not (JsonTokenType.String or JsonTokenType.Number))
        {
            WrongType(message, found, "time", "text or a number", "Time");
            return false;
        }

        var text = JsonText.Of(message, found).Trim((byte)' ');
        if (!(found.Type == JsonTokenType.String && TimeText.TryRead(text, _zone, out reading.Timestamp)) && !TimeText.TryReadEpoch(text, out reading.Timestamp))
        {
            Reject(
                Rejection.InvalidTimestamp,
                $"Cannot read the time {JsonText.Show(message, found)}: it must be as 2026-01-31T23:59:59.123Z, or seconds, milliseconds, microseconds or nanoseconds since 1970. {Other("Time")}");
            return false;
        }

        return true;
    }

    private void ReadId(in Envelope envelope, ReadOnlySpan<byte> key, ref SensorText sensor)
    {
        if (!_members[Member.Id].IsMissing)
        {
            sensor.Id = ReadText(envelope.Body, Member.Id, "sensor id", "Id", ReadingParser.MaxIdLength, takesNumber: true);
            if (sensor.Id.IsEmpty)
            {
                Reject(Rejection.MissingField, $"The sensor id is empty: it must have 1 to {ReadingParser.MaxIdLength} characters. {Other("Id")}");
            }

            return;
        }

        foreach (var found in (ReadOnlySpan<Found>)[envelope.Subject, envelope.Source])
        {
            if (sensor.Id.IsEmpty && found.Type == JsonTokenType.String)
            {
                sensor.Id = JsonText.Of(envelope.Event, found);
                CheckLength(sensor.Id, "sensor id", ReadingParser.MaxIdLength);
            }
        }

        // Kafka Connect's converter of JSON writes a text in quotation marks.
        var isQuoted = key.Length > 2 && key[0] == '"' && key[^1] == '"';
        key = isQuoted ? key[1..^1] : key;
        if (sensor.Id.IsEmpty && key.Length is > 0 and <= ReadingParser.MaxIdLength && key[0] is not ((byte)'{' or (byte)'[') && Utf8.IsValid(key) && key.IndexOfAnyInRange((byte)0, (byte)31) < 0)
        {
            sensor.Id = key.ToArray();
        }
    }

    private ReadOnlySpan<byte> ReadText(ReadOnlySpan<byte> body, Member member, string what, string key, int maxLength, bool takesNumber)
    {
        var found = _members[member];
        if (found.IsMissing)
        {
            return default;
        }

        if (found.Type != JsonTokenType.String && !(takesNumber && found.Type == JsonTokenType.Number))
        {
            WrongType(body, found, what, takesNumber ? "text or a number" : "text", key);
            return default;
        }

        var text = JsonText.Of(body, found);
        CheckLength(text, what, maxLength);
        return text;
    }

    private OptionalUtf8 ReadOptional(ReadOnlySpan<byte> body, Member member, string what, string key, int maxLength)
    {
        // A list of coordinates is no place that could be stored, and was none before.
        var text = ReadText(body, member, what, key, maxLength, takesNumber: true);
        return new OptionalUtf8(_members[member].Type is JsonTokenType.String or JsonTokenType.Number, text);
    }

    private void CheckLength(ReadOnlySpan<byte> text, string what, int maxLength)
    {
        // varchar(n) counts characters, not bytes.
        if (text.Length > maxLength && Encoding.UTF8.GetCharCount(text) is var length && length > maxLength)
        {
            Reject(Rejection.TooLong, $"Cannot take the {what} {Quoted(text)}: it has {length} characters, {maxLength} are allowed");
        }
    }

    private bool ReadValue(ReadOnlySpan<byte> body, ref Reading reading)
    {
        var found = _members[Member.Value];
        if (found.IsMissing)
        {
            return false;
        }

        if (found.Type == JsonTokenType.String && Words.IsNoValue(JsonText.Of(body, found)))
        {
            Reject(Rejection.NoValue, $"The value is {JsonText.Show(body, found)}, which is none: it must be a finite number. {Other("Value")}");
            return true;
        }

        ReadNumber(body, found, "value", "Value", ref reading.Value);
        return true;
    }

    private void ReadNumber(ReadOnlySpan<byte> body, Found found, string what, string key, ref double number)
    {
        if (found.Type is not (JsonTokenType.Number or JsonTokenType.String)
            || !double.TryParse(JsonText.Of(body, found), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            WrongType(body, found, what, "a number, or a number as text with a point before its decimals", key);
        }
        else if (!double.IsFinite(value))
        {
            Reject(Rejection.InvalidValue, $"Cannot take the {what} {JsonText.Show(body, found)}: it is beyond a double, {double.MaxValue:R} is the most");
        }
        else
        {
            number = value;
        }
    }

    private double ReadThreshold(ReadOnlySpan<byte> body, Member member, string what)
    {
        var (found, number) = (_members[member], double.NaN);
        if (!found.IsMissing && !(found.Type == JsonTokenType.String && Words.IsNoValue(JsonText.Of(body, found))))
        {
            ReadNumber(body, found, what, "", ref number);
        }

        return number;
    }

    private void ReadLevel(ReadOnlySpan<byte> body, ref Reading reading)
    {
        var found = _members[Member.Level];
        if (found.IsMissing)
        {
            return;
        }

        if (found.Type != JsonTokenType.String)
        {
            WrongType(body, found, "alert level", "text", "AlertLevel");
        }
        else if (Words.TryReadLevel(JsonText.Of(body, found), out reading.Level))
        {
            reading.HasLevel = true;
        }
        else
        {
            Reject(
                Rejection.InvalidAlertLevel,
                $"Cannot read the alert level {JsonText.Show(body, found)}: it must be normal, warning or critical, or a usual word for these (ok; high, medium; alarm, error). Without one the thresholds decide");
        }
    }

    private void ReadQuality(ReadOnlySpan<byte> body, ref Reading reading)
    {
        var found = _members[Member.Quality];
        if (found.IsMissing || (found.Type == JsonTokenType.String && Words.TryReadQuality(JsonText.Of(body, found), out reading.Quality)))
        {
            return;
        }

        var number = 1.0;
        if (found.Type is not (JsonTokenType.Number or JsonTokenType.String)
            || !double.TryParse(JsonText.Of(body, found), NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            WrongType(body, found, "quality", "a number (1 is good, 0 is bad) or Good, Uncertain or Bad", "Quality");
            number = 1;
        }

        reading.Quality = (float)number;
        if (!float.IsFinite(reading.Quality))
        {
            Reject(Rejection.InvalidValue, $"Cannot take the quality {JsonText.Show(body, found)}: it is beyond a float, 1 is good and 0 is bad");
        }
    }

    private void ReadCount(ReadOnlySpan<byte> body, ref Reading reading)
    {
        const double MostExact = 9007199254740992;
        var found = _members[Member.Count];
        if (found.IsMissing)
        {
            return;
        }

        var text = found.Type is JsonTokenType.Number or JsonTokenType.String ? JsonText.Of(body, found) : default;
        reading.HasCount = long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out reading.ReadingCount);
        if (!reading.HasCount && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < MostExact && double.IsInteger(number))
        {
            (reading.HasCount, reading.ReadingCount) = (true, (long)number);
        }

        if (!reading.HasCount)
        {
            WrongType(body, found, "reading count", "a whole number", "ReadingCount");
        }
    }

    private void WrongType(ReadOnlySpan<byte> body, Found found, string what, string wanted, string key) =>
        Reject(Rejection.WrongType, $"Cannot read the {what} {JsonText.Show(body, found)}: it must be {wanted}{(key.Length == 0 ? "" : $". {Other(key)}")}");

    /// <summary>Keeps the first problem of a message; later ones are not reported.</summary>
    private void Reject(Rejection reason, string detail)
    {
        if (_first == Rejection.None)
        {
            (_first, Detail) = (reason, detail);
        }
    }

    private static string Other(string key) => $"Where another member holds it, name that in {Mapping}{key}";

    private static string Quoted(ReadOnlySpan<byte> text) => $"\"{JsonText.Shorten(Encoding.UTF8.GetString(text), 80)}\"";

    private static Dictionary<byte[], byte[]>.AlternateLookup<ReadOnlySpan<byte>> UnitsByType()
    {
        var units = LooseName.Lookup<byte[]>();
        foreach (var type in SensorCatalog.Types.Values)
        {
            units[Encoding.UTF8.GetBytes(type.Name)] = Encoding.UTF8.GetBytes(type.Unit);
        }

        return units;
    }
}
