using System.Text.RegularExpressions;

namespace FactoryMonitoring.Replay;

/// <summary>How a row's time is written.</summary>
internal enum TimeKind
{
    /// <summary>The file has no times.</summary>
    None,

    /// <summary>In one column, or a date in one and a time of day in another.</summary>
    Text,

    /// <summary>Counted since 1970.</summary>
    Epoch,

    /// <summary>Counted since the beginning of the file.</summary>
    Elapsed,

    /// <summary>Excel's serial dates.</summary>
    Excel,

    /// <summary>Year, month, day and so on in separate columns.</summary>
    Calendar,
}

/// <summary>The time columns, and how they are read.</summary>
/// <param name="Columns">Text: the time column, or the date and clock columns. Calendar: year, month, day, hour, minute, second, as far as they exist.</param>
/// <param name="Unit">The unit of a column that counts.</param>
/// <param name="IsHour">Whether the clock column holds only the hour.</param>
internal sealed partial record TimePlan(TimeKind Kind, int[] Columns, TimeSpan Unit, string UnitName, bool IsHour)
{
    public static readonly TimePlan None = new(TimeKind.None, [], TimeSpan.Zero, "", false);

    private static readonly Dictionary<string, TimeSpan> UnitsOfTime = new(StringComparer.Ordinal)
    {
        ["d"] = TimeSpan.FromDays(1), ["h"] = TimeSpan.FromHours(1), ["min"] = TimeSpan.FromMinutes(1), ["s"] = TimeSpan.FromSeconds(1),
        ["ms"] = TimeSpan.FromMilliseconds(1), ["us"] = TimeSpan.FromMicroseconds(1), ["ns"] = TimeSpan.FromTicks(1) / 100.0,
        ["ticks"] = TimeSpan.FromTicks(1), ["filetime"] = TimeSpan.FromTicks(1),
    };

    private static readonly string[][] Calendar =
    [
        ["year", "yr", "yyyy", "yy", "jahr"], ["month", "mo", "mm", "mnth", "monat"], ["day", "dd", "dy", "day of month", "tag"], ["hour", "hr", "hh", "stunde"], ["minute", "min", "mn", "mm"], ["second", "sec", "ss"],
    ];

    /// <summary>Number of digits in a clock column of digits: HHMM or HHMMSS, whose leading zeros may be missing.</summary>
    public int ClockDigits { get; init; } = 4;

    /// <summary>The start from which a column counts, in UTC; null if it is 1970, or if nothing names it.</summary>
    public DateTime? Start { get; init; }

    /// <summary>The column of AM and PM beside the clock; null if there is none.</summary>
    public int? Half { get; init; }

    /// <summary>The column of the times' zones or offsets; null if there is none.</summary>
    public int? Zone { get; init; }

    /// <summary>The IANA id that the column of zones has in all rows; null if it has offsets or abbreviations.</summary>
    public string? ZoneId { get; init; }

    /// <summary>The clock column beside the date's; null if one column has both, or if there is no clock.</summary>
    public int? Clock => Columns.Length > 1 && Columns[1] != Half && Columns[1] != Zone ? Columns[1] : null;

    /// <summary>Returns the zone that a column of zones, or the header of a time column names, as in <c>Date Time, GMT-05:00</c>; null if none does.</summary>
    /// <exception cref="ReplayFileException">The header names a zone whose offset is not certain.</exception>
    public TimeZoneInfo? ZoneOf(FileShape shape, SettingName setting)
    {
        if (ZoneId is not null)
        {
            return TimeZoneInfo.FindSystemTimeZoneById(ZoneId);
        }

        foreach (var column in Kind is TimeKind.Text or TimeKind.Calendar && Zone is null && !Columns.Any(index => shape.Columns[index].HasZone) ? Columns : [])
        {
            if (OffsetInName().Match(shape.Names[column]) is not { Success: true } match)
            {
                if (ZoneInName().Match(shape.Names[column]) is { Success: true } named && NamedZone(shape, column, named, setting) is { } zone)
                {
                    return zone;
                }

                continue;
            }

            var (hours, minutes) = (int.Parse(match.Groups["hours"].Value), match.Groups["minutes"].Success ? int.Parse(match.Groups["minutes"].Value) : 0);
            if (hours > 14 || minutes > 59 || (hours == 14 && minutes > 0))
            {
                continue;
            }

            var isWest = match.Groups["sign"].Value != "+";
            var id = Format.Text($"UTC{(isWest ? '-' : '+')}{hours:00}:{minutes:00}");
            return TimeZoneInfo.CreateCustomTimeZone(id, new TimeSpan(hours, minutes, 0) * (isWest ? -1 : 1), id, id);
        }

        return null;
    }

    // A clock of Berlin says CET in winter, and a logger that says CET may keep +01:00 in summer.
    private static TimeZoneInfo? NamedZone(FileShape shape, int column, Match match, SettingName setting)
    {
        var name = match.Groups["zone"].Value;
        if ((name.Contains('/', StringComparison.Ordinal) || name.Any(char.IsAsciiDigit)) && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone))
        {
            return zone;
        }

        // EST/EDT and Eastern Standard Time do not tell in which country the clock is.
        string[] names = name.EndsWith(" Time", StringComparison.Ordinal) ? [name] : [.. name.Split(['/', '|', ' '], StringSplitOptions.RemoveEmptyEntries).Where(part => char.IsUpper(part[0]))];
        if (names is [_, _, ..] || name.EndsWith(" Time", StringComparison.Ordinal))
        {
            var zones = names.All(IsLikeZone) ? names : Array.FindAll(names, IsKnownZone);
            return zones.Length == 0 ? null : zones.All(IsUtc) ? TimeZoneInfo.Utc : throw new ReplayFileException(
                $"{shape.Column(column)}: {name} does not tell when the clock is moved: give {setting(nameof(ReplayOptions.TimeZone))}, the IANA id of the zone, as Europe/Berlin");
        }

        var isKnown = Contracts.ZoneNames.TryGetMinutes(name, out var minutes);
        if (isKnown ? IsUtc(name) : !match.Groups["bracket"].Success || !IsLikeZone(name))
        {
            return isKnown ? TimeZoneInfo.Utc : null;
        }

        var fixedZone = isKnown ? Format.Text($"=Etc/GMT{-minutes / 60:+0;-0;0} for {minutes / 60:+00;-00;+00}:00 all year, or") : ",";
        throw new ReplayFileException($"{shape.Column(column)}: {name} does not tell whether the clock is moved in summer: give {setting(nameof(ReplayOptions.TimeZone))}{fixedZone} the IANA id of the zone, as Europe/Berlin");
    }

    private static bool IsKnownZone(string name) => Contracts.ZoneNames.TryGetMinutes(name, out _);

    private static bool IsLikeZone(string name) => IsKnownZone(name) || (name[^1] == 'T' && name is not "LST") || name.EndsWith(" Time", StringComparison.Ordinal);

    private static bool IsUtc(string name) => Contracts.ZoneNames.TryGetMinutes(name, out var minutes) && minutes == 0 && name[0] != 'W';

    /// <summary>Whether the order of day, month and year can be ambiguous.</summary>
    public bool HasText => Kind == TimeKind.Text;

    /// <exception cref="ReplayFileException">The file does not match the settings, or does not contain enough information about its times.</exception>
    public static TimePlan Find(FileShape shape, ReplayOptions options, ColumnNames names, SettingName setting)
    {
        var format = options.TimeFormat?.Trim().ToLowerInvariant();
        if (format is not (null or "" or "excel") && !UnitsOfTime.ContainsKey(format))
        {
            throw new ReplayFileException($"{setting(nameof(options.TimeFormat))} = {options.TimeFormat}: must be one of {string.Join(", ", UnitsOfTime.Keys)}, excel");
        }

        var given = options.TimeColumn is not { Length: > 0 } ? null
            : options.TimeColumn.Equals("none", StringComparison.OrdinalIgnoreCase) ? []
            : names.Find(options.TimeColumn, nameof(options.TimeColumn));
        // AM and PM are found beside the times, whether the setting names their column or not.
        given = given is { Length: > 1 } ? [.. given.Where(index => !shape.Columns[index].IsHalfDay)] : given;
        var plan = WithRest(shape, options, setting, given switch
        {
            [] => None,
            [var date, var clock] when shape.Columns[date].IsClock || (shape.Columns[clock].IsTime && !shape.Columns[date].IsTime) => OfTwo(shape, clock, date),
            [var date, var clock] => OfTwo(shape, date, clock),
            [var column] => At(shape, column, format, isGiven: true, options, setting) ?? None,
            // Of an export's two times, the sensor's is meant, whatever its clock did.
            null when LongTable.IsOwnExport(shape) && options.Columns is not { Length: > 0 } && options.NameColumn is not { Length: > 0 } && shape.Columns[0].IsTime => Text(0),
            null => Infer(shape, format, options, setting) ?? None,
            _ => throw new ReplayFileException($"{setting(nameof(options.TimeColumn))} = {options.TimeColumn}: must be one column, or the date's and the clock's"),
        });
        if (given is null && options.Interval is null)
        {
            plan.CheckClock(shape, setting);
        }

        return plan;
    }

    // Dates without their times of day would all be midnight.
    private void CheckClock(FileShape shape, SettingName setting)
    {
        var isCalendar = Kind == TimeKind.Calendar;
        if (isCalendar ? Columns.Length - (Zone is null ? 0 : 1) > 3 : Kind != TimeKind.Text || Clock is not null || shape.Columns[Columns[0]].HasClock)
        {
            return;
        }

        var day = Columns[isCalendar ? 2 : 0];
        if (shape.Columns[day].Repeats && Enumerable.Range(0, shape.FieldCount).Except(Columns).FirstOrDefault(index => IsLikeClock(shape, index), -1) is >= 0 and var clock)
        {
            throw new ReplayFileException(Format.Text(
                $"line {shape.FirstLine}, {shape.Column(clock)}: {Format.Quoted(shape.Columns[clock].First ?? "")} and the like are times of day that are not read, and the dates of {shape.Column(day)} have none: write {(isCalendar ? "date and time of day into one column" : $"them as 13:45:00, or give {setting(nameof(ReplayOptions.TimeColumn))}={day + 1} where they are none")}"));
        }
    }

    private static bool IsLikeClock(FileShape shape, int index)
    {
        var (column, name) = (shape.Columns[index], shape.Names[index]);
        return !column.IsTime && !ZoneName().IsMatch(name)
            && (column.IsLikeClock || (shape.HeaderLine is not null && (column.IsNumber ? HoursAndMinutes().IsMatch(name) && column is { Least: >= 0, Most: <= 240000 }
                : ClockName().IsMatch(name) && column is { IsConstant: false, First: [>= '0' and <= '9', ..] })));
    }

    // AM and PM, or the zone, may stand in columns of their own.
    private static TimePlan WithRest(FileShape shape, ReplayOptions options, SettingName setting, TimePlan plan)
    {
        if (plan.Kind is not (TimeKind.Text or TimeKind.Calendar))
        {
            return plan;
        }

        var others = Enumerable.Range(0, shape.FieldCount).Except(plan.Columns).Cast<int?>().ToList();
        // A clock of 24 hours needs no AM and PM: the column is something else, such as a shift.
        var clock = plan.Kind == TimeKind.Text ? plan.Columns[^1] : plan.Columns.Length > 3 ? plan.Columns[3] : (int?)null;
        var isOf12 = clock is { } hours && (shape.Columns[hours] is { IsNumber: true, Most: < 1300 } || (shape.Columns[hours] is { IsNumber: false, LatestClock: var latest } && latest < 13 * TimeSpan.TicksPerHour));
        var half = isOf12 ? others.Find(index => shape.Columns[index!.Value].IsHalfDay) : null;
        var zone = options.TimeZone is { Length: > 0 } || shape.HeaderLine is null || plan.Columns.Any(index => shape.Columns[index].HasZone) ? null
            : others.Find(index => ZoneName().IsMatch(shape.Names[index!.Value]) && !shape.Columns[index.Value].IsEmpty);
        string? id = null;
        if (zone is { } column && shape.Columns[column].First is { } first && !TimeText.TryReadZone(first, out _))
        {
            id = first.Contains('/', StringComparison.Ordinal) && shape.Columns[column].IsConstant && TimeZoneInfo.TryFindSystemTimeZoneById(first, out _) ? first
                : throw new ReplayFileException($"{shape.Column(column)}: {Format.Quoted(first)} is no offset from UTC, nor the IANA id of one zone in all rows: give {setting(nameof(ReplayOptions.TimeZone))}");
        }

        return plan with { Columns = [.. plan.Columns, .. ((int?[])[half, zone]).OfType<int>()], Half = half, Zone = zone, ZoneId = id };
    }

    /// <summary>Converts the number in a column that counts to a time.</summary>
    /// <returns>Null if the time is outside the range of <see cref="DateTime"/>.</returns>
    public DateTime? Counted(double number) => Counted((decimal)Math.Clamp(number, -1e20, 1e20));

    /// <summary>Converts the number in a column that counts to a time, with all its digits.</summary>
    /// <param name="number">At most 10^20 on either side of zero.</param>
    public DateTime? Counted(decimal number)
    {
        var origin = Kind == TimeKind.Excel ? new DateTime(1899, 12, 30) : Start ?? DateTime.UnixEpoch;
        var ticks = number * (UnitName == "ns" ? 0.01m : Unit.Ticks);
        return ticks >= -(decimal)origin.Ticks && ticks < DateTime.MaxValue.Ticks - origin.Ticks ? origin.AddTicks((long)ticks) : null;
    }

    public string Describe(FileShape shape)
    {
        var columns = string.Join(" and ", Columns.Select(shape.Column));
        return Kind switch
        {
            TimeKind.Epoch when OriginOf(UnitName) is { } origin => Format.Text($"{columns}, units of 100 ns since the year {origin.Year}"),
            TimeKind.Epoch => $"{columns}, {UnitName} since {(Start is { } start ? $"{Format.Time(start)} UTC, which the preamble names" : "1970")}",
            TimeKind.Elapsed => $"{columns}, {UnitName} since the beginning",
            TimeKind.Excel => $"{columns}, days of Excel",
            _ => columns,
        };
    }

    private static TimePlan? Infer(FileShape shape, string? format, ReplayOptions options, SettingName setting)
    {
        var columns = shape.Columns;
        // One column of date and time, otherwise a date and the nearest clock column after it, otherwise only a date.
        // In InfluxDB's CSV, the ends of the query's window, which are the same in all rows, come before the times.
        List<int> dates = [.. Indexes(columns, column => column.IsTime).OrderBy(index => columns[index].IsConstant)];
        if (dates.Count > 0)
        {
            return dates.FirstOrDefault(index => columns[index].HasClock, -1) is >= 0 and var whole
                ? Text(options.TimeZone is { Length: > 0 } ? whole : OfUtc(shape, dates, whole)) : Dated(shape, DateOf(shape, dates, options), setting);
        }

        var compact = Indexes(columns, column => column.IsCompactDate).FindAll(index => index == 0 || IsNamedTime(shape.Names[index]));
        if (compact.Count > 0)
        {
            return columns[compact[0]].HasClock ? Text(options.TimeZone is { Length: > 0 } ? compact[0] : OfUtc(shape, compact, compact[0])) : Dated(shape, DateOf(shape, compact, options), setting);
        }

        if (CalendarOf(shape) is { } calendar)
        {
            return new TimePlan(TimeKind.Calendar, calendar, TimeSpan.Zero, "", false);
        }

        var epoch = Indexes(columns, column => column.IsNumber && EpochUnit(column) is not null)
            .FirstOrDefault(index => IsNamedTime(shape.Names[index]) || (index == 0 && columns[index].IsRising && columns[index].Numbered > 1), -1);
        if (epoch >= 0)
        {
            return At(shape, epoch, format, isGiven: false, options, setting);
        }

        var elapsed = Indexes(columns, column => column.IsNumber && column.IsRising).FirstOrDefault(index => Elapsed().IsMatch(shape.Names[index]), -1);
        if (elapsed >= 0)
        {
            return At(shape, elapsed, format, isGiven: false, options, setting);
        }

        // Days since 1900, from 1954 to 2119.
        if (Indexes(columns, column => column is { IsNumber: true, Least: >= 20_000, Most: < 80_000 }).FirstOrDefault(index => shape.HeaderLine is not null && IsNamedTime(shape.Names[index]), -1) is >= 0 and var serial
            && (format == "excel" || options.Interval is null))
        {
            return format == "excel" ? At(shape, serial, format, isGiven: false, options, setting) : throw new ReplayFileException(Format.Text(
                $"{shape.Column(serial)}: {Format.Quoted(columns[serial].First ?? "")} can be a day that Excel counts ({new DateTime(1899, 12, 30).AddDays((int)columns[serial].Least):yyyy-MM-dd}): give {setting(nameof(options.TimeFormat))}=excel, or {setting(nameof(options.TimeColumn))}=none and {setting(nameof(options.Interval))}, the time from row to row, where it is none"));
        }

        return options.Interval is null && Indexes(columns, column => column.IsClock) is [var clock, ..]
            ? throw new ReplayFileException($"{shape.Column(clock)}: holds times of day, and no column holds their dates: give {setting(nameof(options.Interval))}, the time from row to row, as 00:00:01")
            : null;
    }

    private static TimePlan? At(FileShape shape, int column, string? format, bool isGiven, ReplayOptions options, SettingName setting)
    {
        var sample = shape.Columns[column];
        if (format == "excel")
        {
            return new TimePlan(TimeKind.Excel, [column], TimeSpan.FromDays(1), "days", false);
        }

        if (sample.IsTime || (sample.IsCompactDate && format is not { Length: > 0 }))
        {
            return sample.HasClock ? Text(column) : Dated(shape, column, setting);
        }

        if (sample.IsClock && options.Interval is null)
        {
            throw new ReplayFileException($"{shape.Column(column)}: holds times of day without dates: name the date's column before it, {setting(nameof(options.TimeColumn))}=DATE,{column + 1}, or give {setting(nameof(options.Interval))}");
        }

        if (!sample.IsNumber)
        {
            return isGiven ? Text(column) : null;
        }

        if (format is not { Length: > 0 } && EpochUnit(sample) == "ns")
        {
            format = UnitOfTicks(shape, column, setting);
        }

        if (format is { Length: > 0 } && OriginOf(format) is { } origin)
        {
            return new TimePlan(TimeKind.Epoch, [column], UnitsOfTime[format], format, false) { Start = origin };
        }

        if (format is not { Length: > 0 } && options.Interval is null && EpochUnit(sample) is { } counted && OtherEpochName().IsMatch(shape.Names[column]))
        {
            throw new ReplayFileException(Format.Text(
                $"{shape.Column(column)}: {Format.Number(sample.Least)} counts from 1970 or, by its name, from another start: give {setting(nameof(options.TimeFormat))}={counted} if it counts from 1970, otherwise write the times as dates"));
        }

        if (EpochUnit(sample) is { } epoch && (format is not { Length: > 0 } || format == epoch))
        {
            return new TimePlan(TimeKind.Epoch, [column], UnitsOfTime[epoch], epoch, false);
        }

        var unit = format is { Length: > 0 } ? format : UnitOf(shape.Names[column], shape.Units[column]);
        if (unit is null && options.Interval is null)
        {
            throw new ReplayFileException(Format.Text(
                $"{shape.Column(column)}: counts from {Format.Number(sample.Least)} on and does not say in which unit: give {setting(nameof(options.TimeFormat))} (d, h, min, s, ms, us or ns; ticks or filetime for units of 100 ns since the year 1 or 1601; excel for the days that Excel counts), or {setting(nameof(options.TimeColumn))}=none and {setting(nameof(options.Interval))}"));
        }

        var start = shape.Start is { } written && new ZoneClock(ZoneOf(options)).TryUtc(written, DateOrder.YearFirst, out var utc) ? utc : (DateTime?)null;
        return new TimePlan(start is null ? TimeKind.Elapsed : TimeKind.Epoch, [column], UnitsOfTime[unit ?? "s"], unit ?? "s", false) { Start = start };
    }

    // An invalid zone has been refused before.
    private static TimeZoneInfo ZoneOf(ReplayOptions options) => options.TimeZone is { Length: > 0 } id ? TimeZoneInfo.FindSystemTimeZoneById(id) : TimeZoneInfo.Utc;

    private static TimePlan Text(int column) => new(TimeKind.Text, [column], TimeSpan.Zero, "", false);

    private static TimePlan Dated(FileShape shape, int date, SettingName setting)
    {
        var columns = shape.Columns;
        var clocks = Indexes(columns, column => column.IsClock);
        clocks.RemoveAll(index => ZoneName().IsMatch(shape.Names[index]));
        if (clocks.Count == 0)
        {
            clocks = Indexes(columns, column => column is { IsNumber: true, Least: >= 0, Most: <= 240000 }).FindAll(index => IsHourAt(shape, index) || HoursAndMinutes().IsMatch(shape.Names[index]));
        }

        if (clocks.Count == 0)
        {
            return Text(date);
        }

        // The clock of the same zone as the date.
        var ofUtc = clocks.FindAll(index => UtcName().IsMatch(shape.Names[index]));
        if (ofUtc.Count > 0 && ofUtc.Count < clocks.Count && !UtcName().IsMatch(shape.Names[date]) && !LocalName().IsMatch(shape.Names[date]) && clocks.Exists(index => LocalName().IsMatch(shape.Names[index])))
        {
            throw new ReplayFileException(
                $"{shape.Column(date)} may be the date of {string.Join(" or of ", clocks.Select(shape.Column))}: give {setting(nameof(ReplayOptions.TimeColumn))}={string.Join(" or ", clocks.Select(index => Format.Text($"{date + 1},{index + 1}")))}, and for a local time its zone, {setting(nameof(ReplayOptions.TimeZone))}");
        }

        clocks = ofUtc.Count == 0 || ofUtc.Count == clocks.Count ? clocks : UtcName().IsMatch(shape.Names[date]) ? ofUtc : [.. clocks.Except(ofUtc)];
        return OfTwo(shape, date, clocks.FirstOrDefault(index => index > date, clocks[0]));
    }

    // With a zone in the settings the local date is meant, otherwise that of UTC, which is unambiguous.
    private static int DateOf(FileShape shape, List<int> dates, ReplayOptions options) => options.TimeZone is not { Length: > 0 } ? OfUtc(shape, dates, dates[0])
        : dates.FirstOrDefault(index => !UtcName().IsMatch(shape.Names[index]), dates[0]);

    private static TimePlan OfTwo(FileShape shape, int date, int clock) => new(TimeKind.Text, [date, clock], TimeSpan.Zero, "", IsHourAt(shape, clock))
    {
        ClockDigits = shape.Columns[clock] is { IsNumber: true, Most: > 2400 } ? 6 : 4,
    };

    // If there is a local time and the same time in UTC, UTC is used because it is unambiguous.
    private static int OfUtc(FileShape shape, List<int> dates, int first) => UtcName().IsMatch(shape.Names[first]) ? first
        : dates.Where(index => shape.Columns[index].HasClock == shape.Columns[first].HasClock && UtcName().IsMatch(shape.Names[index])
            && (LocalName().IsMatch(shape.Names[first]) || BareName(shape.Names[index]) == BareName(shape.Names[first]))).DefaultIfEmpty(first).First();

    private static string BareName(string name) => string.Concat(UtcName().Replace(name, "").Where(char.IsLetterOrDigit)).ToLowerInvariant();

    private static bool IsHourAt(FileShape shape, int column) =>
        shape.Columns[column] is { IsNumber: true, Least: >= 0, Most: <= 24 } && Calendar[3].Contains(Replay.Units.Split(shape.Names[column]).Name.ToLowerInvariant());

    /// <summary>Returns whether a line before the header seems to name the zone of the times: <c>Time zone;UTC+02:00</c>.</summary>
    public static bool IsZoneRemark(string text) => ZoneRemark().IsMatch(text);

    public static bool IsNamedTime(string name) => NamedTime().IsMatch(name);

    /// <summary>Returns whether a column of numbers counts since 1970 as its name says, beside another column that is the time.</summary>
    public static bool IsSecondTime(FileShape shape, int index) =>
        shape.HeaderLine is not null && shape.Columns[index].IsRising && EpochUnit(shape.Columns[index]) is not null && EpochName().IsMatch(shape.Names[index]);

    // From 1973 to 2286 in each unit.
    private static string? EpochUnit(ColumnSample column) => (column.Least, column.Most) switch
    {
        ( >= 1e8, < 1e10) => "s",
        ( >= 1e11, < 1e13) => "ms",
        ( >= 1e14, < 1e16) => "us",
        ( >= 1e17, < 1e19) => "ns",
        _ => null,
    };

    private static DateTime? OriginOf(string unit) => unit switch
    {
        "ticks" => new DateTime(1, 1, 1),
        "filetime" => new DateTime(1601, 1, 1),
        _ => null,
    };

    // As many units of 100 ns have passed since the year 1, or since 1601, as nanoseconds from 1970 until 1974 or 1990.
    private static string UnitOfTicks(FileShape shape, int column, SettingName setting)
    {
        var sample = shape.Columns[column];
        var unit = sample is { Least: >= 5.05e17, Most: < 6.63e17 } ? "ticks" : sample.Most < 1.58e17 ? "filetime" : "ns";
        if (unit == "ns" || shape.Names[column].Replace("_", "", StringComparison.Ordinal).Contains(unit, StringComparison.OrdinalIgnoreCase))
        {
            return unit;
        }

        var (origin, number) = (OriginOf(unit)!.Value, (long)sample.Least);
        throw new ReplayFileException(Format.Text(
            $"{shape.Column(column)}: {number} can be ns since 1970 ({DateTime.UnixEpoch.AddTicks(number / 100):yyyy-MM-dd}) or units of 100 ns since the year {origin.Year} ({origin.AddTicks(number):yyyy-MM-dd}): give {setting(nameof(ReplayOptions.TimeFormat))}=ns or {unit}"));
    }

    private static string? UnitOf(string name, string? unit) => (unit ?? Elapsed().Match(name).Groups["unit"].Value).Trim().ToLowerInvariant() switch
    {
        "s" or "sec" or "secs" or "second" or "seconds" => "s",
        "ms" or "msec" or "millis" or "milliseconds" => "ms",
        "us" or "µs" or "μs" or "usec" or "microseconds" => "us",
        "ns" or "nanoseconds" => "ns",
        "min" or "mins" or "minutes" => "min",
        "h" or "hr" or "hour" or "hours" => "h",
        "d" or "day" or "days" => "d",
        _ => null,
    };

    private static int[]? CalendarOf(FileShape shape)
    {
        // Without a header: year, month, day and hour in the first columns, as in ISD-Lite.
        if (shape.HeaderLine is null)
        {
            return shape.FieldCount > 4 && IsWithin(0, 1850, 2150) && IsWithin(1, 1, 12) && IsWithin(2, 1, 31) && IsWithin(3, 0, 24) ? [0, 1, 2, 3] : null;
        }

        bool IsWithin(int column, double least, double most) => shape.Columns[column] is { IsNumber: true, IsWhole: true } sample && sample.Least >= least && sample.Most <= most;

        var found = new List<int>();
        foreach (var part in Calendar)
        {
            var index = Array.FindIndex(shape.Names, name => part.Contains(Replay.Units.Split(name).Name.ToLowerInvariant()) && !found.Contains(Array.IndexOf(shape.Names, name)));
            if (index < 0 || !shape.Columns[index].IsNumber)
            {
                break;
            }

            found.Add(index);
        }

        return found.Count >= 3 ? [.. found] : null;
    }

    private static List<int> Indexes(ColumnSample[] columns, Func<ColumnSample, bool> isLike) => [.. Enumerable.Range(0, columns.Length).Where(index => isLike(columns[index]))];

    [GeneratedRegex("time|date|datum|zeit|^y{4}[-_ ]?m{2}[-_ ]?d{2}|epoch|unix|stamp|fecha|hora|temps|(^|[^a-z])ts($|[^a-z])|^dt$|(^|[^a-z])utc($|[^a-z])|^ticks$|^t$|^at$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NamedTime();

    [GeneratedRegex("^(.*[ _.-])?(dt|ts|time|date|datetime|timestamp|epoch|unix([ _.-]?(time|timestamp))?)([ _.-]?(s|sec|ms|us|ns|utc|unix|epoch))?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EpochName();

    [GeneratedRegex(@"^(?:(?:elapsed|relative|rel)?[ _]?(?:time|t|timestamp|zeit|elapsed)(?:$|[ _(\[]+(?<unit>\w*)[\])]*$)|x_value|(?<unit>sec|secs|seconds?|millis|milliseconds|ms|minutes|hours|days)$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Elapsed();

    [GeneratedRegex(@"(^|[^\p{L}])(time[ _-]?zone|zeitzone|(utc|gmt)[ _-]?offset|tz)[^\p{L}]+(?=[^ ])|(^|[^A-Za-z])(UTC|GMT)[ ]?[+\-−][0-9]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ZoneRemark();

    // Seconds of GPS, since 1980, of a Mac, since 1904 or 2001, and of NTP, since 1900, are as long as those since 1970.
    [GeneratedRegex("(^|[^a-z])(gps|mac|hfs|cocoa|apple|ntp)($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex OtherEpochName();

    [GeneratedRegex("(^|[^a-z])(utc|gmt|zulu)($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UtcName();

    [GeneratedRegex("(^|[^a-z])(local|lokal|lst|ortszeit)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LocalName();

    [GeneratedRegex(@"(^|[^A-Za-z])(GMT|UTC)[ ]?(?<sign>[+\-−])(?<hours>\d{1,2})(:?(?<minutes>\d{2}))?(?!\d)", RegexOptions.CultureInvariant)]
    private static partial Regex OffsetInName();

    [GeneratedRegex(@"(^|[ _,]|(?<bracket>[\[(]))(?<zone>[A-Z]{2,5}([ ]?[/|][ ]?|[ ](or|and|oder|und)[ ])[A-Z]{2,5}|[A-Z][A-Za-z]+/[A-Za-z_/]+|[A-Z]{3,4}\d[A-Z]{3,4}|[A-Z]{2,5}|(?<=[\[(])([A-Z][A-Za-z]+[ ])*(Standard|Daylight|Summer|Eastern|Central|Mountain|Pacific|Atlantic|European)[ ]Time)[\])]?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ZoneInName();

    [GeneratedRegex("^(tz|tz[ _.-]?(cd|code|name|id)|time[ _.-]?zone|zeitzone|((utc|gmt|tz|(time)?zone)[ _.-]?)offset([ _.-]?(h|hours?|min|minutes))?)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ZoneName();

    [GeneratedRegex("(^|[^a-z])(time|clock|zeit|uhr|uhrzeit|stunde|hour|hr|hora|heure|ora|godzina|uur|tid)($|[^a-z])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ClockName();

    [GeneratedRegex("^((time|uhrzeit|zeit|clock|hora|heure)?[ _.(-]*(hhmm(ss)?|hh:mm(:ss)?)?[)]?|hour_?minute|hour|hr|hh|stunde|(time|hour)[ _.-]?(utc|gmt|lst|local|of[ _.-]?day))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex HoursAndMinutes();
}
