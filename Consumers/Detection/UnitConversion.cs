using System.Globalization;
using UnitsNet;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>How values in one unit become values in another: <c>Scale * value + Shift</c>.</summary>
internal readonly record struct UnitConversion(double Scale, double Shift)
{
    private static readonly UnitConversion Same = new(1, 0);

    /// <summary>What devices write besides the symbols that the library knows.</summary>
    private static readonly Dictionary<string, string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        ["C"] = "°C", ["degC"] = "°C", ["deg C"] = "°C", ["º C"] = "°C", ["ºC"] = "°C", ["celsius"] = "°C",
        ["F"] = "°F", ["degF"] = "°F", ["deg F"] = "°F", ["ºF"] = "°F", ["fahrenheit"] = "°F",
        ["kelvin"] = "K", ["percent"] = "%", ["pct"] = "%", ["%RH"] = "%", ["% RH"] = "%", ["volt"] = "V", ["volts"] = "V", ["ampere"] = "A", ["amp"] = "A", ["watt"] = "W",
    };

    /// <summary>To twelve digits: 40 °C are 104 °F, not 104.00000000000001.</summary>
    public double Of(double value) => double.Parse(((Scale * value) + Shift).ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <returns>Null where one of the units is not known, or they measure different quantities.</returns>
    public static UnitConversion? Between(string from, string to)
    {
        from = SymbolOf(from);
        to = SymbolOf(to);
        if (from == to)
        {
            return Same;
        }

        foreach (var quantity in Quantity.Infos)
        {
            if (UnitParser.Default.TryParse(from, quantity.UnitType, CultureInfo.InvariantCulture, out var source)
                && UnitParser.Default.TryParse(to, quantity.UnitType, CultureInfo.InvariantCulture, out var target))
            {
                var shift = Quantity.From(0, source!).As(target!);
                return new(Quantity.From(1, source!).As(target!) - shift, shift);
            }
        }

        return null;
    }

    private static string SymbolOf(string unit) => Words.GetValueOrDefault(unit.Trim(), unit.Trim());
}
