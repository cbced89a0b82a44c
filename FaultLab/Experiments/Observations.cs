using FactoryMonitoring.Data.Experiments;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>What was seen of a run so far: raw, and nothing concluded yet. Null is what has not happened or was not measured.</summary>
/// <param name="StartedAt">When the run began: the steady state is taken from then on.</param>
internal sealed record Observations(DateTimeOffset StartedAt)
{
    public IReadOnlyList<string> Victims { get; init; } = [];

    /// <summary>Who owned which partition when the fault was asked for.</summary>
    public IReadOnlyDictionary<int, string> Owners { get; init; } = new Dictionary<int, string>();

    /// <summary>The most that each partition was behind in the steady state.</summary>
    public IReadOnlyDictionary<int, long> LagLevel { get; init; } = new Dictionary<int, long>();

    public ExperimentTotals? Before { get; init; }

    /// <summary>When the fault was asked for.</summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>When the burst of load was over.</summary>
    public DateTimeOffset? BurstEndedAt { get; init; }

    /// <summary>When the dashboard knew that the database was away.</summary>
    public DateTimeOffset? AwaySeenAt { get; init; }

    /// <summary>When the fault began to be undone.</summary>
    public DateTimeOffset? UndoneAt { get; init; }

    /// <summary>When every part was well again, and from when on the account is settled.</summary>
    public DateTimeOffset? WholeAt { get; init; }

    /// <summary>When all that was acknowledged before <see cref="WholeAt"/> was compared with what is stored.</summary>
    public DateTimeOffset? SettledAt { get; init; }

    public ExperimentRows? Rows { get; init; }

    /// <summary>Since the start of the run, oldest first.</summary>
    public IReadOnlyList<LagSample> Lags { get; init; } = [];

    /// <summary>Looked at once, at the end.</summary>
    public StoredReadings? Stored { get; init; }

    /// <summary>Malformed messages that the brokers took.</summary>
    public int? PoisonSent { get; init; }

    public long? LoadAcknowledged { get; init; }

    /// <summary>What was said and done, in words.</summary>
    public IReadOnlyList<(DateTimeOffset At, string What)> Said { get; init; } = [];
}

/// <summary>How far each partition was behind at one moment.</summary>
internal sealed record LagSample(DateTimeOffset At, IReadOnlyDictionary<int, long> Partitions);
