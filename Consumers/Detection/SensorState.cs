using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>The four rules, in the order of their places in a state and in a snapshot.</summary>
internal enum Rule
{
    ConsecutiveHigh = 0,
    RapidChange = 1,
    BaselineDeviation = 2,
    CriticalThreshold = 3,
}

internal static class Rules
{
    public const int Count = 4;

    public static string NameOf(Rule rule) => rule switch
    {
        Rule.ConsecutiveHigh => AnomalyTypes.ConsecutiveHigh,
        Rule.RapidChange => AnomalyTypes.RapidChange,
        Rule.BaselineDeviation => AnomalyTypes.BaselineDeviation,
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

    /// <summary>UTF-8.</summary>
    public byte[] Id { get; } = id;

    /// <summary>The newest values, oldest first.</summary>
    public double[] Values { get; } = new double[Window];

    public int ValueCount { get; set; }

    public int ConsecutiveHigh { get; set; }

    /// <summary>When the newest reading came, by <see cref="PartitionDetector.Now"/>.</summary>
    public TimeSpan SeenAt { get; private set; }

    /// <summary>Between two readings, a running mean; zero where it is not known.</summary>
    public TimeSpan Interval { get; set; }

    public Episode?[] Episodes { get; } = new Episode?[Rules.Count];

    public SensorSequences Sequences { get; } = new();

    /// <summary>The newest reading, while <c>sensor_latest</c> does not show it yet.</summary>
    public LatestReading? Latest { get; set; }

    public bool LatestIsNew { get; set; }

    public void See(TimeSpan now)
    {
        var gap = now - SeenAt;
        if (gap > TimeSpan.Zero)
        {
            Interval = Interval == TimeSpan.Zero ? gap : ((Interval * 7) + gap) / 8;
            SeenAt = now;
        }
    }

    /// <summary>It was restored, and is taken as seen now: how long it has been silent is not known.</summary>
    public void Begin(TimeSpan now) => SeenAt = now;

    public void Push(double value)
    {
        if (ValueCount == Window)
        {
            Values.AsSpan(1).CopyTo(Values);
            Values[Window - 1] = value;
        }
        else
        {
            Values[ValueCount++] = value;
        }
    }
}

/// <summary>Reused from reading to reading.</summary>
internal sealed class LatestReading
{
    public Ingestion.Reading Reading;
}
