using System.Text;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors.Sequences;

namespace FactoryMonitoring.Sensors;

/// <summary>The thresholds in force for a sensor, in its unit.</summary>
internal readonly record struct Thresholds(double Warning, double Critical)
{
    public AlertLevel LevelOf(double value) =>
        value >= Critical ? AlertLevel.Critical : value >= Warning ? AlertLevel.Warning : AlertLevel.Normal;
}

/// <summary>One sensor of this process.</summary>
/// <param name="index">Its place among the process's sensors.</param>
internal sealed class Sensor(int index, string id, SensorTypeInfo type, Thresholds thresholds, SensorLocation location)
{
    private readonly double[] _last = new double[4];
    private int _next;
    private int _known;

    public int Index => index;

    public string Id => id;

    public SensorTypeInfo Type => type;

    public Thresholds Thresholds => thresholds;

    public SensorLocation Location => location;

    /// <summary>The key of its messages.</summary>
    public byte[] Key { get; } = Encoding.UTF8.GetBytes(id);

    public ReadingCounts Counts { get; } = new();

    /// <summary>
    /// Whether the next reading may raise an alert by the rules of the sensor's type: it is a warning or worse, or further from one of the four
    /// before it than the rules for steps and deviations allow. To be asked once for each reading, in their order.
    /// </summary>
    public bool IsRemarkable(double value)
    {
        var before = _last.AsSpan(0, _known);
        var allowed = Math.Min(type.RapidChange, type.BaselineDeviation);
        var isRemarkable = thresholds.LevelOf(value) != AlertLevel.Normal;
        foreach (var earlier in before)
        {
            isRemarkable |= Math.Abs(value - earlier) > allowed;
        }

        _last[_next] = value;
        _next = (_next + 1) % _last.Length;
        _known = Math.Min(_known + 1, _last.Length);
        return isRemarkable;
    }
}

/// <summary>One reading, before it has a number.</summary>
/// <param name="Due">When, from the start on.</param>
/// <param name="SourceTimestamp">As the replayed file gives it.</param>
internal readonly record struct Sample(Sensor Sensor, double Value, TimeSpan Due, string? SourceTimestamp);

/// <summary>Where readings come from: a simulated fleet or a recorded series.</summary>
internal interface IReadingSource
{
    IReadOnlyList<Sensor> Sensors { get; }

    /// <returns>The next reading in order of its time; false when there is none any more.</returns>
    bool TryNext(out Sample sample);
}
