namespace FactoryMonitoring.Contracts;

/// <summary>How units are written: by devices, in files and in the rules.</summary>
public static class UnitWords
{
    /// <summary>What is written besides the symbol, in any case.</summary>
    private static readonly Dictionary<string, string> Symbols = new(StringComparer.OrdinalIgnoreCase)
    {
        ["C"] = "°C", ["degC"] = "°C", ["deg C"] = "°C", ["deg_C"] = "°C", ["º C"] = "°C", ["ºC"] = "°C", ["° C"] = "°C", ["°c"] = "°C", ["℃"] = "°C", ["celsius"] = "°C",
        ["F"] = "°F", ["degF"] = "°F", ["deg F"] = "°F", ["deg_F"] = "°F", ["º F"] = "°F", ["ºF"] = "°F", ["° F"] = "°F", ["°f"] = "°F", ["℉"] = "°F", ["fahrenheit"] = "°F",
        ["kelvin"] = "K", ["°K"] = "K", ["percent"] = "%", ["pct"] = "%", ["%RH"] = "%", ["% RH"] = "%", ["RH"] = "%", ["%rF"] = "%", ["% rF"] = "%",
        ["hpa"] = "hPa", ["millibar"] = "hPa", ["kw"] = "kW", ["volt"] = "V", ["volts"] = "V", ["ampere"] = "A", ["amp"] = "A", ["amps"] = "A", ["watt"] = "W",
    };

    /// <summary>Units that the consumers convert to that of the type.</summary>
    private static readonly Dictionary<string, string[]> Convertible = new(StringComparer.Ordinal)
    {
        [SensorCatalog.Temperature.Name] = ["°C", "°F", "K"],
        [SensorCatalog.Pressure.Name] = ["hPa", "Pa", "kPa", "MPa", "bar", "psi", "mmHg", "inHg", "atm", "torr"],
        [SensorCatalog.Energy.Name] = ["kW", "W", "MW", "GW"],
        [SensorCatalog.Vibration.Name] = ["mm/s", "m/s", "cm/s", "in/s"],
        [SensorCatalog.Humidity.Name] = ["%"],
    };

    /// <summary>The symbol of a unit; the unit as it is, without blanks around it, where it has no other.</summary>
    public static string SymbolOf(string unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        unit = unit.Trim();
        // Mbar is another one: a million bar.
        return unit == "mbar" ? "hPa" : Symbols.GetValueOrDefault(unit, unit);
    }

    /// <summary>The units, by their symbols, that values of a type may have for its rules to hold; none of a type that the catalog does not know.</summary>
    public static IReadOnlyList<string> OfType(string sensorType) => Convertible.GetValueOrDefault(sensorType, []);
}
