using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Claims partitions in the database, and releases them.</summary>
internal sealed partial class LeaseKeeper(
    LaneContext context, IngestStore store, LeaseTable leases, WorkingTime workingTime, DatabaseCondition database, DatabaseRecovery recovery)
{
    /// <summary>The share of the lane's time in which stored messages are moved aside: the other partitions have the rest.</summary>
    private const double MovingShare = 0.5;

    private readonly List<Move> _moves = [];
    private readonly TimeShare _movingTime = new(MovingShare, TimeSpan.FromMilliseconds(250), context.Time);
    private int _failedMoves;

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
                    switch (claimed.FirstOrDefault(one => one.Partition == partition.Number))
                    {
                        case { CutAt: { } cutAt } claim:
                            Log.LogIsShorter(context.Logger, partition.Number, cutAt, claim.NextOffset - 1);
                            // The database's offset is moved back intentionally.
                            _earlier.Remove(partition.Number);
                            _moves.Add(new Move(partition, work.Log, claim, low, high));
                            break;
                        case { } claim:
                            Take(partition, work.Log, claim, low, high);
                            if (partition.IsAbandoned)
                            {
                                // The group has taken it away meanwhile, and its current owner must not be fenced by us.
                                await ReleaseAsync([partition], isLost: false, null, cancellationToken);
                            }

                            break;
                        default:
                            context.Post(new LaneEvent.ClaimAgain(partition, Uncertain: true));
                            break;
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

    /// <summary>
    /// Goes on with moving aside what the brokers have lost of claimed partitions, and takes those of which everything is moved. Must be called after each work of
    /// the lane: it takes half of the time.
    /// </summary>
    public async Task MoveAsideAsync(CancellationToken cancellationToken)
    {
        while (_moves.Count > 0 && _movingTime.HasTime)
        {
            var move = _moves[0];
            if (move.Partition.IsAbandoned)
            {
                await ReleaseAsync([move.Partition], isLost: false, null, cancellationToken);
                continue;
            }

            var started = context.Time.GetTimestamp();
            try
            {
                var claim = await store.MoveAsideAsync(move.Log, move.Claim, cancellationToken);
                database.IsBack();
                _failedMoves = 0;
                if (claim is null)
                {
                    _moves.Remove(move);
                    context.Post(new LaneEvent.Fenced(move.Partition));
                }
                else
                {
                    move.Claim = claim;
                    await EndAsync(move, cancellationToken);
                }
            }
            catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
            {
                await recovery.RecoverAsync(fault, exception, ++_failedMoves, cancellationToken);
                if (fault == DatabaseFault.Replaced)
                {
                    // The logs' keys belong to the old database.
                    _moves.ForEach(one => context.Post(new LaneEvent.ClaimAgain(one.Partition, Uncertain: false)));
                    _moves.Clear();
                }

                break;
            }
            finally
            {
                _movingTime.Spend(started);
            }
        }

        _moves.ForEach(move => move.IsLong = true);
    }

    /// <summary>Takes the partition, if everything is moved.</summary>
    private async Task EndAsync(Move move, CancellationToken cancellationToken)
    {
        var (partition, claim) = (move.Partition, move.Claim);
        if (claim.CutAt is not null)
        {
            return;
        }

        Log.MovedAside(context.Logger, partition.Number, claim.NextOffset, claim.MovedAside);
        if (move.IsLong || move.Low > claim.NextOffset)
        {
            // The log may be another one, or begin or end elsewhere, by now.
            await ReleaseAsync([partition], isLost: false, null, cancellationToken);
            context.Post(new LaneEvent.ClaimAgain(partition, Uncertain: false));
            return;
        }

        _moves.Remove(move);
        Take(partition, move.Log, claim, move.Low, move.High);
    }

    /// <summary>Releases the partitions that are ours, and drops their data, whether or not the database can be reached.</summary>
    /// <param name="isLost">The group took them away without a revocation.</param>
    public async Task ReleaseAsync(IReadOnlyList<OwnedPartition> partitions, bool isLost, string? reason, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempts = 1; ; attempts++)
            {
                var mine = partitions.Select(Owned).OfType<Ownership>().ToList();
                if (mine.Count == 0)
                {
                    return;
                }

                try
                {
                    foreach (var log in mine.GroupBy(owned => owned.Log))
                    {
                        var released = await store.ReleaseAsync(
                            log.Key, [.. log.OrderBy(owned => owned.Partition.Number).Select(owned => (owned.Partition.Number, owned.Epoch))], isLost, reason, cancellationToken);
                        context.Metrics.Rebalanced(isLost ? "lost" : "revoked", released);
                    }

                    database.IsBack();
                    return;
                }
                catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
                {
                    if (mine.TrueForAll(owned => owned.Partition.IsAbandoned))
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
                _moves.RemoveAll(move => move.Partition == partition);
            }
        }
    }

    /// <returns>Null if the partition is not claimed.</returns>
    private Ownership? Owned(OwnedPartition partition) =>
        partition.Lease is { } lease ? new Ownership(partition, lease.Log, lease.Claim.Epoch)
        : _moves.Find(move => move.Partition == partition) is { } move ? new Ownership(partition, move.Log, move.Claim.Epoch)
        : null;

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

        if (StoredBefore(partition.Number, log) is { } stored && stored > claim.NextOffset)
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

        var from = lease.MemoryAt;
        Log.Claimed(context.Logger, partition.Number, claim.Epoch, claim.NextOffset, claim.NextOffset - from, claim.Predecessor ?? "nobody");
        context.Post(new LaneEvent.Claimed(partition, from, claim.NextOffset, claim.LeaderEpoch, low ?? 0, high ?? from));
    }

    private long? StoredBefore(int partition, LogTopic log) =>
        _earlier.TryGetValue(partition, out var earlier) && earlier.LogId == log.LogId ? earlier.Partition.Committed : null;

    /// <summary>A partition that is claimed, and of which the brokers have lost what is being moved aside.</summary>
    private sealed class Move(OwnedPartition partition, LogTopic log, ClaimedPartition claim, long? low, long? high)
    {
        public OwnedPartition Partition => partition;

        public LogTopic Log => log;

        public long? Low => low;

        public long? High => high;

        public ClaimedPartition Claim { get; set; } = claim;

        /// <summary>Other work has come between: what the brokers said of the log is out of date.</summary>
        public bool IsLong { get; set; }
    }

    private sealed record Ownership(OwnedPartition Partition, LogTopic Log, long Epoch);

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

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the brokers lost the log from offset {Offset} on: moving what is stored of it, up to offset {Last}, to a separate log_id")]
        public static partial void LogIsShorter(ILogger logger, int partition, long offset, long last);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition}: {Count} stored messages from offset {Offset} on are kept under a separate log_id")]
        public static partial void MovedAside(ILogger logger, int partition, long offset, long count);
    }
}
