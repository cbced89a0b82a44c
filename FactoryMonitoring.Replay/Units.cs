using System.Collections.Frozen;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Replay;

/// <summary>What names of columns and rows of units tell of unit and type.</summary>
internal static partial class Units
{
    private static readonly FrozenSet<string> Known = (
        "°C °F K C F degC deg_C Deg_C degF deg °K ºC Celsius Fahrenheit % %RH RH hPa Pa kPa MPa mbar bar psi mmHg inHg atm torr mm/s m/s mm/s² m/s² m/s2 m/s^2 m/s**2 g mg in/s ips km/h kph mph kn kt knots "
        + "W kW MW GW VA kVA VAR var kvar Wh kWh MWh J kJ MJ V mV kV A mA µA uA Volts Volt Amps Ohm Ω kΩ Hz kHz MHz rpm RPM 1/min min-1 N kN Nm N·m l/s l/min L/min l/h m3/h m³/h m^3/h m3/s m³/s m³ m3 m²"
        + " kg kg/h kg/s t/h mm cm m km in ft µm um nm mol mmol mmol/mol g/m³ g/m**3 g/m3 mg/m³ mg/m^3 mg/m3 µg/m³ ug/m3 µg/m^3 microg/m^3 ppm ppb ppt dB dB(A) lx lux W/m² W/m2 W/m^2 MJ/m² °  degrees degT"
        + " s ms us µs ns sec seconds min h hr hour d days µS/cm mS/cm S/m pH NTU mg/l mg/L Euro EUR USD sq in pcs count counts bit bits bool cfm gpm sccm hft nmi yr mo dy mn").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> KnownInAnyCase = Known.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>What stands in rows of units, and is none.</summary>
    private static readonly FrozenSet<string> BesideUnits =
        "TS RN - -- n/a none NA yyyy-mm-dd hh:mm hh:mm:ss dd/mm/yyyy dd.mm.yyyy utc gmt local iso datetime date time timestamp string float int double number text boolean smp avg max min std tot 1 # unit units einheit"
            .Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> WordsLikeUnits = "min in sec day days hour count counts bit bits bool sq yr mo dy mn deg pH RH RPM rpm".Split(' ').ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Aggregates = "smp avg max min std tot sum mean cumulative instantaneous".Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> KnownByText = KnownInAnyCase.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a text is a unit.</summary>
    public static bool IsKnown(ReadOnlySpan<char> text) => KnownByText.Contains(text) || (text.Length <= 16 && text.ToString() is var unit && UnitWords.SymbolOf(unit) != unit);

    /// <summary>Whether these may be the units of columns.</summary>
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

            if (!KnownInAnyCase.Contains(unit) && UnitWords.SymbolOf(unit) == unit && !(field.TrimStart() is ['[' or '(' or '<', ..] && unit.Length < field.Length))
            {
                return false;
            }

            units++;
        }

        return units > 0;
    }

    /// <summary>A logger's row that says how each value came about.</summary>
    public static bool IsRowOfAggregates(IReadOnlyList<string> fields) => fields.Any(field => field.Length > 0) && fields.All(field => field.Length == 0 || Aggregates.Contains(field));

    /// <summary>The unit that a name ends with, in brackets or after its last mark; null where it has none.</summary>
    public static (string Name, string? Unit) Split(string name)
    {
        if (InBrackets().Match(name) is { Success: true } match && match.Groups["name"].Length > 0)
        {
            var unit = match.Groups["unit"].Value.Trim();
            if (match.Groups["square"].Success ? unit.Length is > 0 and <= 16 : KnownInAnyCase.Contains(unit) || Degrees().IsMatch(unit))
            {
                return (match.Groups["name"].Value.Trim(' ', '_'), DegreesOf(unit));
            }

            // "Temp, °F (LGR S/N: 1234)"
            if (match.Groups["name"].Value.Split(',', 2) is [{ Length: > 0 } measured, var behind] && behind.Trim() is var written && (Known.Contains(written) || Degrees().IsMatch(written)))
            {
                return (measured.Trim(' ', '_'), DegreesOf(written));
            }
        }

        if (DegreesAtEnd().Match(name) is { Success: true } degrees && degrees.Groups["name"].Value.Trim(' ', '_', ',', '-', '.') is { Length: > 0 } bare
            && (degrees.Groups["sure"].Success || Temperature().IsMatch(bare)))
        {
            return (bare, DegreesOf(degrees.Groups["unit"].Value));
        }

        var mark = name.LastIndexOfAny(['_', '/', ',', ' ']);
        return mark > 0 && name[(mark + 1)..].Trim() is { Length: > 0 } end && IsUnitAfter(name[..mark], end) ? (name[..mark].TrimEnd(' ', '_', ','), end) : (name, null);
    }

    /// <summary>A unit of a row of units without brackets; null where it is none.</summary>
    public static string? OfRow(string field) => Bare(field) is { Length: > 0 and <= 32 } unit && !BesideUnits.Contains(unit) ? UnitWords.SymbolOf(unit) : null;

    /// <summary>The type that a name and its unit tell; null where they tell none. A unit that the type's rules are not converted to is another type's.</summary>
    public static SensorTypeInfo? TypeOf(string name, string? unit)
    {
        var type = Temperature().IsMatch(name) ? SensorCatalog.Temperature
            : Humidity().IsMatch(name) ? SensorCatalog.Humidity
            : Vibration().IsMatch(name) ? SensorCatalog.Vibration
            : Pressure().IsMatch(name) ? SensorCatalog.Pressure
            : Energy().IsMatch(name) ? SensorCatalog.Energy
            : unit is "°C" or "°F" ? SensorCatalog.Temperature
            : null;
        return type is not null && (unit is null || UnitWords.OfType(type.Name).Contains(unit)) ? type : null;
    }

    // "Sensor A" is no current, and "temp_min" no time.
    private static bool IsUnitAfter(string name, string end) =>
        Known.Contains(end) && !WordsLikeUnits.Contains(end) && (end.Length > 1 || end is "%" or "°" || (end is "C" or "F" or "K" && Temperature().IsMatch(name)) || (end is "W" && Energy().IsMatch(name)));

    private static string DegreesOf(string unit) => unit is "c" or "f" ? unit.ToUpperInvariant() : Degrees().Match(unit) is { Success: true } match ? $"°{char.ToUpperInvariant(match.Groups["scale"].Value[0])}" : unit;

    private static string Bare(string field) => field.Trim().Trim('[', ']', '(', ')', '<', '>').Trim();

    [GeneratedRegex(@"^(?<name>.*?)\s*(?:(?<square>\[)\s*(?<unit>[^\[\]]*)\]|\((?<unit>[^()]*(?:\([^()]*\))?)\)|\{(?<unit>[^{}]*)\})\s*$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex InBrackets();

    [GeneratedRegex(@"^(?:(?:°|º|deg(?:rees?|\.)?)[ _.-]*(?<scale>[CF]|celsius|fahrenheit)|(?<scale>celsius|fahrenheit))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Degrees();

    // A letter alone is a unit behind a temperature only: "Diff" and "Leaf" end with none.
    [GeneratedRegex(@"^(?<name>.*?)(?:(?<sure>(?<unit>(?:°|º)[ ]*[CFcf]|(?<=[ _,.\-])deg(?:rees?|\.)?[ _.\-]*[CFcf]|(?<![A-Z])Deg(?:rees?)?[CF]|(?<=[ _,.\-])(?:[Ff]ahrenheit|[Cc]elsius)|(?<=[a-z])(?:Fahrenheit|Celsius)))|(?<=[ _,.\-])(?<unit>[CFcf])|(?<=[Tt]emp|[Tt]emperature)(?<unit>[CF]))$", RegexOptions.CultureInvariant)]
    private static partial Regex DegreesAtEnd();

    [GeneratedRegex(@"^[ymdhsYMDHSTft:./\- ]{4,}$", RegexOptions.CultureInvariant)]
    private static partial Regex LayoutOfTime();

    [GeneratedRegex(@"temp(erature|eratur)?($|[^a-z])|^temp|(^|[^a-z])tmp($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Temperature();

    [GeneratedRegex(@"humid|feucht|(^|[^a-z])hum($|[^a-z])|(^|[^a-z])rh($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Humidity();

    [GeneratedRegex(@"vibr|schwing", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Vibration();

    [GeneratedRegex(@"pressure|druck|(^|[^a-z])press($|[^a-z])|barometer", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pressure();

    [GeneratedRegex(@"power|energy|leistung|energie", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Energy();
}
