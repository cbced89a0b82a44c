using System.Collections.Frozen;
using System.Text;

namespace FactoryMonitoring.Replay;

/// <summary>Reads a file from beginning to end, keeping only counts, and decides how it is written.</summary>
internal sealed class ReplayCheck
{
    private const int FirstRowsKept = 3;
    private const int MostLateNames = 4;
    private const int MissingTextsKept = 20;
    private const int MostSensors = 10_000;
    private const string RowNumbers = "numbers the rows";
    private const int RowsPerReport = 20_000;

    /// <summary>Maximum number of values of a file that runs backward, which is read into memory before it is replayed.</summary>
    private const long MostValuesInMemory = 5_000_000;

    private readonly ReplayOptions _options;
    private readonly SettingName _setting;
    private readonly string _path;
    private readonly MissingMarkers _missing;
    private readonly Dictionary<string, long> _missingTexts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> _missingLookup;

    public ReplayCheck(ReplayOptions options, SettingName setting)
    {
        (_options, _setting) = (options, setting);
        _path = Path.GetFullPath(options.File ?? "");
        _missing = new MissingMarkers(options.Missing);
        _missingLookup = _missingTexts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public ReplayPlan Run(IProgress<double>? progress) => Run(progress, lateNames: null, isFalling: false);

    /// <param name="lateNames">Name columns that were found when the file was read before; null on the first read.</param>
    /// <param name="isFalling">Whether the times of most rows are before those of the rows above, as was found when the file was read before.</param>
    private ReplayPlan Run(IProgress<double>? progress, int[]? lateNames, bool isFalling)
    {
        var zone = ZoneOf();
        var shape = FileShape.Detect(_path, SeparatorOf(), SignOf(), _missing, _setting);
        var names = new ColumnNames(shape, _setting);
        var time = TimePlan.Find(shape, _options, names, _setting);
        var namedZone = _options.TimeZone is { Length: > 0 } ? zone : time.ZoneOf(shape, _setting);
        zone = namedZone ?? zone;
        if (time.Kind == TimeKind.None && _options.Interval is null)
        {
            throw new ReplayFileException(
                $"no column holds times: give {_setting(nameof(ReplayOptions.Interval))}, the time from row to row, as 00:00:01, or name the column, {_setting(nameof(ReplayOptions.TimeColumn))}=…; columns are {string.Join(", ", Enumerable.Range(0, Math.Min(12, shape.FieldCount)).Select(index => $"{shape.Column(index)}{(shape.Columns[index] is { IsNumber: false, First: { } first } ? $" with {Format.Quoted(first)}" : "")}"))}");
        }

        CheckBackfill(time, shape);
        var isPaced = _options.Interval is not null;
        var given = _options.Columns is { Length: > 0 } list && !list.Equals("all", StringComparison.OrdinalIgnoreCase) ? names.Find(list, nameof(ReplayOptions.Columns)) : null;
        if (given?.FirstOrDefault(time.Columns.Contains, -1) is >= 0 and var timed)
        {
            throw new ReplayFileException($"{_setting(nameof(ReplayOptions.Columns))} = {_options.Columns}: {shape.Column(timed)} is the time: name columns of values, or another time, {_setting(nameof(ReplayOptions.TimeColumn))}=…");
        }

        shape = Decided(shape, time, given);
        var sign = shape.Decimal!.Value;
        var leftOut = new List<LeftOutColumn>();
        var table = LongTable.Find(_path, shape, time, _missing, _options, names, _setting, lateNames);
        var late = lateNames is null && _options.NameColumn is not { Length: > 0 } && table is not ({ IsExport: true } or { Other: not null })
            ? new LateNames([.. LongTable.MayName(shape, time, given ?? []).Where(index => table is null || !table.Names.Contains(index)).Take(MostLateNames)], table is null ? LongTable.SeriesNumber(shape) : null, mayBeTwo: table is null) : null;
        var columns = table is not null ? [] : given?.Distinct().Select(index => new ColumnCheck(index)).ToList() ?? Usual(shape, time, leftOut);
        var unitColumns = UnitColumnsOf(shape, time, table, columns, given);
        foreach (var unit in columns.FindAll(column => unitColumns.Exists(unit => unit.Index == column.Index)))
        {
            columns.Remove(unit);
            leftOut.Add(new LeftOutColumn(unit.Index, shape.Names[unit.Index], "holds texts"));
        }

        var named = new Dictionary<string, ColumnCheck[]>(StringComparer.Ordinal);
        var accounts = isPaced || time.Kind == TimeKind.None ? [] : AccountsOf(time, zone, isFalling);
        var clock = new RowClock(time, sign, _missing);
        using var row = new RowReader(_path, shape);
        var firstRows = new List<(long, string)>();
        long rows = 0, withoutTime = 0, firstWithoutTime = 0, shorter = 0, lastLine = 0;
        var isLastShort = false;
        var filled = Array.FindLastIndex(shape.Columns, column => !column.IsEmpty) + 1;
        var orderMatters = false;
        var order = table is null ? null : new OrderByName();
        while (row.Read())
        {
            if (row.Row % RowsPerReport == 0 && row.Length > 0)
            {
                progress?.Report((double)row.Position / row.Length);
            }

            isLastShort = row.Count < shape.FieldCount;
            shorter += isLastShort ? 1 : 0;
            if (shape.Separator == ' ' && row.Count < filled)
            {
                throw new ReplayFileException(Format.Text(
                    $"line {row.Line}: has {row.Count} fields, and the other rows {filled}: blanks do not tell which cell is empty: write NA into it, or remove the line"));
            }

            lastLine = row.Line;
            if (row.Count > shape.FieldCount)
            {
                RefuseLong(row, shape);
            }

            if (accounts.Count > 0)
            {
                var outcome = clock.Read(row);
                if (outcome == TimeReadOutcome.Missing)
                {
                    firstWithoutTime = withoutTime++ == 0 ? row.Line : firstWithoutTime;
                    continue;
                }

                if (outcome == TimeReadOutcome.Wrong)
                {
                    throw NoTime(row, shape, time, clock);
                }

                orderMatters |= Account(accounts, clock, time, row, shape);
                if ((late is not null || order is not null) && accounts.Find(account => account.WrongLine is null) is { } read)
                {
                    late?.Add(row, table?.NameIn(row).ToString(), read.Last);
                    order?.Add(table!.NameIn(row), read.Last);
                }
            }

            rows++;
            foreach (var column in columns)
            {
                Add(column, row, sign, isGiven: given is not null, shape, mayBeMissing: true);
            }

            if (table is not null)
            {
                AddNamed(table, named, row, sign, isGiven: given is not null || !table.HasSeveral, shape);
            }

            foreach (var unit in unitColumns)
            {
                unit.Add(row, table is null ? "" : table.NameIn(row).ToString(), _missing);
            }

            if (rows <= FirstRowsKept)
            {
                firstRows.Add((row.Line, string.Join(' ', FieldsOf(row, time, table?.Read ?? columns.Select(column => column.Index)))));
            }
        }

        progress?.Report(1);
        if (isLastShort && shorter == 1 && rows > 1)
        {
            throw new ReplayFileException(Format.Text($"line {lastLine}: the file ends in the middle of a row, it has fewer fields than the others: fetch the file again, or remove the line"));
        }

        if (withoutTime > rows && rows > 0)
        {
            throw new ReplayFileException(Format.Text(
                $"line {firstWithoutTime}, {shape.Column(time.Columns[0])}: {withoutTime} of {withoutTime + rows} rows have no time, such as this one: write the whole time into each row, or name its column, {_setting(nameof(ReplayOptions.TimeColumn))}=…"));
        }

        // Which pass of a repeated hour comes first depends on the direction of the times, which only the whole file shows.
        if (!isFalling && Likely(accounts.FindAll(each => each.WrongLine is null)) is var likely && likely.Exists(each => each.Zone.Repeated > 0) && likely.TrueForAll(each => each.Backward > each.Forward))
        {
            return new ReplayCheck(_options, _setting).Run(progress, lateNames, isFalling: true);
        }

        if (late?.Find() is { } lateName)
        {
            LongTable.CheckLate(shape, lateName, late.IsSure, _setting(nameof(ReplayOptions.NameColumn)));
            return new ReplayCheck(_options, _setting).Run(progress, table is null ? lateName : [.. lateName.Append(table.Name).Order()], isFalling);
        }

        var account = Decide(accounts, orderMatters, shape, time);
        if (account is not null && table is not { IsExport: true } && rows / Math.Max(1, named.Count) is > 10 and var ofEach && (account.Forward + account.Backward) * 100 < ofEach)
        {
            throw new ReplayFileException(Format.Text(
                $"{time.Describe(shape)}: {account.Duplicates + 1} of {rows} rows are at one time or nearly so, {Format.Time(account.First)}: name the column of the times, or the date's and the clock's, {_setting(nameof(ReplayOptions.TimeColumn))}=…, or give {_setting(nameof(ReplayOptions.TimeColumn))}=none and {_setting(nameof(ReplayOptions.Interval))}"));
        }

        var isNewestFirst = account is { Forward: 0, Backward: > 1 } || account?.Backward > 20 * account?.Forward;
        if (isNewestFirst && rows * Math.Max(1, table?.Values.Length ?? columns.Count) > MostValuesInMemory)
        {
            throw new ReplayFileException("runs from the newest row to the oldest and is too long to be turned round in memory: sort its rows by their time first");
        }

        if (rows == 0)
        {
            throw new ReplayFileException("holds no row with a time and values");
        }

        // The rows are grouped by sensor: they are merged by time if they fit into memory.
        var isByName = !isNewestFirst && order is { IsForward: true } && account is { Backward: > 0 } && account.BackwardSum >= account.ForwardSum / 4
            && rows * table!.Values.Length <= MostValuesInMemory;

        var sensors = new Dictionary<string, Range>(StringComparer.Ordinal);
        if (table is not null)
        {
            columns = [.. named.Values.SelectMany(checks => checks)];
            leftOut.AddRange(Enumerable.Range(0, shape.FieldCount).Except(table.Read).Except(time.Columns)
                .Select(index => new LeftOutColumn(index, shape.Names[index], "is neither time, name, value nor unit")));
        }

        var replayed = Settle(columns, shape, names, leftOut, given is not null && table is null, table, sensors, unitColumns, ValuesBeside(shape, time, table, given));
        return new ReplayPlan(shape, time, account?.Order ?? DateOrder.YearFirst, zone, _missing, table, sensors, isFalling)
        {
            File = _path,
            Length = row.Length,
            IsGzip = row.IsGzip,
            Encoding = row.Encoding,
            Options = _options,
            Rows = rows,
            Comments = row.Comments,
            Blanks = row.Blanks,
            ShortRows = shorter,
            RepeatedHeaders = row.RepeatedHeaders,
            Columns = replayed,
            LeftOut = [.. leftOut.OrderBy(column => column.Index)],
            MissingTexts = _missingTexts,
            FirstRows = firstRows,
            Span = _options.Interval is { } interval ? interval * Math.Max(0, rows - 1) : isNewestFirst ? account!.BackwardSum : isByName ? account!.Most - account.Least : account!.ForwardSum,
            Times = TimesOf(account, time, zone, shape, withoutTime, isNewestFirst, isByName) with { IsZoneNamed = namedZone is not null, ZoneRemark = namedZone is null ? shape.ZoneRemark : null },
        };
    }

    // Rows without dates have no times at which they could be stored.
    private void CheckBackfill(TimePlan time, FileShape shape)
    {
        if (!_options.Backfill)
        {
            return;
        }

        var backfill = $"{_setting(nameof(ReplayOptions.Backfill))} stores rows at their own times";
        if (_options.Loop)
        {
            throw new ReplayFileException($"{_setting(nameof(ReplayOptions.Loop))} = true: {backfill}, and each row once: leave it out");
        }

        if (_options.Interval is not null)
        {
            throw new ReplayFileException($"{_setting(nameof(ReplayOptions.Interval))} is set: {backfill}: leave it out, or replay the file without {_setting(nameof(ReplayOptions.Backfill))}");
        }

        if (time.Kind == TimeKind.Elapsed)
        {
            throw new ReplayFileException(
                $"{time.Describe(shape)}: {backfill}, and these are no dates: name a column of dates, {_setting(nameof(ReplayOptions.TimeColumn))}=…, or replay the file without {_setting(nameof(ReplayOptions.Backfill))}");
        }
    }

    private ReplayTimes TimesOf(TimeAccount? account, TimePlan time, TimeZoneInfo zone, FileShape shape, long withoutTime, bool isNewestFirst, bool isByName) => new(
        time.Kind == TimeKind.None ? null : time.Describe(shape),
        account?.Least ?? default,
        account?.Most ?? default,
        time.Kind == TimeKind.Elapsed,
        account is { HasOrder: true } ? NameOf(account.Order) : null,
        account is { NamesNoZone: true } ? _options.TimeZone ?? zone.Id : null,
        account?.Duplicates ?? 0,
        isByName ? 0 : isNewestFirst ? account!.Forward : account?.Backward ?? 0,
        isNewestFirst || isByName ? null : account?.FirstBackwardLine,
        withoutTime,
        account?.Zone.Repeated ?? 0,
        account?.Zone.LeftOut ?? 0,
        account?.LongestGap ?? TimeSpan.Zero,
        isNewestFirst,
        isByName);

    private static string NameOf(DateOrder order) => order switch
    {
        DateOrder.DayFirst => "day-first",
        DateOrder.MonthFirst => "month-first",
        _ => "year-first",
    };

    private static IEnumerable<string> FieldsOf(RowReader row, TimePlan time, IEnumerable<int> columns) =>
        time.Columns.Concat(columns).Take(10).Select(column => row[column] is { Length: > 0 } text ? text : "–");

    private char? SeparatorOf() => _options.Separator?.ToLowerInvariant() switch
    {
        null or "" => null,
        "comma" => ',',
        "semicolon" => ';',
        "tab" or "\\t" => '\t',
        "pipe" => '|',
        "space" => ' ',
        [var one] when char.IsAscii(one) && !char.IsAsciiLetterOrDigit(one) && one is not '"' and not '\r' and not '\n' => one,
        _ => throw new ReplayFileException($"{_setting(nameof(ReplayOptions.Separator))} = {_options.Separator}: must be one of comma, semicolon, tab, pipe, space or one character of ASCII"),
    };

    private DecimalSign? SignOf() => _options.DecimalSign?.ToLowerInvariant() switch
    {
        null or "" => null,
        "point" or "." => DecimalSign.Point,
        "comma" or "," => DecimalSign.Comma,
        _ => throw new ReplayFileException($"{_setting(nameof(ReplayOptions.DecimalSign))} = {_options.DecimalSign}: must be one of point, comma"),
    };

    private TimeZoneInfo ZoneOf()
    {
        if (_options.TimeZone is not { Length: > 0 } id)
        {
            return TimeZoneInfo.Utc;
        }

        return TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone)
            ? zone
            : throw new ReplayFileException($"{_setting(nameof(ReplayOptions.TimeZone))} = {id}: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin");
    }

    // All columns of values must have the same decimal sign. If no number at the beginning shows it, the first one further on decides. If none does, whole
    // numbers of at most three digits in the same column tell of thousands, but not for certain.
    private FileShape Decided(FileShape shape, TimePlan time, int[]? given)
    {
        if (SignOf() is not null || LongTable.IsOwnExport(shape))
        {
            return shape with { Decimal = shape.Decimal ?? DecimalSign.Point };
        }

        int[] columns = [.. given ?? Enumerable.Range(0, shape.FieldCount).Where(index => shape.Columns[index].IsNumber && !time.Columns.Contains(index))];
        var signs = columns.Select(index => shape.Columns[index].Sign).OfType<DecimalSign>().Distinct().ToList();
        if (signs.Count > 1)
        {
            throw SeveralSigns(shape, columns);
        }

        if (signs is [var told])
        {
            // Numbers of other columns do not tell what the mark in these is: a version 1.2 is no measurement.
            var unsure = columns.Where(index => shape.Columns[index] is { Sign: null, Mark: { } mark } && mark != told).ToList();
            return unsure.Count == 0 ? shape with { Decimal = told }
                : shape.Separator == ',' ? shape with { Decimal = told, AssumedMark = told == DecimalSign.Point ? "comma" : "point" }
                : Sure(shape, unsure, told);
        }

        if (shape.Decimal is { } ofTimes && !columns.Any(index => shape.Columns[index].Mark is not null))
        {
            return shape with { Decimal = ofTimes };
        }

        var marked = new (long Line, string Text)?[shape.FieldCount];
        var (isShort, isLong) = (new bool[shape.FieldCount], new bool[shape.FieldCount]);
        var (points, commas) = (0L, 0L);
        using var row = new RowReader(_path, shape);
        while (row.Read())
        {
            for (var i = 0; i < Math.Min(row.Count, shape.FieldCount); i++)
            {
                var field = shape.Columns[i].IsNumber && !time.Columns.Contains(i) && (given is null || given.Contains(i)) ? row.Chars(i) : default;
                if (!field.ContainsAny('.', ','))
                {
                    if (!_missing.IsText(field) && Cell.TryRead(field, DecimalSign.Point, out var bare, out _) && (bare >= 0 || !_missing.IsCandidate(bare)))
                    {
                        isShort[i] |= Math.Abs(bare) < 1000;
                        isLong[i] |= Math.Abs(bare) >= 1000;
                    }

                    continue;
                }

                var text = Cell.NumberOf(field);
                var forms = Numbers.FormsOf(text);
                if (forms is NumberForms.WithPoint or NumberForms.WithComma)
                {
                    return shape with { Decimal = forms == NumberForms.WithPoint ? DecimalSign.Point : DecimalSign.Comma };
                }

                if (forms == NumberForms.None)
                {
                    continue;
                }

                marked[i] ??= (row.Line, text.ToString());
                points += text.Contains('.') ? 1 : 0;
                commas += text.Contains(',') ? 1 : 0;
            }
        }

        if (shape.Separator != ',' && Enumerable.Range(0, shape.FieldCount).FirstOrDefault(index => marked[index] is not null && isShort[index] && !isLong[index], -1) is >= 0 and var column)
        {
            var (line, number) = marked[column]!.Value;
            throw new ReplayFileException(Format.Text(
                $"line {line}, {shape.Column(column)}: {Format.Quoted(number)} can have three decimals or be a whole number above 1,000, and no line of the file tells which: give {_setting(nameof(ReplayOptions.DecimalSign))}=point or comma"));
        }

        return shape with
        {
            Decimal = shape.Separator != ',' && commas > 0 && points == 0 ? DecimalSign.Comma : DecimalSign.Point,
            AssumedMark = points > 0 ? "point" : commas > 0 ? "comma" : null,
        };
    }

    // Further rows of a column may show its sign. If none does, its numbers can be read both ways, whatever the other columns are.
    private FileShape Sure(FileShape shape, List<int> unsure, DecimalSign told)
    {
        var first = new (long Line, string Text)?[shape.FieldCount];
        var longest = new double[shape.FieldCount];
        using var row = new RowReader(_path, shape);
        while (unsure.Count > 0 && row.Read())
        {
            foreach (var index in unsure.Where(index => index < row.Count).ToList())
            {
                var text = Cell.NumberOf(row.Chars(index)).ToString();
                var forms = Numbers.FormsOf(text);
                switch (forms)
                {
                    case NumberForms.WithPoint or NumberForms.WithComma when forms == (told == DecimalSign.Point ? NumberForms.WithPoint : NumberForms.WithComma):
                        unsure.Remove(index);
                        break;
                    case NumberForms.WithPoint or NumberForms.WithComma:
                        throw SeveralSigns(shape, [index, .. Enumerable.Range(0, shape.FieldCount).Where(other => shape.Columns[other].Sign == told)]);
                    case NumberForms.Both when text.AsSpan().ContainsAny('.', ','):
                        first[index] ??= (row.Line, text);
                        break;
                    case NumberForms.Both when !_missing.IsText(text) && Cell.TryRead(text, DecimalSign.Point, out var whole, out _) && (whole >= 0 || !_missing.IsCandidate(whole)):
                        longest[index] = Math.Max(longest[index], Math.Abs(whole));
                        break;
                }
            }
        }

        if (unsure.Count == 0)
        {
            return shape with { Decimal = told };
        }

        // Numbers of three digits between them, and none of more, or two columns and most that have the other sign: the mark separates thousands.
        var others = shape.Columns.Count(column => column.Sign == told);
        if (unsure.TrueForAll(index => longest[index] is >= 100 and < 1000) || (others >= 2 && others > unsure.Count))
        {
            return shape with { Decimal = told, AssumedMark = told == DecimalSign.Point ? "comma" : "point" };
        }

        var column = unsure[0];
        var (line, number) = first[column]!.Value;
        throw new ReplayFileException(Format.Text(
            $"line {line}, {shape.Column(column)}: {Format.Quoted(number)} can have three decimals or be a whole number above 1,000, and only other columns have a decimal {(told == DecimalSign.Point ? "point" : "comma")}: give {_setting(nameof(ReplayOptions.DecimalSign))}=point or comma, or leave columns out, {_setting(nameof(ReplayOptions.Columns))}=…"));
    }

    private ReplayFileException SeveralSigns(FileShape shape, IReadOnlyList<int> columns)
    {
        (long Line, int Column, string Text)? point = null, comma = null;
        using var row = new RowReader(_path, shape);
        while ((point is null || comma is null) && row.Read())
        {
            foreach (var index in columns.Where(index => index < row.Count && !_missing.IsText(row.Chars(index))))
            {
                var forms = Cell.FormsOf(row.Chars(index));
                point ??= forms == NumberForms.WithPoint && shape.Columns[index].Sign is not DecimalSign.Comma ? (row.Line, index, row[index]) : null;
                comma ??= forms == NumberForms.WithComma && shape.Columns[index].Sign is not DecimalSign.Point ? (row.Line, index, row[index]) : null;
            }
        }

        return new ReplayFileException(point is null || comma is null ? $"holds numbers with a decimal point and with a decimal comma: give {_setting(nameof(ReplayOptions.DecimalSign))}=point or comma" : Format.Text(
            $"line {point.Value.Line}, {shape.Column(point.Value.Column)}: {Format.Quoted(point.Value.Text)} has a decimal point, and in line {comma.Value.Line}, {shape.Column(comma.Value.Column)}, {Format.Quoted(comma.Value.Text)} has a decimal comma: name columns that are alike, {_setting(nameof(ReplayOptions.Columns))}=…, and where only one of these is a decimal sign give {_setting(nameof(ReplayOptions.DecimalSign))}=point or comma"));
    }

    // All columns of numbers that are not the time; row numbers are not values.
    private static List<ColumnCheck> Usual(FileShape shape, TimePlan time, List<LeftOutColumn> leftOut)
    {
        var columns = new List<ColumnCheck>();
        for (var index = 0; index < shape.FieldCount; index++)
        {
            var sample = shape.Columns[index];
            if (time.Columns.Contains(index))
            {
                continue;
            }

            var why = sample.IsTime || sample.IsClock ? "holds times"
                : sample.IsNumber && IsRowNumber(shape, index) ? RowNumbers
                : index == LongTable.SeriesNumber(shape) ? "numbers the series of InfluxDB"
                : LongTable.IsTag(shape, index) ? "is a tag of InfluxDB"
                : sample.IsNumber && TimePlan.IsSecondTime(shape, index) ? "holds times"
                : sample is { IsNumber: true, IsWhole: true, IsConstant: true } && (sample.Numbered > 1 || shape.Columns.Any(column => column.Numbered > 1)) && LongTable.IsOfPlace(shape, index) ? "numbers the device or the place"
                : !sample.IsEmpty && !sample.IsNumber ? "holds texts"
                : null;
            if (why is null)
            {
                columns.Add(new ColumnCheck(index));
            }
            else
            {
                leftOut.Add(new LeftOutColumn(index, shape.Names[index], why));
            }
        }

        if (columns.Count == 0)
        {
            // Row numbers are values if there are no other numbers.
            columns.AddRange(leftOut.Where(column => column.Why == RowNumbers).Select(column => new ColumnCheck(column.Index)));
            leftOut.RemoveAll(column => column.Why == RowNumbers);
        }

        return columns;
    }

    internal static bool IsRowNumber(FileShape shape, int index)
    {
        var sample = shape.Columns[index];
        var name = shape.Names[index].ToLowerInvariant();
        return shape.HeaderLine is not null && sample.IsCount && sample.Numbered > 1 && sample.Least is 0 or 1
            && (name is "no" or "no." or "nr" or "nr." or "id" or "index" or "idx" or "#" or "row" or "rownum" or "instant" or "record" or "rn" or "unnamed: 0"
                || name.StartsWith("column ", StringComparison.Ordinal));
    }

    private List<TimeAccount> AccountsOf(TimePlan time, TimeZoneInfo zone, bool isFalling)
    {
        DateOrder? order = _options.DateOrder?.ToLowerInvariant() switch
        {
            null or "" => null,
            "day-first" => DateOrder.DayFirst,
            "month-first" => DateOrder.MonthFirst,
            "year-first" => DateOrder.YearFirst,
            _ => throw new ReplayFileException($"{_setting(nameof(ReplayOptions.DateOrder))} = {_options.DateOrder}: must be one of day-first, month-first, year-first"),
        };
        return [.. (order is { } one ? [one] : time.HasText ? (DateOrder[])[DateOrder.DayFirst, DateOrder.MonthFirst, DateOrder.YearFirst] : [DateOrder.YearFirst]).Select(each => new TimeAccount(each, new ZoneClock(zone, isFalling)))];
    }

    // Returns whether the row's date depends on the order.
    private static bool Account(List<TimeAccount> accounts, RowClock clock, TimePlan time, RowReader row, FileShape shape)
    {
        DateTime? before = null;
        var differs = false;
        var isRead = false;
        foreach (var account in accounts)
        {
            if (account.WrongLine is not null)
            {
                continue;
            }

            var written = clock.Written;
            var utc = clock.Counted;
            var isText = time.Kind is TimeKind.Text or TimeKind.Calendar;
            // Only three numbers of at most two digits can begin with the year.
            if (isText && (!account.Zone.TryUtc(written, account.Order, out utc) || (account.Order == DateOrder.YearFirst && written.Form == DateForm.DayOrMonthFirst && accounts.Count > 1)))
            {
                account.WrongLine = row.Line;
                continue;
            }

            isRead = true;
            differs |= before is { } other && other != utc;
            before = utc;
            account.HasOrder |= isText && written.Form is DateForm.DayOrMonthFirst or DateForm.AnyOrder;
            account.HasPoints |= isText && written.HasPoints;
            account.NamesNoZone |= isText && written.Offset is null;
            account.Add(utc, row.Line);
            if (differs && account.Question is null)
            {
                account.Question = (row.Line, clock.Text(row));
            }
        }

        return isRead ? differs : throw NoDay(accounts, row, shape, time, clock);
    }

    private static ReplayFileException NoDay(List<TimeAccount> accounts, RowReader row, FileShape shape, TimePlan time, RowClock clock)
    {
        var text = clock.Text(row);
        var others = accounts.Where(account => account.WrongLine != row.Line && account.Order != DateOrder.YearFirst).ToList();
        return others is [var other, ..]
            ? new ReplayFileException(Format.Text(
                $"line {row.Line}, {shape.Column(time.Columns[0])}: {Format.Quoted(text)} is no date that is written {NameOf(accounts.Last(account => account.WrongLine == row.Line).Order)}, and line {other.WrongLine} is none that is written {NameOf(other.Order)}: make them alike"))
            : new ReplayFileException(Format.Text(
                $"line {row.Line}, {shape.Column(time.Columns[0])}: {Format.Quoted(text)} is no date{(accounts.Count == 1 && accounts[0].Order != DateOrder.YearFirst ? $" that is written {NameOf(accounts[0].Order)}" : "")}: correct it, or remove the line"));
    }

    private TimeAccount? Decide(List<TimeAccount> accounts, bool orderMatters, FileShape shape, TimePlan time)
    {
        var left = Likely(accounts.FindAll(account => account.WrongLine is null));
        if (left.Count > 1 && orderMatters && left.Any(account => account.HasOrder) && left.FirstOrDefault(account => account.Question is not null)?.Question is var (line, text))
        {
            var orders = string.Join(" or ", left.Select(account => NameOf(account.Order)));
            throw new ReplayFileException(Format.Text(
                $"line {line}, {shape.Column(time.Columns[0])}: {Format.Quoted(text)} can be read {orders}, and no line of the file tells which: give {_setting(nameof(ReplayOptions.DateOrder))}={orders}"));
        }

        return left.FirstOrDefault();
    }

    // A two-digit year can look like a day. Points mean that the year is last: 13.02.24. Otherwise an order is unlikely if it puts times into the future, or
    // makes them go back where another order makes them only rise or only fall.
    private static List<TimeAccount> Likely(List<TimeAccount> accounts)
    {
        if (accounts.Find(account => account.Order == DateOrder.YearFirst) is not { HasOrder: true } yearFirst || accounts.Count == 1)
        {
            return accounts;
        }

        var now = DateTime.UtcNow.AddDays(1);
        var others = accounts.FindAll(account => account != yearFirst);
        var (ofYearFirst, ofOthers) = (Implausibility(yearFirst), others.Min(Implausibility));
        return ofYearFirst > ofOthers ? others : ofYearFirst < ofOthers ? [yearFirst] : accounts;

        int Implausibility(TimeAccount account) => (account.Most > now ? 4 : 0) + (account is { Forward: > 0, Backward: > 0 } ? 2 : 0) + (account.HasPoints && account == yearFirst ? 1 : 0);
    }

    private ReplayFileException NoTime(RowReader row, FileShape shape, TimePlan time, RowClock clock) => new(Format.Text(
        $"line {row.Line}, {shape.Column(time.Columns[0])}: {Format.Quoted(clock.Text(row))} is no time: correct it, remove the line or put # before it, or give {_setting(nameof(ReplayOptions.TimeColumn))}=none and {_setting(nameof(ReplayOptions.Interval))}, the time from row to row"));

    private void RefuseLong(RowReader row, FileShape shape)
    {
        for (var i = shape.FieldCount; i < row.Count; i++)
        {
            if (!row.IsEmpty(i))
            {
                throw new ReplayFileException(Format.Text(
                    $"line {row.Line}, column {i + 1}: {Format.Quoted(row[i])} is one field more than the {shape.FieldCount} of the other rows: quote what holds a {Csv.NameOf(shape.Separator)}, or give {_setting(nameof(ReplayOptions.Separator))}"));
            }
        }
    }

    /// <summary>Adds a row of a long table: its name is a sensor, or a device with a sensor for each value column.</summary>
    private void AddNamed(LongTable table, Dictionary<string, ColumnCheck[]> named, RowReader row, DecimalSign sign, bool isGiven, FileShape shape)
    {
        var name = table.NameIn(row);
        if (!named.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var checks))
        {
            if (name.IsEmpty)
            {
                throw new ReplayFileException(Format.Text($"line {row.Line}, {shape.Column(table.Name)}: names no sensor: write its name, or remove the line"));
            }

            if ((named.Count + 1) * table.Values.Length > MostSensors)
            {
                throw new ReplayFileException(Format.Text(
                    $"line {row.Line}, {shape.Column(table.Name)}: {Format.Quoted(name.ToString())} is one more sensor than the {MostSensors} that are replayed at once: split the file, or give {_setting(nameof(ReplayOptions.NameColumn))}=none where the column names no sensors"));
            }

            var text = name.ToString();
            named[text] = checks = [.. table.Values.Select(column => new ColumnCheck(column, text))];
        }

        foreach (var check in checks)
        {
            // An export holds only stored values, none of which is missing.
            Add(check, row, sign, isGiven, shape, mayBeMissing: !table.IsExport || _missing.IsGiven);
        }

        if (table.IsExport)
        {
            // Type and unit are as they were stored, and part of the sensor's name here.
            checks[0].Type ??= row.Exact(table.Type!.Value) is { Length: > 0 } type ? type : null;
            checks[0].Unit ??= row.Exact(table.Unit!.Value);
            return;
        }

        if (table.Unit is { } unit && !_missing.IsText(row.Chars(unit)))
        {
            Note(checks[0], row, row.Chars(unit), unit, shape);
        }
    }

    // The unit column of a long table with one value column is read with the names.
    private static List<UnitColumn> UnitColumnsOf(FileShape shape, TimePlan time, LongTable? table, List<ColumnCheck> columns, int[]? given)
    {
        if (table is { IsExport: true } or { Unit: not null })
        {
            return [];
        }

        int[] values = table?.Values ?? (given is null ? [.. columns.Select(column => column.Index)] : [.. given, .. ValuesBeside(shape, time, table, given)]);
        return [.. UnitColumn.Find(shape, [.. values.Where(index => shape.Columns[index].IsNumber)], Enumerable.Range(0, shape.FieldCount).Except(time.Columns).Except(table?.Names ?? []).Except(given ?? []))];
    }

    // Columns of numbers that are not replayed because others are chosen: a unit may be theirs.
    private static int[] ValuesBeside(FileShape shape, TimePlan time, LongTable? table, int[]? given) =>
        table is not null || given is null ? [] : [.. Usual(shape, time, []).Select(column => column.Index).Where(index => shape.Columns[index].IsNumber).Except(given)];

    /// <summary>Gives each value the unit in its unit column, where this can belong to only one value column.</summary>
    /// <param name="checks">The value columns, and the unit of each by the setting; null if it gives none.</param>
    /// <param name="unitColumns">The unit columns.</param>
    /// <param name="shape">How the file is written.</param>
    /// <param name="beside">The columns of numbers that are not replayed.</param>
    /// <param name="leftOut">The columns that are not replayed.</param>
    /// <exception cref="ReplayFileException">A unit changes, is not known, contradicts another, or can belong to several columns.</exception>
    private void BindUnits(List<(ColumnCheck Check, string? Given)> checks, List<UnitColumn> unitColumns, FileShape shape, int[] beside, List<LeftOutColumn> leftOut)
    {
        foreach (var column in unitColumns)
        {
            var bound = new HashSet<int>();
            foreach (var group in checks.GroupBy(each => each.Check.Name ?? "", StringComparer.Ordinal))
            {
                if (column.UnitsOf(group.Key) is { Count: > 0 } units && ValueOf([.. group], column, units, shape, beside) is var (check, given))
                {
                    Bind(check, given, column, units, shape);
                    bound.Add(check.Index);
                }
            }

            if (bound.Count > 0)
            {
                leftOut.RemoveAll(other => other.Index == column.Index);
                leftOut.Add(new LeftOutColumn(column.Index, shape.Names[column.Index], $"names the unit of {string.Join(" and ", bound.Order().Select(shape.Column))}"));
            }
        }
    }

    // Returns the only column that a unit can belong to; null if its column is not replayed, or if all columns have their units elsewhere.
    private (ColumnCheck Check, string? Given)? ValueOf(List<(ColumnCheck Check, string? Given)> checks, UnitColumn column, IReadOnlyList<UnitInRow> units, FileShape shape, int[] beside)
    {
        if (column.Of is { } of)
        {
            return checks.FindIndex(each => each.Check.Index == of) is >= 0 and var at ? checks[at] : null;
        }

        if (checks is [var only] && beside.Length == 0)
        {
            return only;
        }

        var open = checks.FindAll(each => each.Given is null && each.Check.Unit is null && shape.Units[each.Check.Index] is null);
        if (open.Count == 0 && (checks.Exists(each => each.Given is not null) || units[0].Symbol is null))
        {
            return null;
        }

        CheckOne(null, column, units, shape);
        var (unit, text) = (units[0].Symbol!, units[0].Text);
        var isGiven = checks.Exists(each => each.Given is { } given && Contracts.UnitWords.SymbolOf(given) == unit);
        var isNamed = checks.Exists(each => each.Given is null && (each.Check.Unit ?? shape.Units[each.Check.Index]) == unit) || beside.Any(index => shape.Units[index] == unit);
        var fit = open.FindAll(each => MayMeasure(shape.Measured[each.Check.Index], unit));
        int[] fitBeside = [.. beside.Where(index => shape.Units[index] is null && MayMeasure(shape.Measured[index], unit))];
        if (isGiven || (isNamed && fit.Count == 0))
        {
            return null;
        }

        if (!isNamed && fit.Count + fitBeside.Length == 1)
        {
            return fit.Count == 1 ? fit[0] : null;
        }

        int[] may = [.. fit.Select(each => each.Check.Index).Concat(fitBeside).Order()];
        int[] named = may.Length > 0 ? may : [.. checks.Select(each => each.Check.Index)];
        throw new ReplayFileException(Format.Text(
            $"line {units[0].Line}, {shape.Column(column.Index)}: {Format.Quoted(text)} can be the unit of {(may.Length == 0 ? "none" : "any")} of {string.Join(", ", named.Take(12).Select(shape.Column))}{(isNamed ? ", or of a column whose name has it" : "")}: give {_setting(nameof(ReplayOptions.Units))}={string.Join(',', named.Take(2).Select(index => Format.Text($"{index + 1}={(may.Length == 0 ? "its unit" : text)}")))} or the like, a unit for each column that has none"));
    }

    // A unit of one type is not that of another: only a temperature is in °F.
    private static bool MayMeasure(string name, string unit) => !LongTable.IsBesideValue(name) && (Units.TypeOf(name, null) is not { } type || Contracts.UnitWords.OfType(type.Name).Contains(unit)
        || !Contracts.SensorCatalog.Types.Keys.Any(other => Contracts.UnitWords.OfType(other).Contains(unit)));

    private void Bind(ColumnCheck check, string? given, UnitColumn column, IReadOnlyList<UnitInRow> units, FileShape shape)
    {
        var other = check.Unit ?? shape.Units[check.Index];
        // Texts beside a unit of the header, or of the setting, are something else, such as machines.
        if (units[0].Symbol is null && (given ?? other) is not null)
        {
            return;
        }

        CheckOne(check, column, units, shape);
        var first = units[0];
        if (given is null && other is not null && other != first.Symbol)
        {
            throw new ReplayFileException(Format.Text(
                $"line {first.Line}, {shape.Column(column.Index)}: {Format.Quoted(first.Text)} is in {first.Symbol}, and {(check.Unit is null ? "the header names" : Format.Text($"line {check.UnitLine} is in"))} {other}: correct one of them, or give {_setting(nameof(ReplayOptions.Units))}={check.Index + 1}=the unit"));
        }

        check.Unit ??= first.Symbol;
    }

    private void CheckOne(ColumnCheck? check, UnitColumn column, IReadOnlyList<UnitInRow> units, FileShape shape)
    {
        var of = check?.Name is { } name ? $" of {Format.Quoted(name)}" : "";
        if (units.FirstOrDefault(unit => unit.Symbol is null) is { } unknown)
        {
            throw new ReplayFileException(Format.Text(
                $"line {unknown.Line}, {shape.Column(column.Index)}: {Format.Quoted(unknown.Text)}{of} is no known unit: give {_setting(nameof(ReplayOptions.Units))}={(check is null ? "COLUMN" : Format.Text($"{check.Index + 1}"))}=the unit{(check is null ? " for each column that has none" : "")}"));
        }

        if (units.Count > 1)
        {
            throw new ReplayFileException(Format.Text(
                $"line {units[1].Line}, {shape.Column(column.Index)}: {Format.Quoted(units[1].Text)}{of} is in {units[1].Symbol}, and line {units[0].Line} is in {units[0].Symbol}: convert one of them, or remove the line{(check is null ? $", or give {_setting(nameof(ReplayOptions.Units))} for each column that has no unit" : "")}"));
        }
    }

    /// <summary>Checks a unit in a row: it must be the same as in the other rows.</summary>
    private static void Note(ColumnCheck column, RowReader row, ReadOnlySpan<char> unit, int at, FileShape shape)
    {
        if (unit.SequenceEqual(column.UnitText))
        {
            return;
        }

        var symbol = Contracts.UnitWords.SymbolOf(unit.ToString());
        var (other, where) = column.Unit is { } first ? (first, Format.Text($"line {column.UnitLine} is in {first}"))
            : column.Name is null && shape.Units[column.Index] is { } ofHeader ? (ofHeader, Format.Text($"the header names {ofHeader}"))
            : (symbol, "");
        if (other != symbol)
        {
            var of = column.Name is { } name ? $" of {Format.Quoted(name)}" : "";
            throw new ReplayFileException(Format.Text($"line {row.Line}, {shape.Column(at)}: {Format.Quoted(row[at])}{of} is in {symbol}, and {where}: convert one of them, or remove the line"));
        }

        column.Letter ??= at == column.Index && unit.Length == 1 && char.IsAsciiLetter(unit[0]) ? (row.Line, row[at], unit.ToString()) : null;
        if (column.Unit is null)
        {
            (column.Unit, column.UnitText, column.UnitLine) = (symbol, unit.ToString(), row.Line);
        }
    }

    /// <param name="mayBeMissing">Whether numbers may stand for missing values.</param>
    private void Add(ColumnCheck column, RowReader row, DecimalSign sign, bool isGiven, FileShape shape, bool mayBeMissing)
    {
        var text = row.Chars(column.Index);
        if (_missing.IsText(text))
        {
            column.Missing++;
            if (!text.IsEmpty)
            {
                column.Markers++;
                CountMissing(text);
            }
        }
        else if (!Cell.TryRead(text, sign, out var value, out var unit))
        {
            if (isGiven)
            {
                throw NoNumber(row.Line, column.Index, row[column.Index], shape);
            }

            column.Texts++;
            column.FirstText ??= (row.Line, row[column.Index]);
        }
        else
        {
            var isCandidate = mayBeMissing && _missing.IsCandidate(value);
            if (!unit.IsEmpty)
            {
                Note(column, row, unit, column.Index, shape);
                column.HasUnit |= unit.Length > 1 || !char.IsAsciiLetter(unit[0]);
            }
            else if (!isCandidate)
            {
                column.HasBare = true;
            }

            column.Add(value, isCandidate);
        }
    }

    private void CountMissing(ReadOnlySpan<char> text)
    {
        if (_missingLookup.TryGetValue(text, out var count) || _missingTexts.Count < MissingTextsKept)
        {
            _missingLookup[text] = count + 1;
        }
    }

    private ReplayFileException NoNumber(long line, int column, string text, FileShape shape)
    {
        var other = shape.Decimal == DecimalSign.Point ? DecimalSign.Comma : DecimalSign.Point;
        var remedy = Numbers.TryRead(text, other, out _)
            ? $"the file's decimal sign is the {(shape.Decimal == DecimalSign.Point ? "point" : "comma")}: correct it, or give {_setting(nameof(ReplayOptions.DecimalSign))}{(shape.FieldCount > 2 ? $", or leave the column out, {_setting(nameof(ReplayOptions.Columns))}=…" : "")}"
            : $"correct it, or let it stand for a missing value, {_setting(nameof(ReplayOptions.Missing))}={Format.Shell(text.ReplaceLineEndings(" "))}";
        return new ReplayFileException(Format.Text($"line {line}, {shape.Column(column)}: {Format.Quoted(text)} is no number: {remedy}"));
    }

    private List<ReplayColumn> Settle(List<ColumnCheck> checks, FileShape shape, ColumnNames names, List<LeftOutColumn> leftOut, bool areGiven, LongTable? table, Dictionary<string, Range> sensors, List<UnitColumn> unitColumns, int[] beside)
    {
        var kept = new List<ColumnCheck>();
        var dropped = new List<(ColumnCheck Check, string Why)>();
        // A number that is far from the values of one column stands for a missing value in the other columns, too.
        var sign = shape.Decimal!.Value;
        var confirmed = checks.SelectMany(check => _missing.Decide(check.Candidates, check.Least, check.Most)).ToHashSet();
        foreach (var check in checks)
        {
            var isMissing = check.Values == 0 && check.Candidates.Keys.All(confirmed.Contains);
            if (isMissing || check.Texts > check.Values + check.Candidates.Values.Sum())
            {
                if (areGiven)
                {
                    throw new ReplayFileException($"{_setting(nameof(ReplayOptions.Columns))} = {_options.Columns}: {shape.Column(check.Index)} holds no number in the whole file: name other columns");
                }

                // Numbers with the other decimal sign are no texts.
                if (check.FirstText is var (at, written) && Cell.TryRead(written, sign == DecimalSign.Point ? DecimalSign.Comma : DecimalSign.Point, out _, out _))
                {
                    throw NoNumber(at, check.Index, written, shape);
                }

                dropped.Add((check, check.Texts > 0 ? "holds texts" : "holds nothing"));
                continue;
            }

            if (check.FirstText is var (line, text))
            {
                throw NoNumber(line, check.Index, text, shape);
            }

            kept.Add(check);
        }

        switch (kept.Count)
        {
            case 0:
                throw new ReplayFileException("no column holds numbers beside the time: a column of values is needed");
            case > MostSensors:
                throw new ReplayFileException(Format.Text($"has {kept.Count} columns of numbers: at most {MostSensors} are replayed at once, name them, {_setting(nameof(ReplayOptions.Columns))}=…"));
        }

        var columnsKept = kept.Select(check => check.Index).ToHashSet();
        var isOneName = checks.TrueForAll(check => check.Name == checks[0].Name);
        leftOut.AddRange(dropped.Select(each => new LeftOutColumn(
            each.Check.Index,
            each.Check.Name is not { } name ? shape.Names[each.Check.Index]
                : table is { HasSeveral: true } ? columnsKept.Contains(each.Check.Index) ? $"{name}-{shape.Names[each.Check.Index]}" : shape.Names[each.Check.Index]
                : LongTable.IdOf(name),
            each.Why)).Distinct());
        foreach (var (place, check) in table is null ? [] : kept.Index())
        {
            sensors[check.Name!] = (sensors.TryGetValue(check.Name!, out var places) ? places.Start : place)..(place + 1);
        }

        var isByName = table is { HasSeveral: false };
        // The sensors of an export with one id have their settings together.
        var firstOf = table is not { IsExport: true } ? [] : kept.Index().GroupBy(each => LongTable.IdOf(each.Item.Name!), StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First().Index, StringComparer.Ordinal);
        Func<string, int?>? find = !isByName ? null
            : table!.IsExport ? name => firstOf.TryGetValue(name, out var first) ? first : null
            : name => sensors.TryGetValue(name, out var places) ? places.Start.Value : null;
        var types = names.Map(_options.Types, nameof(ReplayOptions.Types), find);
        var units = names.Map(_options.Units, nameof(ReplayOptions.Units), find);
        BindUnits(kept.Index().Select(each => (each.Item, units.GetValueOrDefault(KeyOf(each.Item, each.Index)))).ToList(), unitColumns, shape, [.. beside.Where(index => !kept.Exists(check => check.Index == index))], leftOut);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        return [.. kept.Select((check, place) => Column(
            check, NameOf(check), kept.Count == 1, table, shape, types.GetValueOrDefault(KeyOf(check, place)), units.GetValueOrDefault(KeyOf(check, place)), ids, confirmed))];

        int KeyOf(ColumnCheck check, int place) => !isByName ? check.Index : table!.IsExport ? firstOf[LongTable.IdOf(check.Name!)] : place;

        // The name of the only device adds nothing to the names of its columns.
        string? NameOf(ColumnCheck check) =>
            table is not { HasSeveral: true } ? check.Name : isOneName ? null : $"{check.Name}-{shape.Measured[check.Index]}";
    }

    private ReplayColumn Column(ColumnCheck check, string? named, bool isOne, LongTable? table, FileShape shape, string? typeOf, string? unitOf, HashSet<string> ids, HashSet<double> confirmed)
    {
        var header = shape.Measured[check.Index];
        // With one value column, name and unit may be in the name of the sensor.
        var isByName = table is { HasSeveral: false };
        var (name, ofName) = !isByName ? (named ?? header, null) : table!.IsExport ? (LongTable.IdOf(named!), null) : table.Other is not null ? SplitTwo(named!) : Units.Split(named!);
        var measured = isByName ? name : header;
        CheckLetter(check, unitOf, shape, header, measured);
        if (table is not { IsExport: true } && unitOf is null)
        {
            CheckScale(check, shape, header, isByName ? check.Name! : null);
        }

        var givenType = typeOf ?? _options.SensorType ?? check.Type;
        var unit = table is { IsExport: true } && unitOf is null ? check.Unit ?? "" : unitOf is null ? check.Unit ?? (ofName is not null ? Contracts.UnitWords.SymbolOf(ofName) : shape.Units[check.Index]) : Contracts.UnitWords.SymbolOf(unitOf);
        var percent = Contracts.SensorCatalog.Humidity.Unit;
        var isFraction = unit == "1" && (table is not { IsExport: true } || unitOf is not null)
            && (givenType is null ? Units.TypeOf(measured, percent) ?? (isByName ? Units.TypeOf(header, percent) : null) : Contracts.SensorCatalog.Types.GetValueOrDefault(givenType))?.Unit == percent;
        unit = isFraction ? percent : unit;
        // In a long table, the header of the value column may name what all values measure.
        var byName = givenType is null ? Units.TypeOf(measured, unit) ?? (isByName ? Units.TypeOf(header, unit) : null) : null;
        // An energy without a unit may be in W or kWh: it is a type of its own.
        var isEnergy = givenType is null && unit is null && (byName == Contracts.SensorCatalog.Energy || Units.IsEnergy(measured));
        byName = isEnergy ? null : byName;
        var isUnitOfType = unit is null && table is not { IsExport: true };
        // A single series without type and unit has always been assumed to be a temperature.
        var isAssumed = givenType is null && byName is null && isOne && unit is null && !isEnergy && !Units.IsState(measured)
            && Units.SaysNothing(header) && (!isByName || Units.SaysNothing(name));
        var type = givenType ?? byName?.Name ?? (isAssumed ? Contracts.SensorCatalog.Temperature.Name : shape.HeaderLine is null ? "value" : TypeOf(isEnergy && !Units.IsEnergy(measured) ? header : measured, unit));
        // A value that was stored without a unit has none.
        unit ??= table is { IsExport: true } ? "" : Contracts.SensorCatalog.Types.GetValueOrDefault(type)?.Unit ?? "";
        if (isUnitOfType && byName is not null && !MayBeIn(type, check.Least, check.Most))
        {
            throw new ReplayFileException(Format.Text(
                $"{shape.Column(check.Index)}: values of {Format.Number(check.Least)} to {Format.Number(check.Most)} are no {type} in {unit}, and nothing names another unit: give {_setting(nameof(ReplayOptions.Units))}={(isByName ? check.Name : check.Index + 1)}={(type == Contracts.SensorCatalog.Humidity.Name ? "1 for fractions" : "Pa, kPa, bar or another")}, or {_setting(nameof(ReplayOptions.Types))}={(isByName ? check.Name : check.Index + 1)}=another type"));
        }

        if (unit.Length > 32 || type.Length > 100)
        {
            throw new ReplayFileException($"{shape.Column(check.Index)}: the unit {unit} or the type {type} is too long: at most 32 and 100 characters are allowed");
        }

        var markers = check.Candidates.Keys.Where(candidate => confirmed.Contains(candidate) && (_missing.IsGiven || candidate < check.Least || candidate > check.Most)).ToFrozenSet();
        double[] suspected = [.. check.Candidates.Keys.Where(candidate => !markers.Contains(candidate) && _missing.IsSuspected(candidate, check.Least, check.Most)).Order()];
        foreach (var (number, count) in check.Candidates)
        {
            if (markers.Contains(number))
            {
                check.Missing += count;
                var text = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
                if (_missingTexts.ContainsKey(text) || _missingTexts.Count < MissingTextsKept)
                {
                    _missingTexts[text] = _missingTexts.GetValueOrDefault(text) + count;
                }
            }
            else
            {
                check.Keep(number, count);
            }
        }

        var id = table is { IsExport: true } ? Checked(_options.SensorId is { } prefix ? $"{prefix}-{name}" : name, check.Index, shape) : IdOf(check.Index, name, isOne, shape, ids);
        var known = Contracts.SensorCatalog.Types.GetValueOrDefault(type);
        // The consumers convert the type's thresholds to the unit.
        var limits = known is not null && known.Unit == unit ? known : null;
        var (warning, critical) = (_options.WarningThreshold ?? limits?.Warning, _options.CriticalThreshold ?? limits?.Critical);
        var (least, most) = isFraction ? (Contracts.Fraction.ToPercent(check.Least), Contracts.Fraction.ToPercent(check.Most)) : (check.Least, check.Most);
        return warning >= critical
            ? throw new ReplayFileException(Format.Text(
                $"{_setting(nameof(ReplayOptions.WarningThreshold))} = {warning}: must be below {_setting(nameof(ReplayOptions.CriticalThreshold))} = {critical}, which holds for {id}"))
            : new ReplayColumn(check.Index, name, id, type, unit, check.Values, check.Missing, least, most, markers, warning, critical) { IsFraction = isFraction, IsAssumed = isAssumed, IsUnitAssumed = isUnitOfType && byName is not null && MayBeInAnother(type, check.Least, check.Most), Suspected = suspected };
    }

    // A letter behind a number may be its unit, a multiplier (1.2 K are 1,200) or the mark of a state (45s is suspect).
    private void CheckLetter(ColumnCheck check, string? unitOf, FileShape shape, string header, string measured)
    {
        if (check.Letter is not var (line, text, letter) || unitOf is not null)
        {
            return;
        }

        // A letter is in its usual case, or that of a temperature: m is a metre, M is none.
        var isWritten = Contracts.UnitWords.IsWritten(letter) || letter is "c" or "f";
        if (!isWritten || (!check.HasUnit && check.HasBare && shape.Units[check.Index] is null && !Units.IsOfName(header, letter) && !Units.IsOfName(measured, letter)))
        {
            throw new ReplayFileException(Format.Text(
                $"line {line}, {shape.Column(check.Index)}: {Format.Quoted(text)} ends with the letter {letter}, which can be a unit, a multiplier or a mark{(isWritten ? ", and other values of the column have none" : "")}: write the number out, or give the unit of all values, {_setting(nameof(ReplayOptions.Units))}={(check.Name is null ? check.Index + 1 : check.Name)}={letter}, or let it stand for a missing value, {_setting(nameof(ReplayOptions.Missing))}={Format.Shell(text)}"));
        }
    }

    // Numbers of tenths are none in the plain unit.
    private void CheckScale(ColumnCheck check, FileShape shape, string header, string? sensor)
    {
        foreach (var name in sensor is null ? (string[])[header] : [header, Units.Split(sensor).Name])
        {
            if (Units.ScaleIn(name, shape.Measured) is not { } scale || (scale[0] == '/' && name != header) || (Units.TypeOf(name, null) is null && check.Unit is null && shape.Units[check.Index] is null && _options.SensorType is null))
            {
                continue;
            }

            var of = sensor ?? Format.Text($"{check.Index + 1}");
            var plain = Units.TypeOf(name, null)?.Unit ?? check.Unit ?? shape.Units[check.Index] ?? "UNIT";
            throw new ReplayFileException(Format.Text(
                $"{shape.Column(check.Index)}: {Format.Quoted(scale)} in the name {Format.Quoted(name)} says that the numbers are scaled, and they are not converted: divide or multiply them in the file, or give {_setting(nameof(ReplayOptions.Units))}={of}={plain} if they are in {plain} as they are, or {_setting(nameof(ReplayOptions.Units))}={of}=0.1 {plain} or the like for a unit of their own"));
        }
    }

    // Of a name of two columns, each may have a unit; one letter alone is a name.
    private static (string Name, string? Unit) SplitTwo(string named) => (named, named.Split(" / ").Select(part => Units.Split(part).Unit).FirstOrDefault(unit => unit is not null));

    // An air pressure in Pa or bar is far from its value in hPa, and no air is as dry as 1 %.
    private static bool MayBeIn(string type, double least, double most) => least > most
        || (type == Contracts.SensorCatalog.Pressure.Name ? most >= 300 && least <= 1200 : type != Contracts.SensorCatalog.Humidity.Name || most > 1 || most <= 0);

    // A temperature around the freezing point is near 273 in K, and a vibration may be in g.
    private static bool MayBeInAnother(string type, double least, double most) =>
        type == Contracts.SensorCatalog.Vibration.Name || (type == Contracts.SensorCatalog.Temperature.Name && least >= 230 && most <= 330);

    // The rules of a known type are not converted to this unit, so it must be a different type.
    private static string TypeOf(string name, string? unit) =>
        Slug(name, "value", 80) is var slug && Contracts.SensorCatalog.Types.ContainsKey(slug) ? $"{slug}-{Slug(unit ?? "", "other", 19)}" : slug;

    private string IdOf(int index, string name, bool isOne, FileShape shape, HashSet<string> ids)
    {
        if (isOne)
        {
            return _options.SensorId ?? "replay-sensor-001";
        }

        var slug = Slug(name, Format.Text($"column-{index + 1}"), 200);
        var prefix = _options.SensorId ?? "replay";
        var id = $"{prefix}-{slug}";
        for (var number = 2; !ids.Add(id); number++)
        {
            id = Format.Text($"{prefix}-{slug}-{number}");
        }

        return Checked(id, index, shape);
    }

    private string Checked(string id, int index, FileShape shape) =>
        id.Length <= 255 ? id : throw new ReplayFileException($"{shape.Column(index)}: the sensor's id {id} is longer than 255 characters: give a shorter {_setting(nameof(ReplayOptions.SensorId))}");

    private static string Slug(string name, string absent, int most)
    {
        var slug = new StringBuilder();
        foreach (var rune in name.ToLowerInvariant().EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || rune.Value is '.' or '_')
            {
                slug.Append(rune);
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        var text = slug.ToString().Trim('-', '_', '.');
        return text.Length == 0 ? absent : text.Length > most ? text[..most] : text;
    }

    /// <summary>Counts of a column.</summary>
    /// <param name="index">The index of the column.</param>
    /// <param name="name">The name of the sensor in a long table; null if the column is a sensor.</param>
    private sealed class ColumnCheck(int index, string? name = null)
    {
        public int Index => index;

        public string? Name => name;

        /// <summary>The type in the rows; null if there is none.</summary>
        public string? Type { get; set; }

        /// <summary>The unit in the rows; null if there is none.</summary>
        public string? Unit { get; set; }

        /// <summary>The unit as it was written first.</summary>
        public string UnitText { get; set; } = "";

        public long UnitLine { get; set; }

        /// <summary>The first value followed by a single letter; null if there is none.</summary>
        public (long Line, string Text, string Letter)? Letter { get; set; }

        /// <summary>Whether a value is followed by a unit of several letters, or a sign.</summary>
        public bool HasUnit { get; set; }

        /// <summary>Whether a value is followed by nothing.</summary>
        public bool HasBare { get; set; }

        public long Values { get; private set; }

        public long Missing { get; set; }

        public long Markers { get; set; }

        public long Texts { get; set; }

        public (long Line, string Text)? FirstText { get; set; }

        public double Least { get; private set; } = double.PositiveInfinity;

        public double Most { get; private set; } = double.NegativeInfinity;

        /// <summary>Numbers that may stand for a missing value; they are not counted in <see cref="Values"/> yet.</summary>
        public Dictionary<double, long> Candidates { get; } = [];

        public void Add(double value, bool isCandidate)
        {
            if (isCandidate)
            {
                Candidates[value] = Candidates.GetValueOrDefault(value) + 1;
            }
            else
            {
                Keep(value, 1);
            }
        }

        public void Keep(double value, long count)
        {
            Values += count;
            Least = Math.Min(Least, value);
            Most = Math.Max(Most, value);
        }
    }

    /// <summary>The times of the file when dates are read in one order.</summary>
    private sealed class TimeAccount(DateOrder order, ZoneClock zone)
    {
        private DateTime? _last;

        public DateOrder Order => order;

        public ZoneClock Zone => zone;

        /// <summary>The first line that cannot be read in this order.</summary>
        public long? WrongLine { get; set; }

        /// <summary>A line whose date is different in another order.</summary>
        public (long Line, string Text)? Question { get; set; }

        public bool HasOrder { get; set; }

        public bool HasPoints { get; set; }

        public bool NamesNoZone { get; set; }

        public DateTime First { get; private set; }

        public DateTime Last => _last ?? default;

        public DateTime Least { get; private set; } = DateTime.MaxValue;

        public DateTime Most { get; private set; }

        public long Forward { get; private set; }

        public long Backward { get; private set; }

        public long Duplicates { get; private set; }

        public long? FirstBackwardLine { get; private set; }

        public TimeSpan ForwardSum { get; private set; }

        public TimeSpan BackwardSum { get; private set; }

        public TimeSpan LongestGap { get; private set; }

        // The sum of steps to the year 9999 and back soon exceeds the range of TimeSpan.
        private static TimeSpan Sum(TimeSpan one, TimeSpan other) => one > TimeSpan.MaxValue - other ? TimeSpan.MaxValue : one + other;

        public void Add(DateTime utc, long line)
        {
            if (_last is not { } last)
            {
                First = utc;
            }
            else if (utc > last)
            {
                Forward++;
                ForwardSum = Sum(ForwardSum, utc - last);
                LongestGap = utc - last > LongestGap ? utc - last : LongestGap;
            }
            else if (utc < last)
            {
                Backward++;
                BackwardSum = Sum(BackwardSum, last - utc);
                FirstBackwardLine ??= line;
            }
            else
            {
                Duplicates++;
            }

            _last = utc;
            Least = utc < Least ? utc : Least;
            Most = utc > Most ? utc : Most;
        }
    }

    /// <summary>Checks whether the times of each name never decrease.</summary>
    private sealed class OrderByName
    {
        private readonly Dictionary<string, DateTime>.AlternateLookup<ReadOnlySpan<char>> _last = new Dictionary<string, DateTime>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

        public bool IsForward { get; private set; } = true;

        public void Add(ReadOnlySpan<char> name, DateTime time)
        {
            IsForward &= !_last.TryGetValue(name, out var before) || time >= before;
            if (IsForward)
            {
                _last[name] = time;
            }
        }
    }
}
