using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using FactoryMonitoring.Sensors.Sequences;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>The position of a replay.</summary>
/// <param name="Row">The row of the file, counted from 1; 0 before the first.</param>
/// <param name="Played">Rows replayed since the start of the file.</param>
/// <param name="SourceTimestamp">The row's time as written in the file; null if the file has none.</param>
/// <param name="Sent">Readings returned in total.</param>
/// <param name="IsOver">The file is at its end.</param>
internal sealed record ReplayPosition(long Row, long Played, string? SourceTimestamp, long Sent, bool IsOver);

/// <summary>
/// Plays the columns of a recorded file as sensors, with its intervals compressed; or, as a backfill, its rows at their own times and without delay.
/// </summary>
internal sealed class ReplayFeed : IReadingSource, IDisposable
{
    private readonly ReplayOptions _options;
    private readonly Sensor[] _sensors;
    private IEnumerator<ReplayRow> _rows;
    private ReplayRow? _row;
    private int _column;
    private TimeSpan _due;
    private DateTime? _last;
    private TimeSpan? _firstStep;
    private bool _isAgain;
    private long _played;
    private long _sent;
    private long[]? _toPassOver;
    private Action? _passing;
    private volatile ReplayPosition _position = new(0, 0, null, 0, false);

    public ReplayFeed(IOptions<SensorsOptions> options, CheckedFile file)
    {
        var settings = options.Value;
        Plan = file.Plan(settings.Replay);
        _options = settings.Replay;
        var location = new SensorLocation(settings.FactorySection, settings.MachineId ?? "machine-replay", settings.Zone ?? "zone-a");
        _sensors = new Sensor[Plan.Columns.Count];
        var firstOf = new Dictionary<string, Sensor>(StringComparer.Ordinal);
        foreach (var (index, column) in Plan.Columns.Index())
        {
            // In an export, one id may have several types and units; its readings are counted together.
            var first = firstOf.GetValueOrDefault(column.SensorId);
            var sensor = new Sensor(
                first?.Index ?? index, column.SensorId, TypeOf(column), new Thresholds(column.Warning ?? double.PositiveInfinity, column.Critical ?? double.PositiveInfinity), location,
                _options.Backfill ? ReadingCounts.BackfillBlock : ReadingCounts.UsualBlock, first?.Counts);
            firstOf.TryAdd(column.SensorId, sensor);
            _sensors[index] = sensor;
        }

        _rows = Plan.Read().GetEnumerator();
    }

    public ReplayPlan Plan { get; }

    public IReadOnlyList<Sensor> Sensors => _sensors;

    /// <summary>The row that was returned last.</summary>
    public ReplayPosition Position => _position;

    /// <summary>Readings of the file that are not sent because they are already stored.</summary>
    public long PassedOver { get; private set; }

    /// <summary>Returns the indexes of the sensors that have a reading in a row.</summary>
    public static IEnumerable<int> SensorsOf(ReplayRow row) =>
        Enumerable.Range(0, row.Values.Length).Where(place => !double.IsNaN(row.Values[place])).Select(place => (row.Only ?? 0) + place);

    /// <summary>Skips the given number of readings of each sensor, by <see cref="Sensor.Index"/>. Must be called before the first row.</summary>
    /// <param name="passing">Called for each skipped reading.</param>
    public void PassOver(IEnumerable<long> readings, Action? passing = null)
    {
        (_toPassOver, _passing) = ([.. readings], passing);
        PassedOver = _toPassOver.Sum();
    }

    public bool TryNext(out Sample sample)
    {
        while (true)
        {
            if (_row is { } row)
            {
                while (_column < row.Values.Length)
                {
                    var place = _column++;
                    if (row.Values[place] is var value && !double.IsNaN(value))
                    {
                        var column = (row.Only ?? 0) + place;
                        if (_toPassOver is not null && _toPassOver[_sensors[column].Index] > 0)
                        {
                            _toPassOver[_sensors[column].Index]--;
                            _passing?.Invoke();
                            continue;
                        }

                        _sent++;
                        sample = _options.Backfill
                            ? new Sample(_sensors[column], value, TimeSpan.Zero, null, TimeOf(row), row.Stored)
                            : new Sample(_sensors[column], value, _due, row.TimeText, Stored: row.Stored);
                        return true;
                    }
                }

                // A caller that asks for the next row has published this one.
                _position = new ReplayPosition(row.Number, ++_played, row.TimeText, _sent, IsOver: false);
                _row = null;
            }

            if (!_rows.MoveNext())
            {
                if (!_options.Loop)
                {
                    _position = _position with { IsOver = true };
                    sample = default;
                    return false;
                }

                _rows.Dispose();
                _rows = Plan.Read().GetEnumerator();
                (_isAgain, _last, _played) = (true, null, 0);
                continue;
            }

            Begin(_rows.Current);
        }
    }

    public void Dispose() => _rows.Dispose();

    // A clock that was set back in the recording does not set the time back here.
    private void Begin(ReplayRow row)
    {
        var step = _options.Interval is { } interval ? (_sent > 0 || _played > 0 ? interval : TimeSpan.Zero)
            : _last is { } last ? row.Time!.Value - last
            : _isAgain ? _firstStep ?? TimeSpan.Zero
            : TimeSpan.Zero;
        if (_last is not null)
        {
            _firstStep ??= step;
        }

        _due += (step > TimeSpan.Zero ? step : TimeSpan.Zero) / _options.SpeedUp;
        (_row, _column, _last) = (row, 0, row.Time);
    }

    // Microseconds, the resolution of the database.
    public static DateTime TimeOf(ReplayRow row) =>
        DateTime.SpecifyKind(row.Time!.Value.AddTicks(-(row.Time.Value.Ticks % TimeSpan.TicksPerMicrosecond)), DateTimeKind.Utc);

    /// <summary>A type that is not in the catalog has only the thresholds of its settings, as in the consumers.</summary>
    private static SensorTypeInfo TypeOf(ReplayColumn column) => SensorCatalog.Types.TryGetValue(column.SensorType, out var known)
        ? known with { Unit = column.Unit }
        : new SensorTypeInfo(
            column.SensorType, "replay", column.Unit, column.Least, column.Least, column.Most, double.PositiveInfinity, double.PositiveInfinity, TimeSpan.FromSeconds(1),
            ConsecutiveHigh: 3, double.PositiveInfinity, double.PositiveInfinity);
}
