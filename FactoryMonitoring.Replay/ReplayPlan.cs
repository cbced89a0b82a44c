using System.Collections.Frozen;

namespace FactoryMonitoring.Replay;

/// <summary>A column that is replayed as a sensor.</summary>
/// <param name="Index">The column's index in the file, starting at 0.</param>
/// <param name="Name">The name in the header, without the unit.</param>
/// <param name="Unit">The unit; empty if nothing names one.</param>
/// <param name="Values">Number of rows with a value.</param>
/// <param name="Missing">Number of rows without a value, or with a marker in its place.</param>
/// <param name="Least">The minimum of the values, in the unit.</param>
/// <param name="Most">The maximum of the values, in the unit.</param>
/// <param name="Markers">Numbers that stand for a missing value.</param>
/// <param name="Warning">The warning threshold, in the unit; null if there is none.</param>
/// <param name="Critical">The critical threshold, in the unit; null if there is none.</param>
public sealed record ReplayColumn(
    int Index, string Name, string SensorId, string SensorType, string Unit, long Values, long Missing, double Least, double Most, FrozenSet<double> Markers, double? Warning, double? Critical)
{
    /// <summary>Whether the column is assumed to be a temperature in °C because nothing names its type and unit.</summary>
    public bool IsAssumed { get; init; }

    /// <summary>Whether the numbers in the file are fractions, which are sent in %.</summary>
    public bool IsFraction { get; init; }

    /// <summary>Whether its unit is assumed to be that of its type although its values can be in another one.</summary>
    public bool IsUnitAssumed { get; init; }

    /// <summary>Values that may stand for a missing one, because they are runs of one digit or usual markers, and far from all others.</summary>
    public IReadOnlyList<double> Suspected { get; init; } = [];
}

/// <summary>A column that is not replayed, and why.</summary>
public sealed record LeftOutColumn(int Index, string Name, string Why);

/// <summary>A row of the file.</summary>
/// <param name="Number">The row number, starting at 1; only rows of values are counted.</param>
/// <param name="Line">The line number, starting at 1.</param>
/// <param name="Time">The time in UTC; null if the file has no times.</param>
/// <param name="TimeText">The time as it is written in the file; null if the file has no times.</param>
/// <param name="Values">
/// The value of each column of the plan; NaN if it is missing. In a long table the values of the columns from <paramref name="Only"/> on, or none.
/// </param>
/// <param name="Only">
/// The first column of the plan that the row of a long table has values for; <paramref name="Values"/> continue from there.
/// Null if a row has values for all columns.
/// </param>
/// <param name="Stored">The fields that were stored with the value, if the file is the product's own export.</param>
public sealed record ReplayRow(long Number, long Line, DateTime? Time, string? TimeText, double[] Values, int? Only = null, StoredFields? Stored = null);

/// <summary>The fields that were stored with the value of a reading.</summary>
/// <param name="AlertLevel">normal, warning or critical; null if it was not known.</param>
/// <param name="Quality">1 is good, 0 is bad; null if it was not known.</param>
/// <param name="Location">The location of the sensor.</param>
public sealed record StoredFields(string? AlertLevel, double? Quality, Contracts.SensorLocation Location);

/// <summary>What was found out about a file's times.</summary>
/// <param name="Where">The time columns and how they count, in words; null if there are none.</param>
/// <param name="First">The earliest time, in UTC.</param>
/// <param name="Last">The latest time, in UTC.</param>
/// <param name="IsElapsed">Whether the times count from the file's beginning and are not dates.</param>
/// <param name="Order">day-first, month-first or year-first, if a date could be read in more than one way.</param>
/// <param name="Zone">The zone of times that name none; null if all times name one, or if they count.</param>
/// <param name="Duplicates">Number of rows with the same time as the previous row.</param>
/// <param name="Backward">Number of rows whose time is earlier than that of the previous row.</param>
/// <param name="FirstBackwardLine">The line of the first row whose time is earlier than that of the previous row.</param>
/// <param name="WithoutTime">Number of rows that are skipped because they have no time.</param>
/// <param name="Repeated">Number of times in an hour that the zone's clock repeats.</param>
/// <param name="LeftOut">Number of times in an hour that the zone's clock skips.</param>
/// <param name="LongestGap">The longest gap between a row and the next one.</param>
/// <param name="IsNewestFirst">Whether the file is sorted from newest to oldest and is replayed from its end.</param>
/// <param name="IsByName">Whether the rows of a long table are grouped by sensor and are replayed in the order of their times.</param>
public sealed record ReplayTimes(
    string? Where, DateTime First, DateTime Last, bool IsElapsed, string? Order, string? Zone, long Duplicates, long Backward, long? FirstBackwardLine,
    long WithoutTime, long Repeated, long LeftOut, TimeSpan LongestGap, bool IsNewestFirst, bool IsByName)
{
    /// <summary>Whether <see cref="Zone"/> is that of the setting, the header or a column, and not assumed.</summary>
    public bool IsZoneNamed { get; init; }

    /// <summary>The line before the rows that seems to name a zone, which is not used; null if there is none.</summary>
    public (long Line, string Text)? ZoneRemark { get; init; }
}

/// <summary>A file that was read once, from beginning to end, and can be replayed.</summary>
public sealed class ReplayPlan
{
    private readonly FileShape _shape;
    private readonly TimePlan _time;
    private readonly DateOrder _order;
    private readonly TimeZoneInfo _zone;
    private readonly MissingMarkers _missing;
    private readonly LongTable? _table;
    private readonly FrozenDictionary<string, Range> _sensors;
    private readonly bool _isFalling;

    /// <param name="shape">How the file is written.</param>
    /// <param name="time">Where the file's times are.</param>
    /// <param name="order">The order of day, month and year.</param>
    /// <param name="zone">The zone of times that name none.</param>
    /// <param name="missing">The markers that stand for a missing value.</param>
    /// <param name="table">The long table; null if each column is a sensor.</param>
    /// <param name="sensors">The ranges of <see cref="Columns"/> of a long table, by the name in the rows.</param>
    /// <param name="isFalling">Whether the times of most rows are before those of the rows above.</param>
    internal ReplayPlan(
        FileShape shape, TimePlan time, DateOrder order, TimeZoneInfo zone, MissingMarkers missing, LongTable? table, IReadOnlyDictionary<string, Range> sensors, bool isFalling)
    {
        (_shape, _time, _order, _zone, _missing, _table, _isFalling) = (shape, time, order, zone, missing, table, isFalling);
        _sensors = sensors.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The column that names the sensor of each row, in words; null if each column is a sensor.</summary>
    public string? NamedBy => _table is { } table ? string.Join(" and ", table.Names.Select(_shape.Column)) : null;

    /// <summary>Number of value columns in each row of a long table; 0 if each column is a sensor.</summary>
    public int ValuesPerName => _table?.Values.Length ?? 0;

    /// <summary>Number of values that the rows can hold.</summary>
    public long Cells => Rows * (_table?.Values.Length ?? Columns.Count);

    /// <summary>Full path.</summary>
    public required string File { get; init; }

    /// <summary>Size on disk, in bytes.</summary>
    public required long Length { get; init; }

    public required bool IsGzip { get; init; }

    public required string Encoding { get; init; }

    public required ReplayOptions Options { get; init; }

    /// <summary>Number of rows that are replayed.</summary>
    public required long Rows { get; init; }

    public required long Comments { get; init; }

    public required long Blanks { get; init; }

    /// <summary>Number of rows with fewer fields than the others; the absent fields are missing values.</summary>
    public required long ShortRows { get; init; }

    public required long RepeatedHeaders { get; init; }

    public required ReplayTimes Times { get; init; }

    public required IReadOnlyList<ReplayColumn> Columns { get; init; }

    public required IReadOnlyList<LeftOutColumn> LeftOut { get; init; }

    /// <summary>Texts that stand for a missing value, with the number of occurrences of each; at most 20.</summary>
    public required IReadOnlyDictionary<string, long> MissingTexts { get; init; }

    /// <summary>The first rows as they are written in the file.</summary>
    public required IReadOnlyList<(long Line, string Text)> FirstRows { get; init; }

    /// <summary>Time from the first row to the last by the file's times; backward steps take no time.</summary>
    public required TimeSpan Span { get; init; }

    public long Readings => Columns.Sum(column => column.Values);

    /// <summary>Duration of the replay; a backfill takes as long as the pipeline needs.</summary>
    public TimeSpan Duration => Span.TotalSeconds / Options.SpeedUp < TimeSpan.MaxValue.TotalSeconds / 2 ? Span / Options.SpeedUp : TimeSpan.MaxValue;

    public string Separator => Csv.NameOf(_shape.Separator);

    /// <summary>point or comma.</summary>
    public string DecimalSign => _shape.Decimal == Replay.DecimalSign.Comma ? "comma" : "point";

    /// <summary>The mark in numbers that can be read both ways, point or comma, whose meaning is assumed; null if there are none.</summary>
    public string? AssumedMark => _shape.AssumedMark;

    public int FieldCount => _shape.FieldCount;

    public long? HeaderLine => _shape.HeaderLine;

    public long? UnitLine => _shape.UnitLine;

    /// <summary>Reads the file once and detects how it is written, without keeping it in memory.</summary>
    /// <param name="options">The user's settings.</param>
    /// <param name="setting">Returns the name of a setting for messages.</param>
    /// <param name="progress">Receives the fraction of the file that has been read, 0 to 1, from time to time.</param>
    /// <exception cref="ReplayFileException">The file or a setting is wrong.</exception>
    public static ReplayPlan Check(ReplayOptions options, SettingName setting, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(setting);
        return new ReplayCheck(options, setting).Run(progress);
    }

    /// <summary>Reads the rows again, in the order of their replay.</summary>
    /// <exception cref="ReplayFileException">The file has changed since it was checked.</exception>
    public IEnumerable<ReplayRow> Read() => Times.IsNewestFirst ? ReadForward().Reverse() : Times.IsByName ? ReadForward().OrderBy(row => row.Time) : ReadForward();

    private IEnumerable<ReplayRow> ReadForward()
    {
        using var row = new RowReader(File, _shape);
        var sign = _shape.Decimal ?? Replay.DecimalSign.Point;
        var clock = new RowClock(_time, sign, _missing);
        var zone = new ZoneClock(_zone, _isFalling);
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
            : column.IsFraction ? Contracts.Fraction.ToPercent(value) : value;
    }

    private static ReplayFileException Changed(RowReader row, string what) => new(Format.Text($"line {row.Line}: holds no {what} where one was when the file was checked: it was changed"));
}
