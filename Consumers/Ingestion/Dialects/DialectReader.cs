using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Takes the reading found last, of the given sensor.</summary>
/// <returns>Why it cannot be taken, with a description; <see cref="Rejection.None"/> if it is taken.</returns>
internal delegate (Rejection Reason, string Detail) TakeReading(in SensorText sensor);

/// <summary>
/// Reads messages that <see cref="ReadingParser"/> does not accept: other names, other formats of times and numbers, envelopes, several readings in one message
/// (docs/messages.md). The result is the same as if this system's sensors had sent the readings. For a message that it cannot read either, it reports what was
/// found, what is allowed, and what to set. Not thread-safe.
/// </summary>
/// <param name="ownUnits">Returns a sensor_type's unit from other settings, which may change.</param>
/// <param name="forms">Finds the values of an object and adds them to it as <see cref="FormValues.Readings"/>; null if the mapping names the members.</param>
internal sealed class DialectReader(MessagesOptions options, MappingOptions mapping, Func<string, string?> ownUnits, ValueForms? forms = null)
{
    private const string Mapping = "Consumers:Messages:Mapping:";

    private readonly MemberFinder _membersOfKey = new(new MemberMap(mapping));
    private readonly TimeZoneInfo _zone = options.Zone();
    private readonly byte[] _defaultType = Encoding.UTF8.GetBytes(mapping.DefaultType ?? "");
    private readonly byte[] _defaultUnit = Encoding.UTF8.GetBytes(mapping.DefaultUnit ?? "");
    private readonly Dictionary<byte[], byte[]>.AlternateLookup<ReadOnlySpan<byte>> _units = UnitsByType(mapping);
    private readonly HashSet<string> _withUnit = new(mapping.Units.Keys, StringComparer.OrdinalIgnoreCase);
    private readonly Measurement[] _measurements = Measurements(mapping);
    private readonly byte[] _id = new byte[(ReadingParser.MaxIdLength + 1 + ReadingParser.MaxTypeLength) * 3];
    private readonly SortedSet<string> _unread = new(StringComparer.Ordinal);

    /// <summary>Finds the contract's names before those of the mapping; null if nothing is mapped.</summary>
    private readonly MemberFinder? _unmapped = forms is null && mapping.Members().Any() ? new(new MemberMap(mapping, isContractFirst: true)) : null;

    private MemberFinder _members = new(new MemberMap(mapping));
    private Rejection _first;
    private int _element;
    private int _elementStart;
    private int _elementEnd;

    /// <summary>The positions of the array whose element is being read.</summary>
    private Range _array;
    private int _inner;

    /// <summary>The object being read, with the values found by its form; null if it has no form.</summary>
    private byte[]? _formed;
    private bool _isOfValue;

    /// <summary>The unit after the value, in the value's text; empty if there is none.</summary>
    private byte[] _unitOfValue = [];

    /// <summary>Creates a reader that uses the mapping in the settings.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="ownUnits">Returns a sensor_type's unit from other settings, which may change.</param>
    public DialectReader(MessagesOptions options, Func<string, string?>? ownUnits = null)
        : this(options, options.Mapping, ownUnits ?? (_ => null)) => Forms = new KnownForms(options, ownUnits ?? (_ => null));

    /// <summary>Forms that need no mapping, for messages that this reader cannot read; null in a reader of one of those forms.</summary>
    public KnownForms? Forms { get; }

    /// <summary>Whether the last object contained values by their types.</summary>
    public bool IsMeasured { get; private set; }

    /// <summary>The form of the last object that was read by its form, in words; null if there was none.</summary>
    public string? Form { get; private set; }

    /// <summary>Whether the last rejected message has no time that this reader knows.</summary>
    public bool LacksTime { get; private set; }

    /// <summary>Whether no other form looks like this one.</summary>
    public bool IsCertain { get; private set; }

    /// <summary>Why the values found in the last object were not read, as a sentence; empty if there is no reason.</summary>
    public string Ambiguity { get; private set; } = "";

    /// <summary>Numbers in the last message that are not read.</summary>
    public IReadOnlyCollection<string> Unread => _unread;

    /// <summary>Whether times without a zone are in UTC, so that they can be read without this reader.</summary>
    public bool IsUtc { get; } = options.Zone() == TimeZoneInfo.Utc;

    /// <summary>Whether the headers of a record may contain a part of the message.</summary>
    public bool ReadsHeaders => options.CloudEventHeaders;

    /// <summary>Why the last rejected message was rejected.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>A value of an object with several, each of which is a reading.</summary>
    private sealed record Measurement(byte[] Type, string Name, string What, string Key);

    /// <summary>Reads all readings of a message, in order, up to the first that cannot be taken: then the message is rejected.</summary>
    /// <param name="message">A JSON object, or an array.</param>
    /// <param name="key">The record's key; it is the sensor's id if the message has none.</param>
    /// <param name="reading">Receives what was found last, also from a rejected message.</param>
    /// <param name="sensor">The same; its text has not been checked for storage yet.</param>
    /// <param name="take">Called for each reading.</param>
    /// <exception cref="JsonException">The message is not JSON.</exception>
    /// <exception cref="InvalidOperationException">Its text is not valid Unicode.</exception>
    public Rejection Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        (_first, Detail, _element, _inner, Form, IsCertain, IsMeasured, LacksTime, Ambiguity) = (Rejection.None, "", -1, -1, null, false, false, false, "");
        _unread.Clear();
        Begin(ref reading, ref sensor);
        var envelope = Envelope.Open(message);
        if (envelope.Problem is null && JsonText.IsArray(envelope.Body))
        {
            ReadElements(envelope, key, ref reading, ref sensor, take);
        }
        else
        {
            ReadObject(envelope, key, ref reading, ref sensor, take);
        }

        return _first;
    }

    private static void Begin(ref Reading reading, ref SensorText sensor)
    {
        reading = new Reading { Quality = 1, Warning = double.NaN, Critical = double.NaN };
        sensor = default;
    }

    /// <summary>Reads the elements of an array, each like a message.</summary>
    private void ReadElements(in Envelope envelope, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        // Anything after the array makes the reader throw.
        var whole = new Utf8JsonReader(envelope.Body);
        whole.Read();
        whole.Skip();
        whole.Read();

        var json = new Utf8JsonReader(envelope.Body);
        json.Read();
        for (_element = 0; NextElement(ref json, _element, out var start, out var length); _element++)
        {
            ReadObject(envelope.OpenElement(envelope.Body.Slice(start, length)), key, ref reading, ref sensor, take);
        }
    }

    /// <summary>Reads the reading, or all readings, of an object.</summary>
    private void ReadObject(in Envelope envelope, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        if (envelope.Problem is { } problem)
        {
            Reject(Rejection.MalformedJson, problem);
            return;
        }

        if (JsonText.IsArray(envelope.Body))
        {
            Reject(Rejection.MalformedJson, "It is an array in an array: it must be a JSON object");
            return;
        }

        if (forms is not null)
        {
            ReadForm(envelope, key, ref reading, ref sensor, take);
            return;
        }

        var mayBeUnmapped = MayBeUnmapped(envelope.Body);
        if (mayBeUnmapped)
        {
            _unmapped!.Find(envelope.Body);
        }

        if (!mayBeUnmapped || !ReadUnmapped(envelope, envelope.Body, key, ref reading, ref sensor, take))
        {
            _members.Find(envelope.Body);
            ReadFound(envelope, envelope.Body, key, ref reading, ref sensor, take);
        }
    }

    private bool MayBeUnmapped(ReadOnlySpan<byte> body) => _unmapped is not null && body.IndexOf("\"sensor_type\""u8) >= 0;

    /// <summary>Reads an object that is a reading of the contract, with or without its optional members: what the mapping names is none of its members.</summary>
    /// <param name="element">The object, whose members have been searched without the mapping.</param>
    /// <returns>False if it is no such reading.</returns>
    private bool ReadUnmapped(in Envelope envelope, ReadOnlySpan<byte> element, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        if (!_unmapped!.IsContract || !IsReading(envelope.Body, _unmapped))
        {
            return false;
        }

        var mapped = _members;
        _members = _unmapped;
        try
        {
            ReadReadings(envelope, element, key, ref reading, ref sensor, take);
        }
        finally
        {
            _members = mapped;
        }

        return true;
    }

    /// <summary>Whether time, id, type and value are as in the contract, and the value has a unit.</summary>
    private bool IsReading(ReadOnlySpan<byte> body, MemberFinder found)
    {
        if (found[Member.Time].Type != JsonTokenType.String || found[Member.Id].Type != JsonTokenType.String || found[Member.Type].Type != JsonTokenType.String || found[Member.Value].Type != JsonTokenType.Number)
        {
            return false;
        }

        var time = new Utf8JsonReader(body.Slice(found[Member.Time].Start, found[Member.Time].Length));
        time.Read();
        var type = JsonText.Of(body, found[Member.Type]);
        return time.TryGetDateTime(out _) && found[Member.Id].Length > 2 && !type.IsEmpty && (!IsNone(body, found[Member.Unit]) || UnitOf(type).Length > 0);
    }

    /// <summary>Reads the values found by the object's form; if there are none, the object is read as one without a form.</summary>
    private void ReadForm(in Envelope envelope, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        _formed = forms!.Read(envelope.Body, key);
        Ambiguity = Ambiguity.Length > 0 ? Ambiguity : forms.Ambiguity;
        if (_formed is null)
        {
            _members.Find(envelope.Body);
            ReadReadings(envelope, envelope.Body, key, ref reading, ref sensor, take);
            IsMeasured = false;
            return;
        }

        (Form, IsCertain, IsMeasured) = (forms.Name, forms.IsCertain, true);
        _unread.UnionWith(forms.Unread);
        if (forms.Problem is { } problem)
        {
            Reject(Rejection.MissingField, problem);
        }

        _members.Find(_formed);
        ReadFound(envelope.With(_formed), envelope.Body, key, ref reading, ref sensor, take);
        (_formed, IsMeasured) = (null, true);
    }

    /// <summary>Reads the members found in an object: of the object itself, or of each of its readings.</summary>
    /// <param name="whole">The object as it was sent.</param>
    private void ReadFound(in Envelope envelope, ReadOnlySpan<byte> whole, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        if (_members[Member.Readings] is not { Type: JsonTokenType.StartArray } readings)
        {
            ReadReadings(envelope, whole, key, ref reading, ref sensor, take);
            return;
        }

        _members.Share(isFormed: _formed is not null);
        var mayBeUnmapped = MayBeUnmapped(envelope.Body);
        if (mayBeUnmapped)
        {
            _unmapped!.Share(isFormed: false);
        }

        var json = new Utf8JsonReader(envelope.Body.Slice(readings.Start, readings.Length));
        json.Read();
        var (isRead, missing) = (false, default((int Index, int Start, int Length)?));
        for (_inner = 0; NextElement(ref json, _inner, out var start, out var length); _inner++)
        {
            (_array, _elementStart, _elementEnd) = (readings.Start..(readings.Start + readings.Length), readings.Start + start, readings.Start + start + length);
            var element = _formed is null ? envelope.Body.Slice(_elementStart, length) : whole;
            if (mayBeUnmapped)
            {
                _unmapped!.FindElement(envelope.Body, _elementStart, length);
            }

            if (!mayBeUnmapped || !ReadUnmapped(envelope, element, key, ref reading, ref sensor, take))
            {
                _members.FindElement(envelope.Body, _elementStart, length);
                if (LacksValues(envelope.Body))
                {
                    missing ??= (_inner, _elementStart, length);
                    continue;
                }

                ReadReadings(envelope, element, key, ref reading, ref sensor, take);
            }

            isRead = true;
        }

        if (!isRead && _first == Rejection.None && missing is var (index, first, bytes))
        {
            (_inner, _elementStart, _elementEnd) = (index, first, first + bytes);
            _members.FindElement(envelope.Body, first, bytes);
            ReadReadings(envelope, envelope.Body.Slice(first, bytes), key, ref reading, ref sensor, take);
        }

        _inner = -1;
    }

    /// <summary>Whether an element has nothing but missing values of <see cref="MappingOptions.Values"/>: beside others it is not a reading, as such a value beside others is none.</summary>
    private bool LacksValues(ReadOnlySpan<byte> body)
    {
        var isThere = false;
        foreach (var found in _members.Measured)
        {
            isThere |= found.Type != JsonTokenType.None;
            if (!IsNone(body, found))
            {
                return false;
            }
        }

        return isThere && _members[Member.Value].IsMissing;
    }

    /// <summary>Finds the next element of an array of objects, unless there is already an error.</summary>
    private bool NextElement(ref Utf8JsonReader json, int index, out int start, out int length)
    {
        (start, length) = (0, 0);
        if (_first != Rejection.None || !json.Read())
        {
            return false;
        }

        if (json.TokenType == JsonTokenType.StartObject)
        {
            start = (int)json.TokenStartIndex;
            json.Skip();
            length = (int)json.BytesConsumed - start;
            return true;
        }

        if (json.TokenType != JsonTokenType.EndArray)
        {
            Reject(Rejection.MalformedJson, $"It is {JsonText.KindOf(json.TokenType)}: it must be a JSON object");
        }
        else if (index == 0)
        {
            (_element, _inner) = (_inner < 0 ? -1 : _element, -1);
            Reject(Rejection.Empty, "The array of readings is empty: it must hold one at least");
        }

        return false;
    }

    /// <summary>Reads the members found: as one reading, or as one for each value of <see cref="MappingOptions.Values"/>.</summary>
    /// <param name="element">The object being read.</param>
    private void ReadReadings(in Envelope envelope, ReadOnlySpan<byte> element, ReadOnlySpan<byte> key, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        Begin(ref reading, ref sensor);
        var body = envelope.Body;
        var (isMeasured, values) = (false, 0);
        foreach (var found in _members.Measured)
        {
            isMeasured |= !found.IsMissing;
            values += IsNone(body, found) ? 0 : 1;
        }

        IsMeasured = isMeasured;
        // What is beside several values belongs to none of them.
        var isOne = !isMeasured || values == 1;
        if (_members.Conflict is var (member, one, other))
        {
            var name = JsonText.NameOf(body, one);
            Reject(
                Rejection.MissingField,
                name == JsonText.NameOf(body, other)
                    ? $"Two members {name} are the {WordsOf(member).What}: {JsonText.Show(body, one)} and {JsonText.Show(body, other)}. Send one of them"
                    : $"Two members whose names differ only in their spelling are the {WordsOf(member).What}: {JsonText.Show(body, one)} and {JsonText.Show(body, other)}. Send one of them, or name one in {Mapping}{WordsOf(member).Key}");
        }

        if (!isMeasured && _members[Member.Value].IsMissing && NullOf(_members.Measured) is { } absent)
        {
            IsNull(absent.What, absent.Key);
        }

        var hasTime = ReadTime(envelope, ref reading);
        ReadId(envelope, key, ref sensor);
        var hasValue = isMeasured;
        if (!isMeasured)
        {
            sensor.Type = ReadText(body, Member.Type, "sensor type", "Type", ReadingParser.MaxTypeLength, takesNumber: false);
            _isOfValue = true;
            hasValue = ReadValue(body, _members[Member.Value], "value", "Value", sensor.Type.IsEmpty ? _defaultType : sensor.Type, ref reading);
            _isOfValue = false;
            sensor.Unit = ReadUnit(body, _members[Member.Value]);
        }

        if (isOne)
        {
            ReadLevel(body, ref reading);
        }

        ReadQuality(body, ref reading);
        sensor.Section = ReadOptional(body, Member.Section, "factory section", "Section", ReadingParser.MaxIdLength);
        sensor.Machine = ReadOptional(body, Member.Machine, "machine id", "Machine", ReadingParser.MaxIdLength);
        sensor.Zone = ReadOptional(body, Member.Zone, "zone", "Zone", ReadingParser.MaxIdLength);
        ReadCount(body, ref reading);
        sensor.SequenceId = ReadOptional(body, Member.Sequence, "sequence id", "SequenceId", ReadingParser.MaxSequenceIdLength);
        sensor.IsBackfill = ReadBackfill(body);
        if (isOne)
        {
            reading.Warning = ReadThreshold(body, Member.Warning, "warning threshold");
            reading.Critical = ReadThreshold(body, Member.Critical, "critical threshold");
        }

        if (_first != Rejection.None || !HasTimeAndId(element, key, hasTime, hasValue, sensor))
        {
            return;
        }

        if (isMeasured)
        {
            ReadMeasured(body, isOne, ref reading, ref sensor, take);
        }
        else
        {
            Complete(body, element, hasValue, ref sensor);
            CheckUnitOfType(body, reading.Value, sensor.Type);
            ToPercent(ref reading, ref sensor);
            AddType(ref sensor);
            AddPart(body, ref sensor);
            Take(sensor, take);
        }
    }

    /// <summary>Adds the type to the id: readings of several types that share the id of the object around them belong to several sensors.</summary>
    private void AddType(ref SensorText sensor)
    {
        if (_first != Rejection.None || _inner < 0 || _formed is not null || !IsOfElement(_members[Member.Type]) || IsOfElement(_members[Member.Id]))
        {
            return;
        }

        sensor.Id = IdOf(sensor.Id, sensor.Type);
        CheckLength(sensor.Id, "sensor id", ReadingParser.MaxIdLength);

        bool IsOfElement(in Found found) => !found.IsMissing && found.Start >= _elementStart && found.Start < _elementEnd;
    }

    private void AddPart(ReadOnlySpan<byte> body, ref SensorText sensor)
    {
        if (_first != Rejection.None || _members[Member.Part] is not { IsMissing: false } found)
        {
            return;
        }

        var part = JsonText.Of(body, found);
        CheckLength(part, "part of the sensor id", ReadingParser.MaxTypeLength);
        if (_first == Rejection.None)
        {
            sensor.Id = IdOf(sensor.Id, part);
            CheckLength(sensor.Id, "sensor id", ReadingParser.MaxIdLength);
        }
    }

    /// <summary>Returns the first of the values that is null in the message.</summary>
    private Measurement? NullOf(ReadOnlySpan<Found> measured)
    {
        for (var i = 0; i < measured.Length; i++)
        {
            if (measured[i].Type == JsonTokenType.Null)
            {
                return _measurements[i];
            }
        }

        return null;
    }

    /// <param name="isOne">The object has one value.</param>
    private void ReadMeasured(ReadOnlySpan<byte> body, bool isOne, ref Reading reading, ref SensorText sensor, TakeReading take)
    {
        var id = sensor.Id;
        var hasAny = false;
        foreach (var found in _members.Measured)
        {
            hasAny |= !IsNone(body, found);
        }

        for (var i = 0; i < _measurements.Length && _first == Rejection.None; i++)
        {
            var (measurement, found) = (_measurements[i], _members.Measured[i]);
            if (found.IsMissing || (hasAny && IsNone(body, found)))
            {
                continue;
            }

            ReadValue(body, found, measurement.What, measurement.Key, measurement.Type, ref reading);
            sensor.Id = IdOf(id, measurement.Type);
            CheckLength(sensor.Id, "sensor id", ReadingParser.MaxIdLength);
            sensor.Type = measurement.Type;
            sensor.Unit = UnitOfMeasured(body, measurement, found, isOne);
            ToPercent(ref reading, ref sensor);
            Take(sensor, take);
        }
    }

    /// <summary>Returns the unit of a value of <see cref="MappingOptions.Values"/>: the one in its text, in the settings, in the message if it is the only value, or its type's.</summary>
    private ReadOnlySpan<byte> UnitOfMeasured(ReadOnlySpan<byte> body, Measurement measurement, Found value, bool isOne)
    {
        if (_withUnit.Contains(measurement.Name))
        {
            return _unitOfValue.Length > 0 ? _unitOfValue : UnitOf(measurement.Type);
        }

        var (type, unit) = (TypeOf(measurement.Type), _members[Member.Unit]);
        if (isOne && !IsNone(body, unit) && (unit.Type != JsonTokenType.String || UnitMembers.IsOf(type, Encoding.UTF8.GetString(JsonText.Of(body, unit))) is not false))
        {
            if (unit.Type == JsonTokenType.String && UnitMembers.IsOf(type, Encoding.UTF8.GetString(JsonText.Of(body, unit))) is null && _unitOfValue.Length == 0)
            {
                Reject(Rejection.MissingField, InUnitOf(($"{JsonText.NameOf(body, unit)} ({JsonText.Show(body, unit)})", false), measurement.Name, $"name another member in {Mapping}{nameof(MappingOptions.Unit)}"));
            }

            return ReadUnit(body, value);
        }

        if (_unitOfValue.Length > 0)
        {
            return _unitOfValue;
        }

        if (type is not null && UnitMembers.Find(body, type, ignored: unit.Start, others: _inner < 0 ? null : (_array, _elementStart.._elementEnd)) is { } other)
        {
            Reject(Rejection.MissingField, InUnitOf(other, type.Name, $"name that in {Mapping}{nameof(MappingOptions.Unit)}"));
        }

        return UnitOf(measurement.Type);
    }

    /// <summary>Converts a fraction to a percentage if its type is measured in %.</summary>
    private void ToPercent(ref Reading reading, ref SensorText sensor)
    {
        if (!Fraction.Is(sensor.Unit) || TypeOf(sensor.Type) is not { Unit: "%" })
        {
            return;
        }

        (reading.Value, reading.Warning, reading.Critical) = (Fraction.ToPercent(reading.Value), Fraction.ToPercent(reading.Warning), Fraction.ToPercent(reading.Critical));
        sensor.Unit = "%"u8;
        if (double.IsInfinity(reading.Value) || double.IsInfinity(reading.Warning) || double.IsInfinity(reading.Critical))
        {
            Reject(Rejection.InvalidValue, $"Cannot take the {Encoding.UTF8.GetString(sensor.Type)}: a value or threshold of it, as a percentage, is beyond a double");
        }
    }

    private ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> id, ReadOnlySpan<byte> type)
    {
        id.CopyTo(_id);
        _id[id.Length] = (byte)'-';
        type.CopyTo(_id.AsSpan(id.Length + 1));
        return _id.AsSpan(0, id.Length + 1 + type.Length);
    }

    private void Take(in SensorText sensor, TakeReading take)
    {
        if (_first == Rejection.None && take(sensor) is (not Rejection.None and var reason, var detail))
        {
            Reject(reason, detail);
        }
    }

    private bool HasTimeAndId(ReadOnlySpan<byte> body, ReadOnlySpan<byte> key, bool hasTime, bool hasValue, in SensorText sensor)
    {
        if (!hasTime)
        {
            var ofEvent = sensor.Id.IsEmpty && !IsElement && !ReadsHeaders ? $". Where its record's headers hold both, as those of CloudEvents in binary mode do, set {MessagesOptions.Section}:{nameof(MessagesOptions.CloudEventHeaders)}=true" : "";
            Miss(
                body,
                Rejection.MissingField,
                "time (timestamp)",
                "Time",
                $", or set {MessagesOptions.Section}:{nameof(MessagesOptions.RecordTime)}=true: the time of the record counts then{ofEvent}{WhereTimesAre(body)}{(hasValue ? "" : WhereNumbersAre(body, isTyped: !sensor.Type.IsEmpty))}");
            LacksTime = true;
        }
        else if (sensor.Id.IsEmpty)
        {
            Miss(body, Rejection.MissingField, $"sensor id (sensor_id), and {(key.IsEmpty ? "its record no key" : $"the key of its record, {Quoted(key)}, names none")}", "Id");
        }

        return _first == Rejection.None;
    }

    private void IsNull(string what, string key) =>
        Reject(Rejection.NoValue, $"The {what} is null, which is none: it must be a finite number{(_formed is null ? $". {Other(key)}" : "")}");

    private void Complete(ReadOnlySpan<byte> body, ReadOnlySpan<byte> element, bool hasValue, ref SensorText sensor)
    {
        sensor.Type = sensor.Type.IsEmpty ? _defaultType : sensor.Type;
        if (sensor.Type.IsEmpty)
        {
            Miss(element, Rejection.MissingField, "sensor type (sensor_type)", "Type", $", or set {Mapping}DefaultType{(hasValue ? "" : WhereNumbersAre(element, isTyped: false))}");
        }
        else if (!hasValue && _members[Member.Value].Type == JsonTokenType.Null)
        {
            _isOfValue = true;
            IsNull("value", "Value");
            _isOfValue = false;
        }
        else if (!hasValue)
        {
            Miss(element, Rejection.NoValue, "value", "Value", WhereNumbersAre(element, isTyped: true));
        }
        else if (sensor.Unit.IsEmpty)
        {
            sensor.Unit = UnitOf(sensor.Type);
            // A unit that is present and empty means no unit, which a type may have.
            if (sensor.Unit.IsEmpty && !HasUnit(body))
            {
                var known = string.Join(", ", SensorCatalog.Types.Keys.Order(StringComparer.Ordinal));
                Miss(element, Rejection.MissingField, $"unit, and its type {Quoted(sensor.Type)} has none of its own (as {known} have)", "Unit", $", or set {Mapping}DefaultUnit");
            }
        }
    }

    /// <summary>Rejects a value without a unit that could be in another unit than its type's.</summary>
    private void CheckUnitOfType(ReadOnlySpan<byte> body, double value, ReadOnlySpan<byte> text)
    {
        const double LeastHpa = 300, MostHpa = 1200;
        if (_first != Rejection.None || _unitOfValue.Length > 0 || HasUnit(body) || TypeOf(text) is not { } type || _withUnit.Contains(type.Name))
        {
            return;
        }

        // A form says what is measured; the contract also says in which unit.
        if (Forms is null && type == SensorCatalog.Pressure && value is < LeastHpa or > MostHpa)
        {
            var place = _formed is not null && _members[Member.Place] is { IsMissing: false } found ? $" at {Encoding.UTF8.GetString(JsonText.Of(_formed, found))}" : "";
            Reject(
                Rejection.MissingField,
                $"The pressure {value.ToString("R", CultureInfo.InvariantCulture)}{place} has no unit, and could be in hPa, Pa, kPa or bar: name it in {Mapping}{nameof(MappingOptions.Units)}:pressure, as Pa");
        }
        else if (_formed is null && UnitMembers.Find(body, type, ignored: _members[Member.Unit].Start) is { } unit)
        {
            Reject(Rejection.MissingField, InUnitOf(unit, type.Name, $"name that in {Mapping}{nameof(MappingOptions.Unit)}"));
        }
    }

    /// <summary>Says which member may name the unit of a type's values, or scale them, and what to do.</summary>
    internal static string InUnitOf((string Member, bool IsScale) found, string type, string remedy) => found.IsScale
        ? $"The {type} may have to be scaled by {found.Member}: send the scaled value, without that member or with a unit"
        : $"The {type} has no unit, and {found.Member} may name it: {remedy}, or name the unit of all messages in {Mapping}{nameof(MappingOptions.Units)}:{type}";

    /// <summary>Returns the type of the catalog, in any case and with spaces around it; null if it is none.</summary>
    public static SensorTypeInfo? TypeOf(ReadOnlySpan<byte> text)
    {
        foreach (var type in SensorCatalog.Types.Values)
        {
            if (Ascii.EqualsIgnoreCase(text.Trim((byte)' '), type.Name))
            {
                return type;
            }
        }

        return null;
    }

    /// <summary>Lists the numbers in a message, for the user who must name the member of the value.</summary>
    private static string WhereNumbersAre(ReadOnlySpan<byte> body, bool isTyped) => JsonText.Numbers(body) is not { Count: > 0 } numbers ? ""
        : JsonText.ArrayOf(body, numbers[0]) is { Length: > 0 } array ? $". It holds numbers at {string.Join(", ", numbers)}: where each element of {array} is a reading, set {Mapping}Readings={array}"
        : $". It holds numbers at {string.Join(", ", numbers)}{(isTyped ? "" : $": one is named as {Mapping}Value={numbers[0]}, several as {Mapping}Values:{{type}}={numbers[0]}")}";

    private byte[] UnitOf(ReadOnlySpan<byte> type)
    {
        type = type.Trim((byte)' ');
        Span<byte> lower = stackalloc byte[type.Length <= LooseName.MaxLength ? type.Length : 0];
        return _units.TryGetValue(type, out var unit) || (Ascii.ToLower(type, lower, out _) == OperationStatus.Done && _units.TryGetValue(lower, out unit)) ? unit
            : ownUnits(Encoding.UTF8.GetString(type)) is { Length: > 0 and <= ReadingParser.MaxUnitLength } own ? Encoding.UTF8.GetBytes(own) : _defaultUnit;
    }

    private void Miss(ReadOnlySpan<byte> body, Rejection reason, string what, string key, string alternative = "") =>
        Reject(reason, $"{(IsElement ? "It" : "The message")} has no {what}: {JsonText.Members(body)}. Name the member that holds it in {Mapping}{key}{alternative}");

    private bool ReadTime(in Envelope envelope, ref Reading reading)
    {
        var found = _members[Member.Time];
        var isOfEvent = found.IsMissing;
        found = isOfEvent ? envelope.Time : found;
        var message = isOfEvent ? envelope.Event : envelope.Body;

        if (found.IsMissing)
        {
            reading.Timestamp = PostgresTime.OfRecord;
            return options.RecordTime;
        }

        if (found.Type is not (JsonTokenType.String or JsonTokenType.Number))
        {
            Reject(Rejection.WrongType, $"Cannot read the time {JsonText.Show(message, found)}: it must be text or a number. {Other("Time")}{WhereTimesAre(message)}");
            return false;
        }

        var text = JsonText.Of(message, found).Trim((byte)' ');
        var isText = found.Type == JsonTokenType.String;
        if ((isText || TimeText.IsPlain(text)) && TimeText.TryRead(text, _zone, out reading.Timestamp))
        {
            return true;
        }

        if (isText && (TimeText.TryReadDotNet(text, out reading.Timestamp) || TryReadWithDate(envelope.Body, text, out reading.Timestamp)))
        {
            return true;
        }

        if (TimeText.Ambiguity(text) is { } ambiguity)
        {
            Reject(Rejection.InvalidTimestamp, $"Cannot read the time {JsonText.Show(message, found)}: it could be {ambiguity}. Send it as 2026-01-31T23:59:59.123Z. {Other("Time")}");
            return false;
        }

        if (!TimeText.TryReadEpoch(text, out reading.Timestamp)
            && !(isText && TimeText.TryReadWritten(text, _zone, out reading.Timestamp)))
        {
            var why = isText && TimeText.IsClock(text) ? "it is a time of day, and no member date holds its date as 2026-01-31" : "no setting reads this form";
            Reject(
                Rejection.InvalidTimestamp,
                $"Cannot read the time {JsonText.Show(message, found)}: {why}. Send it as 2026-01-31T23:59:59.123Z, or as seconds, milliseconds, microseconds or nanoseconds since 1970. {Other("Time")}");
            return false;
        }

        return true;
    }

    /// <summary>Reads a time of day whose date is in another member.</summary>
    private bool TryReadWithDate(ReadOnlySpan<byte> body, ReadOnlySpan<byte> clock, out long timestamp)
    {
        timestamp = 0;
        return _members[Member.Date] is { Type: JsonTokenType.String } found
            && TimeText.TryRead([.. JsonText.Of(body, found).Trim((byte)' '), (byte)'T', .. clock], _zone, out timestamp);
    }

    /// <summary>Lists the times in a message, for the user who must name the member of the time.</summary>
    private static string WhereTimesAre(ReadOnlySpan<byte> message) => JsonText.Times(message) is not { Count: > 0 } times ? ""
        : $". It holds times at {string.Join(", ", times)}{(JsonText.ArrayOf(message, times[0]) is { Length: > 0 } ? "" : $": one is named as {Mapping}{nameof(MappingOptions.Time)}={times[0]}")}";

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

        // Kafka Connect's JSON converter writes a text in quotation marks.
        var isQuoted = key.Length > 2 && key[0] == '"' && key[^1] == '"';
        key = isQuoted ? key[1..^1] : key;
        if (sensor.Id.IsEmpty && key.TrimStart((byte)' ') is [(byte)'{', ..])
        {
            sensor.Id = IdOfKey(key);
            return;
        }

        if (sensor.Id.IsEmpty && key.Length is > 0 and <= ReadingParser.MaxIdLength && key[0] is not ((byte)'{' or (byte)'[') && Utf8.IsValid(key) && key.IndexOfAnyInRange((byte)0, (byte)31) < 0)
        {
            sensor.Id = key.ToArray();
        }
    }

    /// <summary>Returns the id from a key that is a JSON object, as Kafka Connect and Debezium write them; empty if it has none.</summary>
    private ReadOnlySpan<byte> IdOfKey(ReadOnlySpan<byte> key)
    {
        try
        {
            // As in a message, the key may contain a payload with its schema; the payload may be only a text.
            var json = new Utf8JsonReader(key);
            while (json.Read())
            {
                if (json.CurrentDepth == 1 && json.TokenType == JsonTokenType.PropertyName && json.ValueTextEquals("payload"u8) && json.Read() && json.TokenType is JsonTokenType.String or JsonTokenType.Number)
                {
                    return Fitting(JsonText.Of(key, new Found(json.TokenType, (int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex), 0)));
                }
            }

            var envelope = Envelope.Open(key);
            _membersOfKey.Find(envelope.Body);
            return envelope.Problem is null && _membersOfKey[Member.Id] is { Type: JsonTokenType.String or JsonTokenType.Number } id ? Fitting(JsonText.Of(envelope.Body, id)) : default;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return default;
        }

        static ReadOnlySpan<byte> Fitting(ReadOnlySpan<byte> id) => id.Length <= ReadingParser.MaxIdLength ? id : default;
    }

    /// <summary>Returns the unit of the value: from its member, or from the text after the value.</summary>
    private ReadOnlySpan<byte> ReadUnit(ReadOnlySpan<byte> body, Found value)
    {
        var unit = HasUnit(body) ? ReadText(body, Member.Unit, "unit", "Unit", ReadingParser.MaxUnitLength, takesNumber: false) : default;
        if (unit.IsEmpty || _unitOfValue.Length == 0)
        {
            return _unitOfValue.Length > 0 ? _unitOfValue : IsCode(unit) ? Encoding.UTF8.GetBytes(UnitCodes.SymbolOf(Encoding.UTF8.GetString(unit))) : unit;
        }

        if (UnitWords.SymbolOf(Encoding.UTF8.GetString(unit)) != UnitWords.SymbolOf(Encoding.UTF8.GetString(_unitOfValue)))
        {
            Reject(Rejection.InvalidValue, $"The value {JsonText.Show(body, value)} is in another unit than {Quoted(unit)}, which the message names: leave one of them out");
        }

        return unit;
    }

    /// <summary>Whether the message names a unit, or says with an empty text that there is none.</summary>
    private bool HasUnit(ReadOnlySpan<byte> body) => _members[Member.Unit] is { IsMissing: false } unit && !(unit.Type == JsonTokenType.String && Words.IsNull(JsonText.Of(body, unit)));

    // As the unit_code of NGSI; no other unit is written like one.
    private static bool IsCode(ReadOnlySpan<byte> unit) => unit.Length is 2 or 3 && UnitCodes.IsKnown(unit);

    /// <summary>Returns what a field is called, and its key in the mapping.</summary>
    private static (string What, string Key) WordsOf(Member member) => member switch
    {
        Member.Id => ("sensor id", "Id"),
        Member.Type => ("sensor type", "Type"),
        Member.Level => ("alert level", "AlertLevel"),
        Member.Date => ("date", "Time"),
        Member.Status => ("status code", "Quality"),
        Member.Valid => ("validity", "Quality"),
        Member.Section => ("factory section", "Section"),
        Member.Machine => ("machine id", "Machine"),
        Member.Count => ("reading count", "ReadingCount"),
        Member.Sequence => ("sequence id", "SequenceId"),
        Member.Warning => ("warning threshold", ""),
        Member.Critical => ("critical threshold", ""),
        _ => (member.ToString().ToLowerInvariant(), member.ToString()),
    };

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
        // A list of coordinates is not a location that can be stored, and never was.
        var text = ReadText(body, member, what, key, maxLength, takesNumber: true);
        return new OptionalUtf8(!text.IsEmpty, text);
    }

    private void CheckLength(ReadOnlySpan<byte> text, string what, int maxLength)
    {
        // varchar(n) counts characters, not bytes.
        if (text.Length > maxLength && Encoding.UTF8.GetCharCount(text) is var length && length > maxLength)
        {
            Reject(Rejection.TooLong, $"Cannot take the {what} {Quoted(text)}: it has {length} characters, {maxLength} are allowed");
        }
    }

    /// <param name="type">The value's sensor_type, which tells whether a letter behind the value is its unit.</param>
    private bool ReadValue(ReadOnlySpan<byte> body, Found found, string what, string key, ReadOnlySpan<byte> type, ref Reading reading)
    {
        _unitOfValue = [];
        if (found.IsMissing)
        {
            return false;
        }

        if (IsNone(body, found))
        {
            Reject(Rejection.NoValue, $"The {what} is {JsonText.Show(body, found)}, which is none: it must be a finite number. {Other(key)}");
            return true;
        }

        if (found.Type == JsonTokenType.String && ValueWithUnit.TryRead(JsonText.Of(body, found), out var value, out var unit))
        {
            if (ValueWithUnit.IsAmbiguous(unit, type) && !IsNamedUnit(body, unit, type))
            {
                Reject(
                    Rejection.WrongType,
                    $"Cannot read the {what} {JsonText.Show(body, found)}: {Quoted(unit)} behind it can be a unit, a multiplier or a mark. Send the number alone, with its unit in another member (unit), or name the unit of all messages in {Mapping}{nameof(MappingOptions.Units)}:{(type.IsEmpty ? "{type}" : Encoding.UTF8.GetString(type))}");
                return true;
            }

            (reading.Value, _unitOfValue) = (value, unit);
            return true;
        }

        ReadNumber(body, found, what, key, ref reading.Value);
        return true;
    }

    /// <summary>Whether a member is missing, null, or a word for a missing value.</summary>
    private static bool IsNone(ReadOnlySpan<byte> body, Found found) => found.IsMissing || (found.Type == JsonTokenType.String && Words.IsNoValue(JsonText.Of(body, found)));

    /// <summary>Whether the message's member for the unit, or the settings, name the unit that is behind a value.</summary>
    private bool IsNamedUnit(ReadOnlySpan<byte> body, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> type) =>
        (_members[Member.Unit] is { Type: JsonTokenType.String } found && JsonText.Of(body, found).SequenceEqual(unit)) || UnitOf(type).AsSpan().SequenceEqual(unit);

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
        if (!IsNone(body, found))
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

        var isText = found.Type == JsonTokenType.String;
        if (isText && Words.TryReadLevel(JsonText.Of(body, found), out reading.Level))
        {
            reading.HasLevel = true;
        }
        else if (!(isText && Words.IsNoValue(JsonText.Of(body, found))))
        {
            Reject(
                Rejection.InvalidAlertLevel,
                $"Cannot read the alert level {JsonText.Show(body, found)}: it must be normal, warning or critical, or a usual word for these (ok, none; warn, high, medium; alarm, error). Numbers, true, false and low mean one thing here and another there. Without a level the thresholds decide. {Other("AlertLevel")}");
        }
    }

    private void ReadQuality(ReadOnlySpan<byte> body, ref Reading reading)
    {
        var found = _members[Member.Quality];
        if (found.IsMissing && _members[Member.Valid].Type == JsonTokenType.False)
        {
            reading.Quality = 0;
            return;
        }

        if (found.IsMissing)
        {
            ReadStatus(body, ref reading);
            return;
        }

        if (found.Type is JsonTokenType.String or JsonTokenType.True or JsonTokenType.False && Words.TryReadQuality(JsonText.Of(body, found), out reading.Quality))
        {
            return;
        }

        var number = 1.0;
        if (found.Type is not (JsonTokenType.Number or JsonTokenType.String)
            || !double.TryParse(JsonText.Of(body, found), NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            WrongType(body, found, "quality", "a number (1 is good, 0 is bad), or Good, Uncertain or Bad, or true or false", "Quality");
            number = 1;
        }

        reading.Quality = Words.QualityOf((float)number);
        if (reading.Quality >= ReadingParser.LeastStatusCode && float.IsFinite(reading.Quality))
        {
            Reject(Rejection.InvalidValue, $"Cannot take the quality {JsonText.Show(body, found)}: 1 is good and 0 is bad, and this is a status code of OPC UA. Send it as status_code");
        }

        if (!float.IsFinite(reading.Quality))
        {
            Reject(
                Rejection.InvalidValue,
                $"Cannot take the quality {JsonText.Show(body, found)}: " + (float.IsFinite((float)number)
                    ? "1 is good and 0 is bad, and OPC DA has no such quality. Send a percentage as a number from 0 to 1"
                    : "it is beyond a float, 1 is good and 0 is bad"));
        }
    }

    /// <summary>Reads a status code of OPC UA; any other is ignored.</summary>
    private void ReadStatus(ReadOnlySpan<byte> body, ref Reading reading)
    {
        var found = _members[Member.Status];
        if (found.Type == JsonTokenType.Number && uint.TryParse(JsonText.Of(body, found), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            reading.Quality = Words.QualityOf(code);
        }
        else if (found.Type == JsonTokenType.String && Words.TryReadQuality(JsonText.Of(body, found), out var quality))
        {
            reading.Quality = quality;
        }
    }

    private bool ReadBackfill(ReadOnlySpan<byte> body)
    {
        var found = _members[Member.Backfill];
        if (found.IsMissing)
        {
            return false;
        }

        var text = found.Type is JsonTokenType.True or JsonTokenType.False or JsonTokenType.String or JsonTokenType.Number ? JsonText.Of(body, found) : default;
        if (Ascii.EqualsIgnoreCase(text, "true"u8) || text.SequenceEqual("1"u8))
        {
            return true;
        }

        if (!Ascii.EqualsIgnoreCase(text, "false"u8) && !text.SequenceEqual("0"u8))
        {
            WrongType(body, found, "mark of a backfill", "true or false", "Backfill");
        }

        return false;
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

    /// <summary>Records the first problem of a message; later ones are not reported.</summary>
    private void Reject(Rejection reason, string detail)
    {
        if (_first == Rejection.None)
        {
            (_first, Detail) = (reason, $"{Place()}{detail}");
        }
    }

    private bool IsElement => _element >= 0 || (_inner >= 0 && _formed is null);

    /// <summary>Returns which element is being read, as an index from 0; for an array in an element, both indexes.</summary>
    private string Place()
    {
        var (outer, inner) = (_element < 0 ? "" : $"[{_element}]", _inner < 0 || _formed is not null ? "" : $"[{_inner}]");
        var member = _isOfValue && _formed is not null && _members[Member.Place] is { IsMissing: false } found ? $"{Encoding.UTF8.GetString(JsonText.Of(_formed, found))}: " : "";
        return $"{(IsElement ? $"Element {outer}{inner}: " : "")}{member}";
    }

    private static string Other(string key) => $"Where another member holds it, name that in {Mapping}{key}";

    private static string Quoted(ReadOnlySpan<byte> text) => $"\"{JsonText.Shorten(Encoding.UTF8.GetString(text), 80)}\"";

    private static Measurement[] Measurements(MappingOptions mapping) =>
        [.. mapping.MeasuredTypes().Select(type => new Measurement(Encoding.UTF8.GetBytes(type), type, $"value of {type}", $"{nameof(mapping.Values)}:{type}"))];

    private static Dictionary<byte[], byte[]>.AlternateLookup<ReadOnlySpan<byte>> UnitsByType(MappingOptions mapping)
    {
        var units = LooseName.Lookup<byte[]>();
        foreach (var type in SensorCatalog.Types.Values)
        {
            units[Encoding.UTF8.GetBytes(type.Name)] = Encoding.UTF8.GetBytes(type.Unit);
        }

        foreach (var (type, unit) in mapping.Units)
        {
            units[Encoding.UTF8.GetBytes(type)] = Encoding.UTF8.GetBytes(unit);
        }

        return units;
    }
}
