using System.Buffers;
using System.Collections.Frozen;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Replay;

/// <summary>Derives units and types from the names of columns and from rows of units.</summary>
internal static partial class Units
{
    /// <summary>Texts that occur in rows of units and are not units.</summary>
    private static readonly FrozenSet<string> BesideUnits =
        "TS RN - -- n/a none NA yyyy-mm-dd hh:mm hh:mm:ss dd/mm/yyyy dd.mm.yyyy utc gmt local iso datetime date time timestamp string float int double number text boolean smp avg max min std tot 1 # unit units einheit"
            .Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> WordsLikeUnits = "min in sec day days hour count counts bit bits bool sq yr mo dy mn deg pH RH RPM".Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Signs that a unit has, and a word has not.</summary>
    private static readonly SearchValues<char> Signs = SearchValues.Create("/^°%µμ²³·*");

    /// <summary>Words in brackets that say which of several quantities this is, and not its unit.</summary>
    private static readonly FrozenSet<string> Descriptions =
        "avg min max std med raw set act pv sp abs rel ext int top bot out low mid up dry wet air oil gas hot new old day est dc ac rms sum tot net gross mean peak room wall roof tank oven hall core skin soil body left main amb corr calc"
            .Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Aggregates = "smp avg max min std tot sum mean cumulative instantaneous".Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns whether the fields may be the units of columns.</summary>
    public static bool IsRow(IReadOnlyList<string> fields)
    {
        var units = 0;
        foreach (var field in fields)
        {
            var unit = Bare(field);
            if (unit.Length == 0 || BesideUnits.Contains(field) || BesideUnits.Contains(unit) || LayoutOfTime().IsMatch(field))
            {
                continue;
            }

            if (!UnitWords.IsKnown(unit) && !(IsScaled(unit) && !OtherNumber().IsMatch(unit)) && !(field.TrimStart() is ['[' or '(' or '<', ..] && unit.Length < field.Length))
            {
                return false;
            }

            units++;
        }

        return units > 0;
    }

    /// <summary>Returns whether the fields are a logger's row that names how each value was aggregated.</summary>
    public static bool IsRowOfAggregates(IReadOnlyList<string> fields) => fields.Any(field => field.Length > 0) && fields.All(field => field.Length == 0 || Aggregates.Contains(field));

    /// <summary>Returns whether the fields are the row of column formats that follows the header in an RDB file, as the USGS writes them: 5s, 20d, 14n.</summary>
    public static bool IsRowOfFormats(IReadOnlyList<string> fields) => fields.Count > 1 && fields.All(field => ColumnFormat().IsMatch(field));

    /// <summary>Splits off the unit at the end of a name, in brackets or after the last separator; null if there is none.</summary>
    public static (string Name, string? Unit) Split(string name)
    {
        if (SplitScaled(name) is { } scaled)
        {
            return scaled;
        }

        if (InBrackets().Match(name.Replace('（', '(').Replace('）', ')').Replace('［', '[').Replace('］', ']')) is { Success: true } match && match.Groups["name"].Length > 0)
        {
            var unit = match.Groups["unit"].Value.Trim();
            if (match.Groups["square"].Success ? unit.Length is > 0 and <= 16 : Degrees().IsMatch(unit) || (UnitWords.IsKnown(unit) && MayFollow(match.Groups["name"].Value, unit)))
            {
                return (match.Groups["name"].Value.Trim(' ', '_'), DegreesOf(unit));
            }

            // "Temp, °F (LGR S/N: 1234)"
            if (match.Groups["name"].Value.Split(',', 2) is [{ Length: > 0 } measured, var behind] && behind.Trim() is var written && (UnitWords.IsWritten(written) || Degrees().IsMatch(written)))
            {
                return (measured.Trim(' ', '_'), DegreesOf(written));
            }

            // The type's own unit is not that of values in another one.
            if (IsLikeUnit(unit) && TypeOf(match.Groups["name"].Value, null) is not null)
            {
                return (match.Groups["name"].Value.Trim(' ', '_'), unit);
            }
        }

        // A column may be named by its unit alone.
        if (Degrees().IsMatch(name))
        {
            return (name, DegreesOf(name));
        }

        if (DegreesAtEnd().Match(name) is { Success: true } degrees && degrees.Groups["name"].Value.Trim(' ', '_', ',', '-', '.', 'Â') is { Length: > 0 } bare
            && (degrees.Groups["sure"].Success || Temperature().IsMatch(bare)))
        {
            return (bare, DegreesOf(degrees.Groups["unit"].Value));
        }

        // A unit may be two words: Press_mm_hg.
        var mark = name.LastIndexOfAny(['_', '/', ',', ' ', '.']);
        foreach (var at in mark > 0 ? (int[])[name.LastIndexOfAny(['_', ' '], mark - 1), mark] : [])
        {
            if (at > 0 && name[(at + 1)..].Trim() is { Length: > 0 } end && (at == mark || UnitWords.IsOfTwoWords(end)) && UnitAfter(name[..at], end) is { } after)
            {
                return (name[..at].TrimEnd(' ', '_', ','), after);
            }
        }

        return UnitBehindType().Match(name) is { Success: true } joined && UnitAfter(joined.Groups["name"].Value, joined.Groups["unit"].Value) is { } attached
            ? (joined.Groups["name"].Value, attached) : (name, null);
    }

    /// <summary>Splits off the units of a header: brackets distinguish columns of the same name if one of them contains no unit.</summary>
    public static (string Name, string? Unit)[] SplitAll(IReadOnlyList<string> header)
    {
        var others = header.Where(name => InBrackets().Match(name) is { Success: true } match && match.Groups["unit"].Value.Trim() is var text
            && (Split(name).Unit is null || (!UnitWords.IsKnown(text) && !Degrees().IsMatch(text) && !IsLikeUnit(text) && !IsScaled(text)))).Select(BeforeBrackets).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. header.Select(name => InBrackets().IsMatch(name) && SplitScaled(name) is null && others.Contains(BeforeBrackets(name)) && header.Count(other => BeforeBrackets(other).Equals(BeforeBrackets(name), StringComparison.OrdinalIgnoreCase)) > 1
            ? (name, null) : Split(name))];
    }

    /// <summary>Returns the symbol of a unit in a unit column; null if the text is not known to be a unit.</summary>
    public static string? OfCell(string text) => Bare(text) is not { Length: > 0 } unit ? null
        : Degrees().IsMatch(unit) ? DegreesOf(unit)
        : UnitWords.IsKnown(unit) ? UnitWords.SymbolOf(unit)
        : IsScaled(unit) || IsLikeUnit(unit) ? unit
        : UnitWords.Folded(unit);

    /// <summary>Returns the scale without a unit at the end of a name, as in <c>temp_x10</c>; null if there is none.</summary>
    /// <param name="name">The name, without its unit.</param>
    /// <param name="header">The names of all columns: where these are numbered with an x, it is no scale.</param>
    public static string? ScaleIn(string name, IReadOnlyList<string> header)
    {
        if (ScaleAtEnd().Match(name) is not { Success: true } match)
        {
            return null;
        }

        var stem = name[..match.Groups["scale"].Index];
        return header.Any(other => other.StartsWith(stem, StringComparison.OrdinalIgnoreCase) && Numbered().Match(other[stem.Length..]) is { Success: true } numbered && numbered.Groups["number"].Value.Trim('0') != "1")
            ? null : match.Groups["scale"].Value;
    }

    // "(0.1 °C)", "°C x 10", "in tenths of degC": a scale makes another unit of it. A number before it without brackets may be that of the sensor: "Temp 2 °C".
    private static (string Name, string? Unit)? SplitScaled(string name)
    {
        if (InBrackets().Match(name.Replace('（', '(').Replace('）', ')').Replace('［', '[').Replace('］', ']')) is { Success: true } match && match.Groups["name"].Value.Trim(' ', '_', ',') is { Length: > 0 } before)
        {
            var unit = match.Groups["unit"].Value.Trim();
            unit = unit.StartsWith("in ", StringComparison.OrdinalIgnoreCase) ? unit[3..].Trim() : unit;
            return UnitOfScaled(unit) is { } plain && IsUnitOf(before, plain, unit) ? (before, unit) : null;
        }

        for (var at = name.IndexOfAny(Separators); at >= 0; at = name.IndexOfAny(Separators, at + 1))
        {
            var (start, end) = (name[..at].TrimEnd(Separators), name[(at + 1)..].Trim(Separators));
            if (start.Length > 0 && UnitOfScaled(end) is { } plain && !WholeNumber().IsMatch(end) && IsUnitOf(start, plain, end))
            {
                start = start.Length > 3 && start.EndsWith("in", StringComparison.OrdinalIgnoreCase) && Separators.Contains(start[^3]) ? start[..^3].TrimEnd(Separators) : start;
                return (start, end);
            }
        }

        return null;
    }

    /// <summary>Returns whether a text is a unit with a scale, as <c>0.1 °C</c>.</summary>
    private static bool IsScaled(string text) => UnitOfScaled(text) is not null;

    // Returns the symbol of the unit without its scale. A length beside a name is that of the place: 2 m, 10 cm.
    private static string? UnitOfScaled(string text)
    {
        if (UnitWords.IsKnown(text) || Degrees().IsMatch(text))
        {
            return null;
        }

        foreach (var match in (Match[])[ScaleFirst().Match(text), ScaleLast().Match(text)])
        {
            if (match.Success && match.Groups["unit"].Value.Trim(' ', '_', '-') is { Length: > 0 } unit && (Degrees().IsMatch(unit) || UnitWords.IsKnown(unit))
                && (!WordsLikeUnits.Contains(unit) || unit is "deg" or "RH") && !BesideScales.Contains(unit) && !(unit is "K" or "k" && WholeNumber().IsMatch(text)))
            {
                return Degrees().IsMatch(unit) ? DegreesOf(unit) : UnitWords.SymbolOf(unit);
            }
        }

        return null;
    }

    // Only after the name of its quantity: a conductivity (25 °C) is one at that temperature.
    private static bool IsUnitOf(string name, string unit, string scaled) => TypeOf(name, null) is not { } type ? TypeOf(name, unit) is not null && (SaysNothing(name) || !WholeNumber().IsMatch(scaled))
        : UnitWords.OfType(type.Name).Contains(unit) || IsOfName(name, unit) || !SensorCatalog.Types.Keys.Any(other => UnitWords.OfType(other).Contains(unit));

    /// <summary>Returns a unit in a row of units, without brackets; null if the field is not a unit.</summary>
    public static string? OfRow(string field) => Bare(field) is { Length: > 0 and <= 32 } unit && !BesideUnits.Contains(unit) ? UnitWords.SymbolOf(unit) : null;

    /// <summary>
    /// Returns the type that follows from a name and its unit; null if none does. A unit that the type's rules are not converted to belongs to another type.
    /// </summary>
    public static SensorTypeInfo? TypeOf(string name, string? unit)
    {
        var type = IsState(name) ? null
            : Temperature().IsMatch(name) ? SensorCatalog.Temperature
            : Humidity().IsMatch(name) ? SensorCatalog.Humidity
            : Vibration().IsMatch(name) ? SensorCatalog.Vibration
            : Pressure().IsMatch(name) ? SensorCatalog.Pressure
            : Energy().IsMatch(name) ? SensorCatalog.Energy
            : unit is "°C" or "°F" ? SensorCatalog.Temperature
            : null;
        return type is not null && (unit is null || UnitWords.OfType(type.Name).Contains(unit)) ? type : null;
    }

    /// <summary>Returns whether a name does not tell what is measured: value, sensor 1, x.</summary>
    public static bool SaysNothing(string name) => Nothing().IsMatch(name);

    /// <summary>Returns whether a name is that of an energy or a power, which without a unit can be in W, kW, Wh or kWh.</summary>
    public static bool IsEnergy(string name) => Energy().IsMatch(name);

    /// <summary>Returns whether a name is that of a state or a ratio and not of a quantity: a power factor has no unit of power.</summary>
    public static bool IsState(string name) => State().IsMatch(name);

    // "Sensor A" is not a current, and "temp_min" is not a time. After the name of a type, a unit may be in lower case and without its signs: power_w, vibration_ms2.
    private static string? UnitAfter(string name, string end)
    {
        if (WordsLikeUnits.Contains(end) || (end.Equals("hp", StringComparison.OrdinalIgnoreCase) && !Energy().IsMatch(name)))
        {
            return null;
        }

        if (end.Length > 1 || end is "%" or "°")
        {
            return UnitWords.IsWritten(end) || UnitWords.IsOfTwoWords(end) ? end : TypeOf(name, null) is not null ? UnitWords.Folded(end) : null;
        }

        return (end is "C" or "F" or "K" or "k" && Temperature().IsMatch(name)) || (end is "W" or "w" or "J" && Energy().IsMatch(name)) ? end.ToUpperInvariant()
            : end is "g" && Vibration().IsMatch(name) ? end : null;
    }

    /// <summary>Returns whether a text behind a number may be its unit by the name of its column: a single letter is one only after what is measured in it.</summary>
    public static bool IsOfName(string name, string unit) => unit.ToUpperInvariant() is var letter
        && ((letter is "C" or "F" or "K" && Temperature().IsMatch(name)) || (letter is "W" or "J" && Energy().IsMatch(name)) || (unit is "g" && Vibration().IsMatch(name)));

    // "(kWh/hh)" and "(in/s pk)" are units that are not known. "(outdoor)", "(CPU)", "(K-Type)", "(2 m)", "(S/N 12)" and "(A/B)" distinguish sensors.
    private static bool IsLikeUnit(string text) =>
        text.Length is > 0 and <= 16 && !Distinction().IsMatch(text) && !text.Split('/').Any(Descriptions.Contains) && text.AsSpan().ContainsAny(Signs)
        && (text[0] is '°' or '%' or 'µ' or 'μ' || text.AsSpan().ContainsAny('²', '³') || UnitWords.Folded(text) is not null
            || (text.IndexOfAny(['/', '·', '*', '^']) is > 1 and var mark && UnitWords.IsWritten(text[..mark])));

    // The name of a type may be followed by a word that is a unit only elsewhere: the pressures HP and LP, the temperatures in, A and S.
    private static bool MayFollow(string name, string unit) => TypeOf(name, null) is null
        || (unit.Length == 1 ? !char.IsAsciiLetter(unit[0]) || unit is "V" || IsOfName(name, unit)
            : !Descriptions.Contains(unit) && (!WordsLikeUnits.Contains(unit) || unit.Equals("RH", StringComparison.OrdinalIgnoreCase)) && (!unit.Equals("hp", StringComparison.OrdinalIgnoreCase) || Energy().IsMatch(name)));

    private static readonly char[] Separators = [' ', '_', ',', '-'];

    /// <summary>Units that a number before them does not scale: lengths of a place, spans of time, ranges of a signal.</summary>
    private static readonly FrozenSet<string> BesideScales = "m cm mm km ft in µm um nm s ms us µs ns sec seconds min h hr hour d days V mV A mA Hz kHz MHz rpm bit bits".Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // 0.1 °C, 1/10 °C, 10*°C, x10 °C, 10^-1 °C, m°C, deci °C, tenths of °C; a factor of 1 is none.
    [GeneratedRegex(@"^(?:(?:1[ ]*/[ ]*10+|10[ ]*\^[ ]*[+\-−]?[0-9]+|(?!1[^0-9.,e]|10+ths)[0-9]+(?:[.,][0-9]+)?(?:e[+\-−]?[0-9]+)?)[ _]*(?:[x×*·][ ]*)?|[x×*][ ]*10+[ _]*|(?:deci|centi|milli|tenths?|hundredths?|thousandths?|zehntel|hundertstel|tausendstel|10+ths)[ _\-]*(?:of[ _]+)?(?:an?[ _]+)?|[dcm](?=°|º|deg)|(?-i:[dcm](?=[CF]$)))(?<unit>.+)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ScaleFirst();

    // °C x 10, °C*100, °C/10, °C 10^-1, degC_x10, °C tenths
    [GeneratedRegex(@"^(?<unit>.+?)[ _,;]*(?:[x×*·/÷][ ]*(?:10+|0[.,]0*1|10[ ]*\^[ ]*[+\-−]?[0-9]+)|[ ](?:10[ ]*\^|1?e)[+\-−]?[0-9]+|[ _\-,]+(?:in[ ]+)?(?:tenths?|hundredths?|thousandths?|zehntel|hundertstel|tausendstel))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ScaleLast();

    // 2 °C, 10K: whole numbers.
    [GeneratedRegex(@"^[0-9]+[ _]*[^0-9 _./,*x×·^eE]", RegexOptions.CultureInvariant)]
    private static partial Regex WholeNumber();

    // 23.5 °C is a value: numbers at the beginning that are no power of ten.
    [GeneratedRegex(@"^(?!(?:0[.,]0*1|10+|1[ ]*/[ ]*10+|10[ ]*\^.*?[0-9]+|1e[+\-−]?[0-9]+)(?![0-9.,]))[0-9]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OtherNumber();

    // temp_x10, tempX10, temp (x 100), temp*10, temp 10x, temp (1/10), temp_tenths
    [GeneratedRegex(@"(?<=[\p{L}0-9°%)\]])(?:[ _.\-]*[(\[{][ ]*|[ _.\-]+|(?<=[a-z0-9])(?=X)|(?=[*×/]))(?<scale>[x×*X][ _]*10+|10+[ ]*[x×X*]|1/10+|/[ ]*10+|(?<=[(\[{][ ]*)0[.,]0*1|(?i:div[ _]?10+|scaled[ _]by[ _]10+|deci|centi|milli|10+ths|tenths?|hundredths?|thousandths?|zehntel|hundertstel|tausendstel))[ ]*[)\]}]?$", RegexOptions.CultureInvariant)]
    private static partial Regex ScaleAtEnd();

    [GeneratedRegex("^[xX×*/](?<number>[0-9]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();

    private static string BeforeBrackets(string name) => InBrackets().Match(name) is { Success: true } match ? match.Groups["name"].Value.Trim() : name;

    private static string DegreesOf(string unit) => unit is "c" or "f" ? unit.ToUpperInvariant() : Degrees().Match(unit) is { Success: true } match ? $"°{char.ToUpperInvariant(match.Groups["scale"].Value[0])}" : unit;

    private static string Bare(string field) => field.Trim().Trim('[', ']', '(', ')', '<', '>').Trim();

    [GeneratedRegex(@"^(?<name>.*?)\s*(?:(?<square>\[)\s*(?<unit>[^\[\]]*)\]|\((?<unit>[^()]*(?:\([^()]*\))?)\)|\{(?<unit>[^{}]*)\})\s*$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex InBrackets();

    [GeneratedRegex(@"^(?:(?:°|º|deg(?:rees?|\.)?)[ _.-]*(?<scale>[CF]|celsius|fahrenheit)|(?<scale>celsius|fahrenheit))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Degrees();

    // A single letter is a unit only after a temperature: "Diff" and "Leaf" do not end with a unit.
    [GeneratedRegex(@"^(?<name>.*?)(?:(?<sure>(?<unit>(?:°|º)[ ]*[CFcf]|(?<=[ _,.\-])deg(?:rees?|\.)?[ _.\-]*[CFcf]|(?<![A-Z])Deg(?:rees?)?[CF]|(?<=[ _,.\-])(?:[Ff]ahrenheit|[Cc]elsius)|(?<=[a-z])(?:Fahrenheit|Celsius)))|(?<=[ _,.\-])(?<unit>[CFcf])|(?<=[Tt]emp|[Tt]emperature)(?<unit>[CF]))$", RegexOptions.CultureInvariant)]
    private static partial Regex DegreesAtEnd();

    // powerW, pressurekPa
    [GeneratedRegex("^(?<name>.*(?:[Tt]emp(?:erature|eratur)?|[Hh]umidity|[Vv]ibration|[Pp]ress(?:ure)?|[Pp]ower|[Ee]nergy|[Ll]eistung|[Ee]nergie|[Dd]ruck))(?<unit>[A-Za-z%/µ²³0-9]{1,6})$", RegexOptions.CultureInvariant)]
    private static partial Regex UnitBehindType();

    [GeneratedRegex("(^|[^A-Za-z])((?i)factor|on|off|status|state|err|errors?|faults?|alarms?|alerts?|flags?|counts?|counter|code|mode|valid|validity|quality|qc|ok|enabled?|ratio)$|(?<=[a-z])(Ratio|Factor|On|Off|Status|State|Error|Fault|Alarm|Alert|Flag|Count|Code|Mode|Valid|Quality|Enabled)$", RegexOptions.CultureInvariant)]
    private static partial Regex State();

    // Words of no quantity, a letter, numbers.
    [GeneratedRegex(@"^[\W_]*((value|val|values|reading|readings|measurement|measured|data|sensor|channel|ch|signal|input|analog|ai|series|column|field|point|tag|variable|var|raw|probe|logger|wert|werte|messwert|messwerte|daten|kanal|valor|valeur|valore|id)(?![a-z])[\W_]*|[0-9]+[\W_]*)*(\p{L}[\W_0-9]*)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Nothing();

    [GeneratedRegex("^[0-9]+[sdn]$", RegexOptions.CultureInvariant)]
    private static partial Regex ColumnFormat();

    // A number, or letters with one: 2, 2 m, #3, L1, CH 2, S/N: 1234.
    [GeneratedRegex(@"^#?[0-9]|^[A-Za-z]+[ _.\-]?#?[0-9]+$|[:;,=?!]|^[A-Za-z]?#", RegexOptions.CultureInvariant)]
    private static partial Regex Distinction();

    [GeneratedRegex(@"^[ymdhsYMDHSTft:./\- ]{4,}$", RegexOptions.CultureInvariant)]
    private static partial Regex LayoutOfTime();

    [GeneratedRegex(@"temp(erature|eratur)?($|[^a-z])|^temp|(^|[^a-z])tmp($|[^a-z])|温度|気温|气温", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Temperature();

    [GeneratedRegex(@"humid|feucht|(^|[^a-z])hum($|[^a-z])|(^|[^a-z])rh($|[^a-z])|湿度", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Humidity();

    [GeneratedRegex(@"vibr|schwing", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Vibration();

    [GeneratedRegex(@"pressure|druck|(^|[^a-z])press($|[^a-z])|(^|[^a-z])(press(ao|ão|ione?)|presi[oó]n)|barometer", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pressure();

    [GeneratedRegex(@"power|energy|leistung|energie", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Energy();
}
