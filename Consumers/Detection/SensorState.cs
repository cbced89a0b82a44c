using System.Runtime.CompilerServices;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>The rules, in the order of their places in a state and in a snapshot.</summary>
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

/// <summary>A rule that holds: from the reading at which it began to hold to the one at which it no longer does.</summary>
internal sealed class Episode(Guid alertId)
{
    public Guid AlertId { get; } = alertId;

    public long Occurrences { get; set; } = 1;

    /// <summary>The value at which the rule was broken the most, and by how much.</summary>
    public double PeakValue { get; set; }

    public double PeakMeasure { get; set; }

    /// <summary>Its row does not say so yet.</summary>
    public bool Changed { get; set; }
}

/// <summary>What a partition remembers of one sensor. All of it that decides about alerts and sequence numbers is in the snapshot.</summary>
internal sealed class SensorState(byte[] id)
{
    public const int Window = 4;

    private const long MaxIntervalMs = 30L * 86_400_000;

    private ValueWindow _values;
    private Episode?[]? _episodes;
    private long?[]? _since;
    private long? _producedAt;

    /// <summary>UTF-8; that of a sensor's backfilled readings has a NUL behind it, which no sensor's id has.</summary>
    public byte[] Id { get; } = id;

    /// <summary>It is of a sensor's backfilled readings. What is live of the same sensor has a state of its own.</summary>
    public bool IsBackfill { get; } = id is [.., 0];

    /// <summary>Of which partition's memory it is; null once that has forgotten it.</summary>
    public PartitionDetector? Owner { get; set; }

    /// <summary>The newest values, oldest first.</summary>
    public ReadOnlySpan<double> Values => ((ReadOnlySpan<double>)_values)[..ValueCount];

    public int ValueCount { get; private set; }

    /// <summary>Of <see cref="Values"/>; null where an earlier version has not written it down.</summary>
    public string? Unit { get; private set; }

    public int ConsecutiveHigh { get; set; }

    /// <summary>Null where its type does not learn.</summary>
    public LearnedBaseline? Learned { get; set; }

    /// <summary>When the newest reading came, by <see cref="PartitionDetector.Now"/>.</summary>
    public TimeSpan SeenAt { get; private set; }

    /// <summary>Between two readings, a running mean; zero where it is not known.</summary>
    public TimeSpan Interval { get; set; }

    /// <summary>Its readings come in several partitions, and another one judges them.</summary>
    public bool IsJudgedElsewhere { get; set; }

    /// <summary>Whether a rule holds.</summary>
    public bool HasEpisodes { get; private set; }

    /// <summary>By rule; null where it does not hold.</summary>
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

    /// <summary>Since when the rule has held without being an alert yet, or an alert's rule has not; ms since 1970 by the records, null where neither is so.</summary>
    public long? Since(Rule rule) => _since?[(int)rule];

    public void Since(Rule rule, long? at)
    {
        if (_since is not null || at is not null)
        {
            (_since ??= new long?[Rules.Count])[(int)rule] = at;
        }
    }

    /// <summary>What is so since a reading some time ago, or since this one, has been so for the delay.</summary>
    /// <param name="at">Of the reading, ms since 1970 by its record.</param>
    public bool HoldsFor(Rule rule, long at, TimeSpan delay)
    {
        if (delay == TimeSpan.Zero)
        {
            return true;
        }

        // A clock that was set back begins anew.
        var since = Math.Min(Since(rule) ?? at, at);
        var isOver = at - since >= delay.TotalMilliseconds;
        Since(rule, isOver ? null : since);
        return isOver;
    }

    /// <summary>The <see cref="Id"/> of the state of a sensor's backfilled readings.</summary>
    public static byte[] BackfillOf(byte[] sensorId) => [.. sensorId, 0];

    public SensorSequences Sequences { get; } = new();

    /// <summary>The newest reading; null once <c>sensor_latest</c> shows it.</summary>
    public LatestReading? Latest { get; set; }

    /// <summary>The stored memory is behind.</summary>
    public bool IsChanged { get; set; }

    /// <param name="producedAt">By the reading's record, ms since 1970: however late readings are read, these are as far apart as they were sent.</param>
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

    /// <summary>It was restored, and is taken as seen now: how long it has been silent is not known.</summary>
    public void Begin(TimeSpan now) => SeenAt = now;

    /// <summary>The unit of the values from now on. Those in another one say nothing about them, and are forgotten with what was learned from them.</summary>
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

/// <summary>What is kept of a sensor's newest reading; reused from reading to reading.</summary>
internal sealed class LatestReading
{
    public required Ingestion.SensorDescription Sensor { get; set; }

    public long Offset { get; set; }

    /// <summary>The sensor's own time, microseconds since 2000-01-01 UTC.</summary>
    public long Timestamp { get; set; }

    /// <summary>The earliest and the latest of the sensor's own times since it was written last.</summary>
    public long FirstTimestamp { get; set; } = long.MaxValue;

    public long LastTimestamp { get; set; } = long.MinValue;

    /// <summary>By its record, ms since 1970.</summary>
    public long ProducedAt { get; set; }

    public double Value { get; set; }

    /// <summary>Of the message; NaN where it had none.</summary>
    public double Warning { get; set; }

    public double Critical { get; set; }

    public long? ReadingCount { get; set; }

    public AlertLevel Level { get; set; }
}
