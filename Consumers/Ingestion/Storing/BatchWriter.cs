using FactoryMonitoring.Consumers.Telemetry;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Stores transactions, however long that takes: retries the same one after every failure, without the partitions that are no longer ours.</summary>
internal sealed partial class BatchWriter(
    int lane,
    LaneContext context,
    IngestStore store,
    LeaseTable leases,
    RowEncoder encoder,
    DatabaseCondition database,
    DatabaseRecovery recovery)
{
    private readonly Fence _fence = new(store, leases, context.Post, context.Logger);
    private readonly CommitEffects _effects = new(context, leases, () => store.UtcNow);
    private bool _saidUnsettled;
    private readonly Quarantine _quarantine = new(new DeadLetters(context.Identity));

    /// <summary>Stores one transaction. Messages that the database refuses permanently become dead letters, and the others are stored.</summary>
    /// <param name="batch">Null if the transaction stores no readings.</param>
    /// <param name="trace">The batch's trace; null if it is not recorded.</param>
    public async Task StoreAsync(ReadingBatch? batch, IngestWrite write, BatchTrace? trace, CancellationToken cancellationToken)
    {
        if (await TryStoreAsync(batch, write, trace, cancellationToken) is null)
        {
            return;
        }

        var work = new Refused(batch, write, new BatchDivision(batch, write), trace);
        await StorePartAsync(work, 0, work.Division.Count, cancellationToken);
        var rest = work.Division.Rest();
        foreach (var move in write.Moves)
        {
            if (leases.Find(write.Log, move.Partition) is { } lease && (rest.Snapshots.RemoveAll(row => row.Partition == move.Partition) > 0 || lease.Snapshots.Parts?.Row.Offset > move.Expected))
            {
                // Refused messages are no longer in the detector's memory.
                rest.Snapshots.AddRange(lease.NextSnapshot(mayBeLarge: true) is { } row ? [row] : []);
            }
        }

        if (await TryStoreAsync(null, rest, trace, cancellationToken) is { } refusal)
        {
            // The ledger depends on none of it, and the next tick writes most of it again.
            Log.DueRefused(context.Logger, lane, refusal.Message);
        }
    }

    /// <summary>A transaction that is stored in parts, because the database refuses it as a whole.</summary>
    private sealed record Refused(ReadingBatch? Batch, IngestWrite Write, BatchDivision Division, BatchTrace? Trace);

    /// <summary>Stores the messages in order, and those refused permanently as dead letters: bisects down to a single message.</summary>
    private async Task StorePartAsync(Refused work, int first, int end, CancellationToken cancellationToken)
    {
        var (batch, write, division, trace) = work;
        if (first == end || await TryStoreAsync(batch, division.Part(first, end), trace, cancellationToken) is not { } refusal)
        {
            return;
        }

        if (end - first > 1)
        {
            var middle = first + ((end - first) / 2);
            await StorePartAsync(work, first, middle, cancellationToken);
            await StorePartAsync(work, middle, end, cancellationToken);
            return;
        }

        var message = division[first];
        Log.Refused(context.Logger, message.Partition, message.Offset, refusal.SqlState, refusal.MessageText);
        _quarantine.Add(batch, write, message, refusal);
        division.Reject(first);
        if (await TryStoreAsync(batch, division.Part(first, end), trace, cancellationToken) is not { } second)
        {
            return;
        }

        _quarantine.Strip(write, message, second);
        while (await TryStoreAsync(batch, division.Part(first, end), trace, cancellationToken) is { } again)
        {
            // Only the message's position is left to refuse: so the message is not the cause.
            database.RefusesAnything(again.Message);
            await Task.Delay(FaultPolicy.RetryDelay, context.Time, cancellationToken);
        }
    }

    /// <summary>Stores one transaction, unless none of it is ours any more.</summary>
    /// <returns>The refusal, if the database refuses it for its content but accepts others; otherwise null.</returns>
    private async Task<PostgresException?> TryStoreAsync(ReadingBatch? batch, IngestWrite write, BatchTrace? trace, CancellationToken cancellationToken)
    {
        var isEncoded = false;
        for (var attempts = 1; ; attempts++)
        {
            isEncoded &= !_fence.DropForeign(write);
            if (write.Moves.Count == 0)
            {
                return null;
            }

            try
            {
                if (!isEncoded)
                {
                    await encoder.EncodeAsync(batch, write, cancellationToken);
                    isEncoded = true;
                }

                var started = context.Time.GetTimestamp();
                var outcome = await store.StoreAsync(write, cancellationToken);
                if (outcome == StoreOutcome.Stored || await _fence.HasGoneThroughAsync(write, cancellationToken))
                {
                    database.IsBack();
                    _effects.Apply(batch, write, context.Time.GetElapsedTime(started), trace?.Id);
                    await SettleAsync(write, cancellationToken);
                    return null;
                }
            }
            catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
            {
                trace?.Failed(exception is PostgresException postgres ? postgres.SqlState : exception.GetType().FullName!);
                if (fault == DatabaseFault.Refused && await TakesOthersAsync(write.Log, cancellationToken))
                {
                    return (PostgresException)exception;
                }

                if (FaultPolicy.IsTimeout(exception))
                {
                    // Readings do not wait for the memory.
                    write.Snapshots.ForEach(row => leases.Find(write.Log, row.Partition)?.StoreInParts(row));
                    write.Snapshots.Clear();
                }

                await recovery.RecoverAsync(fault, exception, attempts, cancellationToken);
            }
        }
    }

    /// <summary>Settles what the producers' accounts say, after the write is stored. Readings do not wait for it: what fails now is settled later.</summary>
    private async Task SettleAsync(IngestWrite write, CancellationToken cancellationToken)
    {
        if (write.Settle is not { } settle)
        {
            return;
        }

        try
        {
            await store.SettleAsync(write.Log, write.Moves, settle, context.Metrics.Missing, cancellationToken);
            _saidUnsettled = false;
        }
        catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
        {
            if (fault == DatabaseFault.Replaced)
            {
                // It is thrown once: nothing else would notice that the leases are of another database.
                await recovery.RecoverAsync(fault, exception, attempts: 1, cancellationToken);
            }
            else if (!_saidUnsettled)
            {
                _saidUnsettled = true;
                Log.NotSettled(context.Logger, lane, exception.Message);
            }
        }
    }

    /// <summary>Whether the database stores a reading that is known to be valid.</summary>
    private async Task<bool> TakesOthersAsync(LogTopic log, CancellationToken cancellationToken)
    {
        try
        {
            await store.WarmUpAsync(log, cancellationToken);
            return true;
        }
        catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is not null)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Lane {Lane}: cannot settle what the brokers acknowledged, trying again later: {Reason}")]
        public static partial void NotSettled(ILogger logger, int lane, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}, offset {Offset}: the database refuses this message for good ({SqlState}: {Reason}); it becomes a dead letter")]
        public static partial void Refused(ILogger logger, int partition, long offset, string sqlState, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Lane {Lane}: the database refused latest values, alert states and snapshots, retrying with the next batch: {Reason}")]
        public static partial void DueRefused(ILogger logger, int lane, string reason);
    }
}
