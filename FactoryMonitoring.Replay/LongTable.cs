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

    /// <summary>Returns the columns that may name sensors or devices, whatever the first rows contain.</summary>
    public static int[] MayName(FileShape shape, TimePlan time, int[] chosen) =>
    [
        .. Columns(shape, time, index => !chosen.Contains(index)
            && (((IsText(shape, index) || IsTag(shape, index)) && !(shape.HeaderLine is not null && UnitName().IsMatch(shape.Names[index])))
                || (shape.HeaderLine is not null && shape.Columns[index].IsNumber && !IsTag(shape, index) && !ReplayCheck.IsRowNumber(shape, index) && IdWords().IsMatch(shape.Names[index])))),
    ];

    private static int[] NameOf(string path, FileShape shape, TimePlan time, MissingMarkers missing, int[] chosen, string setting)
    {
        var hasHeader = shape.HeaderLine is not null;
        var texts = Columns(shape, time, index => (IsText(shape, index) || IsTag(shape, index)) && !chosen.Contains(index) && !(hasHeader && UnitName().IsMatch(shape.Names[index])));
        var ids = Columns(shape, time, index => hasHeader && shape.Columns[index].IsNumber && !IsTag(shape, index) && !chosen.Contains(index) && !ReplayCheck.IsRowNumber(shape, index) && IdWords().IsMatch(shape.Names[index]));
        int? series = hasHeader && SeriesNumber(shape) is { } table && !time.Columns.Contains(table) && !chosen.Contains(table) ? table : null;
        if ((texts.Count == 0 && ids.Count == 0 && series is null) || (chosen.Length == 0 && Numbers(shape, time, -1).Count == 0))
        {
            return [];
        }

        var rows = NamedRows.Read(path, shape, time, missing, [.. texts, .. ids, .. series is { } number ? [number] : Array.Empty<int>()]);
        var isOneValue = (chosen.Length > 0 ? chosen.Length : ValuesBeside(shape, time, -1).Except(ids).Count()) == 1;
        var found = texts.Where(index => hasHeader && NameWords().IsMatch(shape.Names[index]) && (isOneValue || rows.Repeats(index)))
            .Concat(ids.Where(rows.AreIds).Where(index => IdEnd().IsMatch(shape.Names[index]) ? rows.Repeats(index) : rows.ToldByTimes(index))).ToList();
        if (!found.Exists(index => rows.Names(index) > 1) && texts.Where(index => rows.Names(index) > 1 && rows.ToldByTimes(index)).ToList() is { Count: > 0 } told)
        {
            found = told;
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

        if (found.Count == 0)
        {
            return OfSeveral(shape, rows, [.. texts.Concat(ids.Where(rows.AreIds)).Where(index => rows.Names(index) > 1)], series, setting);
        }

        // A field or a host alone does not name a series of InfluxDB.
        if (found is [var single] && series is { } ofSeries && rows.Names(ofSeries) > 1 && !rows.ToldByTimes(single, mayBeFew: true) && rows.ToldByTimes(ofSeries, mayBeFew: true))
        {
            return OfSeveral(shape, rows, [.. texts.Where(index => rows.Names(index) > 1)], series, setting);
        }

        return found.Count <= 1 ? [.. found] : throw new ReplayFileException(
            $"{string.Join(" and ", found.Select(shape.Column))} may name the sensor of each row: give {setting}=one of them, {setting}={found[0] + 1},{found[1] + 1} where two are one name, or {setting}=none where neither does");
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
        Columns(shape, time, index => index != name && shape.Columns[index].IsNumber && !ReplayCheck.IsRowNumber(shape, index) && index != SeriesNumber(shape) && !IsTag(shape, index));

    private static bool IsText(FileShape shape, int index) => shape.Columns[index] is { IsEmpty: false, IsNumber: false, IsTime: false, IsClock: false };

    [GeneratedRegex("^(sensor|tag|point|channel|signal|metric|variable|var|parameter|item|series|device|station|node|mote|meter|machine|asset|equipment|location|site|room|kanal|messstelle|geraet|gerät|standort|anlage|maschine)([ _.-]?(id|name|key|no|nr|label))?$|^(name|tagname|pointname|measurement|quantity|attribute|key|kennung)$|^(entity|unit|site|plant|source)[ _.-]?(id|name)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NameWords();

    [GeneratedRegex("^(sensors?|device|station|node|mote|meter|machine|location|tag|point|channel|asset|entity|unit|site)([ _.-]?(id|no|nr|number|key))?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IdWords();

    [GeneratedRegex("^location$|^(sensors?|device|station|node|mote|meter|machine|location|tag|point|channel|asset|entity|unit|site)[ _.-]?(id|no|nr|number|key)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NoValue();

    // Station numbers of the KNMI, NOAA and the DWD; a table number of InfluxDB.
    [GeneratedRegex("^(stn|station|stations_id|usaf|wban|wmo|table)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PlaceNumber();

    [GeneratedRegex("(id|no|nr|number|key)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IdEnd();

    [GeneratedRegex("^(units?|uom|einheit|(unit|units)[ _]?of[ _]?measure(ment)?)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UnitName();

    [GeneratedRegex("^(var|tag|sensor|point)?[ _.-]?(value|val|reading|wert|messwert)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ValueName();

    [GeneratedRegex("^(quality|validity|valid|status|state|flags?|qc|lat|latitude|lon|lng|long|longitude|alt|altitude|height|elevation|time_?ms)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BesideValue();

    /// <summary>The first rows of the columns that may name devices.</summary>
    private sealed class NamedRows
    {
        private readonly Dictionary<int, string[]> _cells;
        private readonly DateTime?[] _times;
        private readonly int _direction;
        private readonly int _outOfOrder;

        private NamedRows(Dictionary<int, string[]> cells, DateTime?[] times)
        {
            (_cells, _times) = (cells, times);
            var steps = times.Zip(times.Skip(1), (one, next) => next.HasValue && one.HasValue ? next.Value.CompareTo(one.Value) : 1).ToList();
            _direction = steps.Count(step => step > 0) >= steps.Count(step => step < 0) ? 1 : -1;
            _outOfOrder = steps.Count(step => step != _direction);
        }

        public int Count => _times.Length;

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

            return last.Count > 1 && last.Count * 2 <= Count && left * 20 <= _outOfOrder;
        }

        /// <summary>Returns whether both columns together distinguish the rows of the same time, and neither of them alone does.</summary>
        /// <param name="least">The minimum number of rows that the first column alone does not distinguish.</param>
        public bool ToldByTimes(int column, int other, int least)
        {
            int Left(Func<int, string> name)
            {
                var last = new Dictionary<string, DateTime>(StringComparer.Ordinal);
                var left = 0;
                for (var row = 0; row < _times.Length; row++)
                {
                    if (_times[row] is { } at)
                    {
                        left += last.TryGetValue(name(row), out var before) && at.CompareTo(before) != _direction ? 1 : 0;
                        last[name(row)] = at;
                    }
                }

                return left;
            }

            return Left(row => _cells[column][row]) >= least && Left(row => _cells[other][row]) > 0 && Left(row => $"{_cells[column][row]}\n{_cells[other][row]}") == 0;
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
