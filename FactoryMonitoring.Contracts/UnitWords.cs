using System.Collections.Frozen;

namespace FactoryMonitoring.Contracts;

/// <summary>The spellings of units by devices, in files and in the rules.</summary>
public static class UnitWords
{
    /// <summary>Spellings other than the symbol, in any case.</summary>
    private static readonly Dictionary<string, string> Symbols = new(StringComparer.OrdinalIgnoreCase)
    {
        ["C"] = "°C", ["Cel"] = "°C", ["degC"] = "°C", ["deg C"] = "°C", ["deg_C"] = "°C", ["º C"] = "°C", ["ºC"] = "°C", ["° C"] = "°C", ["°c"] = "°C", ["℃"] = "°C", ["celsius"] = "°C",
        ["F"] = "°F", ["degF"] = "°F", ["deg F"] = "°F", ["deg_F"] = "°F", ["º F"] = "°F", ["ºF"] = "°F", ["° F"] = "°F", ["°f"] = "°F", ["℉"] = "°F", ["fahrenheit"] = "°F",
        // UTF-8 that was read as Windows-1252.
        ["Â°C"] = "°C", ["Â°F"] = "°F",
        ["grad C"] = "°C", ["grad_C"] = "°C", ["gradC"] = "°C", ["grad celsius"] = "°C", ["grad F"] = "°F", ["grad fahrenheit"] = "°F",
        ["% r.H."] = "%", ["%r.H."] = "%", ["% r.H"] = "%", ["% r. H."] = "%", ["% r.F."] = "%", ["%r.F."] = "%", ["% r.F"] = "%", ["% r. F."] = "%",
        ["mm/sec"] = "mm/s", ["cm/sec"] = "cm/s", ["m/sec"] = "m/s", ["in/sec"] = "in/s", ["ips"] = "in/s",
        ["mm/s RMS"] = "mm/s", ["mm/sec RMS"] = "mm/s", ["cm/s RMS"] = "cm/s", ["m/s RMS"] = "m/s", ["in/s RMS"] = "in/s", ["ips RMS"] = "in/s",
        ["kelvin"] = "K", ["°K"] = "K", ["percent"] = "%", ["pct"] = "%", ["%RH"] = "%", ["% RH"] = "%", ["RH"] = "%", ["%rF"] = "%", ["% rF"] = "%",
        ["hpa"] = "hPa", ["millibar"] = "hPa", ["millibars"] = "hPa", ["bars"] = "bar", ["mm Hg"] = "mmHg", ["mm_hg"] = "mmHg", ["mm-hg"] = "mmHg", ["in Hg"] = "inHg", ["in_hg"] = "inHg", ["in-hg"] = "inHg", ["kw"] = "kW", ["volt"] = "V", ["volts"] = "V", ["ampere"] = "A", ["amp"] = "A", ["amps"] = "A", ["watt"] = "W", ["watts"] = "W", ["kilowatt"] = "kW", ["kilowatts"] = "kW", ["pascal"] = "Pa", ["pascals"] = "Pa",
    };

    private const int FullWidth = '\uff01' - '!';

    /// <summary>Units that are one character, as in East Asian texts.</summary>
    private static readonly FrozenDictionary<char, string> Squared = new Dictionary<char, string>
    {
        ['㍱'] = "hPa", ['㍴'] = "bar", ['㎩'] = "Pa", ['㎪'] = "kPa", ['㎫'] = "MPa", ['㎜'] = "mm", ['㎝'] = "cm", ['㎞'] = "km", ['㎛'] = "µm", ['㎡'] = "m²", ['㎥'] = "m³",
        ['㎧'] = "m/s", ['㎨'] = "m/s²", ['㎎'] = "mg", ['㎏'] = "kg", ['㎍'] = "µg", ['㎾'] = "kW", ['㎿'] = "MW", ['㎽'] = "mW", ['㎷'] = "mV", ['㎸'] = "kV", ['㎶'] = "µV",
        ['㎃'] = "mA", ['㎂'] = "µA", ['㎐'] = "Hz", ['㎑'] = "kHz", ['㎒'] = "MHz", ['㏀'] = "kΩ", ['㏈'] = "dB", ['㏙'] = "ppm", ['㏓'] = "lx", ['㎖'] = "ml", ['ℓ'] = "l",
    }.ToFrozenDictionary();

    /// <summary>Units that the consumers convert to the type's unit. Of another type, mb may be a megabyte.</summary>
    private static readonly Dictionary<string, string[]> Convertible = new(StringComparer.Ordinal)
    {
        [SensorCatalog.Temperature.Name] = ["°C", "°F", "K"],
        [SensorCatalog.Pressure.Name] = ["hPa", "Pa", "kPa", "MPa", "bar", "mb", "mB", "psi", "mmHg", "inHg", "atm", "torr"],
        [SensorCatalog.Energy.Name] = ["kW", "W", "MW", "GW"],
        [SensorCatalog.Vibration.Name] = ["mm/s", "m/s", "cm/s", "in/s"],
        [SensorCatalog.Humidity.Name] = ["%"],
    };

    private static readonly FrozenSet<string> Known = (
        "°C °F K C F degC deg_C Deg_C degF deg °K ºC Celsius Fahrenheit % %RH RH hPa Pa kPa MPa mbar mb mB bar psi mmHg inHg atm torr mm/s m/s mm/s² m/s² m/s2 m/s^2 m/s**2 g mg in/s ips km/h kph mph kn kt knots "
        + "mW W kW MW GW hp VA kVA VAR var kvar Wh kWh MWh GWh J kJ MJ V mV kV A mA µA uA Volts Volt Amps Ohm Ω kΩ Hz kHz MHz rpm RPM 1/min min-1 N kN Nm N·m l/s l/min L/min l/h m3/h m³/h m^3/h m3/s m³/s m³ m3 m²"
        + " kg kg/h kg/s t/h mm cm m km in ft µm um nm mol mmol mmol/mol g/m³ g/m**3 g/m3 mg/m³ mg/m^3 mg/m3 µg/m³ ug/m3 µg/m^3 microg/m^3 ppm ppb ppt dB dB(A) lx lux W/m² W/m2 W/m^2 MJ/m² °  degrees degT"
        + " s ms us µs ns sec seconds min h hr hour d days µS/cm mS/cm S/m pH NTU mg/l mg/L g/kg dBm dBW mmH2O cmH2O inH2O mmWC mmWS inWC kgf/cm² psia psig barg bara kcal kcal/h BTU BTU/h Euro EUR USD sq in pcs count counts bit bits bool cfm gpm sccm hft nmi yr mo dy mn").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> KnownInAnyCase = Known.ToFrozenSet(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Units by their letters in lower case without signs; a unit is null if several have these letters.</summary>
    private static readonly FrozenDictionary<string, string?> ByLetters = Known.GroupBy(Letters, StringComparer.Ordinal)
        .ToFrozenDictionary(units => units.Key, units => units.Select(unit => Raised(SymbolOf(unit))).Distinct().ToList() is [var one] ? one : null, StringComparer.Ordinal);

    /// <summary>Whether a text is a unit, in any case of its letters.</summary>
    public static bool IsKnown(ReadOnlySpan<char> text) => KnownInAnyCase.Contains(text) || (text.Length <= 16 && text.ToString() is var unit && SymbolOf(unit) != unit);

    /// <summary>Whether a text is a unit of two words, as mm Hg.</summary>
    public static bool IsOfTwoWords(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.AsSpan().IndexOfAny(' ', '_', '-') is > 0 and var mark && mark < text.Length - 2 && Symbols.ContainsKey(text);
    }

    /// <summary>Whether a text is a unit in its usual spelling: s is a second, S is siemens.</summary>
    public static bool IsWritten(string text) => Known.Contains(Narrow(text));

    /// <summary>Returns the symbol of a unit in any case and without its signs, as <c>gm3</c>; the text itself if several units are written so, as <c>mw</c>; null if none is.</summary>
    public static string? Folded(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return SymbolOf(text) is var symbol && symbol != text ? symbol : ByLetters.TryGetValue(Letters(text), out var unit) ? unit ?? text : null;
    }

    /// <summary>Returns the symbol of a unit, or the trimmed text if there is none.</summary>
    public static string SymbolOf(string unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        unit = Narrow(unit.Trim());
        // Mbar is a different unit: a million bar.
        return unit == "mbar" ? "hPa" : Symbols.GetValueOrDefault(unit, unit);
    }

    /// <summary>Returns the units, by their symbols, to which a type's rules apply; empty for a type that is not in the catalog.</summary>
    public static IReadOnlyList<string> OfType(string sensorType) => Convertible.GetValueOrDefault(sensorType, []);

    private static string Letters(string unit) => string.Concat(Raised(unit).ToLowerInvariant().Where(letter => letter != '/')).Replace('²', '2').Replace('³', '3');

    private static string Raised(string unit) => unit.Replace("^", "", StringComparison.Ordinal).Replace("**", "", StringComparison.Ordinal).Replace('2', '²').Replace('3', '³');

    // Keeps ² and µ, which a general normalization would change.
    private static string Narrow(string text) => !text.Any(IsWide) ? text
        : string.Concat(text.Select(letter => Squared.TryGetValue(letter, out var unit) ? unit : IsWide(letter) ? ((char)(letter - FullWidth)).ToString() : letter.ToString()));

    private static bool IsWide(char letter) => Squared.ContainsKey(letter) || letter is >= '\uff01' and <= '\uff5e';
}
