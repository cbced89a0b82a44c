using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Removes partitions that are no longer ours from a write. The database refuses a transaction in which the epoch or the next offset of a partition does not
/// match; the partition's row then shows whether another consumer has claimed it, or whether the transaction had already been committed.
/// </summary>
internal sealed partial class Fence(IngestStore store, LeaseTable leases, Action<LaneEvent> post, ILogger logger)
{
    /// <summary>Removes everything from the transaction that belongs to partitions that are no longer ours.</summary>
    /// <returns>True if anything was removed.</returns>
    public bool DropForeign(IngestWrite write)
    {
        leases.DropAbandoned();
        bool IsForeign(int partition) => leases.Find(write.Log, partition) is null;
        if (write.Moves.RemoveAll(move => IsForeign(move.Partition)) == 0)
        {
            return false;
        }

        write.Alerts.RemoveAll(row => IsForeign(row.Partition));
        write.Episodes.RemoveAll(row => IsForeign(row.Partition));
        write.Rejected.RemoveAll(row => IsForeign(row.Partition));
        write.DeadLetters.RemoveAll(row => IsForeign(row.SourcePartition));
        write.Violations.RemoveAll(row => IsForeign(row.Partition));
        write.Snapshots.RemoveAll(row => IsForeign(row.Partition));
        write.Latest.RemoveAll(row => IsForeign(row.Partition));
        write.Backfilled.RemoveAll(row => IsForeign(row.Partition));
        write.MemoryLosses.RemoveAll(row => IsForeign(row.Partition));
        return true;
    }

    /// <summary>Determines why no row was updated, and drops the leases that have ended.</summary>
    /// <returns>True if the transaction had been committed and only its answer was lost.</returns>
    public async Task<bool> HasGoneThroughAsync(IngestWrite write, CancellationToken cancellationToken)
    {
        var standings = await store.InspectAsync(write.Log, [.. write.Moves.Select(move => move.Partition)], cancellationToken);
        var hasGoneThrough = false;
        foreach (var move in write.Moves)
        {
            var stored = standings.FirstOrDefault(one => one.Partition == move.Partition);
            var partition = leases.Find(write.Log, move.Partition)!.Partition;
            if (stored is null || stored.Epoch != move.Epoch)
            {
                Log.Fenced(logger, move.Partition, move.Epoch, stored?.Epoch ?? 0, stored?.Owner ?? "nobody");
                leases.Drop(partition);
                post(new LaneEvent.Fenced(partition));
            }
            else if (stored.NextOffset == move.Next && move.Next != move.Expected)
            {
                Log.AnswerLost(logger, move.Partition, move.Next);
                hasGoneThrough = true;
            }
            else if (stored.NextOffset != move.Expected)
            {
                // Ours, but not in the state that we left: nothing that is remembered can be relied on.
                Log.OffsetMismatch(logger, move.Partition, move.Expected, stored.NextOffset);
                leases.Drop(partition);
                post(new LaneEvent.ClaimAgain(partition, Uncertain: false));
            }
        }

        return hasGoneThrough;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: epoch {Epoch} has ended, {Owner} owns the partition at epoch {Current}: discarding unsaved readings")]
        public static partial void Fenced(ILogger logger, int partition, long epoch, long current, string owner);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition}: offset {Offset} was committed, only the answer was lost")]
        public static partial void AnswerLost(ILogger logger, int partition, long offset);

        [LoggerMessage(Level = LogLevel.Error, Message = "Partition {Partition}: expected next offset {Expected}, the database has {Found}: claiming it again")]
        public static partial void OffsetMismatch(ILogger logger, int partition, long expected, long found);
    }
}
