using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The meaning of a number's name in a message.</summary>
/// <param name="Type">Its sensor_type.</param>
/// <param name="Unit">Null if only the type has a unit.</param>
/// <param name="Part">The suffix that it adds to the sensor's id: names with the same part mean the same measurement.</param>
/// <param name="HasOwnUnit">The name contains the unit.</param>
internal sealed record MeasuredName(string Type, string? Unit, string Part, bool HasOwnUnit);

/// <summary>
/// Recognizes the names of numbers: those of three types, those whose unit is in the settings, and those that end with a unit (temperature_C, pressureHpa).
/// Ambiguous names are not recognized: an energy is often in kWh, and phase_A is not a current. Not thread-safe.
/// </summary>
/// <param name="units">Units by type, from the settings (Consumers:Messages:Mapping:Units).</param>
/// <param name="ownUnits">The same for types that may change while the process runs (Detection:Types).</param>
internal sealed partial class MeasuredNames(IReadOnlyDictionary<string, string> units, Func<string, string?> ownUnits)
{
    private static readonly SensorTypeInfo[] Named = [SensorCatalog.Temperature, SensorCatalog.Humidity, SensorCatalog.Pressure];

    /// <summary>Case-insensitive: no other unit is written like it.</summary>
    private static readonly FrozenDictionary<string, string> Suffixes = new Dictionary<string, string>
    {
        ["degC"] = "°C", ["celsius"] = "°C", ["degF"] = "°F", ["fahrenheit"] = "°F", ["kelvin"] = "K", ["Pa"] = "Pa", ["hPa"] = "hPa", ["kPa"] = "kPa", ["mbar"] = "hPa",
        ["bar"] = "bar", ["psi"] = "psi", ["mmHg"] = "mmHg", ["inHg"] = "inHg", ["percent"] = "%", ["pct"] = "%", ["perc"] = "%", ["RH"] = "%", ["kV"] = "kV", ["volt"] = "V",
        ["volts"] = "V", ["amp"] = "A", ["amps"] = "A", ["watt"] = "W", ["watts"] = "W", ["kW"] = "kW", ["kWh"] = "kWh", ["Wh"] = "Wh", ["kVA"] = "kVA",
        ["Hz"] = "Hz", ["kHz"] = "kHz", ["ppm"] = "ppm", ["ppb"] = "ppb", ["lux"] = "lx", ["lx"] = "lx", ["dB"] = "dB", ["dBA"] = "dB(A)", ["dBm"] = "dBm", ["rpm"] = "rpm", ["mm"] = "mm", ["cm"] = "cm",
        ["mm/s"] = "mm/s", ["m/s"] = "m/s", ["mps"] = "m/s", ["kmh"] = "km/h", ["km/h"] = "km/h", ["ugm3"] = "µg/m³", ["ug/m3"] = "µg/m³", ["µg/m³"] = "µg/m³", ["lpm"] = "l/min", ["l/min"] = "l/min", ["kg"] = "kg", ["ohm"] = "Ω",
        ["%"] = "%", ["°C"] = "°C", ["°F"] = "°F",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Case-sensitive: the same letters are another unit in another case.</summary>
    private static readonly FrozenDictionary<string, string> Exact = new Dictionary<string, string>
    {
        ["MPa"] = "MPa", ["MW"] = "MW", ["mW"] = "mW", ["MWh"] = "MWh", ["mV"] = "mV", ["mv"] = "mV", ["Mv"] = "mV", ["mA"] = "mA", ["ma"] = "mA", ["Ma"] = "mA",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>A single letter, and mb, is a unit only after the quantity that is measured in it, in any case.</summary>
    private static readonly (string Letters, string Unit, Regex Measured)[] Letters =
        [("C", "°C", Warmth()), ("F", "°F", Warmth()), ("K", "K", Warmth()), ("V", "V", Tension()), ("A", "A", Current()), ("W", "W", Power()), ("mb", "hPa", Pressure())];

    private static readonly (string Type, Regex Name)[] Kinds =
    [
        (SensorCatalog.Temperature.Name, Warmth()), (SensorCatalog.Humidity.Name, Dampness()), (SensorCatalog.Pressure.Name, Pressure()), (SensorCatalog.Energy.Name, Power()),
        (SensorCatalog.Vibration.Name, Shaking()),
    ];

    /// <summary>Returns the meaning of a name; null if it names no known measurement.</summary>
    public MeasuredName? Find(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) > ReadingParser.MaxTypeLength)
        {
            return null;
        }

        var plain = Array.Find(Named, type => IsAlike(name, type.Name));
        if (Given(name) is var (given, unit))
        {
            return new(plain?.Name ?? given, unit, plain?.Name ?? given, HasOwnUnit: false);
        }

        return plain is not null ? new(plain.Name, null, plain.Name, HasOwnUnit: false) : OfChannel(name) ?? Suffixed(name);
    }

    private (string Type, string Unit)? Given(string name)
    {
        foreach (var (type, unit) in units)
        {
            if (IsAlike(type, name))
            {
                return (type, unit);
            }
        }

        // For a type of the catalog that setting is the unit of its limits, and messages without a unit are in the catalog's.
        return !SensorCatalog.Types.Keys.Any(type => IsAlike(type, name)) && ownUnits(name) is { Length: > 0 and <= ReadingParser.MaxUnitLength } own ? (name, own) : null;
    }

    // As CayenneLPP names the values of its channels: temperature_1, relative_humidity_2, barometric_pressure_3.
    private static MeasuredName? OfChannel(string name) => Channel().Match(name) is { Success: true } channel
        ? new(Array.Find(Named, type => type.Name.Equals(channel.Groups["type"].Value, StringComparison.OrdinalIgnoreCase))!.Name, null, name, HasOwnUnit: false) : null;

    private static MeasuredName? Suffixed(string name)
    {
        if (Lowered().Match(name) is { Success: true } lowered)
        {
            return Of(lowered.Groups["head"].Value, lowered.Groups["scale"].ValueSpan[0] == 'f' ? "°F" : "°C");
        }

        foreach (var at in Ends(name))
        {
            var (head, end) = (name[..at].TrimEnd('_', '-', '.', ' ', '(', '['), name[at..].Trim('_', '-', '.', ' ', '(', ')', '[', ']'));
            if (head.Length > 0 && UnitOf(head, end) is { } unit)
            {
                return Of(head, unit);
            }
        }

        return null;
    }

    /// <summary>Returns the meaning of a head and the unit of its values, as a form names them: tC is the temperature in °C.</summary>
    public static MeasuredName Of(string head, string unit)
    {
        var type = Array.Find(Kinds, kind => kind.Name.IsMatch(head) && (UnitWords.OfType(kind.Type).Contains(unit) || (kind.Type == SensorCatalog.Humidity.Name && Fraction.Is(Encoding.UTF8.GetBytes(unit))))).Type;
        type = type == SensorCatalog.Temperature.Name && OtherWarmth().IsMatch(head) ? null : type;
        if (type is null)
        {
            // The rules of a catalog type apply to that type's units; such a name with another unit is another type.
            var own = SensorCatalog.Types.ContainsKey(head.ToLowerInvariant()) ? $"{head}_{unit}" : head;
            return new(own, unit, own, HasOwnUnit: true);
        }

        return new(type, unit, Whole().IsMatch(head) ? type : head, HasOwnUnit: true);
    }

    private static string? UnitOf(string head, string end) =>
        Exact.TryGetValue(end, out var unit) || Suffixes.TryGetValue(end, out unit) ? unit
        : Array.Find(Letters, each => each.Letters.Equals(end, StringComparison.OrdinalIgnoreCase) && each.Measured.IsMatch(head)).Unit;

    /// <summary>Returns where a unit may begin: after a separator, or where a capital letter follows a small one; the longest suffix first.</summary>
    private static IEnumerable<int> Ends(string name)
    {
        for (var at = 1; at < name.Length; at++)
        {
            if (name[at - 1] is '_' or '-' or '.' or ' ' or '(' or '[' || (char.IsUpper(name[at]) && !char.IsUpper(name[at - 1])) || (name[at] is '°' or '%'))
            {
                yield return at;
            }
        }
    }

    private static bool IsAlike(string one, string other) =>
        Encoding.UTF8.GetBytes(one) is var first && Encoding.UTF8.GetBytes(other) is var second && LooseName.Of(first, stackalloc byte[LooseName.MaxLength]) is { IsEmpty: false } loose
            && loose.SequenceEqual(LooseName.Of(second, stackalloc byte[LooseName.MaxLength]));

    [GeneratedRegex("temp|heat|dew|feel|chill|probe|^t[0-9]*$|tmp", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Warmth();

    // Derived from more than the temperature, or of the device itself.
    [GeneratedRegex("heat|dew|feel|chill", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OtherWarmth();

    [GeneratedRegex("humid|(^|[^a-z])hum($|[^a-z])|(^|[^a-z])rh($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Dampness();

    [GeneratedRegex("press|barometer|^p[0-9]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pressure();

    [GeneratedRegex("power|watt|load|^p[0-9]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Power();

    [GeneratedRegex("vibration|velocity_rms", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Shaking();

    [GeneratedRegex("volt|batt|supply|^u[0-9]*$|vcc|vdd|vin", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Tension();

    [GeneratedRegex("current|(^|[^a-z])amps?($|[^a-z])|^i[0-9]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Current();

    [GeneratedRegex("^(?:(?<type>temperature)|(?:relative_)?(?<type>humidity)|(?:barometric_)?(?<type>pressure))_[0-9]{1,3}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Channel();

    // As sent by weather stations: tempf, tempinf, temp1f.
    [GeneratedRegex("^(?<head>temp(in|out|[0-9]{1,2})?)(?<scale>[fc])$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Lowered();

    // Names of the measurement itself, not of one of several.
    [GeneratedRegex("^(t|temp|temperature|tmp|hum|humidity|rh|press|pressure|p|power|vibration)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Whole();
}
