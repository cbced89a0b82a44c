using FactoryMonitoring.Data.Experiments;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>The conclusions from the observations of a run. None is computed from a setting: what was not observed is null.</summary>
internal sealed class Findings
{
    private readonly Experiment _experiment;
    private readonly Observations _seen;
    private readonly IReadOnlyList<ClaimRow> _claims;

    public Findings(Experiment experiment, Observations seen)
    {
        _experiment = experiment;
        _seen = seen;
        _claims = seen.Rows?.Claims ?? [];
        (KilledAt, KilledAtSource) = Killed();
        Partitions = [.. Touched().Order().Select(Partition)];
    }

    /// <summary>When the fault struck: the last of several victims; the first broker if all brokers are affected in turn.</summary>
    public DateTimeOffset? KilledAt { get; }

    /// <summary>exit or request.</summary>
    public string? KilledAtSource { get; }

    public IReadOnlyList<PartitionFindings> Partitions { get; }

    /// <summary>The first action of the group after the fault. A loss is not an action: its time is the last sign of the consumer that lost.</summary>
    public DateTimeOffset? NoticedByGroup => _seen.Rows?.Rebalances
        .Where(row => row.EventType != "lost" && row.Timestamp > KilledAt && !(row.Timestamp > _seen.UndoneAt)).Select(row => (DateTimeOffset?)row.Timestamp).Min();

    /// <summary>The first status, alert or outage on the dashboard that names a victim.</summary>
    public DateTimeOffset? NoticedByUs
    {
        get
        {
            if (_seen.Rows is not { } rows || KilledAt is not { } killedAt)
            {
                return null;
            }

            var changes = rows.StatusChanges.Where(row => row.At >= killedAt && row.Status is ("inactive" or "down") && _seen.Victims.Contains(row.ComponentId))
                .Select(row => (DateTimeOffset?)row.At);
            var alerts = rows.Alerts.Where(row => row.RaisedAt >= killedAt && _seen.Victims.Contains(row.ComponentId)).Select(row => (DateTimeOffset?)row.RaisedAt);

            // The rows about an outage are written after it, with the time of the last answer before it.
            return _experiment.Victims == VictimKind.Database ? _seen.AwaySeenAt : changes.Concat(alerts).Min();
        }
    }

    public DateTimeOffset? Reassigned => _experiment.Rebalances ? Last(partition => partition.ReassignedAt) : null;

    public DateTimeOffset? Flowing => Last(partition => partition.FlowingAt);

    public DateTimeOffset? CaughtUp => _experiment.Victims == VictimKind.None
        ? CaughtUpFrom(_seen.BurstEndedAt, _seen.LagLevel.Keys)
        : Last(partition => partition.CaughtUpAt);

    public int? AcknowledgementWaitMs => _seen.Rows?.AcknowledgementWaitMs;

    public long? Lost => _seen is { SettledAt: not null, Before: { } before, Rows: { } rows } ? rows.Totals.Missing - before.Missing : null;

    public long? Doubled => _seen is { SettledAt: not null, Before: { } before, Rows: { } rows } ? rows.Totals.Duplicated - before.Duplicated : null;

    public long? Rejected => _seen is { Before: { } before, Rows: { } rows } ? rows.Totals.Rejected - before.Rejected : null;

    /// <summary>Claims of partitions whose previous owner was not affected; if the number of consumers is changed, every owner is affected.</summary>
    public int? UnexpectedRebalances => _experiment.Victims == VictimKind.Scaled || _seen.AskedAt is not { } askedAt || _seen.Rows is null
        ? null
        : _claims.Count(claim => claim.ClaimedAt > askedAt
            && (!_experiment.Rebalances || !(claim.ClaimedAt > _seen.UndoneAt))
            && Before(claim) is { } before
            && !_seen.Victims.Contains(before.ConsumerId));

    /// <summary>Returns the measured value; null if it was not measured.</summary>
    public double? Of(Measure measure) => measure switch
    {
        Measure.Flowing => Since(KilledAt, Flowing),
        Measure.HandOver => HandOverMs(),
        Measure.AcknowledgementWait => AcknowledgementWaitMs,
        Measure.Return => _seen.Rows is { } rows && rows.DatabaseStartedAt > _seen.AskedAt ? Since(rows.DatabaseStartedAt, Flowing) : null,
        Measure.Noticed => Since(KilledAt, NoticedByUs),
        Measure.CaughtUp => Since(_experiment.Victims == VictimKind.None ? _seen.BurstEndedAt : KilledAt, CaughtUp),
        Measure.Stall => _seen.Stored is { Gaps: [_, ..] gaps } ? gaps.Max(gap => gap.Ms) : null,
        Measure.ActiveAgain => Since(_seen.UndoneAt, ActiveAgain()),
        Measure.Lost => Lost,
        Measure.Doubled => Doubled,
        Measure.UnexpectedRebalances => UnexpectedRebalances,
        Measure.NotRejected => _seen.PoisonSent is { } sent && Rejected is { } rejected ? Math.Max(0, sent - rejected) : null,
        Measure.LoadLost => _seen is { LoadAcknowledged: { } acknowledged, Stored: { } stored } ? Math.Max(0, acknowledged - stored.OfLoad) : null,
        Measure.WholeAgain => _seen.SettledAt is { } settled ? Since(_seen.UndoneAt, settled) : null,
        _ => throw new ArgumentOutOfRangeException(nameof(measure), measure, null),
    };

    public int? SinceKilled(DateTimeOffset? at) => Since(KilledAt, at);

    private static int? Since(DateTimeOffset? from, DateTimeOffset? to) =>
        from is { } start && to is { } end ? (int)Math.Round(Math.Max(0, (end - start).TotalMilliseconds)) : null;

    private (DateTimeOffset? At, string? Source) Killed()
    {
        if (_seen.AskedAt is not { } asked)
        {
            return (null, null);
        }

        // An exit before the request is a different exit; a clock difference of 1 s is tolerated.
        var ends = _seen.Rows?.Exits
            .Where(exit => exit.At >= asked - TimeSpan.FromSeconds(1) && !(exit.At > _seen.UndoneAt) && _seen.Victims.Contains(exit.ComponentId))
            .GroupBy(exit => exit.ComponentId).Select(exits => exits.Min(exit => exit.At)).ToList() ?? [];
        return _experiment.Victims switch
        {
            VictimKind.Scaled or VictimKind.None or VictimKind.LinkedConsumer => (asked, "request"),
            VictimKind.AllBrokers => ends is [] ? (asked, "request") : (ends.Min(), "exit"),
            _ => ends.Count > 0 && ends.Count == _seen.Victims.Count ? (ends.Max(), "exit") : (asked, "request"),
        };
    }

    private IEnumerable<int> Touched() => _experiment.Victims switch
    {
        _ when _seen.AskedAt is null => [],
        VictimKind.Scaled => _claims.Where(claim => claim.ClaimedAt > _seen.AskedAt).Select(claim => claim.Partition).Distinct(),
        _ when _experiment.Rebalances => _seen.Owners.Where(pair => _seen.Victims.Contains(pair.Value)).Select(pair => pair.Key),
        _ => _seen.Owners.Keys,
    };

    private PartitionFindings Partition(int partition)
    {
        var from = _seen.Owners.GetValueOrDefault(partition);
        var claims = _claims.Where(claim => claim.Partition == partition && claim.ClaimedAt > KilledAt).ToList();
        if (_experiment.Victims == VictimKind.Scaled)
        {
            var recovered = claims.LastOrDefault(claim => claim.RecoveredAt is not null);
            return new(partition, from, claims.LastOrDefault()?.ConsumerId ?? from, claims.LastOrDefault()?.ClaimedAt, recovered?.RecoveredAt, null, claims.Max(StallMs));
        }

        if (_experiment.Rebalances)
        {
            var successors = claims.Where(claim => !_seen.Victims.Contains(claim.ConsumerId)).ToList();

            // A successor that loses the partition again before its first record has not recovered it.
            var successor = successors.Find(claim => claim.RecoveredAt is not null) ?? successors.LastOrDefault();
            return new(
                partition, from, successor?.ConsumerId, successors.FirstOrDefault()?.ClaimedAt, successor?.RecoveredAt,
                CaughtUpFrom(successor?.RecoveredAt, [partition]), successor is null ? null : StallMs(successor));
        }

        // No new owner: the partition flows again after the longest gap between commits.
        var gap = _seen.Stored?.Gaps.FirstOrDefault(each => each.Partition == partition);
        return new(partition, from, claims.LastOrDefault()?.ConsumerId ?? from, null, gap?.To, CaughtUpFrom(gap?.To, [partition]), gap?.Ms);
    }

    private ClaimRow? Before(ClaimRow claim) => _claims.FirstOrDefault(each => each.Partition == claim.Partition && each.Epoch == claim.Epoch - 1);

    private int? StallMs(ClaimRow claim) => Since(Before(claim)?.EndedAt, claim.RecoveredAt);

    private double? HandOverMs()
    {
        var handedOver = _claims.Where(claim => claim.ClaimedAt > _seen.AskedAt && (claim.EndedAt is null || claim.RecoveredAt is not null)).ToList();
        return handedOver.Count == 0 || handedOver.Exists(claim => claim.RecoveredAt is null) ? null : handedOver.Max(StallMs);
    }

    private DateTimeOffset? ActiveAgain() => _seen.Rows?.StatusChanges
        .Where(row => row.Status == "active" && row.At >= _seen.UndoneAt && _seen.Victims.Contains(row.ComponentId)).Select(row => (DateTimeOffset?)row.At).Max();

    private DateTimeOffset? CaughtUpFrom(DateTimeOffset? from, IEnumerable<int> partitions) => from is null
        ? null
        : _seen.Lags.FirstOrDefault(sample => sample.At >= from && partitions.All(partition =>
            _seen.LagLevel.TryGetValue(partition, out var level) && sample.Partitions.TryGetValue(partition, out var lag) && lag <= level))?.At;

    private DateTimeOffset? Last(Func<PartitionFindings, DateTimeOffset?> select) =>
        Partitions.Count > 0 && Partitions.All(partition => select(partition) is not null) ? Partitions.Max(select) : null;
}

/// <param name="From">The owner when the fault was requested.</param>
/// <param name="StallMs">Time from the end of the previous claim to the recovery, or the longest time without a commit.</param>
internal sealed record PartitionFindings(
    int Partition, string? From, string? To, DateTimeOffset? ReassignedAt, DateTimeOffset? FlowingAt, DateTimeOffset? CaughtUpAt, int? StallMs);
