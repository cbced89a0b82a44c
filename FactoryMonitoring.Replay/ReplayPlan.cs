using System.Collections.Frozen;

namespace FactoryMonitoring.Replay;

/// <summary>A column that is replayed as a sensor.</summary>
/// <param name="Index">Its place among the columns, from 0 on.</param>
/// <param name="Name">As the header has it, without its unit.</param>
/// <param name="Unit">Empty where nothing names one.</param>
/// <param name="Values">Rows that have a value.</param>
/// <param name="Missing">Rows that have none, or a marker in its place.</param>
/// <param name="Least">Of the values, in the unit.</param>
/// <param name="Most">Of the values, in the unit.</param>
/// <param name="Markers">Numbers that stand for a missing value.</param>
/// <param name="Warning">In the unit; null where there is no such threshold.</param>
/// <param name="Critical">In the unit; null where there is no such threshold.</param>
public sealed record ReplayColumn(
    int Index, string Name, string SensorId, string SensorType, string Unit, long Values, long Missing, double Least, double Most, FrozenSet<double> Markers, double? Warning, double? Critical)
{
    /// <summary>Nothing names its type and its unit: it is taken for a temperature in °C.</summary>
    public bool IsAssumed { get; init; }
}

/// <summary>A column that is not replayed, and why.</summary>
public sealed record LeftOutColumn(int Index, string Name, string Why);

/// <summary>A row of the file.</summary>
/// <param name="Number">From 1 on, of the rows of values alone.</param>
/// <param name="Line">From 1 on.</param>
/// <param name="Time">Of UTC; null where the file has no times.</param>
/// <param name="TimeText">As it stands in the file; null where the file has no times.</param>
/// <param name="Values">Of each column of the plan; NaN where it is missing. In a long table those of the columns from <paramref name="Only"/> on, or none.</param>
/// <param name="Only">The first column of the plan that the row of a long table has values for, <paramref name="Values"/> the next ones; null where a row has them all.</param>
/// <param name="Stored">What was stored with the value, where the file is the product's own export.</param>
public sealed record ReplayRow(long Number, long Line, DateTime? Time, string? TimeText, double[] Values, int? Only = null, StoredFields? Stored = null);

/// <summary>What was stored with the value of a reading.</summary>
/// <param name="AlertLevel">normal, warning or critical; null where it was not known.</param>
/// <param name="Quality">1 is good, 0 is bad; null where it was not known.</param>
/// <param name="Location">Of the sensor.</param>
public sealed record StoredFields(string? AlertLevel, double? Quality, Contracts.SensorLocation Location);

/// <summary>What of a file's times was found.</summary>
/// <param name="Where">Columns and how they count, in words; null where there is none.</param>
/// <param name="First">Of UTC.</param>
/// <param name="Last">Of UTC.</param>
/// <param name="IsElapsed">They count from the file's beginning on, and are no dates.</param>
/// <param name="Order">day-first, month-first or year-first where a date could be read in more than one way.</param>
/// <param name="Zone">Of times that name none; null where all do, or where they count.</param>
/// <param name="Duplicates">Rows with the time of the row before.</param>
/// <param name="Backward">Rows whose time is before that of the row before.</param>
/// <param name="FirstBackwardLine">The first of them.</param>
/// <param name="WithoutTime">Rows that are passed over because they have none.</param>
/// <param name="Repeated">Times in an hour that the zone's clock repeats.</param>
/// <param name="LeftOut">Times in an hour that the zone's clock leaves out.</param>
/// <param name="LongestGap">Between a row and the next.</param>
/// <param name="IsNewestFirst">The file runs from the newest to the oldest, and is replayed from its end.</param>
/// <param name="IsByName">The rows of a long table stand one sensor after another, and are replayed by their times.</param>
public sealed record ReplayTimes(
    string? Where, DateTime First, DateTime Last, bool IsElapsed, string? Order, string? Zone, long Duplicates, long Backward, long? FirstBackwardLine,
    long WithoutTime, long Repeated, long LeftOut, TimeSpan LongestGap, bool IsNewestFirst, bool IsByName);

/// <summary>A file that was read once, from its beginning to its end, and can be replayed.</summary>
public sealed class ReplayPlan
{
    private readonly FileShape _shape;
    private readonly TimePlan _time;
    private readonly DateOrder _order;
    private readonly TimeZoneInfo _zone;
    private readonly MissingMarkers _missing;
    private readonly LongTable? _table;
    private readonly FrozenDictionary<string, Range> _sensors;

    /// <param name="shape">How the file is written.</param>
    /// <param name="time">Where its times are.</param>
    /// <param name="order">Of day, month and year.</param>
    /// <param name="zone">Of times that name none.</param>
    /// <param name="missing">What stands for a missing value.</param>
    /// <param name="table">Null where each column is a sensor.</param>
    /// <param name="sensors">Of a long table: the places among <see cref="Columns"/> by the name in the rows.</param>
    internal ReplayPlan(
        FileShape shape, TimePlan time, DateOrder order, TimeZoneInfo zone, MissingMarkers missing, LongTable? table, IReadOnlyDictionary<string, Range> sensors)
    {
        (_shape, _time, _order, _zone, _missing, _table) = (shape, time, order, zone, missing, table);
        _sensors = sensors.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The column that names the sensor of each row, in words; null where each column is a sensor.</summary>
    public string? NamedBy => _table is { } table ? string.Join(" and ", table.Names.Select(_shape.Column)) : null;

    /// <summary>Columns of values that each row of a long table has; 0 where each column is a sensor.</summary>
    public int ValuesPerName => _table?.Values.Length ?? 0;

    /// <summary>Values that the rows have room for.</summary>
    public long Cells => Rows * (_table?.Values.Length ?? Columns.Count);

    /// <summary>Full path.</summary>
    public required string File { get; init; }

    /// <summary>Bytes on the disk.</summary>
    public required long Length { get; init; }

    public required bool IsGzip { get; init; }

    public required string Encoding { get; init; }

    public required ReplayOptions Options { get; init; }

    /// <summary>Rows that are replayed.</summary>
    public required long Rows { get; init; }

    public required long Comments { get; init; }

    public required long Blanks { get; init; }

    /// <summary>Rows with fewer fields than the others; what they lack is missing.</summary>
    public required long ShortRows { get; init; }

    public required long RepeatedHeaders { get; init; }

    public required ReplayTimes Times { get; init; }

    public required IReadOnlyList<ReplayColumn> Columns { get; init; }

    public required IReadOnlyList<LeftOutColumn> LeftOut { get; init; }

    /// <summary>Texts that stand for a missing value, and how often each does; at most 20.</summary>
    public required IReadOnlyDictionary<string, long> MissingTexts { get; init; }

    /// <summary>The first rows as they stand in the file.</summary>
    public required IReadOnlyList<(long Line, string Text)> FirstRows { get; init; }

    /// <summary>From the first row to the last by the file's times; what goes backward takes no time.</summary>
    public required TimeSpan Span { get; init; }

    public long Readings => Columns.Sum(column => column.Values);

    /// <summary>How long the replay takes; a backfill takes as long as the pipeline needs.</summary>
    public TimeSpan Duration => Span.TotalSeconds / Options.SpeedUp < TimeSpan.MaxValue.TotalSeconds / 2 ? Span / Options.SpeedUp : TimeSpan.MaxValue;

    public string Separator => Csv.NameOf(_shape.Separator);

    /// <summary>point or comma.</summary>
    public string DecimalSign => _shape.Decimal == Replay.DecimalSign.Comma ? "comma" : "point";

    public int FieldCount => _shape.FieldCount;

    public long? HeaderLine => _shape.HeaderLine;

    public long? UnitLine => _shape.UnitLine;

    /// <summary>Reads the file once and finds out how it is written, without keeping it in memory.</summary>
    /// <param name="options">What the user gives.</param>
    /// <param name="setting">What settings are called in messages.</param>
    /// <param name="progress">Told now and then which share of the file is read, 0 to 1.</param>
    /// <exception cref="ReplayFileException">The file or a setting is wrong.</exception>
    public static ReplayPlan Check(ReplayOptions options, SettingName setting, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(setting);
        return new ReplayCheck(options, setting).Run(progress);
    }

    /// <summary>Reads the rows anew, in the order of their replay.</summary>
    /// <exception cref="ReplayFileException">The file is not as it was when it was checked.</exception>
    public IEnumerable<ReplayRow> Read() => Times.IsNewestFirst ? ReadForward().Reverse() : Times.IsByName ? ReadForward().OrderBy(row => row.Time) : ReadForward();

    private IEnumerable<ReplayRow> ReadForward()
    {
        using var row = new RowReader(File, _shape);
        var sign = _shape.Decimal ?? Replay.DecimalSign.Point;
        var clock = new RowClock(_time, sign, _missing);
        var zone = new ZoneClock(_zone);
        var isPaced = Options.Interval is not null;
        var number = 0L;
        var sensors = _sensors.GetAlternateLookup<ReadOnlySpan<char>>();
        while (row.Read())
        {
            DateTime? time = null;
            if (!isPaced && _time.Kind != TimeKind.None)
            {
                if (clock.Read(row) is not TimeReadOutcome.Read and var outcome)
                {
                    if (outcome == TimeReadOutcome.Missing)
                    {
                        continue;
                    }

                    throw Changed(row, "time");
                }

                var utc = clock.Counted;
                if (_time.Kind is TimeKind.Text or TimeKind.Calendar && !zone.TryUtc(clock.Written, _order, out utc))
                {
                    throw Changed(row, "time");
                }

                time = utc;
            }

            number++;
            int? only = null;
            var values = Array.Empty<double>();
            if (_table is null)
            {
                values = new double[Columns.Count];
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = ValueOf(row, Columns[i], sign);
                }
            }
            else if (sensors.TryGetValue(_table.NameIn(row), out var sensor))
            {
                var (start, count) = sensor.GetOffsetAndLength(Columns.Count);
                (only, values) = (start, new double[count]);
                for (var i = 0; i < count; i++)
                {
                    values[i] = ValueOf(row, Columns[start + i], sign);
                }
            }

            yield return new ReplayRow(number, row.Line, time, _time.Kind == TimeKind.None ? null : clock.Text(row), values, only, _table?.StoredIn(row));
        }
    }

    private double ValueOf(RowReader row, ReplayColumn column, DecimalSign sign)
    {
        var text = row.Chars(column.Index);
        return _missing.IsText(text) ? double.NaN
            : !Cell.TryRead(text, sign, out var value, out _) ? throw Changed(row, "number")
            : column.Markers.Contains(value) ? double.NaN
            : value;
    }

    private static ReplayFileException Changed(RowReader row, string what) => new(Say.Text($"line {row.Line}: holds no {what} where one was when the file was checked: it was changed"));
}
