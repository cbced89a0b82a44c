namespace FactoryMonitoring.Replay;

/// <summary>The order of the three numbers of a date.</summary>
internal enum DateOrder
{
    YearFirst,
    DayFirst,
    MonthFirst,
}

/// <summary>How much a date shows of the order of its parts.</summary>
internal enum DateForm
{
    /// <summary>No date.</summary>
    None,

    /// <summary>A date whose parts are known.</summary>
    Known,

    /// <summary>Two numbers, and a year of four digits.</summary>
    DayOrMonthFirst,

    /// <summary>Three numbers of at most two digits.</summary>
    AnyOrder,
}

/// <summary>A date and a time of day as they are written in the file.</summary>
internal struct TimeText
{
    private static readonly string[] Months =
    [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ];

    /// <summary>Prefixes of names of months that are not English: German, French, Spanish, Italian, Dutch.</summary>
    private static readonly (string Begins, int Month)[] OtherMonths =
    [
        ("jän", 1), ("janv", 1), ("ene", 1), ("gen", 1), ("fév", 2), ("mär", 3), ("mrz", 3), ("maa", 3), ("mrt", 3), ("avr", 4), ("abr", 4), ("mai", 5), ("mei", 5), ("mag", 5), ("juin", 6),
        ("giu", 6), ("juil", 7), ("lug", 7), ("août", 8), ("aoû", 8), ("ago", 8), ("set", 9), ("okt", 10), ("ott", 10), ("out", 10), ("dez", 12), ("déc", 12), ("dic", 12),
    ];

    /// <summary>What may stand between and behind the letters of a.m. and a. m.</summary>
    private const string InHalfDay = ". \u00a0\u202f";

    private static readonly string[] Weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    public DateForm Form;

    /// <summary>Year, month and day if <see cref="Form"/> is known; otherwise the numbers as they are written, with a year of four digits last.</summary>
    public int First;
    public int Second;
    public int Third;

    /// <summary>Whether points separate the numbers of the date.</summary>
    public bool HasPoints;

    /// <summary>Ticks since midnight; up to 24 hours.</summary>
    public long Clock;
    public bool HasClock;

    /// <summary>Minutes east of UTC; null if the text names no zone.</summary>
    public int? Offset;

    /// <summary>Gets the day at midnight.</summary>
    /// <returns>False if there is no such day.</returns>
    public readonly bool TryDay(DateOrder order, out DateTime day)
    {
        var (year, month, date) = Form switch
        {
            DateForm.Known => (First, Second, Third),
            DateForm.DayOrMonthFirst => order == DateOrder.MonthFirst ? (Third, First, Second) : (Third, Second, First),
            _ => order switch
            {
                DateOrder.YearFirst => (Century(First), Second, Third),
                DateOrder.DayFirst => (Century(Third), Second, First),
                _ => (Century(Third), First, Second),
            },
        };
        var isDay = year is >= 1 and <= 9999 && month is >= 1 and <= 12 && date >= 1 && date <= DateTime.DaysInMonth(year, month);
        day = isDay ? new DateTime(year, month, date) : default;
        return isDay;
    }

    /// <summary>Reads a date, or a date and a time of day.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out TimeText time)
    {
        time = default;
        var rest = text;
        return time.ReadDate(ref rest) && time.ReadRest(rest);
    }

    /// <summary>Reads a time of day without a date.</summary>
    /// <param name="text">hh:mm with seconds, fractions, AM or PM and a zone, or hhmm and hhmmss with the name of a zone, or alone if <paramref name="isNumber"/>.</param>
    public static bool TryReadClock(ReadOnlySpan<char> text, bool isNumber, out TimeText time)
    {
        time = default;
        var rest = text is ['T' or 't', >= '0' and <= '9', ..] && text.Contains(':') ? text[1..] : text;
        if (time.ReadClock(ref rest))
        {
            return time.ReadZone(rest);
        }

        rest = text;
        if (!time.ReadClockNumber(ref rest) || !time.ReadZone(rest))
        {
            return false;
        }

        // The second number of 01-02 is another hour and no zone.
        var isLong = text.Length - rest.Length >= 4;
        var zone = rest.Trim(" \u00a0");
        return zone.IsEmpty ? isNumber : char.IsAsciiLetter(zone[0]) ? isLong || isNumber : isLong && isNumber;
    }

    /// <summary>Reads a zone alone: EST, UTC+1, +05:30, or -5 and 5 hours east of UTC.</summary>
    public static bool TryReadZone(ReadOnlySpan<char> text, out int minutes)
    {
        TimeText time = default;
        var isRead = time.ReadZone(Digits(text) > 0 ? $"+{text}" : text) && time.Offset is not null;
        minutes = time.Offset ?? 0;
        return isRead;
    }

    /// <returns>The month whose name or abbreviation this is; 0 if it is none.</returns>
    private static int MonthOf(ReadOnlySpan<char> name)
    {
        if (name.Length < 3)
        {
            return 0;
        }

        for (var month = 0; month < Months.Length; month++)
        {
            if (Months[month].AsSpan().StartsWith(name, StringComparison.OrdinalIgnoreCase) || (month == 8 && name.Equals("sept", StringComparison.OrdinalIgnoreCase)))
            {
                return month + 1;
            }
        }

        foreach (var (begins, month) in OtherMonths)
        {
            if (name.StartsWith(begins, StringComparison.OrdinalIgnoreCase))
            {
                return month;
            }
        }

        // Languages whose names begin as in English and end differently, as September and Oktober do.
        for (var month = 0; month < Months.Length; month++)
        {
            if (name.StartsWith(Months[month].AsSpan(0, 3), StringComparison.OrdinalIgnoreCase))
            {
                return month + 1;
            }
        }

        return 0;
    }

    // As in POSIX: 69 to 99 are in the last century.
    private static int Century(int year) => year >= 100 ? year : year < 69 ? 2000 + year : 1900 + year;

    private static int Digits(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && char.IsAsciiDigit(text[length]))
        {
            length++;
        }

        return length;
    }

    private static int Letters(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && char.IsLetter(text[length]))
        {
            length++;
        }

        return length;
    }

    private static int Number(ref ReadOnlySpan<char> rest, int length)
    {
        var number = 0;
        for (var i = 0; i < length; i++)
        {
            number = number * 10 + (rest[i] - '0');
        }

        rest = rest[length..];
        return number;
    }

    private bool ReadDate(ref ReadOnlySpan<char> rest)
    {
        var letters = Letters(rest);
        if (letters >= 2 && IsWeekday(rest[..letters]))
        {
            rest = rest[letters..].TrimStart(" ,.");
            letters = Letters(rest);
        }

        if (letters > 0)
        {
            // Dec 2, 2013
            Second = MonthOf(rest[..letters]);
            rest = rest[letters..].TrimStart(" .-/");
            var day = Digits(rest);
            if (Second == 0 || day is 0 or > 2)
            {
                return false;
            }

            Third = Number(ref rest, day);
            SkipOrdinal(ref rest);
            rest = rest.TrimStart(" ,-/");
            if (Digits(rest) is (1 or 2) and var hour && rest.Length > hour && rest[hour] == ':')
            {
                // Dec 2 21:15:00 2013, as ctime and date write it on Unix; date writes the zone before the year.
                if (!ReadClock(ref rest))
                {
                    return false;
                }

                rest = rest.TrimStart(' ');
                if (Letters(rest) is > 0 and var zone)
                {
                    if (!ReadZone(rest[..zone]))
                    {
                        return false;
                    }

                    rest = rest[zone..].TrimStart(' ');
                }
            }

            return ReadYear(ref rest);
        }

        var digits = Digits(rest);
        switch (digits)
        {
            case 8 or 10 or 12 or 14 or 17:
                // 20131202, with or without the digits of the time of day
                var number = rest;
                First = Number(ref number, 4);
                Second = Number(ref number, 2);
                Third = Number(ref number, 2);
                if (First is < 1800 or > 2200 || Second is 0 or > 12 || Third is 0 or > 31)
                {
                    return false;
                }

                Form = DateForm.Known;
                rest = rest[8..];
                return true;
            case 4:
                // 2013-12-02
                First = Number(ref rest, 4);
                if (rest is ['年' or '년', ..])
                {
                    // 2013年12月02日
                    Form = DateForm.Known;
                    return (Second = Part(ref rest)) > 0 && rest is ['月' or '월', ..] && (Third = Part(ref rest)) > 0 && rest is ['日' or '일', ..] && Skip(ref rest);
                }

                if (rest.Length > 0 && rest[0] is '-' or '/' or '.' or ' ' or '_')
                {
                    var separator = rest[0];
                    rest = rest[1..];
                    if (Letters(rest) is > 0 and var named)
                    {
                        Second = MonthOf(rest[..named]);
                        rest = rest[named..];
                    }
                    else if (Digits(rest) is 1 or 2)
                    {
                        Second = Number(ref rest, Digits(rest));
                    }

                    if (Second == 0)
                    {
                        return false;
                    }

                    if (rest.Length > 1 && rest[0] == separator && Digits(rest[1..]) is 1 or 2)
                    {
                        rest = rest[1..];
                        Third = Number(ref rest, Digits(rest));
                        Form = DateForm.Known;
                        return true;
                    }

                    // A month.
                    Third = 1;
                    Form = DateForm.Known;
                    return rest.IsEmpty && separator is '-' or '/';
                }

                return false;
            case 1 or 2:
                First = Number(ref rest, digits);
                SkipOrdinal(ref rest);
                if (rest.TrimStart(" .-/") is var month && Letters(month) is > 0 and var length)
                {
                    // 2 Dec 2013
                    Third = First;
                    Second = MonthOf(month[..length]);
                    rest = month[length..].TrimStart(" .-/,");
                    return Second > 0 && ReadYear(ref rest);
                }

                if (rest.Length < 4 || rest[0] is not ('/' or '-' or '.' or ' ') || Digits(rest[1..]) is not (1 or 2))
                {
                    return false;
                }

                var mark = rest[0];
                rest = rest[1..];
                Second = Number(ref rest, Digits(rest));
                if (rest.Length < 2 || rest[0] != mark)
                {
                    return false;
                }

                rest = rest[1..];
                var year = Digits(rest);
                if (year is not (1 or 2 or 4))
                {
                    return false;
                }

                Third = Number(ref rest, year);
                Form = year == 4 ? DateForm.DayOrMonthFirst : DateForm.AnyOrder;
                HasPoints = mark == '.';
                // Some countries write a final point: "10.03.2004."
                return true;
            default:
                return false;
        }

        static int Part(ref ReadOnlySpan<char> rest)
        {
            rest = rest[1..].TrimStart(' ');
            return Digits(rest) is (1 or 2) and var length ? Number(ref rest, length) : 0;
        }

        static bool Skip(ref ReadOnlySpan<char> rest)
        {
            rest = rest[1..];
            return true;
        }
    }

    private static bool IsWeekday(ReadOnlySpan<char> name)
    {
        foreach (var weekday in Weekdays)
        {
            if (name.Length >= 3 && weekday.AsSpan().StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static void SkipOrdinal(ref ReadOnlySpan<char> rest)
    {
        foreach (var ending in (ReadOnlySpan<string>)["st", "nd", "rd", "th"])
        {
            if (rest.StartsWith(ending, StringComparison.OrdinalIgnoreCase) && Letters(rest) == 2)
            {
                rest = rest[2..];
                return;
            }
        }
    }

    private bool ReadYear(ref ReadOnlySpan<char> rest)
    {
        var digits = Digits(rest);
        if (digits is not (2 or 4))
        {
            return false;
        }

        First = Century(Number(ref rest, digits));
        Form = DateForm.Known;
        return true;
    }

    private bool ReadRest(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
        {
            return true;
        }

        if (Digits(rest) is > 0)
        {
            // 20131202211500
            return (ReadClock(ref rest) || ReadClockNumber(ref rest)) && ReadZone(rest);
        }

        var separators = rest.Length;
        rest = rest[0] is 'T' or 't' ? rest[1..] : rest.TrimStart(" _,:;-\u00a0\u202f");
        rest = rest.StartsWith("at ", StringComparison.OrdinalIgnoreCase) ? rest[3..].TrimStart(' ') : rest;
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest.Length < separators && Digits(rest) > 0)
        {
            return (ReadClock(ref rest) || ReadClockNumber(ref rest)) && ReadZone(rest);
        }

        // A zone without a time of day: 2013-12-02Z, 2013-12-02 UTC.
        return ReadZone(rest);
    }

    private bool ReadClock(ref ReadOnlySpan<char> text)
    {
        var rest = text;
        var digits = Digits(rest);
        if (digits is not (1 or 2))
        {
            return false;
        }

        if (rest.Length >= 8 && digits == 2 && rest[2] == '-' && rest[5] == '-' && Digits(rest[3..]) == 2 && Digits(rest[6..]) == 2)
        {
            // 21-15-00, where colons are not allowed: in file names.
            var (hours, minutes) = (Number(ref rest, 2), Next(ref rest));
            var seconds = Next(ref rest);
            text = rest;
            return SetClock(hours, minutes, seconds, 0);
        }

        var hour = Number(ref rest, digits);
        if (rest.IsEmpty)
        {
            return false;
        }

        var mark = rest[0];
        int minute = 0, second = 0;
        long fraction = 0;
        if (mark is ':' or '.' or 'h' or 'H' && Digits(rest[1..]) == 2)
        {
            rest = rest[1..];
            minute = Number(ref rest, 2);
            if (rest.Length > 2 && rest[0] is ':' or '.' or 'm' && Digits(rest[1..]) == 2)
            {
                rest = rest[1..];
                second = Number(ref rest, 2);
                if (rest.Length > 1 && rest[0] is '.' or ',' or ':' && Digits(rest[1..]) is > 0 and var places)
                {
                    rest = rest[1..];
                    long unit = TimeSpan.TicksPerSecond;
                    for (var i = 0; i < places && unit > 0; i++)
                    {
                        unit /= 10;
                        fraction += (rest[i] - '0') * unit;
                    }

                    rest = rest[places..];
                }

                if (rest.Length > 0 && rest[0] == 's')
                {
                    rest = rest[1..];
                }
            }
        }
        else if (!IsHalfDay(rest.TrimStart(' ')))
        {
            return false;
        }

        var half = rest.TrimStart(" \u00a0\u202f");
        // 12:40p, as Davis writes it
        var isLetter = mark == ':' && half is ['A' or 'a' or 'P' or 'p'];
        if (isLetter || IsHalfDay(half))
        {
            if (hour is 0 or > 12)
            {
                return false;
            }

            hour = hour % 12 + (half[0] is 'P' or 'p' ? 12 : 0);
            rest = isLetter ? default : half[1..].TrimStart(InHalfDay)[1..].TrimStart('.');
        }

        // 21:15 Uhr, 21:15 h
        half = rest.TrimStart(" \u00a0\u202f");
        rest = half.StartsWith("Uhr", StringComparison.OrdinalIgnoreCase) ? half[3..] : half is ['h' or 'H', ..] && Letters(half) == 1 ? half[1..] : rest;
        text = rest;
        return SetClock(hour, minute, second, fraction);

        static int Next(ref ReadOnlySpan<char> rest)
        {
            rest = rest[1..];
            return Number(ref rest, 2);
        }
    }

    /// <summary>Returns whether a text is AM, pm, a.m. or the like and nothing else, such as PM10.</summary>
    public static bool IsHalfDayAlone(ReadOnlySpan<char> text) => IsHalfDay(text) && text.Length <= 5 && text[^1] is 'M' or 'm' or '.';

    // AM, pm, a.m., a. m.
    private static bool IsHalfDay(ReadOnlySpan<char> text) =>
        text.Length >= 2 && text[0] is 'A' or 'a' or 'P' or 'p' && text[1..].TrimStart(InHalfDay) is [ 'M' or 'm', ..] after && Letters(after) == 1;

    // hh, hhmm, hhmmss or hhmmssfff
    private bool ReadClockNumber(ref ReadOnlySpan<char> rest)
    {
        var digits = Digits(rest);
        if (digits is not (2 or 4 or 6 or 9))
        {
            return false;
        }

        var hour = Number(ref rest, 2);
        var minute = digits >= 4 ? Number(ref rest, 2) : 0;
        var second = digits >= 6 ? Number(ref rest, 2) : 0;
        var fraction = digits == 9 ? Number(ref rest, 3) * TimeSpan.TicksPerMillisecond : 0;
        if (digits == 6 && rest.Length > 1 && rest[0] is '.' or ',' && Digits(rest[1..]) is > 0 and <= 7 and var places)
        {
            rest = rest[1..];
            fraction = Number(ref rest, places) * (long)Math.Pow(10, 7 - places);
        }

        return SetClock(hour, minute, second, fraction);
    }

    // 24:00:00 is the next midnight, and a leap second counts as second 59 of its minute.
    private bool SetClock(int hour, int minute, int second, long fraction)
    {
        if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || fraction > 0)))
        {
            return false;
        }

        Clock = (((hour * 60) + minute) * 60 + Math.Min(second, 59)) * TimeSpan.TicksPerSecond + fraction;
        HasClock = true;
        return true;
    }

    private bool ReadZone(ReadOnlySpan<char> rest)
    {
        rest = rest.Trim(" \u00a0");
        // A zone in brackets, such as [Europe/Berlin], follows the offset, which takes precedence.
        if (rest.EndsWith("]") && rest.IndexOf('[') is >= 0 and var bracket)
        {
            rest = rest[..bracket].TrimEnd(' ');
            if (rest.IsEmpty)
            {
                return false;
            }
        }

        if (rest.IsEmpty)
        {
            return true;
        }

        var letters = Letters(rest);
        if (letters > 0)
        {
            var isKnown = false;
            if (Contracts.ZoneNames.TryGetMinutes(rest[..letters], out var minutes))
            {
                (Offset, isKnown) = (minutes, true);
            }

            rest = rest[letters..].TrimStart(' ');
            if (!isKnown)
            {
                return false;
            }

            if (rest.IsEmpty)
            {
                return true;
            }
        }

        if (rest[0] is not ('+' or '-' or '\u2212'))
        {
            return false;
        }

        var east = rest[0] == '+' ? 1 : -1;
        rest = rest[1..];
        var digits = Digits(rest);
        int hours, more = 0;
        if (digits is 1 or 2)
        {
            hours = Number(ref rest, digits);
            if (rest.Length >= 3 && rest[0] == ':' && Digits(rest[1..]) == 2)
            {
                rest = rest[1..];
                more = Number(ref rest, 2);
            }
        }
        else if (digits == 4)
        {
            hours = Number(ref rest, 2);
            more = Number(ref rest, 2);
        }
        else
        {
            return false;
        }

        Offset = east * (hours * 60 + more);
        rest = rest.TrimStart(' ');
        // Go writes the zone's name after the offset.
        return hours <= 14 && more <= 59 && (rest.IsEmpty || Letters(rest) == rest.Length);
    }
}
