using System.Text;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using FactoryMonitoring.Sensors.Sequences;

namespace FactoryMonitoring.Sensors;

/// <summary>The thresholds that apply to a sensor, in its unit; infinite if there is none.</summary>
internal readonly record struct Thresholds(double Warning, double Critical)
{
    public AlertLevel LevelOf(double value) =>
        value >= Critical ? AlertLevel.Critical : value >= Warning ? AlertLevel.Warning : AlertLevel.Normal;
}

/// <summary>One sensor of this process.</summary>
/// <param name="index">Its index among the process's sensors; that of the first sensor with its id if several have it.</param>
/// <param name="blockSize">The number of reading_counts fetched at once.</param>
/// <param name="counts">The counts of the first sensor with its id; null if it is the first.</param>
internal sealed class Sensor(int index, string id, SensorTypeInfo type, Thresholds thresholds, SensorLocation location, int blockSize = ReadingCounts.UsualBlock, ReadingCounts? counts = null)
{
    /// <summary>The newest values, oldest first.</summary>
    private readonly double[] _last = new double[4];
    private int _known;
    private int _consecutiveHigh;
    private bool _knowsAll;
    private bool _hasBeenNormal;
    private bool _wasCritical;
    private bool _wasStep;
    private bool _wasAway;

    public int Index => index;

    public string Id => id;

    public SensorTypeInfo Type => type;

    public Thresholds Thresholds => thresholds;

    public SensorLocation Location => location;

    /// <summary>The key of its messages.</summary>
    public byte[] Key { get; } = Encoding.UTF8.GetBytes(id);

    public ReadingCounts Counts { get; } = counts ?? new(blockSize);

    /// <summary>
    /// Whether the next reading raises an alert by the rules of the sensor's type: one of the four rules begins to apply with it. If the sensor has
    /// measured before this process started, only the consumers know its earlier values: its first readings may raise one, as many as a mean takes, and so may
    /// the first consecutive ones at warning level. Must be called once for each reading, in order.
    /// </summary>
    /// <param name="count">The reading's reading_count; 1 is the sensor's very first reading.</param>
    public bool IsRemarkable(double value, long count)
    {
        _knowsAll |= count == 1;
        var level = thresholds.LevelOf(value);
        var isCritical = level == AlertLevel.Critical;
        var isStep = _known > 0 && Math.Abs(value - _last[_known - 1]) > type.RapidChange;
        var isAway = _known == _last.Length && Math.Abs(value - _last.Average()) > type.BaselineDeviation;
        _consecutiveHigh = level == AlertLevel.Normal ? 0 : _consecutiveHigh + 1;
        _hasBeenNormal |= level == AlertLevel.Normal;
        var isRemarkable = (isCritical && !_wasCritical)
            || (isStep && !_wasStep)
            || (isAway && !_wasAway)
            || _consecutiveHigh == type.ConsecutiveHigh
            || (!_knowsAll && (_known < _last.Length || (!_hasBeenNormal && _consecutiveHigh < type.ConsecutiveHigh)));

        (_wasCritical, _wasStep, _wasAway) = (isCritical, isStep, isAway);
        if (_known == _last.Length)
        {
            _last.AsSpan(1).CopyTo(_last);
            _known--;
        }

        _last[_known++] = value;
        return isRemarkable;
    }
}

/// <summary>One reading, before it has a number.</summary>
/// <param name="Due">When it is due, from the start on.</param>
/// <param name="SourceTimestamp">The time as written in the replayed file.</param>
/// <param name="At">When it was measured, UTC, if it is backfilled; null if it is measured now.</param>
/// <param name="Stored">The other stored fields, if it comes from an export; null if the sensor supplies them.</param>
internal readonly record struct Sample(Sensor Sensor, double Value, TimeSpan Due, string? SourceTimestamp, DateTime? At = null, StoredFields? Stored = null);

/// <summary>A source of readings: a simulated fleet or a recorded series.</summary>
internal interface IReadingSource
{
    IReadOnlyList<Sensor> Sensors { get; }

    /// <returns>The next reading in order of time; false if there are no more.</returns>
    bool TryNext(out Sample sample);
}
