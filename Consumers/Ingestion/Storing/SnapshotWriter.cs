using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Stores the snapshots that are too large to be stored with readings: in parts, each in a transaction of its own, for a tenth of the lane's time. A part that the
/// database does not store in time is halved.
/// </summary>
internal sealed partial class SnapshotWriter(int lane, LaneContext context, IngestStore store, LeaseTable leases, DatabaseRecovery recovery)
{
    private const double Share = 0.1;

    private const int MinPartBytes = 4 * 1024;

    /// <summary>How long a lease that ends may be kept for the rest of its snapshot: the group waits for it.</summary>
    private static readonly TimeSpan FinishLimit = TimeSpan.FromSeconds(1);

    private readonly TimeShare _time = new(Share, TimeSpan.FromMilliseconds(200), context.Time);
    private int _partBytes = PartitionLease.MaxSnapshotBytes;
    private bool _saidFailed;

    /// <summary>Stores as many parts as there is time for. Must be called after each work of the lane.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        while (leases.FindWithParts() is { } lease && _time.HasTime)
        {
            if (!await TryStepAsync(lease, cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>Stores the rest of the partitions' snapshots, if that does not take long.</summary>
    public async Task FinishAsync(IReadOnlyList<OwnedPartition> partitions, CancellationToken cancellationToken)
    {
        var started = context.Time.GetTimestamp();
        foreach (var partition in partitions)
        {
            while (partition is { IsAbandoned: false, Lease: { Snapshots.Parts: not null } lease } && context.Time.GetElapsedTime(started) < FinishLimit)
            {
                if (!await TryStepAsync(lease, cancellationToken))
                {
                    return;
                }
            }
        }
    }

    /// <returns>False if the database fails.</returns>
    private async Task<bool> TryStepAsync(PartitionLease lease, CancellationToken cancellationToken)
    {
        var started = context.Time.GetTimestamp();
        try
        {
            await StepAsync(lease, lease.Snapshots.Parts!, cancellationToken);
            _saidFailed = false;
            return true;
        }
        catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
        {
            if (FaultPolicy.IsTimeout(exception))
            {
                _partBytes = Math.Max(_partBytes / 2, MinPartBytes);
            }

            if (fault == DatabaseFault.Replaced)
            {
                // It is thrown once: nothing else would notice that the leases are of another database.
                await recovery.RecoverAsync(fault, exception, attempts: 1, cancellationToken);
            }
            else if (!_saidFailed)
            {
                _saidFailed = true;
                Log.NotWritten(context.Logger, lane, lease.Number, exception.Message);
            }

            return false;
        }
        finally
        {
            _time.Spend(started);
        }
    }

    /// <summary>Stores the next part, or puts all of them in force.</summary>
    private async Task StepAsync(PartitionLease lease, SnapshotParts parts, CancellationToken cancellationToken)
    {
        if (parts.IsStored)
        {
            if (await store.PutInForceAsync(lease.Log, lease.Claim.Epoch, parts.Row, parts.First, parts.Last, parts.BegunAt, cancellationToken))
            {
                lease.Snapshots.Confirm();
                return;
            }
        }
        else
        {
            var bytes = parts.Next(_partBytes);
            if (await store.StorePartAsync(lease.Log, lease.Number, lease.Claim.Epoch, bytes, parts.IsContinuedAfter(bytes), parts.Last, cancellationToken) is { } part)
            {
                parts.Stored(bytes, part, store.UtcNow);
                return;
            }
        }

        // Another consumer has claimed the partition.
        leases.Drop(lease.Partition);
        context.Post(new LaneEvent.Fenced(lease.Partition));
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Lane {Lane}: cannot store the detector's memory of partition {Partition}, trying again later: {Reason}")]
        public static partial void NotWritten(ILogger logger, int lane, int partition, string reason);
    }
}
