using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Data.Experiments;

/// <summary>What the database tells of a run: everything since its start.</summary>
/// <param name="Alerts">About the system itself.</param>
/// <param name="Claims">Of the present log, by partition and epoch: those that stood at the start, and all since.</param>
/// <param name="LastCommits">By partition.</param>
/// <param name="AcknowledgementWaitMs">The longest wait of a reading for its acknowledgement from the fault on; null before it, or while no sample tells.</param>
/// <param name="Unsettled">Ranges of acknowledgements written before the moment asked for, and not compared with what is stored yet.</param>
/// <param name="DatabaseStartedAt">When this PostgreSQL was started.</param>
public sealed record ExperimentRows(
    IReadOnlyList<ComponentExitRow> Exits,
    IReadOnlyList<StatusChangeRow> StatusChanges,
    IReadOnlyList<SystemAlertRow> Alerts,
    IReadOnlyList<RebalancingEventBody> Rebalances,
    IReadOnlyList<ClaimRow> Claims,
    IReadOnlyDictionary<int, DateTimeOffset> LastCommits,
    ExperimentTotals Totals,
    int? AcknowledgementWaitMs,
    long Unsettled,
    DateTimeOffset DatabaseStartedAt);

/// <param name="RaisedAt">When it was raised.</param>
public sealed record SystemAlertRow(string ComponentId, string Rule, DateTimeOffset RaisedAt);

/// <param name="EndedAt">Null while it stands. Of one that was lost: the owner's last sign.</param>
/// <param name="EndedBy">revoked, lost.</param>
public sealed record ClaimRow(
    int Partition, long Epoch, string ConsumerId, DateTimeOffset ClaimedAt, DateTimeOffset? RecoveredAt, DateTimeOffset? EndedAt, string? EndedBy);

/// <summary>The account since the beginning.</summary>
public sealed record ExperimentTotals(long Stored, long Rejected, long Missing, long Duplicated);

/// <summary>Where the present log's partitions stood.</summary>
public sealed record ExperimentOffsets(short LogKey, IReadOnlyDictionary<int, long> Next);

/// <summary>What the readings stored since then tell.</summary>
/// <param name="Delayed">Committed later after their event than the limit.</param>
/// <param name="LongestMs">The longest time from event to commit; null where nothing was stored.</param>
/// <param name="OfLoad">Those of load-sensor-*.</param>
/// <param name="Gaps">The longest time between two commits of each partition that ended after the fault and began before it was undone.</param>
public sealed record StoredReadings(long Stored, long Delayed, int? LongestMs, long OfLoad, IReadOnlyList<CommitGap> Gaps);

public sealed record CommitGap(int Partition, DateTimeOffset From, DateTimeOffset To)
{
    public int Ms => (int)(To - From).TotalMilliseconds;
}
