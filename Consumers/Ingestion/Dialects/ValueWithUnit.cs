using System.Buffers.Text;
using System.Text;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>A value as text followed by its unit: 21.5 °C, 45%.</summary>
internal static class ValueWithUnit
{
    /// <summary>Letters that are also multipliers, or marks of a value: 4.7k are 4,700, and 45s is suspect.</summary>
    private const string AmbiguousLetters = "kKmMgGsS";

    /// <summary>Returns whether a text behind a number is its unit only where the type or another member says so.</summary>
    /// <param name="type">The value's sensor_type; empty if it is not known.</param>
    public static bool IsAmbiguous(ReadOnlySpan<byte> unit, ReadOnlySpan<byte> type) => unit is [var letter] && AmbiguousLetters.Contains((char)letter, StringComparison.Ordinal)
        && !(letter is (byte)'K' or (byte)'k' && Ascii.EqualsIgnoreCase(type.Trim((byte)' '), SensorCatalog.Temperature.Name))
        && !(letter == 'g' && Ascii.EqualsIgnoreCase(type.Trim((byte)' '), SensorCatalog.Vibration.Name));

    /// <param name="unit">The unit as written.</param>
    /// <returns>False if it is not a finite number, or the text after it is not a known unit.</returns>
    public static bool TryRead(ReadOnlySpan<byte> text, out double value, out byte[] unit)
    {
        text = text.Trim((byte)' ');
        unit = [];
        if (!Utf8Parser.TryParse(text, out value, out var length) || length == text.Length || !double.IsFinite(value))
        {
            return false;
        }

        var behind = Encoding.UTF8.GetString(text[length..]).Trim();
        if (behind.Length is 0 or > ReadingParser.MaxUnitLength || !UnitWords.IsKnown(behind))
        {
            return false;
        }

        unit = Encoding.UTF8.GetBytes(behind);
        return true;
    }
}
