using System.Runtime.CompilerServices;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>The rules, in the order of their indexes in a state and in a snapshot.</summary>
internal enum Rule
{
    ConsecutiveHigh = 0,
    RapidChange = 1,
    BaselineDeviation = 2,
    CriticalThreshold = 3,
    UnusualValue = 4,
}

internal static class Rules
{
    public const int Count = 5;

    public static string NameOf(Rule rule) => rule switch
    {
        Rule.ConsecutiveHigh => AnomalyTypes.ConsecutiveHigh,
        Rule.RapidChange => AnomalyTypes.RapidChange,
        Rule.BaselineDeviation => AnomalyTypes.BaselineDeviation,
        Rule.UnusualValue => AnomalyTypes.UnusualValue,
        _ => AnomalyTypes.CriticalThreshold,
    };
}

/// <summary>A period in which a rule holds: from the reading at which it began to hold to the one at which it no longer does.</summary>
internal sealed class Episode(Guid alertId)
{
    public Guid AlertId { get; } = alertId;

    public long Occurrences { get; set; } = 1;

    /// <summary>The value that violated the rule the most, and by how much.</summary>
    public double PeakValue { get; set; }

    public double PeakMeasure { get; set; }

    /// <summary>The episode's row is out of date.</summary>
    public bool Changed { get; set; }
}

/// <summary>A partition's memory of one sensor. Everything in it that affects alerts and sequence numbers is in the snapshot.</summary>
internal sealed class SensorState(byte[] id)
{
    public const int Window = 4;

    private const long MaxIntervalMs = 30L * 86_400_000;

    private ValueWindow _values;
    private Episode?[]? _episodes;
    private long?[]? _since;
    private long? _producedAt;

    /// <summary>UTF-8; for a sensor's backfilled readings followed by a NUL, which no sensor's id contains.</summary>
    public byte[] Id { get; } = id;

    /// <summary>Whether the state belongs to a sensor's backfilled readings. The live readings of the same sensor have a separate state.</summary>
    public bool IsBackfill { get; } = id is [.., 0];

    /// <summary>The partition's detector that remembers this state; null once it has forgotten it.</summary>
    public PartitionDetector? Owner { get; set; }

    /// <summary>The newest values, oldest first.</summary>
    public ReadOnlySpan<double> Values => ((ReadOnlySpan<double>)_values)[..ValueCount];

    public int ValueCount { get; private set; }

    /// <summary>The unit of <see cref="Values"/>; null if an earlier version did not store it.</summary>
    public string? Unit { get; private set; }

    public int ConsecutiveHigh { get; set; }

    /// <summary>Null if the type does not learn.</summary>
    public LearnedBaseline? Learned { get; set; }

    /// <summary>When the newest reading arrived, by <see cref="PartitionDetector.Now"/>.</summary>
    public TimeSpan SeenAt { get; private set; }

    /// <summary>Time between two readings, a running mean; zero if unknown.</summary>
    public TimeSpan Interval { get; set; }

    /// <summary>The readings arrive in several partitions, and another partition judges them.</summary>
    public bool IsJudgedElsewhere { get; set; }

    /// <summary>Whether any rule holds.</summary>
    public bool HasEpisodes { get; private set; }

    /// <summary>The episode of a rule; null if it does not hold.</summary>
    public Episode? this[Rule rule]
    {
        get => _episodes?[(int)rule];
        set
        {
            _episodes ??= new Episode?[Rules.Count];
            _episodes[(int)rule] = value;
            HasEpisodes = value is not null || Array.Exists(_episodes, episode => episode is not null);
        }
    }

    /// <summary>
    /// Since when the rule has held without an alert yet, or no longer held with its alert still open; ms since 1970 by the records, null if neither applies.
    /// </summary>
    public long? Since(Rule rule) => _since?[(int)rule];

    public void Since(Rule rule, long? at)
    {
        if (_since is not null || at is not null)
        {
            (_since ??= new long?[Rules.Count])[(int)rule] = at;
        }
    }

    /// <summary>Whether a condition that has held since an earlier reading, or since this one, has held for the delay.</summary>
    /// <param name="at">The reading's time, ms since 1970 by its record.</param>
    public bool HoldsFor(Rule rule, long at, TimeSpan delay)
    {
        if (delay == TimeSpan.Zero)
        {
            return true;
        }

        // A clock that was set back restarts the delay.
        var since = Math.Min(Since(rule) ?? at, at);
        var isOver = at - since >= delay.TotalMilliseconds;
        Since(rule, isOver ? null : since);
        return isOver;
    }

    /// <summary>Returns the <see cref="Id"/> of the state of a sensor's backfilled readings.</summary>
    public static byte[] BackfillOf(byte[] sensorId) => [.. sensorId, 0];

    public SensorSequences Sequences { get; } = new();

    /// <summary>The gaps of <see cref="Sequences"/> that the detector counts for this state.</summary>
    public int CountedGaps { get; set; }

    /// <summary>The state's place among those with gaps; null if it has none.</summary>
    public LinkedListNode<SensorState>? GapPlace { get; set; }

    /// <summary>The newest reading; null once it is in <c>sensor_latest</c>.</summary>
    public LatestReading? Latest { get; set; }

    /// <summary>The stored snapshot is out of date.</summary>
    public bool IsChanged { get; set; }

    /// <param name="producedAt">By the reading's record, ms since 1970: its intervals are those of sending, however late the readings are read.</param>
    public void See(TimeSpan now, long producedAt)
    {
        var gap = _producedAt is { } before ? producedAt - before : 0;
        if (gap is > 0 and < MaxIntervalMs)
        {
            Interval = Interval == TimeSpan.Zero ? TimeSpan.FromMilliseconds(gap) : ((Interval * 7) + TimeSpan.FromMilliseconds(gap)) / 8;
        }

        _producedAt = producedAt;
        SeenAt = now;
    }

    /// <summary>Sets when the newest reading arrived, for a state that is new or restored.</summary>
    public void Begin(TimeSpan seenAt) => SeenAt = seenAt;

    /// <summary>
    /// Sets the unit of the values from now on. Values in another unit are not comparable, and are forgotten with the baseline learned from them.
    /// </summary>
    public void Measure(string unit)
    {
        if (Unit != unit)
        {
            if (Unit is not null)
            {
                ValueCount = 0;
                Learned = null;
            }

            Unit = unit;
        }
    }

    public void Push(double value)
    {
        Span<double> values = _values;
        if (ValueCount == Window)
        {
            values[1..].CopyTo(values);
            values[Window - 1] = value;
        }
        else
        {
            values[ValueCount++] = value;
        }
    }

    [InlineArray(Window)]
    private struct ValueWindow
    {
        private double _first;
    }
}

/// <summary>The newest reading of a sensor; reused from reading to reading.</summary>
internal sealed class LatestReading
{
    public required Ingestion.SensorDescription Sensor { get; set; }

    public long Offset { get; set; }

    /// <summary>The sensor's own timestamp, microseconds since 2000-01-01 UTC.</summary>
    public long Timestamp { get; set; }

    /// <summary>The earliest and the latest of the sensor's own timestamps since it was last written.</summary>
    public long FirstTimestamp { get; set; } = long.MaxValue;

    public long LastTimestamp { get; set; } = long.MinValue;

    /// <summary>The record's timestamp, ms since 1970.</summary>
    public long ProducedAt { get; set; }

    public double Value { get; set; }

    /// <summary>The message's threshold; NaN if it had none.</summary>
    public double Warning { get; set; }

    public double Critical { get; set; }

    public long? ReadingCount { get; set; }

    public AlertLevel Level { get; set; }
}
