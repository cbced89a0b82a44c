using FactoryMonitoring.Data.Experiments;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>The raw observations of a run so far, without conclusions. Null means that something has not happened or was not measured.</summary>
/// <param name="StartedAt">When the run began: the steady state is measured from then on.</param>
internal sealed record Observations(DateTimeOffset StartedAt)
{
    public IReadOnlyList<string> Victims { get; init; } = [];

    /// <summary>The owner of each partition when the fault was requested.</summary>
    public IReadOnlyDictionary<int, string> Owners { get; init; } = new Dictionary<int, string>();

    /// <summary>The maximum lag of each partition in the steady state.</summary>
    public IReadOnlyDictionary<int, long> LagLevel { get; init; } = new Dictionary<int, long>();

    public ExperimentTotals? Before { get; init; }

    /// <summary>When the fault was requested.</summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>When the burst of load was over.</summary>
    public DateTimeOffset? BurstEndedAt { get; init; }

    /// <summary>When the dashboard showed that the database was unavailable.</summary>
    public DateTimeOffset? AwaySeenAt { get; init; }

    /// <summary>When undoing the fault began.</summary>
    public DateTimeOffset? UndoneAt { get; init; }

    /// <summary>When every part was well again; the account is settled from then on.</summary>
    public DateTimeOffset? WholeAt { get; init; }

    /// <summary>When all readings that were acknowledged before <see cref="WholeAt"/> had been compared with the stored ones.</summary>
    public DateTimeOffset? SettledAt { get; init; }

    public ExperimentRows? Rows { get; init; }

    /// <summary>Since the start of the run, oldest first.</summary>
    public IReadOnlyList<LagSample> Lags { get; init; } = [];

    /// <summary>Read once, at the end.</summary>
    public StoredReadings? Stored { get; init; }

    /// <summary>Number of malformed messages that the brokers accepted.</summary>
    public int? PoisonSent { get; init; }

    public long? LoadAcknowledged { get; init; }

    /// <summary>The actions and observations of the run, in words.</summary>
    public IReadOnlyList<(DateTimeOffset At, string What)> Said { get; init; } = [];
}

/// <summary>The lag of each partition at one moment.</summary>
internal sealed record LagSample(DateTimeOffset At, IReadOnlyDictionary<int, long> Partitions);
