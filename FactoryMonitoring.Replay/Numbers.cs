using System.Globalization;

namespace FactoryMonitoring.Replay;

/// <summary>The decimal sign, which precedes the fraction.</summary>
internal enum DecimalSign
{
    Point,
    Comma,
}

/// <summary>The forms in which a text is a number.</summary>
[Flags]
internal enum NumberForms
{
    None = 0,
    WithPoint = 1,
    WithComma = 2,
    Both = WithPoint | WithComma,
}

/// <summary>Reads numbers, with or without thousands separators.</summary>
internal static class Numbers
{
    private const int Longest = 64;

    /// <returns>False if the text is not a finite number.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, DecimalSign sign, out double value)
    {
        value = 0;
        // Most numbers of a file have this form.
        var isPlain = sign == DecimalSign.Point ? !text.ContainsAny(',', ' ', '\'') : !text.ContainsAny('.', ',', ' ') && !text.Contains('\'');
        if (isPlain && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return double.IsFinite(value);
        }

        if (text.Length is 0 or > Longest)
        {
            return false;
        }

        Span<char> plain = stackalloc char[Longest];
        return Plain(text, sign == DecimalSign.Point ? '.' : ',', sign == DecimalSign.Point ? ',' : '.', plain) is var length and > 0
            && double.TryParse(plain[..length], NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            && double.IsFinite(value);
    }

    public static NumberForms FormsOf(ReadOnlySpan<char> text) =>
        (TryRead(text, DecimalSign.Point, out _) ? NumberForms.WithPoint : 0) | (TryRead(text, DecimalSign.Comma, out _) ? NumberForms.WithComma : 0);

    // Writes the number with a point and without thousands separators; returns 0 if it is not a number.
    private static int Plain(ReadOnlySpan<char> text, char sign, char group, Span<char> plain)
    {
        var length = 0;
        var digits = 0;
        char grouped = default;
        var isFraction = false;
        for (var i = 0; i < text.Length; i++)
        {
            var next = text[i];
            if (char.IsAsciiDigit(next))
            {
                digits++;
                plain[length++] = next;
            }
            else if (next is '-' or '+' or '\u2212')
            {
                plain[length++] = next == '+' ? '+' : '-';
            }
            // Graphtec writes + 21.5 and - 0.5.
            else if (next is ' ' or '\u00a0' or '\u202f' && length == 1 && plain[0] is '+' or '-')
            {
                continue;
            }
            else if (next is 'e' or 'E' && digits > 0)
            {
                isFraction = true;
                plain[length++] = 'e';
            }
            else if (next == sign && !isFraction && (grouped == default || digits == 3))
            {
                isFraction = true;
                plain[length++] = '.';
            }
            // No group of thousands begins with 0: 0.125 has three decimals.
            else if (!isFraction && (grouped != default || digits == 0 || plain[length - digits] != '0') && (next == group || next is ' ' or '\u00a0' or '\u202f' or '\'') && digits is > 0 and <= 3
                && (grouped == default || (grouped == next && digits == 3)) && HasGroup(text[(i + 1)..], sign, next))
            {
                grouped = next;
                digits = 0;
            }
            else
            {
                return 0;
            }
        }

        return length;
    }

    // Three digits that are not followed by a digit.
    private static bool HasGroup(ReadOnlySpan<char> rest, char sign, char group) =>
        rest.Length >= 3 && char.IsAsciiDigit(rest[0]) && char.IsAsciiDigit(rest[1]) && char.IsAsciiDigit(rest[2])
        && (rest.Length == 3 || rest[3] == sign || rest[3] == group);
}
