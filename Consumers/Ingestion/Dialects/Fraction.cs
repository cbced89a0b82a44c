using System.Globalization;
using System.Text;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The unit of fractions: a value of a type that is measured in % can be a fraction, 0.45 for 45 %, where its unit says so.</summary>
internal static class Fraction
{
    /// <summary>A double as text has this many digits that are exact: 0.07 is 7 %, not 7.000000000000001 %.</summary>
    private const string ExactDigits = "G15";

    public static bool Is(ReadOnlySpan<byte> unit) => unit.SequenceEqual("1"u8) || Ascii.EqualsIgnoreCase(unit, "fraction"u8) || Ascii.EqualsIgnoreCase(unit, "ratio"u8);

    public static double ToPercent(double fraction) =>
        double.Parse((100 * fraction).ToString(ExactDigits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
