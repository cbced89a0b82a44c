using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Members beside a value that say in which unit it is, under names that are not read: temperatureUnit, scale, isFahrenheit, config/unit. A value without a unit
/// is in that of its type only if there is no such member, and none that scales it.
/// </summary>
internal static class UnitMembers
{
    /// <summary>In a message, these names leave a value in ambiguity whatever their content is.</summary>
    private static readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> Plain =
        "unit units uom tempunit tempunits temperatureunit temperatureunits unitofmeasurement unitsofmeasurement engineeringunit engineeringunits unitcode unitsystem".Split(' ')
            .Select(Encoding.UTF8.GetBytes).ToHashSet(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>A number with as many decimals is none of a measurement.</summary>
    private const int MostDecimals = 10;

    /// <summary>Parts of all these names, which almost no message contains.</summary>
    private static readonly byte[][] Parts = [.. "nit NIT uom UOM cale CALE ultiplier ivisor ahrenheit elsius mperial etric actor\" ACTOR\" ecimals\" ECIMALS\" xponent\" XPONENT\" \"deg\" \"Deg\" \"DEG\" \"u\" \"U\" ystem\" YSTEM\"".Split(' ').Select(Encoding.UTF8.GetBytes)];

    /// <summary>How names of members that are of one type alone begin.</summary>
    private static readonly (byte[] Begin, string Type)[] Begins =
    [
        .. new[] { ("temp", SensorCatalog.Temperature.Name), ("hum", SensorCatalog.Humidity.Name), ("press", SensorCatalog.Pressure.Name), ("vibr", SensorCatalog.Vibration.Name), ("energy", SensorCatalog.Energy.Name), ("power", SensorCatalog.Energy.Name) }
            .Select(begin => (Encoding.UTF8.GetBytes(begin.Item1), begin.Item2)),
    ];

    /// <summary>Finds a member by which a value without a unit could be in another unit than its type's.</summary>
    /// <param name="message">A JSON object.</param>
    /// <param name="type">Of the catalog.</param>
    /// <param name="isCertain">The form says what the members of the message itself mean.</param>
    /// <param name="ignored">The position of a member's content that is known to be of no value, or to be judged already; -1 if there is none.</param>
    /// <param name="others">The positions of an array of readings, and in it of the reading that is asked about; the other elements are not searched.</param>
    /// <returns>Its pointer and content, and whether it is a number that scales the value; null if there is none.</returns>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static (string Member, bool IsScale)? Find(ReadOnlySpan<byte> message, SensorTypeInfo type, bool isCertain = false, int ignored = -1, (Range Array, Range Element)? others = null)
    {
        if (!HasPart(message))
        {
            return null;
        }

        Span<byte> letters = stackalloc byte[LooseName.MaxLength];
        List<string> path = [];
        var json = new Utf8JsonReader(message);
        while (json.Read())
        {
            if (json.TokenType == JsonTokenType.StartObject && others is var (array, element) && IsIn(array, (int)json.TokenStartIndex) && !IsIn(element, (int)json.TokenStartIndex))
            {
                json.Skip();
            }
            else if (json.TokenType == JsonTokenType.StartObject && json.CurrentDepth > 0 && HasOwnUnit(json, path.Count > 0 && TypeOf(LooseName.Of(Encoding.UTF8.GetBytes(path[^1]), letters)) == type.Name))
            {
                json.Skip();
            }
            else if (json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString()!;
                Follow(path, json.CurrentDepth, name);
                var loose = LooseName.Of(Encoding.UTF8.GetBytes(name), letters);
                var isBeside = json.CurrentDepth == 1 && !isCertain && Plain.Contains(loose);
                if ((isBeside || IsName(loose) || IsShort(loose)) && json.Read() && json.TokenStartIndex != ignored && (IsScale(json, loose, type) || IsOther(ref json, loose, type, isBeside)))
                {
                    var member = $"{string.Join('/', path)} ({JsonText.Show(message, new Found(json.TokenType, (int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex), 0))})";
                    return (member, json.TokenType == JsonTokenType.Number);
                }
            }
        }

        return null;
    }

    /// <summary>Whether a unit beside the only value of a message is that value's; of a type that is not in the catalog any unit is.</summary>
    /// <returns>Null if it may be: it is neither one of the type's units nor one of another type of the catalog.</returns>
    public static bool? IsOf(SensorTypeInfo? type, string unit)
    {
        unit = UnitWords.SymbolOf(UnitCodes.SymbolOf(unit.Trim()));
        return type is null || UnitWords.OfType(type.Name).Contains(unit) || (type.Unit == "%" && Fraction.Is(Encoding.UTF8.GetBytes(unit))) ? true : IsOfAnother(type, unit) ? false : null;
    }

    private static bool IsOfAnother(SensorTypeInfo type, string symbol) =>
        !UnitWords.OfType(type.Name).Contains(symbol) && SensorCatalog.Types.Keys.Any(other => UnitWords.OfType(other).Contains(symbol));

    private static bool IsIn(Range range, int position) => position >= range.Start.Value && position < range.End.Value;

    /// <summary>Returns the unit that an object names for its value; null if it names none.</summary>
    public static string? Of(JsonElement value)
    {
        var letters = new byte[LooseName.MaxLength];
        foreach (var member in value.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.String))
        {
            if (IsName(LooseName.Of(Encoding.UTF8.GetBytes(member.Name), letters)) && member.Value.GetString() is { Length: > 0 and <= ReadingParser.MaxUnitLength } unit)
            {
                return UnitWords.SymbolOf(UnitWords.IsWritten(unit) ? unit : UnitCodes.SymbolOf(unit));
            }
        }

        return null;
    }

    /// <summary>Keeps the names around the one at a depth; in an array there is none.</summary>
    private static void Follow(List<string> path, int depth, string name)
    {
        path.RemoveRange(Math.Min(path.Count, depth - 1), Math.Max(0, path.Count - depth + 1));
        path.AddRange(Enumerable.Repeat("*", depth - 1 - path.Count));
        path.Add(JsonText.Shorten(FormValues.Escaped(name), LooseName.MaxLength));
    }

    private static bool HasPart(ReadOnlySpan<byte> message)
    {
        foreach (var part in Parts)
        {
            if (message.IndexOf(part) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsName(ReadOnlySpan<byte> loose) =>
        (loose.StartsWith("unit"u8) || loose.EndsWith("unit"u8) || loose.EndsWith("units"u8) || loose.EndsWith("uom"u8) || IsScale(loose) || IsSystem(loose))
            && !(loose.EndsWith("id"u8) || loose.EndsWith("name"u8) || loose.EndsWith("number"u8) || loose.EndsWith("serial"u8));

    private static bool IsScale(ReadOnlySpan<byte> loose) => loose.EndsWith("scale"u8) || loose.EndsWith("scalefactor"u8) || loose.EndsWith("multiplier"u8) || loose.EndsWith("divisor"u8)
        || loose.SequenceEqual("factor"u8) || loose.EndsWith("conversionfactor"u8) || IsExponent(loose);

    private static bool IsExponent(ReadOnlySpan<byte> loose) => loose.EndsWith("decimals"u8) || loose.EndsWith("exponent"u8);

    /// <summary>Names that say too little to be those of a unit, but may be if they have one of the type.</summary>
    private static bool IsShort(ReadOnlySpan<byte> loose) => loose.SequenceEqual("deg"u8) || loose.SequenceEqual("u"u8) || loose.SequenceEqual("system"u8);

    // A power of ten, or its exponent: any other number is not what a value is divided by on its way.
    private static bool IsScale(in Utf8JsonReader json, ReadOnlySpan<byte> loose, SensorTypeInfo type) =>
        json.TokenType == JsonTokenType.Number && IsScale(loose) && (TypeOf(loose) ?? type.Name) == type.Name
            && json.TryGetDouble(out var number) && IsScale(loose, number);

    private static bool IsScale(ReadOnlySpan<byte> loose, double number) => IsExponent(loose) ? number is not 0 && double.IsInteger(number) && Math.Abs(number) < MostDecimals
        : number is not 1 && (double.IsInteger(Math.Round(Math.Log10(number), 9)) || number is -1 or -2 or -3);

    private static bool IsSystem(ReadOnlySpan<byte> loose) =>
        loose.EndsWith("fahrenheit"u8) || loose.EndsWith("celsius"u8) || loose.EndsWith("imperial"u8) || loose.EndsWith("metric"u8);

    // temperature_unit, tempScale and pressureUnit are of that type alone.
    private static string? TypeOf(ReadOnlySpan<byte> loose)
    {
        foreach (var (begin, type) in Begins)
        {
            if (loose.StartsWith(begin))
            {
                return type;
            }
        }

        return null;
    }

    private static bool IsOther(scoped ref Utf8JsonReader json, scoped ReadOnlySpan<byte> loose, SensorTypeInfo type, bool isBeside)
    {
        var ofType = TypeOf(loose);
        if (ofType is not null && ofType != type.Name)
        {
            return false;
        }

        var isOfTemperature = type.Name == SensorCatalog.Temperature.Name || !(loose.EndsWith("fahrenheit"u8) || loose.EndsWith("celsius"u8));
        switch (json.TokenType)
        {
            case JsonTokenType.True:
                return IsSystem(loose) && isOfTemperature && (loose.EndsWith("fahrenheit"u8) || loose.EndsWith("imperial"u8));
            case JsonTokenType.False:
                return IsSystem(loose) && isOfTemperature && (loose.EndsWith("celsius"u8) || loose.EndsWith("metric"u8));
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                return isBeside;
            case not JsonTokenType.String:
                return false;
        }

        var text = json.GetString()!.Trim();
        var symbol = UnitWords.SymbolOf(UnitCodes.SymbolOf(text));
        // A unit of another type of the catalog is that of the value of that type.
        if (ofType is null && IsOfAnother(type, symbol))
        {
            return false;
        }

        return symbol != type.Unit && text.ToLowerInvariant() is not ("metric" or "si" or "percentage" or "")
            && (isBeside || ofType is not null || UnitWords.OfType(type.Name).Contains(symbol) || text.ToLowerInvariant() is "imperial" or "us" or "uscs" or "us_customary");
    }

    // {"value":3,"unit":"V"} beside the value: the unit is that of the object. {"temperature":{"value":2150,"scale":0.01}} is the value itself.
    private static bool HasOwnUnit(Utf8JsonReader json, bool isOfType)
    {
        Span<byte> letters = stackalloc byte[LooseName.MaxLength];
        var (hasValue, hasUnit, depth) = (false, false, json.CurrentDepth);
        while (json.Read() && json.CurrentDepth > depth)
        {
            if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == depth + 1)
            {
                var loose = LooseName.Of(json.ValueSpan, letters);
                hasValue |= loose.SequenceEqual("value"u8) || loose.SequenceEqual("val"u8);
                hasUnit |= IsName(loose) && json.Read() && !(isOfType && json.TokenType == JsonTokenType.Number);
            }
        }

        return hasValue && hasUnit;
    }
}
