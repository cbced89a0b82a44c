using System.Runtime.CompilerServices;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>The consequences of a committed transaction: for the leases, the metrics and the outbox.</summary>
internal sealed class CommitEffects(LaneContext context, LeaseTable leases, Func<DateTime> databaseTime)
{
    /// <summary>An older record comes from a wrong clock or a replay. Its age does not measure the pipeline's latency.</summary>
    private const long OldRecordMs = 3_600_000;

    /// <param name="duration">The transaction's duration.</param>
    /// <param name="traceId">The batch's trace; null if it is not recorded.</param>
    public void Apply(ReadingBatch? batch, IngestWrite write, TimeSpan duration, string? traceId)
    {
        // Without a lease, another consumer has claimed the partition between our COMMIT and its answer: what was stored stays stored.
        foreach (var move in write.Moves)
        {
            if (leases.Find(write.Log, move.Partition) is { } lease)
            {
                Move(lease, move);
            }
        }

        foreach (var snapshot in write.Snapshots)
        {
            if (leases.Find(write.Log, snapshot.Partition) is { } lease)
            {
                lease.SinceSnapshot = 0;
                lease.Snapshots.Confirm();
            }
        }

        foreach (var row in write.Latest)
        {
            leases.Find(write.Log, row.Partition)?.Detector.JudgeElsewhere(row.SensorId, write.JudgedElsewhere.Contains((row.SensorId, row.Partition)));
        }

        foreach (var loss in write.MemoryLosses)
        {
            if (leases.Find(write.Log, loss.Partition) is { } lease)
            {
                lease.HasLostMemory = false;
            }
        }

        Count(write);
        if (batch is not null)
        {
            Measure(batch, write, duration, traceId);
        }

        if (write.Alerts.Exists(alert => alert.Announcement is not null) || write.DeadLetters.Count > 0)
        {
            context.OutboxFilled();
        }
    }

    private void Move(PartitionLease lease, PartitionMove move)
    {
        if (move.Recovered)
        {
            lease.IsRecovered = true;
            if (move.PredecessorEndedAt is { } endedAt)
            {
                context.Metrics.Stalled(databaseTime() - endedAt);
            }
        }

        lease.NextOffset = move.Next;
        lease.Partition.Committed = move.Next;
    }

    private void Count(IngestWrite write)
    {
        foreach (var alert in write.Alerts.Where(alert => alert.Announcement is not null))
        {
            context.Metrics.AlertRaised(alert.SensorType, alert.AnomalyType, alert.Severity);
        }

        foreach (var rejected in write.Rejected)
        {
            context.Metrics.DeadLetter(rejected.Reason);
        }

        context.Metrics.Delivered(
            write.Moves.Sum(move => move.Stored), write.Moves.Sum(move => move.Redelivered), write.Moves.Sum(move => move.Duplicated));
    }

    // As in RowEncoder's loops: called too rarely to be compiled a second time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Measure(ReadingBatch batch, IngestWrite write, TimeSpan duration, string? traceId)
    {
        var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Span<int> latencies = stackalloc int[LatencyHistogram.BucketCount];
        var step = ConsumerMetrics.LatencyStep(batch.Count);
        var measures = context.Metrics.MeasuresEndToEnd;
        var (stored, old, backfilled) = (0, 0, 0);
        long slowest = -1;
        var scope = new WriteScope(write);
        foreach (ref var reading in batch.Readings)
        {
            if (!scope.Stores(ref reading))
            {
                continue;
            }

            if (reading.Sensor.Identity.IsBackfill)
            {
                backfilled++;
                stored++;
                continue;
            }

            var latency = Math.Max(0, now - reading.ProducedAt);
            if (latency > OldRecordMs)
            {
                old++;
                stored++;
                continue;
            }

            latencies[LatencyHistogram.BucketOf(latency)]++;
            slowest = Math.Max(slowest, latency);
            if (measures && stored % step == 0)
            {
                context.Metrics.EndToEnd(reading.Partition.Number, latency);
            }

            stored++;
        }

        context.Metrics.OldRecords(old);
        context.Metrics.Backfilled(backfilled);
        context.Status.Stored(stored, latencies, duration, slowest < 0 ? null : new(slowest, traceId));
    }
}
