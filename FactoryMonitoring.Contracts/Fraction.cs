using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Contracts;

/// <summary>The unit of fractions: a value of a type that is measured in % can be a fraction, 0.45 for 45 %, where its unit says so.</summary>
public static class Fraction
{
    /// <summary>A double as text has this many digits that are exact: 0.07 is 7 %, not 7.000000000000001 %.</summary>
    private const string ExactDigits = "G15";

    /// <summary>Whether a unit is that of a fraction: 1, fraction, ratio.</summary>
    /// <param name="unit">UTF-8.</param>
    public static bool Is(ReadOnlySpan<byte> unit) => unit.SequenceEqual("1"u8) || Ascii.EqualsIgnoreCase(unit, "fraction"u8) || Ascii.EqualsIgnoreCase(unit, "ratio"u8);

    /// <summary>Converts a fraction to %. The result is infinite if it is beyond a double.</summary>
    public static double ToPercent(double fraction) =>
        double.Parse((100 * fraction).ToString(ExactDigits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
