namespace FactoryMonitoring.Replay;

/// <summary>Reads fields that contain a number, optionally followed by its unit: <c>23.5 °C</c>, <c>45%</c>.</summary>
internal static class Cell
{
    /// <param name="text">The field, trimmed.</param>
    /// <param name="sign">The decimal sign.</param>
    /// <param name="value">The number.</param>
    /// <param name="unit">The unit as it is written; empty if the field has none.</param>
    /// <returns>False if the field is not a finite number, or if the text after the number is not a unit.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, DecimalSign sign, out double value, out ReadOnlySpan<char> unit)
    {
        unit = default;
        if (Numbers.TryRead(text, sign, out value))
        {
            return true;
        }

        return TrySplit(text, out var number, out unit) && Numbers.TryRead(number, sign, out value);
    }

    /// <summary>Returns the forms in which a field is a number, with or without a unit.</summary>
    public static NumberForms FormsOf(ReadOnlySpan<char> text) =>
        Numbers.FormsOf(text) is not NumberForms.None and var forms ? forms : TrySplit(text, out var number, out _) ? Numbers.FormsOf(number) : NumberForms.None;

    /// <summary>Returns the text of the number, without the unit after it.</summary>
    public static ReadOnlySpan<char> NumberOf(ReadOnlySpan<char> text) => Numbers.FormsOf(text) == NumberForms.None && TrySplit(text, out var number, out _) ? number : text;

    private static bool TrySplit(ReadOnlySpan<char> text, out ReadOnlySpan<char> number, out ReadOnlySpan<char> unit)
    {
        var end = 0;
        while (end < text.Length && (IsOfNumber(text[end]) || IsExponent(text, end)))
        {
            end++;
        }

        number = text[..end].Trim();
        unit = text[end..].Trim();
        return number.Length > 0 && unit.Length > 0 && Contracts.UnitWords.IsKnown(unit);
    }

    private static bool IsOfNumber(char next) => char.IsAsciiDigit(next) || next is '+' or '-' or '\u2212' or '.' or ',' or '\'' or ' ' or '\u00a0' or '\u202f';

    private static bool IsExponent(ReadOnlySpan<char> text, int at) =>
        text[at] is 'e' or 'E' && at > 0 && char.IsAsciiDigit(text[at - 1]) && at + 1 < text.Length
        && (char.IsAsciiDigit(text[at + 1]) || (text[at + 1] is '+' or '-' && at + 2 < text.Length && char.IsAsciiDigit(text[at + 2])));
}
