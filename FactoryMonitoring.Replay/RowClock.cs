using System.Globalization;

namespace FactoryMonitoring.Replay;

/// <summary>The outcome of reading a time.</summary>
internal enum TimeReadOutcome
{
    Read,
    Missing,
    Wrong,
}

/// <summary>Reads the times of rows according to a plan, and converts them to UTC.</summary>
internal sealed class RowClock(TimePlan plan, DecimalSign sign, MissingMarkers missing)
{
    private const decimal MostExact = 100_000_000_000_000_000_000m;

    /// <summary>The time as it is written in the row.</summary>
    public TimeText Written { get; private set; }

    /// <summary>The time in UTC, if <see cref="Written"/> does not hold it.</summary>
    public DateTime Counted { get; private set; }

    // The columns of year, month, day and so on.
    private int Parts => plan.Columns.Length - (plan.Half is null ? 0 : 1) - (plan.Zone is null ? 0 : 1);

    public TimeReadOutcome Read(RowReader row)
    {
        switch (plan.Kind)
        {
            case TimeKind.Text:
                return InZone(row, plan.Clock is { } clock ? ReadTwo(row, clock) : ReadOne(Halved(row, plan.Columns[0])));
            case TimeKind.Calendar:
                return InZone(row, ReadCalendar(row));
            default:
                var text = row.Chars(plan.Columns[0]);
                if (missing.IsText(text))
                {
                    return TimeReadOutcome.Missing;
                }

                if (!Numbers.TryRead(text, sign, out var number))
                {
                    return TimeReadOutcome.Wrong;
                }

                // A double does not have enough digits for microseconds since 1970.
                var isExact = decimal.TryParse(sign == DecimalSign.Comma ? text.ToString().Replace(',', '.') : text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var exact)
                    && Math.Abs(exact) <= MostExact && Math.Abs((double)exact - number) <= Math.Abs(number) * 1e-9;
                if ((isExact ? plan.Counted(exact) : plan.Counted(number)) is not { } counted)
                {
                    return TimeReadOutcome.Wrong;
                }

                Counted = counted;
                return TimeReadOutcome.Read;
        }
    }

    /// <summary>Returns the time as it is written in the row.</summary>
    public string Text(RowReader row) => plan.Kind == TimeKind.Calendar
        ? Format.Text($"{row[plan.Columns[0]]}-{row[plan.Columns[1]].PadLeft(2, '0')}-{row[plan.Columns[2]].PadLeft(2, '0')}{(Parts > 3 ? $" {string.Join(':', plan.Columns[3..Parts].Select(column => row[column].PadLeft(2, '0')))}" : "")}{string.Concat(plan.Columns[Parts..].Select(column => $" {row[column]}"))}")
        : string.Join(' ', plan.Columns.Select(column => row[column]));

    // The time of day with the AM or PM that stands in another column.
    private ReadOnlySpan<char> Halved(RowReader row, int column) => plan.Half is not { } half || missing.IsText(row.Chars(column)) ? row.Chars(column)
        : TimeText.IsHalfDayAlone(row.Chars(half)) ? $"{row[column]} {row[half]}" : "?";

    private TimeReadOutcome InZone(RowReader row, TimeReadOutcome outcome)
    {
        if (outcome != TimeReadOutcome.Read || plan.Zone is not { } column)
        {
            return outcome;
        }

        var text = row.Chars(column);
        if (plan.ZoneId is { } id)
        {
            return text.SequenceEqual(id) ? outcome : TimeReadOutcome.Wrong;
        }

        var isRead = TimeText.TryReadZone(text, out var minutes);
        Written = Written with { Offset = minutes };
        return isRead ? outcome : TimeReadOutcome.Wrong;
    }

    private TimeReadOutcome ReadOne(ReadOnlySpan<char> text)
    {
        if (missing.IsText(text))
        {
            return TimeReadOutcome.Missing;
        }

        var isRead = TimeText.TryRead(text, out var written);
        Written = written;
        return isRead ? TimeReadOutcome.Read : TimeReadOutcome.Wrong;
    }

    private TimeReadOutcome ReadTwo(RowReader row, int column)
    {
        if (ReadOne(row.Chars(plan.Columns[0])) is not TimeReadOutcome.Read and var outcome)
        {
            return outcome;
        }

        var written = Written;
        var text = row.Chars(column);
        if (missing.IsText(text))
        {
            return TimeReadOutcome.Missing;
        }

        TimeText clock;
        if (plan.Half is not null)
        {
            if (!TimeText.TryReadClock(Halved(row, column), isNumber: false, out clock))
            {
                return TimeReadOutcome.Wrong;
            }
        }
        else if (plan.IsHour)
        {
            if (!Numbers.TryRead(text, sign, out var hour) || hour is < 0 or > 24)
            {
                return TimeReadOutcome.Wrong;
            }

            clock = new TimeText { Clock = (long)(hour * TimeSpan.TicksPerHour) };
        }
        else if (text.Length < plan.ClockDigits && !text.ContainsAnyExceptInRange('0', '9') ? !TimeText.TryReadClock($"{new string('0', plan.ClockDigits - text.Length)}{text}", isNumber: true, out clock) : !TimeText.TryReadClock(text, isNumber: true, out clock))
        {
            // A clock column from Excel may also contain a day in 1899.
            if (!TimeText.TryRead(text, out clock) || !clock.HasClock)
            {
                return TimeReadOutcome.Wrong;
            }
        }

        // A date column from Excel or pandas may also contain midnight, which the clock column replaces.
        written.Clock = clock.Clock;
        written.HasClock = true;
        written.Offset = clock.Offset ?? written.Offset;
        Written = written;
        return TimeReadOutcome.Read;
    }

    private TimeReadOutcome ReadCalendar(RowReader row)
    {
        Span<int> parts = stackalloc int[6];
        for (var i = 0; i < Parts; i++)
        {
            var text = row.Chars(plan.Columns[i]);
            if (missing.IsText(text))
            {
                return TimeReadOutcome.Missing;
            }

            if (!Numbers.TryRead(text, sign, out var number) || number is < 0 or > 9999 || (int)number != number)
            {
                return TimeReadOutcome.Wrong;
            }

            parts[i] = (int)number;
        }

        if (plan.Half is { } half && row[half] is var ofDay)
        {
            if (parts[3] is 0 or > 12 || !TimeText.IsHalfDayAlone(ofDay))
            {
                return TimeReadOutcome.Wrong;
            }

            parts[3] = (parts[3] % 12) + (ofDay[0] is 'P' or 'p' ? 12 : 0);
        }

        if (parts[3] > 24 || parts[4] > 59 || parts[5] > 60)
        {
            return TimeReadOutcome.Wrong;
        }

        Written = new TimeText
        {
            Form = DateForm.Known,
            First = parts[0] >= 100 ? parts[0] : parts[0] < 69 ? 2000 + parts[0] : 1900 + parts[0],
            Second = parts[1],
            Third = parts[2],
            Clock = parts[3] * TimeSpan.TicksPerHour + parts[4] * TimeSpan.TicksPerMinute + parts[5] * TimeSpan.TicksPerSecond,
            HasClock = Parts > 3,
        };
        return TimeReadOutcome.Read;
    }
}

/// <summary>
/// Converts local times to UTC, in the rows' order: times in the hour that a clock repeats belong to its first pass until they fall back, or until a time of
/// steps of an hour or more comes again. In rows from the newest to the oldest, they belong to its second pass until they rise, or come again.
/// </summary>
/// <param name="zone">The zone of times that name none.</param>
/// <param name="isFalling">Whether the rows are sorted from the newest to the oldest.</param>
internal sealed class ZoneClock(TimeZoneInfo zone, bool isFalling = false)
{
    /// <summary>The ticks of <see cref="DateTime.MaxValue"/>.</summary>
    private const long MostTicks = 3_155_378_975_999_999_999;

    private DateTime _last = isFalling ? DateTime.MaxValue : DateTime.MinValue;
    private TimeSpan _step;
    private long _rows;
    private long _rowsBefore;

    /// <summary>Number of times in the hour that the clock repeats.</summary>
    public long Repeated { get; private set; }

    /// <summary>Number of times in the hour that the clock skips; they are read as times in the hour after it.</summary>
    public long LeftOut { get; private set; }

    /// <returns>False if the date does not exist or is outside the range of <see cref="DateTime"/>.</returns>
    public bool TryUtc(in TimeText written, DateOrder order, out DateTime utc)
    {
        utc = default;
        if (!written.TryDay(order, out var day))
        {
            return false;
        }

        if (written.Clock > DateTime.MaxValue.Ticks - day.Ticks)
        {
            return false;
        }

        var local = day.AddTicks(written.Clock);
        var offset = written.Offset is { } minutes ? TimeSpan.FromMinutes(minutes) : OffsetOf(local);
        if (local.Ticks - offset.Ticks is < 0 or > MostTicks)
        {
            return false;
        }

        utc = DateTime.SpecifyKind(local, DateTimeKind.Utc) - offset;
        (_step, _rowsBefore, _rows) = utc == _last ? (_step, _rowsBefore, _rows + 1) : (utc - _last, _rows, 1);
        _last = utc;
        return true;
    }

    private TimeSpan OffsetOf(DateTime local)
    {
        if (zone == TimeZoneInfo.Utc)
        {
            return TimeSpan.Zero;
        }

        if (zone.IsInvalidTime(local))
        {
            LeftOut++;
            return zone.GetUtcOffset(local.AddHours(-3));
        }

        if (!zone.IsAmbiguousTime(local))
        {
            return zone.GetUtcOffset(local);
        }

        Repeated++;
        var offsets = zone.GetAmbiguousTimeOffsets(local);
        var (first, second) = (offsets.Max(), offsets.Min());
        // In a long table, as many rows have a time as had the time before it.
        var comesAgain = _rowsBefore > 0 && _rows >= _rowsBefore && _step.Duration() >= first - second;
        if (isFalling)
        {
            return local.Ticks - second.Ticks < _last.Ticks || (local.Ticks - second.Ticks == _last.Ticks && !comesAgain) ? second : first;
        }

        return local.Ticks - first.Ticks > _last.Ticks || (local.Ticks - first.Ticks == _last.Ticks && !comesAgain)
            || (local.Ticks - second.Ticks == _last.Ticks && comesAgain && _step < TimeSpan.Zero) ? first : second;
    }
}
