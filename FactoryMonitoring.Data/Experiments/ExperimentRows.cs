using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Data.Experiments;

/// <summary>What the database has recorded of a run, all since its start.</summary>
/// <param name="Alerts">Alerts about the system itself.</param>
/// <param name="Claims">Claims in the current log, by partition and epoch: those in force at the start, and all since.</param>
/// <param name="LastCommits">By partition.</param>
/// <param name="AcknowledgementWaitMs">
/// The longest time that a reading waited for its acknowledgement after the fault; null before the fault, or while there is no sample.
/// </param>
/// <param name="Unsettled">Acknowledged ranges written before the requested time, and not yet compared with the stored rows.</param>
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

/// <param name="EndedAt">Null while the claim is in force. For a lost claim: the owner's last sign.</param>
/// <param name="EndedBy">revoked, lost.</param>
public sealed record ClaimRow(
    int Partition, long Epoch, string ConsumerId, DateTimeOffset ClaimedAt, DateTimeOffset? RecoveredAt, DateTimeOffset? EndedAt, string? EndedBy);

/// <summary>The totals of the ledger since the beginning.</summary>
public sealed record ExperimentTotals(long Stored, long Rejected, long Missing, long Duplicated);

/// <summary>Offsets of the current log's partitions.</summary>
public sealed record ExperimentOffsets(short LogKey, IReadOnlyDictionary<int, long> Next);

/// <summary>Statistics of the readings stored since then.</summary>
/// <param name="Delayed">Readings committed later after their event than the limit.</param>
/// <param name="LongestMs">The longest time from event to commit; null if nothing was stored.</param>
/// <param name="OfLoad">Readings of load-sensor-*.</param>
/// <param name="Gaps">For each partition, the longest time between two commits, among those that ended after the fault and began before it was undone.</param>
public sealed record StoredReadings(long Stored, long Delayed, int? LongestMs, long OfLoad, IReadOnlyList<CommitGap> Gaps);

public sealed record CommitGap(int Partition, DateTimeOffset From, DateTimeOffset To)
{
    public int Ms => (int)(To - From).TotalMilliseconds;
}
