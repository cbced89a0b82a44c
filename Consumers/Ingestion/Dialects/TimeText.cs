using System.Globalization;
using System.Text;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Parses times in the formats of devices. Digits beyond a microsecond are truncated, as in the times of this system's sensors.</summary>
internal static class TimeText
{
    private const long MaxSeconds = 100_000_000_000;
    private const long MaxMilliseconds = MaxSeconds * 1_000;
    private const long MaxMicroseconds = MaxMilliseconds * 1_000;
    private const int MaxOffsetMinutes = 14 * 60;

    /// <summary>The years of a date and a time as digits only: read as a number, these would be a time after 2600.</summary>
    private const int FirstPlainYear = 1970;
    private const int LastPlainYear = 2099;

    private static readonly decimal LastTick = DateTime.MaxValue.Ticks;
    private static readonly string[] Months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

    /// <summary>Zones whose names are also those of other ones, by their minutes east of UTC: China's and Cuba's, and that of the Philippines.</summary>
    private static readonly (string Name, int Minutes)[] Namesakes = [("CST", 480), ("CST", -300), ("CDT", -240), ("PST", 480)];

    private static readonly string[] Days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    /// <summary>
    /// Reads a number since 1970-01-01 UTC: below 10^11 seconds (to the year 5138), below 10^14 milliseconds, below 10^17 microseconds, otherwise nanoseconds.
    /// </summary>
    /// <param name="timestamp">Microseconds since 2000-01-01 UTC.</param>
    public static bool TryReadEpoch(ReadOnlySpan<byte> number, out long timestamp)
    {
        timestamp = 0;
        if (!decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        var ticks = Math.Abs(value) switch
        {
            < MaxSeconds => value * TimeSpan.TicksPerSecond,
            < MaxMilliseconds => value * TimeSpan.TicksPerMillisecond,
            < MaxMicroseconds => value * TimeSpan.TicksPerMicrosecond,
            _ => value / TimeSpan.NanosecondsPerTick,
        };
        ticks = decimal.Floor(ticks) + DateTime.UnixEpoch.Ticks;
        if (ticks < 0 || ticks > LastTick)
        {
            return false;
        }

        timestamp = PostgresTime.FromUtc(new DateTime((long)ticks, DateTimeKind.Utc));
        return true;
    }

    /// <summary>Says what a number could be that is also a time since 1970, but of long ago; null if it can be nothing else.</summary>
    public static string? Ambiguity(ReadOnlySpan<byte> number)
    {
        const int FirstYear = 2000, LastYear = 2049;
        const decimal FirstDay = 36_526, LastDay = 54_790;
        if (!decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || value is <= 0 or >= 1e18m)
        {
            return null;
        }

        if (value is >= FirstDay and < LastDay)
        {
            return $"the days of a spreadsheet ({DateTime.FromOADate((double)value):yyyy-MM-dd'T'HH:mm:ss}), or seconds since 1970";
        }

        if (number.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            // 202601311200.0 and 2.0260131E7 are such numbers, too.
            return Ambiguity(Encoding.ASCII.GetBytes(decimal.Truncate(value).ToString(CultureInfo.InvariantCulture)));
        }

        switch (number.Length)
        {
            case 4 when value is >= FirstPlainYear and <= LastPlainYear:
                return $"the year {value}, or seconds since 1970";
            case 6 when OfMonth(number) is { } month:
                return $"the month {month:yyyy-MM}, or seconds since 1970";
            case 6 when OfShortDate(number) is { } shortDate:
                return $"the date {shortDate:yyyy-MM-dd} in two digits each, or seconds since 1970";
            case 8 when TryReadDate(ref number, out var date) && date.Year is >= FirstPlainYear and <= LastPlainYear:
                return $"the date {date:yyyy-MM-dd}, or seconds since 1970";
            case 10 or 12 when OfDigits(number) is { } written:
                return $"{written:yyyy-MM-dd'T'HH:mm} as year, month, day{(number.Length == 10 ? " and hour, or seconds" : ", hour and minute, or milliseconds")} since 1970";
            case 14 when OfDigits(number) is { } whole:
                return $"{whole:yyyy-MM-dd'T'HH:mm:ss} as year, month, day, hour, minute and second, or milliseconds since 1970";
            case 12:
                return OfShortDate(number[..6]) is { } day && TryReadClock(number[6..], out _, out var clock)
                    ? $"{day.AddTicks(clock):yyyy-MM-dd'T'HH:mm:ss} in two digits each, or milliseconds since 1970" : null;
            case 18 when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks):
                return new DateTime(ticks, DateTimeKind.Utc) is { Year: >= FirstYear and <= LastYear } time ? $"the ticks of .NET ({time:yyyy-MM-dd'T'HH:mm:ss}), or nanoseconds since 1970"
                    : DateTime.FromFileTimeUtc(ticks) is { Year: >= FirstYear and <= LastYear } file ? $"a FILETIME of Windows ({file:yyyy-MM-dd'T'HH:mm:ss}), or nanoseconds since 1970"
                    : null;
            default:
                return null;
        }
    }

    /// <summary>Returns the first day of a month in six digits; null if the digits are none.</summary>
    private static DateTime? OfMonth(ReadOnlySpan<byte> number)
    {
        ReadOnlySpan<byte> first = [.. number, (byte)'0', (byte)'1'];
        return TryReadDate(ref first, out var date) && date.Year is >= FirstPlainYear and <= LastPlainYear ? date : null;
    }

    /// <summary>Returns a date of 2020 to 2039 in two digits each; null if the digits are none.</summary>
    private static DateTime? OfShortDate(ReadOnlySpan<byte> number)
    {
        const int FirstYear = 2020, LastYear = 2039;
        ReadOnlySpan<byte> whole = [(byte)'2', (byte)'0', .. number];
        return TryReadDate(ref whole, out var date) && date.Year is >= FirstYear and <= LastYear ? date : null;
    }

    /// <summary>Returns the time of a date of eight digits with hour, minute and second behind it, as far as they are there; null if the digits are none.</summary>
    private static DateTime? OfDigits(ReadOnlySpan<byte> number)
    {
        if (!TryReadDate(ref number, out var date) || date.Year is < FirstPlainYear or > LastPlainYear)
        {
            return null;
        }

        ReadOnlySpan<byte> clock = number.Length == 2 ? [.. number, (byte)'0', (byte)'0'] : number;
        return TryReadClock(clock, out var behind, out var ticks) && behind.IsEmpty ? date.AddTicks(ticks) : null;
    }

    /// <summary>
    /// Reads year, month and day, usually with hour, minute, second, a fraction and a zone. A local time that a daylight saving change
    /// repeats or skips is read as standard time, as in PostgreSQL.
    /// </summary>
    /// <param name="zone">The zone of a time that names none.</param>
    /// <param name="timestamp">Microseconds since 2000-01-01 UTC.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, TimeZoneInfo zone, out long timestamp)
    {
        timestamp = 0;
        if (!TryReadDate(ref text, out var date))
        {
            return false;
        }

        var ticks = 0L;
        var isPlain = !text.IsEmpty && char.IsAsciiDigit((char)text[0]);
        if (isPlain ? !TryReadPlainClock(ref text, date.Year, out ticks)
            : !text.IsEmpty && (text[0] is not ((byte)'T' or (byte)'t' or (byte)' ') || !TryReadClock(text[1..], out text, out ticks)))
        {
            return false;
        }

        ticks += date.Ticks;
        // Go's clock that only ever rises: 2026-01-31 23:59:59 +0000 UTC m=+0.123.
        text = text.LastIndexOf(" m="u8) is > 0 and var rising ? text[..rising] : text;
        if (!TryReadOffset(text.Trim((byte)' '), out var isNamed, out var minutes))
        {
            return false;
        }

        if (!isNamed && ticks > DateTime.MaxValue.Ticks)
        {
            // The second after 9999-12-31T23:59:59.
            return false;
        }

        var offset = isNamed ? minutes * TimeSpan.TicksPerMinute : zone.GetUtcOffset(new DateTime(ticks, DateTimeKind.Unspecified)).Ticks;
        if (ticks - offset < 0 || ticks - offset > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        timestamp = PostgresTime.FromUtc(new DateTime(ticks - offset, DateTimeKind.Utc));
        return true;
    }

    /// <summary>
    /// Reads times whose month is a word: Sat, 31 Jan 2026 23:59:59 GMT (RFC 1123), Sat Jan 31 23:59:59 2026 (C's ctime), Sat Jan 31 23:59:59 UTC 2026 (date),
    /// 31-Jan-2026 23:59:59. The name of the day is ignored.
    /// </summary>
    /// <param name="zone">The zone of a time that names none.</param>
    /// <param name="timestamp">Microseconds since 2000-01-01 UTC.</param>
    public static bool TryReadWritten(ReadOnlySpan<byte> text, TimeZoneInfo zone, out long timestamp)
    {
        timestamp = 0;
        if (text.Length is < 10 or > LooseName.MaxLength)
        {
            return false;
        }

        int year = 0, month = 0, day = 0;
        var (clock, behind) = ("00:00:00", "");
        foreach (var word in Encoding.ASCII.GetString(text).Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).SelectMany(Parts))
        {
            if (word.Contains(':', StringComparison.Ordinal) && word[0] is not ('+' or '-'))
            {
                clock = word;
            }
            else if (word.Length == 4 && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                year = year == 0 ? number : -1;
            }
            else if (word.Length <= 2 && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number))
            {
                day = day == 0 ? number : -1;
            }
            else if (Array.FindIndex(Months, name => IsName(word, name)) is >= 0 and var index)
            {
                month = month == 0 ? index + 1 : -1;
            }
            else if (!Array.Exists(Days, name => IsName(word, name)))
            {
                behind += $" {word}";
            }
        }

        return year is >= 1 and <= 9999 && month is >= 1 and <= 12 && day is >= 1 and <= 31
            && TryRead(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00} {(clock.IndexOf(':', StringComparison.Ordinal) == 1 ? "0" : "")}{clock}{behind}")), zone, out timestamp);

        static string[] Parts(string word) => word[0] is '+' or '-' || !word.Any(char.IsAsciiLetter) ? [word] : word.Split('-', StringSplitOptions.RemoveEmptyEntries);

        static bool IsName(string word, string name) => word.Equals(name, StringComparison.OrdinalIgnoreCase) || word.Equals(name[..3], StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Reads /Date(1769860800000)/ and /Date(1769860800000+0100)/, as .NET wrote them: milliseconds since 1970-01-01 UTC, whatever zone is behind them.</summary>
    /// <param name="timestamp">Microseconds since 2000-01-01 UTC.</param>
    public static bool TryReadDotNet(ReadOnlySpan<byte> text, out long timestamp)
    {
        timestamp = 0;
        if (!text.StartsWith("/Date("u8) || !text.EndsWith(")/"u8))
        {
            return false;
        }

        text = text[6..^2];
        var zone = text.Length > 5 && text[^5] is (byte)'+' or (byte)'-' ? 5 : 0;
        if (!long.TryParse(text[..^zone], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds) || !PostgresTime.IsPossible(milliseconds))
        {
            return false;
        }

        timestamp = PostgresTime.FromUnix(milliseconds);
        return true;
    }

    /// <summary>Whether a text is a time of day without a date.</summary>
    public static bool IsClock(ReadOnlySpan<byte> text) => text.Contains((byte)':') && TryReadClock(text, out var behind, out _) && TryReadOffset(behind.Trim((byte)' '), out _, out _);

    /// <summary>Reads 2026-01-31, 2026/01/31 or 20260131.</summary>
    private static bool TryReadDate(ref ReadOnlySpan<byte> text, out DateTime date)
    {
        date = default;
        if (!TryReadDigits(ref text, 2, out var century) || !TryReadDigits(ref text, 2, out var year))
        {
            return false;
        }

        var separator = text.IsEmpty || text[0] is not ((byte)'-' or (byte)'/') ? (byte)0 : text[0];
        year += century * 100;
        if (!Skip(ref text, separator) || !TryReadDigits(ref text, 2, out var month) || !Skip(ref text, separator) || !TryReadDigits(ref text, 2, out var day)
            || year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month))
        {
            return false;
        }

        date = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Unspecified);
        return true;
    }

    /// <summary>Whether a number is a date and a time in 14 digits, or in 17 with milliseconds, with or without a zone after them.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> number) => number.IndexOfAnyExceptInRange((byte)'0', (byte)'9') is var digits && (digits < 0 ? number.Length is 14 or 17 : digits == 14 && number[14] == '.');

    /// <summary>Reads 235959, 235959123 or 235959.123 directly after a date of eight digits.</summary>
    private static bool TryReadPlainClock(ref ReadOnlySpan<byte> text, int year, out long ticks)
    {
        var digits = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        digits = digits < 0 ? text.Length : digits;
        var milliseconds = 0;
        ticks = 0;
        if (digits is not (6 or 9) || year is < FirstPlainYear or > LastPlainYear)
        {
            return false;
        }

        if (digits == 6)
        {
            return TryReadClock(text, out text, out ticks);
        }

        var rest = text[6..];
        var isRead = TryReadClock(text[..6], out _, out ticks) && TryReadDigits(ref rest, 3, out milliseconds);
        ticks += milliseconds * TimeSpan.TicksPerMillisecond;
        text = rest;
        return isRead;
    }

    /// <summary>Reads 23:59:59.123456789, whose seconds and fraction are optional, or 235959.</summary>
    private static bool TryReadClock(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> behind, out long ticks)
    {
        ticks = 0;
        behind = text;
        if (!TryReadDigits(ref text, 2, out var hour))
        {
            return false;
        }

        var separator = !text.IsEmpty && text[0] == ':' ? (byte)':' : (byte)0;
        var second = 0;
        if (!Skip(ref text, separator) || !TryReadDigits(ref text, 2, out var minute))
        {
            return false;
        }

        var hasSecond = !text.IsEmpty && (separator == 0 ? char.IsAsciiDigit((char)text[0]) : text[0] == separator);
        if ((hasSecond && (!Skip(ref text, separator) || !TryReadDigits(ref text, 2, out second))) || minute > 59)
        {
            return false;
        }

        // 24:00:00 and a leap second: both are the following second.
        if (hour > 23 ? hour > 24 || minute > 0 || second > 0 : second > (minute == 59 ? 60 : 59))
        {
            return false;
        }

        behind = text;
        ticks = (hour * TimeSpan.TicksPerHour) + (minute * TimeSpan.TicksPerMinute) + (second * TimeSpan.TicksPerSecond);
        if (!hasSecond || text.IsEmpty || text[0] is not ((byte)'.' or (byte)','))
        {
            return true;
        }

        text = text[1..];
        var digits = 0;
        for (var unit = TimeSpan.TicksPerSecond / 10; digits < text.Length && char.IsAsciiDigit((char)text[digits]); digits++, unit /= 10)
        {
            ticks += (text[digits] - '0') * unit;
        }

        behind = text[digits..];
        return digits > 0;
    }

    /// <summary>Reads Z, UTC, EST, +01, +0100 or +01:00; the zone's name may follow: CET, [Europe/Berlin].</summary>
    private static bool TryReadOffset(ReadOnlySpan<byte> text, out bool isNamed, out int minutes)
    {
        (isNamed, minutes) = (!text.IsEmpty, 0);
        if (text.IsEmpty)
        {
            return true;
        }

        if (text[0] is not ((byte)'+' or (byte)'-'))
        {
            var bracket = text.IndexOf((byte)'[');
            return (bracket < 0 || text[^1] == ']') && text.Length <= LooseName.MaxLength && ZoneNames.TryGetMinutes(Encoding.ASCII.GetString(bracket > 0 ? text[..bracket] : text).Trim(), out minutes);
        }

        var isWest = text[0] == '-';
        text = text[1..];
        var rest = 0;
        if (!TryReadDigits(ref text, 2, out var hours))
        {
            return false;
        }

        if (!text.IsEmpty && (text[0] == ':' || char.IsAsciiDigit((char)text[0])))
        {
            Skip(ref text, text[0] == ':' ? (byte)':' : (byte)0);
            if (!TryReadDigits(ref text, 2, out rest))
            {
                return false;
            }
        }

        minutes = ((hours * 60) + rest) * (isWest ? -1 : 1);
        return rest < 60 && Math.Abs(minutes) <= MaxOffsetMinutes && IsZoneName(text.Trim((byte)' ')) && Agrees(text.Trim((byte)' '), minutes);
    }

    /// <summary>Whether the name behind an offset can be that of a zone with this offset; a name that is not known can be any.</summary>
    private static bool Agrees(ReadOnlySpan<byte> text, int minutes)
    {
        text = text.Trim("[]"u8);
        if (text is [(byte)'+' or (byte)'-', ..])
        {
            // Go's name of a zone without one: +0300 +03.
            return TryReadOffset(text, out _, out var same) && same == minutes;
        }

        var name = Encoding.ASCII.GetString(text);
        return !ZoneNames.TryGetMinutes(name, out var named) || named == minutes || Array.Exists(Namesakes, other => other.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && other.Minutes == minutes);
    }

    private static bool IsZoneName(ReadOnlySpan<byte> text)
    {
        foreach (var character in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)character) && character is not ((byte)'[' or (byte)']' or (byte)'/' or (byte)'_' or (byte)'-' or (byte)'+'))
            {
                return false;
            }
        }

        return text.IsEmpty || !char.IsAsciiDigit((char)text[0]);
    }

    /// <param name="separator">0 if there is none.</param>
    private static bool Skip(ref ReadOnlySpan<byte> text, byte separator)
    {
        if (separator == 0)
        {
            return true;
        }

        var isThere = !text.IsEmpty && text[0] == separator;
        text = isThere ? text[1..] : text;
        return isThere;
    }

    private static bool TryReadDigits(ref ReadOnlySpan<byte> text, int count, out int number)
    {
        number = 0;
        if (text.Length < count)
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            if (!char.IsAsciiDigit((char)text[i]))
            {
                return false;
            }

            number = (number * 10) + (text[i] - '0');
        }

        text = text[count..];
        return true;
    }
}
