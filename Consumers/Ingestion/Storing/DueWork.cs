using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// The work that is due by time: states of open episodes, newest values, snapshots of the detector's memory, and the settlement of acknowledged ranges.
/// </summary>
internal sealed class DueWork(ConsumersOptions options, TimeProvider time)
{
    /// <summary>The maximum number of newest values that one lane writes at once.</summary>
    private const int MaxLatest = 10_000;

    /// <summary>Further snapshots wait for the next transaction once those of this one have this size in bytes: readings wait for them.</summary>
    private const long MaxSnapshotBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromMilliseconds(200);

    private long _plannedAt = time.GetTimestamp();
    private long? _announcedAt;

    /// <summary>Whether the time has come, or there is too much to wait for it.</summary>
    public bool IsDue(LeaseTable leases) =>
        time.GetElapsedTime(_plannedAt) >= options.SnapshotInterval
            || leases.Exists(lease => lease.SinceSnapshot >= options.SnapshotReadings && lease.Snapshots.IsDue);

    /// <summary>Restarts the interval after all of it has been planned.</summary>
    public void Planned() => _plannedAt = time.GetTimestamp();

    /// <summary>Whether to notify listeners of a commit: they are not notified of each one. If so, the interval restarts.</summary>
    public bool TryAnnounce()
    {
        if (_announcedAt is { } at && time.GetElapsedTime(at) < AnnounceInterval)
        {
            return false;
        }

        _announcedAt = time.GetTimestamp();
        return true;
    }

    /// <summary>Adds everything except the settlement.</summary>
    public static void Add(IngestWrite write, LeaseTable leases, PlanTerms terms)
    {
        foreach (var lease in leases)
        {
            if (lease.Log != write.Log)
            {
                continue;
            }

            if (lease.HasLostMemory)
            {
                write.MemoryLosses.Add(new MemoryLoss(lease.Number, lease.Claim.NextOffset));
            }

            // While the detector replays stored readings, the database is ahead of it.
            if (!lease.IsReplaying)
            {
                AddEpisodes(write, lease);
                AddUnseen(write, lease);
                AddLatest(write, lease, terms.KeyValidity);
            }

            lease.Detector.MakeRoom();
        }

        AddSnapshots(write, leases, terms.IsLast);
        write.Latest.Sort((a, b) => string.CompareOrdinal(a.SensorId, b.SensorId));
        write.Backfilled.Sort((a, b) => string.CompareOrdinal(a.SensorId, b.SensorId));
    }

    /// <summary>Compares acknowledged ranges with the readings that the detectors remember.</summary>
    /// <returns>The parts of these ranges that they do not.</returns>
    public static IReadOnlyList<UnseenRange> Settle(LeaseTable leases, LogTopic log, IReadOnlyList<AcknowledgedRange> ranges)
    {
        var unseen = new List<UnseenRange>();
        foreach (var range in ranges)
        {
            var detector = leases.Find(log, range.Partition)?.Detector;
            var sequenceId = range.SequenceId is { } id ? Encoding.UTF8.GetBytes(id) : null;
            // An acknowledgement does not say whether the reading was live or backfilled.
            var live = detector?.Find(range.SensorId)?.Sequences ?? new SensorSequences();
            var gaps = live.Unseen(sequenceId, range.FirstCount, range.LastCount);
            if (detector?.FindBackfill(range.SensorId)?.Sequences is { } backfilled)
            {
                gaps = gaps.SelectMany(gap => backfilled.Unseen(sequenceId, gap.First, gap.Last));
            }

            unseen.AddRange(gaps.Select(gap => new UnseenRange(range, gap.First, gap.Last)));
        }

        return unseen;
    }

    private static void AddSnapshots(IngestWrite write, LeaseTable leases, bool isLast)
    {
        long size = 0;
        foreach (var lease in leases.BySnapshot(write.Log))
        {
            if (lease.SinceSnapshot == 0 || lease.Snapshots.Parts is not null || !(isLast || lease.Snapshots.IsDue) || size >= MaxSnapshotBytes)
            {
                continue;
            }

            // The bytes of a large one are kept until all of them are stored: not those of many at a time.
            if (lease.NextSnapshot(mayBeLarge: isLast || leases.FindWithParts() is null) is { } row)
            {
                write.Snapshots.Add(row);
                size += row.State.Length;
            }
        }
    }

    private static void AddEpisodes(IngestWrite write, PartitionLease lease)
    {
        foreach (var episode in lease.Detector.Changed.Where(episode => episode.Changed))
        {
            episode.Changed = false;
            write.Episodes.Add(new EpisodeRow(lease.Number, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: false));
        }

        lease.Detector.Changed.Clear();
    }

    private static void AddUnseen(IngestWrite write, PartitionLease lease)
    {
        foreach (var (episode, because) in lease.Detector.EndUnseen())
        {
            lease.SinceSnapshot++;
            write.Episodes.Add(new EpisodeRow(lease.Number, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: true, because));
        }
    }

    private static void AddLatest(IngestWrite write, PartitionLease lease, long keyValidity)
    {
        var newest = lease.Detector.Newest;
        var count = Math.Min(newest.Count, Math.Max(0, MaxLatest - write.Latest.Count - write.Backfilled.Count));
        foreach (var state in newest.GetRange(0, count))
        {
            var reading = state.Latest!;
            var rules = reading.Sensor.RulesIn(lease.Detector.InForce);
            state.Latest = null;
            if (state.IsBackfill)
            {
                write.Backfilled.Add(new BackfilledRow(
                    reading.Sensor.Identity.Name,
                    reading.Sensor.KeyIn(keyValidity),
                    ThresholdOf(reading.Warning, rules.Warning),
                    ThresholdOf(reading.Critical, rules.Critical),
                    PostgresTime.ToUtc(reading.FirstTimestamp),
                    PostgresTime.ToUtc(reading.LastTimestamp),
                    lease.Number,
                    reading.Offset));
                continue;
            }

            write.Latest.Add(new LatestRow(
                reading.Sensor.Identity.Name,
                reading.Sensor.KeyIn(keyValidity),
                reading.Value,
                (short)reading.Level,
                double.IsNaN(reading.Warning) ? null : reading.Warning,
                double.IsNaN(reading.Critical) ? null : reading.Critical,
                reading.ReadingCount,
                PostgresTime.ToUtc(reading.Timestamp),
                lease.Number,
                reading.Offset,
                state.Interval > TimeSpan.Zero ? (long)state.Interval.TotalMilliseconds : null,
                reading.ProducedAt > 0 ? reading.ProducedAt : null,
                double.IsFinite(rules.Warning) ? rules.Warning : null,
                double.IsFinite(rules.Critical) ? rules.Critical : null,
                rules.OtherUnit));
        }

        newest.RemoveRange(0, count);
    }

    private static double? ThresholdOf(double ofMessage, double ofType) => double.IsFinite(ofMessage) ? ofMessage : double.IsFinite(ofType) ? ofType : null;
}
