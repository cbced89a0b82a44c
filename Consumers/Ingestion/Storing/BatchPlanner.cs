using System.Runtime.CompilerServices;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Telemetry;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Decides what a batch writes. The result depends only on the batch, the leases and the terms; nothing is read and nothing is sent.
/// The detectors of the leases process the readings: the same batch must not be planned twice.
/// </summary>
/// <param name="rows">The buffer for the readings of a transaction.</param>
/// <param name="databaseTime">The time by the database's clock, read once for each alert: by it, alerts are in log order.</param>
internal sealed class BatchPlanner(ConsumerIdentity identity, ReadingRows rows, Func<DateTime> databaseTime)
{
    private readonly AlertRows _alerts = new(identity);
    private readonly DeadLetters _deadLetters = new(identity);
    private readonly Findings _findings = new();
    private readonly Dictionary<PartitionLease, Tally> _tallies = [];

    /// <summary>The totals that a batch adds to a partition.</summary>
    private sealed class Tally
    {
        public long Next;
        public int Stored;
        public int Messages;
        public int Uncounted;
        public int Rejected;
        public int Redelivered;
        public int Duplicated;
        public int? LeaderEpoch;
    }

    /// <param name="batch">Null if only the work that is due by time is written.</param>
    /// <param name="trace">The batch's trace; null if it is not recorded.</param>
    public WritePlan Plan(ReadingBatch? batch, LeaseTable leases, PlanTerms terms, BatchTrace? trace = null)
    {
        _tallies.Clear();
        foreach (var lease in leases)
        {
            lease.Detector.Now = terms.Now;
        }

        BeginTallies(batch, leases, terms.IsDue);
        var writes = _tallies.Keys.Select(lease => lease.Log).Distinct().Select(log => new IngestWrite
        {
            Log = log,
            Rows = rows,
            Announce = terms.Announces,
            // A lease that ends hands over at once; its successor settles.
            Settle = terms.IsDue && !terms.IsLast ? ranges => DueWork.Settle(leases, log, ranges) : null,
        }).ToList();
        var unjudged = 0;
        if (batch is not null)
        {
            unjudged = Detect(batch, writes, trace);
            AddRejected(batch, writes);
        }

        foreach (var write in writes)
        {
            if (terms.IsDue)
            {
                DueWork.Add(write, leases, terms);
            }

            AddMoves(write);
        }

        return new WritePlan(writes, unjudged);
    }

    private void BeginTallies(ReadingBatch? batch, LeaseTable leases, bool isDue)
    {
        foreach (var slice in batch?.Slices ?? [])
        {
            if (slice.Partition.Lease is { } lease)
            {
                // A message that is only replayed is older than the last one stored.
                var moves = slice.End > lease.NextOffset;
                _tallies[lease] = new Tally
                {
                    Next = moves ? slice.End : lease.NextOffset,
                    Redelivered = slice.Redelivered,
                    LeaderEpoch = moves ? slice.LeaderEpoch : null,
                };
            }
        }

        foreach (var lease in leases)
        {
            if (isDue || lease.Recovers(lease.NextOffset))
            {
                _tallies.TryAdd(lease, new Tally { Next = lease.NextOffset });
            }
        }
    }

    /// <summary>Runs the detectors over the batch. Readings that are already stored change only the detectors' memory.</summary>
    /// <returns>The number of readings that were not judged.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Detect(ReadingBatch batch, List<IngestWrite> writes, BatchTrace? trace)
    {
        PartitionLease? tallied = null;
        Tally tally = null!;
        var unjudged = 0;
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Partition.Lease is not { } lease)
            {
                continue;
            }

            lease.Detector.Process(ref reading, _findings);
            lease.SinceSnapshot++;
            reading.IsReplay = reading.Offset < lease.NextOffset;
            if (reading.IsReplay)
            {
                if (reading.HasCount && lease.Claim.Refused.Contains(reading.Offset))
                {
                    // The detector does not know a sensor beyond the number that it remembers.
                    lease.Detector.Find(reading.Sensor.Identity)?.Sequences.Remove(reading.Sensor.SequenceId, reading.ReadingCount);
                }

                continue;
            }

            if (lease != tallied)
            {
                // Readings of a partition arrive in runs.
                (tallied, tally) = (lease, _tallies[lease]);
            }

            tally.Stored++;
            tally.Messages += reading.Index == 0 ? 1 : 0;
            tally.Uncounted += reading.HasCount ? 0 : 1;
            unjudged += _findings.Unjudged ? 1 : 0;
            if (_findings.Duplicate || _findings.Raised.Count > 0 || _findings.Resolved.Count > 0)
            {
                tally.Duplicated += _findings.Duplicate ? 1 : 0;
                AddFindings(WriteOf(lease, writes), ref reading, trace);
            }
        }

        foreach (var slice in batch.Slices)
        {
            if (slice.Partition.Lease is { } lease)
            {
                lease.MemoryAt = Math.Max(lease.MemoryAt, slice.End);
            }
        }

        return unjudged;
    }

    private void AddFindings(IngestWrite write, ref Reading reading, BatchTrace? trace)
    {
        var partition = reading.Partition.Number;
        if (_findings.Duplicate)
        {
            write.Violations.Add(new ViolationRow(
                "duplicated", reading.Sensor.Identity.Name, null, reading.ReadingCount, reading.ReadingCount, partition, reading.Offset));
        }

        if (_findings.Raised.Count > 0)
        {
            var now = new DateTime(databaseTime().Ticks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
            foreach (var raised in _findings.Raised)
            {
                write.Alerts.Add(_alerts.Of(ref reading, raised, now, trace));
            }
        }

        foreach (var episode in _findings.Resolved)
        {
            write.Episodes.Add(new EpisodeRow(partition, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: true));
        }
    }

    private void AddRejected(ReadingBatch batch, List<IngestWrite> writes)
    {
        foreach (var rejected in batch.Rejected)
        {
            if (rejected.Partition.Lease is { } lease && rejected.Offset >= lease.NextOffset)
            {
                _tallies[lease].Rejected++;
                _deadLetters.Add(WriteOf(lease, writes), rejected);
            }
        }
    }

    private void AddMoves(IngestWrite write)
    {
        foreach (var (lease, tally) in _tallies.Where(pair => pair.Key.Log == write.Log).OrderBy(pair => pair.Key.Number))
        {
            write.Moves.Add(new PartitionMove(
                lease.Number,
                lease.Claim.Epoch,
                lease.NextOffset,
                tally.Next,
                lease.MemoryAt,
                tally.Stored,
                tally.Messages,
                tally.Uncounted,
                tally.Rejected,
                tally.Redelivered,
                tally.Duplicated,
                lease.Recovers(tally.Next),
                lease.Claim.EventId,
                lease.Claim.PredecessorEndedAt,
                tally.LeaderEpoch));
        }
    }

    private static IngestWrite WriteOf(PartitionLease lease, List<IngestWrite> writes)
    {
        var write = writes[0];
        for (var i = 1; write.Log != lease.Log; i++)
        {
            write = writes[i];
        }

        return write;
    }
}
