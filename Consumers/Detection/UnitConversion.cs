using System.Globalization;
using FactoryMonitoring.Contracts;
using UnitsNet;
using UnitsNet.Units;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>Converts values from one unit to another: <c>Scale * value + Shift</c>.</summary>
internal readonly record struct UnitConversion(double Scale, double Shift)
{
    private static readonly UnitConversion Same = new(1, 0);

    static UnitConversion() => UnitAbbreviationsCache.Default.MapUnitToAbbreviation(PressureUnit.Millibar, CultureInfo.InvariantCulture, "mb", "mB");

    /// <summary>Converts with twelve digits: 40 °C are 104 °F, not 104.00000000000001.</summary>
    public double Of(double value) => double.Parse(((Scale * value) + Shift).ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <returns>Null if one of the units is unknown, or they measure different quantities.</returns>
    public static UnitConversion? Between(string from, string to)
    {
        from = UnitWords.SymbolOf(from);
        to = UnitWords.SymbolOf(to);
        if (from == to)
        {
            return Same;
        }

        if ((from, to) is ("%", "1") or ("1", "%"))
        {
            return new(to == "%" ? 100 : 0.01, 0);
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
}
