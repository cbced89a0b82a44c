using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Claims partitions in the database, and releases them.</summary>
internal sealed partial class LeaseKeeper(
    LaneContext context, IngestStore store, LeaseTable leases, WorkingTime workingTime, DatabaseCondition database, DatabaseRecovery recovery)
{
    // By partition, of the last claimed log: what this consumer has stored remains known after its lease ends.
    private readonly Dictionary<int, (string LogId, OwnedPartition Partition)> _earlier = [];

    /// <summary>Claims the partitions that are still wanted, however long it takes, and notifies the polling thread of each result.</summary>
    public async Task ClaimAsync(LaneWork.Claim work, CancellationToken cancellationToken)
    {
        for (var attempts = 1; ; attempts++)
        {
            var wanted = work.Partitions.Where(one => one.Partition is { IsAbandoned: false, Lease: null }).ToList();
            if (wanted.Count == 0)
            {
                return;
            }

            try
            {
                var claimed = await store.ClaimAsync(
                    work.Log,
                    [.. wanted.Select(one => new PartitionClaim(one.Partition.Number, one.Low, one.High, one.Partition.IsCertain, one.Partition.CutAt, one.Partition.Joined, StoredBefore(one.Partition.Number, work.Log)))],
                    cancellationToken);
                database.IsBack();
                foreach (var (partition, low, high) in wanted)
                {
                    if (claimed.FirstOrDefault(one => one.Partition == partition.Number) is { } claim)
                    {
                        Take(partition, work.Log, claim, low, high);
                        if (partition.IsAbandoned)
                        {
                            // The group has taken it away meanwhile, and its current owner must not be fenced by us.
                            await ReleaseAsync([partition], isLost: false, null, cancellationToken);
                        }
                    }
                    else
                    {
                        context.Post(new LaneEvent.ClaimAgain(partition, Uncertain: true));
                    }
                }

                return;
            }
            catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
            {
                await recovery.RecoverAsync(fault, exception, attempts, cancellationToken);
                if (fault == DatabaseFault.Replaced)
                {
                    // The log's key belongs to the old database.
                    wanted.ForEach(one => context.Post(new LaneEvent.ClaimAgain(one.Partition, Uncertain: false)));
                    return;
                }
            }
        }
    }

    /// <summary>Releases the partitions that are ours, and drops their data, whether or not the database can be reached.</summary>
    /// <param name="isLost">The group took them away without a revocation.</param>
    public async Task ReleaseAsync(IReadOnlyList<OwnedPartition> partitions, bool isLost, string? reason, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempts = 1; ; attempts++)
            {
                var mine = partitions.Select(partition => partition.Lease).OfType<PartitionLease>().ToList();
                if (mine.Count == 0)
                {
                    return;
                }

                try
                {
                    foreach (var log in mine.GroupBy(lease => lease.Log))
                    {
                        var released = await store.ReleaseAsync(
                            log.Key, [.. log.OrderBy(lease => lease.Number).Select(lease => (lease.Number, lease.Claim.Epoch))], isLost, reason, cancellationToken);
                        context.Metrics.Rebalanced(isLost ? "lost" : "revoked", released);
                    }

                    database.IsBack();
                    return;
                }
                catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
                {
                    if (mine.TrueForAll(lease => lease.Partition.IsAbandoned))
                    {
                        // The successor will find them unreleased and report it.
                        return;
                    }

                    await recovery.RecoverAsync(fault, exception, attempts, cancellationToken);
                }
            }
        }
        finally
        {
            foreach (var partition in partitions)
            {
                leases.Drop(partition);
            }
        }
    }

    private void Take(OwnedPartition partition, LogTopic log, ClaimedPartition claim, long? low, long? high)
    {
        var (lease, fate) = PartitionLease.Take(partition, log, claim, low ?? 0, context.Rules, workingTime.Now, context.Time);
        switch (fate)
        {
            case MemoryFate.OutOfLog(var at):
                Log.MemoryLost(context.Logger, partition.Number, at, low ?? 0);
                break;
            case MemoryFate.Unreadable(var exception):
                Log.MemoryUnreadable(context.Logger, exception, partition.Number);
                break;
        }

        // If the log was found truncated just now, the database's offset was moved back intentionally.
        if (claim.CutEpoch != claim.Epoch && StoredBefore(partition.Number, log) is { } stored && stored > claim.NextOffset)
        {
            Log.DatabaseLost(context.Logger, partition.Number, claim.NextOffset, stored - 1);
        }

        partition.Committed = claim.NextOffset;
        _earlier[partition.Number] = (log.LogId, partition);
        leases.Add(lease);
        context.Metrics.Rebalanced("assigned", 1);
        if (claim.PredecessorLost)
        {
            context.Metrics.Rebalanced("lost", 1);
        }

        if (claim.Skipped > 0)
        {
            Log.Skipped(context.Logger, partition.Number, claim.Skipped);
        }

        if (claim.MovedAside > 0)
        {
            Log.LogIsShorter(context.Logger, partition.Number, claim.NextOffset, claim.MovedAside);
        }

        var from = lease.MemoryAt;
        Log.Claimed(context.Logger, partition.Number, claim.Epoch, claim.NextOffset, claim.NextOffset - from, claim.Predecessor ?? "nobody");
        context.Post(new LaneEvent.Claimed(partition, from, claim.NextOffset, claim.LeaderEpoch, low ?? 0, high ?? from));
    }

    private long? StoredBefore(int partition, LogTopic log) =>
        _earlier.TryGetValue(partition, out var earlier) && earlier.LogId == log.LogId ? earlier.Partition.Committed : null;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information,
            Message = "Partition {Partition} is ours: epoch {Epoch}, from offset {Offset} with {Replay} read again for the detector; before us: {Predecessor}")]
        public static partial void Claimed(ILogger logger, int partition, long epoch, long offset, long replay, string predecessor);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log begins at {Low}, after the detector's snapshot at offset {Offset}: starting without it")]
        public static partial void MemoryLost(ILogger logger, int partition, long offset, long low);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: cannot read the detector's snapshot, starting without it")]
        public static partial void MemoryUnreadable(ILogger logger, Exception exception, int partition);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the database lost the stored offsets {First} to {Last}: reading them again from the log")]
        public static partial void DatabaseLost(ILogger logger, int partition, long first, long last);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log dropped {Count} offsets before they were read")]
        public static partial void Skipped(ILogger logger, int partition, long count);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the brokers lost the log after offset {Offset}: keeping {Count} stored messages of it under a separate log_id")]
        public static partial void LogIsShorter(ILogger logger, int partition, long offset, long count);
    }
}
