using System.Globalization;
using System.Text.RegularExpressions;

namespace FactoryMonitoring.Replay;

/// <summary>A file in which each row names the sensor, or the device, that its values belong to.</summary>
/// <param name="Name">The name column.</param>
/// <param name="Values">The value columns: if there are several, each is a sensor of each name.</param>
/// <param name="Unit">The unit column of a single value column; null if there is none.</param>
/// <param name="Other">A second name column, which distinguishes what the first does not, such as the devices of each site; null if there is none.</param>
/// <param name="IsExport">Whether the file is the product's own export: the names are the sensors' ids, and the rows have all fields that were stored.</param>
internal sealed partial record LongTable(int Name, int[] Values, int? Unit, int? Other = null, bool IsExport = false)
{
    /// <summary>The columns of the product's own export.</summary>
    private const int SensorId = 1, SensorType = 2, Value = 3, UnitOfValue = 4, AlertLevel = 5, Quality = 6, Section = 7, Machine = 8, Zone = 9;

    private const string ExportHeader = "timestamp,sensor_id,sensor_type,value,unit,alert_level,quality,factory_section,machine_id,zone,reading_count,sequence_id,processed_by_consumer,processing_timestamp,log_id,kafka_partition,kafka_offset,backfill";

    /// <summary>The minimum number of rows that show which of two columns determines the other.</summary>
    private const int FewRows = 4;

    private const int RowsLookedAt = 3000;

    /// <summary>Rows of which at least half have one time: the names of so many devices need not repeat.</summary>
    private const int ManyRows = 100;

    /// <summary>Stands between id, type and unit of an export's sensor: no id, type or unit contains it.</summary>
    private const char BehindId = '\0';

    /// <summary>The name columns.</summary>
    public int[] Names => Other is { } other ? [Name, other] : [Name];

    /// <summary>Returns the name of the row's sensor or device; valid until another field is read.</summary>
    public ReadOnlySpan<char> NameIn(RowReader row) => Other is { } other ? row.Chars(Name, other)
        : !IsExport ? row.Chars(Name)
        : row.Exact(Name) is { Length: > 0 } id ? $"{id}{BehindId}{row.Exact(SensorType)}{BehindId}{row.Exact(UnitOfValue)}" : "";

    /// <summary>Returns the id of a sensor of the product's own export: its readings may have several types and units, each with its own count of values.</summary>
    public static string IdOf(string name) => name.IndexOf(BehindId, StringComparison.Ordinal) is >= 0 and var end ? name[..end] : name;

    public bool HasSeveral => Values.Length > 1;

    /// <summary>The column of the sensors' types; null if there is none.</summary>
    public int? Type => IsExport ? SensorType : null;

    /// <summary>The columns that are read.</summary>
    public IEnumerable<int> Read => IsExport ? Enumerable.Range(SensorId, Zone) : [.. Names, .. Values, .. Unit is { } unit ? [unit] : Array.Empty<int>()];

    /// <summary>Returns the fields that were stored with a row's value; null if the file is not an export.</summary>
    public StoredFields? StoredIn(RowReader row) => !IsExport ? null : new StoredFields(
        Text(row.Exact(AlertLevel)),
        double.TryParse(row[Quality], NumberStyles.Float, CultureInfo.InvariantCulture, out var quality) ? quality : null,
        new Contracts.SensorLocation(Text(row.Exact(Section)), Text(row.Exact(Machine)), Text(row.Exact(Zone))));

    private static string? Text(string field) => field.Length > 0 ? field : null;

    /// <summary>Returns whether the file is readings.csv as <c>/api/export</c> writes it.</summary>
    public static bool IsOwnExport(FileShape shape) => string.Join(',', shape.HeaderText) == ExportHeader;

    /// <param name="late">Name columns that were found in the rows after the first ones; null before those were read.</param>
    /// <returns>Null if each column is a sensor.</returns>
    /// <exception cref="ReplayFileException">The columns cannot be identified, or the setting names no column.</exception>
    public static LongTable? Find(string path, FileShape shape, TimePlan time, MissingMarkers missing, ReplayOptions options, ColumnNames names, SettingName setting, int[]? late = null)
    {
        var nameColumn = setting(nameof(ReplayOptions.NameColumn));
        var chosen = options.Columns is { Length: > 0 } columns && !columns.Equals("all", StringComparison.OrdinalIgnoreCase)
            ? names.Find(columns, nameof(ReplayOptions.Columns)).Distinct().ToArray() : null;
        int[] found;
        if (options.NameColumn is { Length: > 0 } given)
        {
            if (given.Equals("none", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }

            found = [.. names.Find(given, nameof(ReplayOptions.NameColumn)).Distinct()];
            if (found.Length is not (1 or 2))
            {
                throw new ReplayFileException($"{nameColumn} = {given}: must be one column, or two whose names together are one");
            }

            if (found.FirstOrDefault(time.Columns.Contains, -1) is >= 0 and var timed)
            {
                throw new ReplayFileException($"{nameColumn} = {given}: {shape.Column(timed)} is the time: name the column of the sensors' names, or another time, {setting(nameof(ReplayOptions.TimeColumn))}=…");
            }
        }
        else if (chosen is null && time.Columns is [0] && IsOwnExport(shape))
        {
            return new LongTable(SensorId, [Value], UnitOfValue, IsExport: true);
        }
        else if ((late ?? NameOf(path, shape, time, missing, chosen ?? [], nameColumn)) is { Length: > 0 } told)
        {
            found = told;
        }
        else
        {
            return null;
        }

        var (name, other) = (found[0], found.Length > 1 ? found[1] : (int?)null);
        var values = chosen ?? [.. ValuesBeside(shape, time, name).Where(index => index != other)];
        if (values.Length == 0)
        {
            return options.NameColumn is { Length: > 0 }
                ? throw new ReplayFileException($"{shape.Column(name)} names the sensor of each row, and no other column holds numbers: a column of values is needed")
                : null;
        }

        if (found.FirstOrDefault(values.Contains, -1) is >= 0 and var twice)
        {
            throw new ReplayFileException($"{nameColumn} = {options.NameColumn}: {shape.Column(twice)} is one of {setting(nameof(ReplayOptions.Columns))} too: must be another column than those of the values");
        }

        int? unit = values is [var value]
            ? Columns(shape, time, index => index != name && index != value && UnitName().IsMatch(shape.Names[index])).Cast<int?>().FirstOrDefault() : null;
        return new LongTable(name, values, unit, other);
    }

    // Columns that are still empty may have values further on.
    private static int[] ValuesBeside(FileShape shape, TimePlan time, int name)
    {
        var numbers = Numbers(shape, time, name);
        // The number of a place or a device is not a value.
        if (numbers.FindAll(index => !NoValue().IsMatch(shape.Names[index])) is { Count: > 0 } without)
        {
            numbers = without;
        }

        if (numbers.Count < 2)
        {
            return [.. numbers];
        }

        var named = numbers.Where(index => ValueName().IsMatch(shape.Names[index])).ToList();
        return named is [var value] && numbers.TrueForAll(index => index == value || BesideValue().IsMatch(shape.Names[index]))
            ? [value] : [.. Columns(shape, time, index => numbers.Contains(index) || (index != name && shape.Columns[index].IsEmpty && !UnitName().IsMatch(shape.Names[index])))];
    }

    /// <summary>Returns whether a column of numbers, by its name, identifies the device or the place of the rows.</summary>
    public static bool IsOfPlace(FileShape shape, int index) => shape.HeaderLine is not null && (NoValue().IsMatch(shape.Names[index]) || PlaceNumber().IsMatch(shape.Names[index]));

    /// <summary>Returns whether a column, by its name, tells of the state or the place of a value and is no quantity.</summary>
    public static bool IsBesideValue(string name) => BesideValue().IsMatch(name) || StateName().IsMatch(name);

    /// <summary>Returns the columns that may name sensors or devices, whatever the first rows contain.</summary>
    public static int[] MayName(FileShape shape, TimePlan time, int[] chosen) =>
    [
        .. Columns(shape, time, index => !chosen.Contains(index)
            && (IsName(shape, index)
                || (shape.HeaderLine is not null && shape.Columns[index].IsNumber && !IsTag(shape, index) && !ReplayCheck.IsRowNumber(shape, index) && IdWords().IsMatch(shape.Names[index])))),
        // The number of the first device, where others follow.
        .. Columns(shape, time, index => !chosen.Contains(index) && shape.Columns[index] is { IsConstant: true, Numbered: > 1 } && IsNumberOfSome(shape, index) && ValuesBeside(shape, time, index).Length > 0),
    ];

    /// <summary>Refuses columns that were found in the rows after the first ones, unless their names or their rows make certain that they name devices.</summary>
    /// <exception cref="ReplayFileException">The columns are not certain.</exception>
    public static void CheckLate(FileShape shape, int[] found, bool isSure, string setting)
    {
        if (found is [var one] && (shape.Columns[one].IsNumber ? !IdWords().IsMatch(shape.Names[one]) && !EndsAsId().IsMatch(shape.Names[one]) && !IsTag(shape, one) && one != SeriesNumber(shape)
            : !isSure && !NameWords().IsMatch(shape.Names[one])))
        {
            throw AskFor(shape, found, setting);
        }
    }

    private static ReplayFileException AskFor(FileShape shape, IReadOnlyList<int> found, string setting) => new(
        $"{string.Join(" or ", found.Select(shape.Column))} may name the sensor of each row, because times that repeat or go back do not among the rows of one name: give {setting}={string.Join(" or ", found.Select(index => index + 1))}, or {setting}=none where all rows are of one sensor");

    private static int[] NameOf(string path, FileShape shape, TimePlan time, MissingMarkers missing, int[] chosen, string setting)
    {
        var hasHeader = shape.HeaderLine is not null;
        var texts = Columns(shape, time, index => IsName(shape, index) && !chosen.Contains(index));
        var ids = Columns(shape, time, index => hasHeader && shape.Columns[index].IsNumber && !IsTag(shape, index) && !chosen.Contains(index) && !ReplayCheck.IsRowNumber(shape, index) && IdWords().IsMatch(shape.Names[index]));
        int? series = hasHeader && SeriesNumber(shape) is { } table && !time.Columns.Contains(table) && !chosen.Contains(table) ? table : null;
        var numbers = Columns(shape, time, index => IsNumberOfSome(shape, index) && !ids.Contains(index) && !chosen.Contains(index) && (chosen.Length > 0 || ValuesBeside(shape, time, index).Length > 0));
        if ((texts.Count == 0 && ids.Count == 0 && numbers.Count == 0 && series is null) || (chosen.Length == 0 && Numbers(shape, time, -1).Count == 0))
        {
            return [];
        }

        var rows = NamedRows.Read(path, shape, time, missing, [.. texts, .. ids, .. numbers, .. series is { } number ? [number] : Array.Empty<int>()]);
        var isOneValue = (chosen.Length > 0 ? chosen.Length : ValuesBeside(shape, time, -1).Except(ids).Count()) == 1;
        var found = texts.Where(index => hasHeader && NameWords().IsMatch(shape.Names[index]) && (isOneValue || rows.Repeats(index)))
            .Concat(ids.Where(rows.AreIds).Where(index => IdEnd().IsMatch(shape.Names[index]) ? rows.Repeats(index) : rows.ToldByTimes(index))).ToList();
        var isTold = false;
        if (!found.Exists(index => rows.Names(index) > 1) && texts.Where(index => rows.Names(index) > 1 && rows.ToldByTimes(index)).ToList() is { Count: > 0 } told)
        {
            (found, isTold) = (told, true);
        }

        if (found.Count > 1 && rows.Count >= FewRows)
        {
            // A device and its room: the room adds no information.
            found = found.Exists(index => rows.Names(index) > 1) ? found.FindAll(index => rows.Names(index) > 1) : found[..1];
            found = found.FindAll(index => found.TrueForAll(other => rows.Determines(index, other))) is { Count: > 0 } finest ? finest[..1] : found;
        }

        if (found is [var first, var second] && rows.ToldByTimes(first, second, least: 1))
        {
            return [.. new[] { first, second }.Order()];
        }

        // A device number that is unique only within a site names no device by itself. A state that changes now and then
        // does not distinguish a quarter of the rows.
        if (found is [var one] && texts.Concat(ids).Where(index => index != one && rows.ToldByTimes(one, index, least: (rows.Count + 3) / 4)).ToList() is [var beside, ..])
        {
            return [.. new[] { one, beside }.Order()];
        }

        if (found.Count == 0 && OfSeveral(shape, rows, [.. texts.Concat(ids.Where(rows.AreIds)).Where(index => rows.Names(index) > 1)], series, setting) is { Length: > 0 } several)
        {
            return several;
        }

        if (found.Count <= 1 && OfNumbers(shape, rows, [.. found.Where(index => rows.Names(index) > 1)], texts, [.. ids.Concat(numbers).Except(found).Where(rows.AreIds)], setting) is { Length: > 0 } numbered)
        {
            return numbered;
        }

        if (isTold && found is [var only] && !rows.IsOfDevices(only))
        {
            throw AskFor(shape, found, setting);
        }

        // A field or a host alone does not name a series of InfluxDB.
        if (found is [var single] && series is { } ofSeries && rows.Names(ofSeries) > 1 && !rows.ToldByTimes(single, mayBeFew: true) && rows.ToldByTimes(ofSeries, mayBeFew: true))
        {
            return OfSeveral(shape, rows, [.. texts.Where(index => rows.Names(index) > 1)], series, setting);
        }

        return found.Count <= 1 ? [.. found] : throw new ReplayFileException(
            $"{string.Join(" and ", found.Select(shape.Column))} may name the sensor of each row: give {setting}=one of them, {setting}={found[0] + 1},{found[1] + 1} where two are one name, or {setting}=none where neither does");
    }

    // Where no name tells the rows of one time apart, the number of a device may. A name ends with id or number; any other is asked for.
    private static int[] OfNumbers(FileShape shape, NamedRows rows, int[] named, List<int> texts, int[] numbers, string setting)
    {
        var isMuch = rows.Left(named) * 10 >= rows.Count;
        var told = Array.FindAll(numbers, index => isMuch ? rows.AreTold(named, index, IsId(index)) : named.Length == 0 && rows.AreNumbersInBlocks(index));
        if (Array.FindAll(told, IsId) is [var id])
        {
            return [.. named.Append(id).Order()];
        }

        if (told.Length > 0)
        {
            throw AskFor(shape, told, setting);
        }

        if (isMuch && named.Length == 0)
        {
            int[] all = [.. texts.Concat(numbers).Where(index => rows.Names(index) > 1)];
            foreach (var one in all)
            {
                if (Array.Find(all, other => other > one && rows.AreToldByTimes([one, other]) && rows.AreFew([one, other])) is var beside and > 0)
                {
                    throw new ReplayFileException($"{shape.Column(one)} and {shape.Column(beside)} together may name the sensor of each row, because times that repeat or go back do not among the rows of both: give {setting}={one + 1},{beside + 1}, or {setting}=none where all rows are of one sensor");
                }
            }

            if (rows.Backward * 10 >= rows.Count && all.Length > 0)
            {
                throw new ReplayFileException($"the times of {rows.Backward} of the first {rows.Count} rows are before that of the row above, and no column tells whose rows these are: give {setting}=the column that names the sensor of each row, or {setting}=none where all rows are of one sensor");
            }
        }

        return [];

        bool IsId(int index) => EndsAsId().IsMatch(shape.Names[index]) || IdWords().IsMatch(shape.Names[index]);
    }

    // Where no text alone tells the rows of one time apart, two may: each host has the same fields. InfluxDB numbers its series besides.
    private static int[] OfSeveral(FileShape shape, NamedRows rows, int[] texts, int? series, string setting)
    {
        foreach (var one in texts)
        {
            if (Array.Find(texts, other => other > one && rows.AreToldByTimes([one, other])) is var beside and > 0)
            {
                return [one, beside];
            }
        }

        if (series is { } number && rows.Names(number) > 1 && rows.ToldByTimes(number, mayBeFew: true))
        {
            return [number];
        }

        return texts.Length < 3 || !rows.AreToldByTimes(texts) ? [] : throw new ReplayFileException(
            $"the times repeat or go back, and only the texts of {string.Join(", ", texts.Select(shape.Column))} together tell the rows of one time apart: write those that name a sensor into one column and give {setting}=that column, or give {setting}=one or two of them, or {setting}=none where the rows are of one sensor");
    }

    /// <summary>Returns the column in which InfluxDB numbers the series of its CSV; null if the file is none of InfluxDB's.</summary>
    public static int? SeriesNumber(FileShape shape) =>
        Array.IndexOf(shape.Names, "table") is >= 0 and var table && shape.HeaderLine is not null && shape.Columns[table] is { IsNumber: true, IsWhole: true } && Array.Exists(shape.Names, name => name is "_value" or "_time") ? table : null;

    /// <summary>Returns whether a column of numbers is a tag of InfluxDB, whose values are all in one column.</summary>
    public static bool IsTag(FileShape shape, int index) =>
        shape.Columns[index].IsNumber && SeriesNumber(shape) is { } series && index != series && !shape.Names[index].StartsWith('_') && shape.Names.Contains("_value", StringComparer.Ordinal);

    private static List<int> Columns(FileShape shape, TimePlan time, Func<int, bool> isLike) =>
        [.. Enumerable.Range(0, shape.FieldCount).Where(index => !time.Columns.Contains(index) && isLike(index))];

    private static List<int> Numbers(FileShape shape, TimePlan time, int name) =>
        Columns(shape, time, index => index != name && shape.Columns[index].IsNumber && !ReplayCheck.IsRowNumber(shape, index) && !TimePlan.IsSecondTime(shape, index) && index != SeriesNumber(shape) && !IsTag(shape, index));

    // A state or a unit names no device, whatever changes with it.
    private static bool IsName(FileShape shape, int index) => (IsText(shape, index) || IsTag(shape, index))
        && !(shape.HeaderLine is not null && shape.Names[index] is var name && (UnitName().IsMatch(name) || UnitColumn.IsLike(shape, index) || StateName().IsMatch(name) || BesideValue().IsMatch(name)));

    private static bool IsNumberOfSome(FileShape shape, int index) => shape.Columns[index] is { IsNumber: true, IsWhole: true, Least: >= 0 } && index != SeriesNumber(shape) && !IsTag(shape, index)
        && !ReplayCheck.IsRowNumber(shape, index) && !(shape.HeaderLine is not null && (BesideValue().IsMatch(shape.Names[index]) || StateName().IsMatch(shape.Names[index])));

    private static bool IsText(FileShape shape, int index) => shape.Columns[index] is { IsEmpty: false, IsNumber: false, IsTime: false, IsClock: false };

    [GeneratedRegex("^(sensor|tag|point|channel|signal|metric|variable|var|parameter|item|series|device|station|node|mote|meter|machine|asset|equipment|location|site|room|kanal|messstelle|geraet|gerät|standort|anlage|maschine)([ _.-]?(id|name|key|no|nr|label))?$|^(name|tagname|pointname|measurement|quantity|attribute|key|kennung)$|^(entity|unit|site|plant|source)[ _.-]?(id|name)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NameWords();

    [GeneratedRegex("^(sensors?|device|station|node|mote|meter|machine|location|tag|point|channel|asset|entity|unit|site)([ _.-]?(id|no|nr|num|number|key))?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IdWords();

    [GeneratedRegex("^location$|^(sensors?|device|station|node|mote|meter|machine|location|tag|point|channel|asset|entity|unit|site)[ _.-]?(id|no|nr|num|number|key)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NoValue();

    // Station numbers of the KNMI, NOAA and the DWD; a table number of InfluxDB; the serial number of a logger.
    [GeneratedRegex("^(stn|station|stations_id|usaf|wban|wmo|table|serial[ _.-]?(no|nr|num|number)?[.]?|s/?n|seriennummer)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PlaceNumber();

    [GeneratedRegex("(id|no|nr|num|number|key)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IdEnd();

    // turbine_id, TurbID, room_no; "grid" and "humid" end otherwise.
    [GeneratedRegex("[ _.-](?i:id|no|nr|num|number|key)$|(?<=[a-z])(ID|Id|No|Nr|Num|Number|Key)$", RegexOptions.CultureInvariant)]
    private static partial Regex EndsAsId();

    [GeneratedRegex("(^|[ _.-])(quality|status|state|mode|validity|flags?|qc|events?|comments?|notes?|remarks?|messages?|zustand|qualit(ä|ae)t|betriebsart|bemerkung|kommentar|meldung)$|^weather|^wetter|(?-i:(?<=[a-z])(Status|State|Quality|Mode|Flag|Event|Comment|Message))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex StateName();

    [GeneratedRegex("^(units?|uom|einheit|(unit|units)[ _]?of[ _]?measure(ment)?)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UnitName();

    [GeneratedRegex("^(var|tag|sensor|point)?[ _.-]?(value|val|reading|wert|messwert)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ValueName();

    [GeneratedRegex("^((opc|q)?[ _]?quality([ _]?detail)?|v_?value|.*tagkey|status_?code|validity|valid|status|state|flags?|qc|lat|latitude|lon|lng|long|longitude|alt|altitude|height|elevation|time_?ms)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BesideValue();

    /// <summary>The first rows of the columns that may name devices.</summary>
    private sealed class NamedRows
    {
        private readonly Dictionary<int, string[]> _cells;
        private readonly DateTime?[] _times;
        private readonly int _direction;
        private readonly int _outOfOrder;
        private readonly int _mostAtOnce = 1;

        private NamedRows(Dictionary<int, string[]> cells, DateTime?[] times)
        {
            (_cells, _times) = (cells, times);
            var steps = times.Zip(times.Skip(1), (one, next) => next.HasValue && one.HasValue ? next.Value.CompareTo(one.Value) : 1).ToList();
            _direction = steps.Count(step => step > 0) >= steps.Count(step => step < 0) ? 1 : -1;
            _outOfOrder = steps.Count(step => step != _direction);
            Backward = steps.Count(step => step == -_direction);
            var atOnce = 1;
            foreach (var step in steps)
            {
                atOnce = step == _direction ? 1 : atOnce + 1;
                _mostAtOnce = Math.Max(_mostAtOnce, atOnce);
            }
        }

        public int Count => _times.Length;

        /// <summary>The number of rows whose time is before that of the row above.</summary>
        public int Backward { get; }

        public static NamedRows Read(string path, FileShape shape, TimePlan time, MissingMarkers missing, int[] columns)
        {
            var rows = new List<string[]>();
            var times = new List<DateTime?>();
            var clock = new RowClock(time, shape.Decimal ?? DecimalSign.Point, missing);
            var zone = new ZoneClock(TimeZoneInfo.Utc);
            using var row = new RowReader(path, shape);
            while (rows.Count < RowsLookedAt && row.Read())
            {
                rows.Add([.. columns.Select(column => missing.IsText(row.Chars(column)) ? "" : row[column])]);
                times.Add(time.Kind == TimeKind.None || clock.Read(row) != TimeReadOutcome.Read ? null
                    : time.Kind is not (TimeKind.Text or TimeKind.Calendar) ? clock.Counted
                    : Array.Find([DateOrder.DayFirst, DateOrder.MonthFirst, DateOrder.YearFirst], order => zone.TryUtc(clock.Written, order, out _)) is var order && zone.TryUtc(clock.Written, order, out var utc) ? utc : null);
            }

            return new NamedRows(columns.Index().ToDictionary(column => column.Item, column => rows.Select(cells => cells[column.Index]).ToArray()), [.. times]);
        }

        public int Names(int column) => _cells[column].Where(name => name.Length > 0).Distinct(StringComparer.Ordinal).Count();

        /// <summary>Returns whether names repeat. A different name in nearly every row is that of an event, unless many rows have the same time.</summary>
        public bool Repeats(int column) => Count <= 20 || _outOfOrder > 0 || Names(column) * 2 <= Count;

        public bool AreIds(int column) => _cells[column].All(text => text.Length == 0 || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _));

        /// <summary>Returns whether times that repeat or go back no longer do so among the rows of each name.</summary>
        /// <param name="mayBeFew">Whether names need not repeat.</param>
        public bool ToldByTimes(int column, bool mayBeFew = false)
        {
            if (_outOfOrder == 0 || Names(column) is var names && (names < 2 || (names * 2 > Count && !mayBeFew)))
            {
                return false;
            }

            var last = new Dictionary<string, DateTime>(StringComparer.Ordinal);
            var left = 0;
            foreach (var (name, time) in _cells[column].Zip(_times))
            {
                if (time is { } at)
                {
                    left += last.TryGetValue(name, out var before) && at.CompareTo(before) != _direction ? 1 : 0;
                    last[name] = at;
                }
            }

            return left * 4 <= _outOfOrder;
        }

        /// <summary>
        /// Returns whether times that repeat or go back no longer do so among the rows of each combination of names, and each combination repeats. Fewer than
        /// three such times may come from a clock.
        /// </summary>
        public bool AreToldByTimes(int[] columns)
        {
            if (_outOfOrder < 3)
            {
                return false;
            }

            return Steps(columns) is var (left, names) && names > 1 && names * 2 <= Count && left * 20 <= _outOfOrder;
        }

        /// <summary>Returns whether both columns together distinguish the rows of the same time, and neither of them alone does.</summary>
        /// <param name="least">The minimum number of rows that the first column alone does not distinguish.</param>
        public bool ToldByTimes(int column, int other, int least) => Left([column]) >= least && Left([other]) > 0 && Left([column, other]) == 0;

        /// <summary>Returns the number of times that repeat or go back among the rows of each combination of names.</summary>
        public int Left(int[] columns) => Steps(columns).Left;

        private (int Left, int Names) Steps(int[] columns)
        {
            var last = new Dictionary<string, DateTime>(StringComparer.Ordinal);
            var left = 0;
            for (var row = 0; row < _times.Length; row++)
            {
                if (_times[row] is { } at)
                {
                    var name = string.Join('\n', columns.Select(column => _cells[column][row]));
                    left += last.TryGetValue(name, out var before) && at.CompareTo(before) != _direction ? 1 : 0;
                    last[name] = at;
                }
            }

            return (left, last.Count);
        }

        /// <summary>Returns whether a number besides the names distinguishes rows of the same time, as that of a device does: in turn, or in blocks.</summary>
        /// <param name="isId">Whether its column is named so.</param>
        public bool AreTold(int[] named, int number, bool isId) => Steps([.. named, number]) is var (left, names) && left * 4 <= Left(named) && Names(number) > 1
            && (names * 2 <= Count || (_mostAtOnce * 2 > Count && Count >= ManyRows)) && (isId || AreFew([number]) || AreNumbersInBlocks(number));

        /// <summary>Returns whether there are about as many combinations of names as rows of one time: numbers that are values have more.</summary>
        public bool AreFew(int[] columns) => Steps(columns).Names <= 2 * _mostAtOnce;

        /// <summary>Returns whether names come in turn, so that many rows have the time of the row before, or in blocks, one behind the other. Those of a state do neither.</summary>
        public bool IsOfDevices(int column) => _outOfOrder * 4 >= Count || IsInBlocks(column);

        /// <summary>Returns whether times go back only where another number begins, and the number changes hardly elsewhere.</summary>
        public bool AreNumbersInBlocks(int column) => IsInBlocks(column) && _cells[column].Zip(_cells[column].Skip(1), (one, next) => one == next ? 0 : 1).Sum() <= 2 * _outOfOrder;

        /// <summary>Returns whether times go back only where another name begins: at least three times, or to near the beginning at a new name.</summary>
        public bool IsInBlocks(int column)
        {
            if (_outOfOrder == 0 || Backward != _outOfOrder)
            {
                return false;
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            var (cells, isNew) = (_cells[column], true);
            for (var row = 0; row < Count; row++)
            {
                var isBack = row > 0 && _times[row] is { } at && _times[row - 1] is { } before && at.CompareTo(before) == -_direction;
                if (isBack && cells[row] == cells[row - 1])
                {
                    return false;
                }

                isNew &= !isBack || (!seen.Contains(cells[row]) && IsNearBeginning(row));
                seen.Add(cells[row]);
            }

            return _outOfOrder >= 3 || isNew;

            bool IsNearBeginning(int row) => _times[0] is { } first && _times[row - 1] is { } last && (_times[row]!.Value - first).Duration() < (last - first).Duration() / 2;
        }

        /// <summary>Returns whether each name in the one column always occurs with the same name in the other.</summary>
        public bool Determines(int column, int other)
        {
            var beside = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (one, two) in _cells[column].Zip(_cells[other]))
            {
                if (!beside.TryAdd(one, two) && beside[one] != two)
                {
                    return false;
                }
            }

            return true;
        }
    }
}
