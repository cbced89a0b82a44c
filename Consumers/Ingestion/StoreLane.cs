using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Telemetry;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>What the lanes of a consumer have in common.</summary>
internal sealed record LaneContext(
    NpgsqlDataSource DataSource,
    ConsumerIdentity Identity,
    DictionaryStore Dictionaries,
    ReadingPartitions Days,
    DetectionRules Rules,
    ConsumersOptions Options,
    ConsumerStatus Status,
    ConsumerMetrics Metrics,
    TimeProvider Time,
    Action<LaneNews> Tell,
    Action OutboxFilled,
    ILogger Logger);

/// <summary>
/// Stores the batches of its share of the partitions, one transaction after the other, while the polling thread fills the next and other
/// lanes store theirs. Everything that concerns a partition's ownership in the database happens here, in order.
/// </summary>
internal sealed partial class StoreLane(int number, LaneContext context) : IAsyncDisposable
{
    /// <summary>One is filled, one waits, one is stored.</summary>
    private const int Batches = 3;

    /// <summary>Newest values written per tick and lane at most.</summary>
    private const int MaxLatest = 10_000;

    /// <summary>Characters kept of what the database says.</summary>
    private const int MaxDetail = 500;

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>Between two attempts to store something in a database without room: each one costs it some of the room that its log still has.</summary>
    private static readonly TimeSpan MaxRoomDelay = TimeSpan.FromSeconds(3);

    /// <summary>A little may fit where much does not: there is room again when everything has fit for as long as this.</summary>
    private static readonly TimeSpan RoomIsCertainAfter = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Between two looks at what is due, at most.</summary>
    private static readonly TimeSpan MaxAttention = TimeSpan.FromSeconds(2);

    private readonly Channel<LaneWork> _work = Channel.CreateUnbounded<LaneWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentQueue<ReadingBatch> _free = new(Enumerable.Range(0, Batches).Select(_ => new ReadingBatch(context.Options.MaxBatchSize)));
    private readonly AutoResetEvent _freed = new(false);
    private readonly IngestStore _store = new(context.DataSource, context.Identity.ConsumerId, context.Dictionaries);
    private readonly List<OwnedPartition> _owned = [];
    private readonly ReadingRows _rows = new(context.Options.MaxBatchSize);
    private readonly Findings _findings = new();
    private readonly Dictionary<OwnedPartition, Tally> _tallies = [];
    private int _waiting;
    private long _tickedAt = Stopwatch.GetTimestamp();
    private long _announcedAt;
    private TimeSpan _attention;
    private long _attendedAt = Stopwatch.GetTimestamp();
    private bool _saidAway;
    private bool _saidNoRoom;
    private long? _roomSince;
    private BatchTrace? _trace;
    private PostgresException? _refusal;

    public int Number => number;

    /// <summary>Keys of sensors hold for a day of a database.</summary>
    private long KeyValidity => ((long)context.Dictionaries.Generation << 32) + DateOnly.FromDateTime(_store.UtcNow).DayNumber;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _freed.Dispose();
    }

    /// <summary>Filled by the polling thread; null while none is free.</summary>
    public ReadingBatch? Filling { get; private set; }

    /// <summary>Nothing waits to be stored.</summary>
    public bool IsIdle => Volatile.Read(ref _waiting) == 0;

    /// <summary>Makes sure that there is a batch to fill.</summary>
    /// <returns>False when all are waiting to be stored.</returns>
    public bool HasRoom()
    {
        if (Filling is null && _free.TryDequeue(out var batch))
        {
            Filling = batch;
        }

        return Filling is not null;
    }

    /// <summary>Waits a little for a batch to become free.</summary>
    public void WaitForRoom(TimeSpan limit) => _freed.WaitOne(limit);

    /// <summary>Hands what has been filled to the lane.</summary>
    public void Dispatch()
    {
        if (Filling is { IsEmpty: false } batch)
        {
            Filling = null;
            batch.Close();
            Post(new LaneWork.Store(batch));
        }
    }

    public void Post(LaneWork work)
    {
        Interlocked.Increment(ref _waiting);
        _work.Writer.TryWrite(work);
    }

    /// <summary>Before <see cref="RunAsync"/>.</summary>
    public Task RehearseAsync(LogTopic log, CancellationToken cancellationToken) => _store.RehearseAsync(log, cancellationToken);

    public void Complete() => _work.Writer.TryComplete();

    /// <summary>Works until <see cref="Complete"/>, and then what is left.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var work in _work.Reader.ReadAllAsync(cancellationToken))
        {
            switch (work)
            {
                case LaneWork.Claim claim:
                    await ClaimAsync(claim, cancellationToken);
                    break;
                case LaneWork.Store store:
                    await StoreAsync(store.Batch, isDue: false, cancellationToken);
                    store.Batch.Clear();
                    _free.Enqueue(store.Batch);
                    _freed.Set();
                    break;
                case LaneWork.Tick:
                    await StoreAsync(null, isDue: false, cancellationToken);
                    SayRoom();
                    break;
                case LaneWork.Release release:
                    await ReleaseAsync(release, cancellationToken);
                    break;
            }

            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task ClaimAsync(LaneWork.Claim work, CancellationToken cancellationToken)
    {
        for (var attempts = 1; ; attempts++)
        {
            var wanted = work.Partitions.Where(one => !one.Partition.IsAbandoned && !one.Partition.IsOwned).ToList();
            if (wanted.Count == 0)
            {
                return;
            }

            try
            {
                var claimed = await _store.ClaimAsync(
                    work.Log, [.. wanted.Select(one => new PartitionClaim(one.Partition.Number, one.Low, one.High, one.Partition.IsCertain, one.Partition.CutAt, one.Partition.Joined))], cancellationToken);
                DatabaseIsBack();
                foreach (var (partition, low, high) in wanted)
                {
                    if (claimed.FirstOrDefault(one => one.Partition == partition.Number) is { } claim)
                    {
                        Take(partition, work.Log, claim, low, high);
                        if (partition.IsAbandoned)
                        {
                            // The group has taken it away meanwhile, and whoever has it now must not be fenced by us.
                            await ReleaseAsync(new LaneWork.Release([partition], Lost: false, null, null), cancellationToken);
                        }
                    }
                    else
                    {
                        context.Tell(new LaneNews.ClaimAgain(partition, Doubtful: true));
                    }
                }

                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseFaults.Of(exception) is { } fault)
            {
                await RecoverAsync(fault, exception, attempts, cancellationToken);
                if (fault == DatabaseFault.Replaced)
                {
                    // The log's key is of the old one.
                    wanted.ForEach(one => context.Tell(new LaneNews.ClaimAgain(one.Partition, Doubtful: false)));
                    return;
                }
            }
        }
    }

    private void Take(OwnedPartition partition, LogTopic log, ClaimedPartition claim, long? low, long? high)
    {
        var detector = NewDetector();
        var isStored = false;
        var from = claim.SnapshotOffset ?? claim.FirstOffset;
        partition.HasLostMemory = false;
        if (from < (low ?? 0) || from > claim.NextOffset)
        {
            // The log no longer reaches back to where the memory stands.
            Log.MemoryLost(context.Logger, partition.Number, from, low ?? 0);
            from = claim.NextOffset;
            partition.HasLostMemory = true;
        }
        else if (claim.Snapshots.Count > 0)
        {
            try
            {
                DetectorSnapshot.Read(claim.Snapshots, detector);
                isStored = true;
            }
            catch (InvalidDataException exception)
            {
                Log.MemoryUnreadable(context.Logger, exception, partition.Number);
                detector = NewDetector();
                from = claim.NextOffset;
                partition.HasLostMemory = true;
            }
        }

        partition.Log = log;
        partition.Claim = claim;
        partition.Detector = detector;
        partition.Snapshots = new SnapshotSchedule(isStored ? claim.Snapshots.ConvertAll(snapshot => snapshot.Length) : []);
        claim.Snapshots.Clear();
        partition.NextOffset = claim.NextOffset;
        partition.MemoryAt = from;
        partition.Committed = claim.NextOffset;
        partition.Recovered = false;
        partition.SinceSnapshot = 0;
        partition.IsOwned = true;
        _owned.Add(partition);
        context.Status.Own(partition.Number);
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

        Log.Claimed(context.Logger, partition.Number, claim.Epoch, claim.NextOffset, claim.NextOffset - from, claim.Predecessor ?? "nobody");
        context.Tell(new LaneNews.Claimed(partition, from, claim.NextOffset, claim.LeaderEpoch, low ?? 0, high ?? from));

        // An offset that is used a second time must not bring back the id of an alert of the first.
        PartitionDetector NewDetector() =>
            new(claim.CutEpoch is { } cut ? string.Create(CultureInfo.InvariantCulture, $"{log.LogId}@{cut}") : log.LogId, partition.Number, context.Rules) { Now = _attention };
    }

    private async Task ReleaseAsync(LaneWork.Release work, CancellationToken cancellationToken)
    {
        try
        {
            if (!work.Lost && work.Partitions.Any(partition => partition is { IsOwned: true, IsAbandoned: false }))
            {
                await StoreAsync(null, isDue: true, cancellationToken);
            }

            for (var attempts = 1; ; attempts++)
            {
                var mine = work.Partitions.Where(partition => partition.IsOwned).ToList();
                if (mine.Count == 0)
                {
                    return;
                }

                try
                {
                    foreach (var log in mine.GroupBy(partition => partition.Log))
                    {
                        var released = await _store.ReleaseAsync(
                            log.Key,
                            [.. log.OrderBy(partition => partition.Number).Select(partition => (partition.Number, partition.Claim!.Epoch))],
                            work.Lost,
                            work.Reason,
                            cancellationToken);
                        context.Metrics.Rebalanced(work.Lost ? "lost" : "revoked", released);
                    }

                    DatabaseIsBack();
                    return;
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseFaults.Of(exception) is { } fault)
                {
                    if (mine.TrueForAll(partition => partition.IsAbandoned))
                    {
                        // The successor will find them unreleased and say so.
                        return;
                    }

                    await RecoverAsync(fault, exception, attempts, cancellationToken);
                }
            }
        }
        finally
        {
            foreach (var partition in work.Partitions)
            {
                Disown(partition);
            }

            work.Done?.Signal();
        }
    }

    private void Disown(OwnedPartition partition)
    {
        if (partition.IsOwned)
        {
            partition.IsOwned = false;
            partition.Detector?.End();
            partition.Detector = null;
            _owned.Remove(partition);
            context.Status.Disown(partition.Number);
        }
    }

    /// <summary>What a batch adds to a partition.</summary>
    private sealed class Tally
    {
        public long Next;
        public int Stored;
        public int Uncounted;
        public int Rejected;
        public int Redelivered;
        public int Duplicated;
        public int? LeaderEpoch;
    }

    /// <param name="batch">Null when only what time has made due is written.</param>
    /// <param name="isDue">Write all of that now, whatever the time.</param>
    private async Task StoreAsync(ReadingBatch? batch, bool isDue, CancellationToken cancellationToken)
    {
        DropAbandoned();
        var started = Stopwatch.GetTimestamp();
        using var trace = _trace = batch is null ? null : context.Metrics.StartBatch(batch);
        List<IngestWrite> writes;
        using (trace?.StartStep("detect"))
        {
            writes = Prepare(batch, isDue);
        }

        foreach (var write in writes)
        {
            using var step = trace?.StartStep("store");
            await StoreAsync(batch, write, cancellationToken);
        }

        if (batch is not null)
        {
            context.Metrics.Processed(Stopwatch.GetElapsedTime(started));
        }
    }

    private void DropAbandoned()
    {
        foreach (var partition in _owned.Where(partition => partition.IsAbandoned).ToList())
        {
            Disown(partition);
        }
    }

    /// <summary>Runs the detector over the batch, and puts together what is to be written; one transaction per log, which is one but for the end of a log.</summary>
    private List<IngestWrite> Prepare(ReadingBatch? batch, bool isDue)
    {
        var isLast = isDue;
        _tallies.Clear();
        Attend();
        isDue |= Stopwatch.GetElapsedTime(_tickedAt) >= context.Options.SnapshotInterval
            || _owned.Exists(partition => partition.SinceSnapshot >= context.Options.SnapshotReadings && partition.Snapshots.IsDue);
        if (batch is not null)
        {
            foreach (var slice in batch.Slices)
            {
                if (slice.Partition.IsOwned)
                {
                    _tallies[slice.Partition] = new Tally
                    {
                        Next = Math.Max(slice.End, slice.Partition.NextOffset),
                        Redelivered = slice.Redelivered,
                        LeaderEpoch = slice.LeaderEpoch,
                    };
                }
            }
        }

        foreach (var partition in _owned)
        {
            if (isDue || (partition.IsAtEnd && !partition.Recovered))
            {
                _tallies.TryAdd(partition, new Tally { Next = partition.NextOffset });
            }
        }

        var announce = batch is not null && Stopwatch.GetElapsedTime(_announcedAt) >= AnnounceInterval;
        if (announce)
        {
            _announcedAt = Stopwatch.GetTimestamp();
        }

        var writes = _tallies.Keys.Select(partition => partition.Log).Distinct().Select(log => new IngestWrite
        {
            Log = log,
            Rows = _rows,
            Announce = announce,
            Settle = isDue ? ranges => Settle(log, ranges) : null,
        }).ToList();
        if (batch is not null)
        {
            Detect(batch, writes);
        }

        foreach (var write in writes)
        {
            if (isDue)
            {
                AddDue(write, isLast);
            }

            foreach (var (partition, tally) in _tallies.Where(pair => pair.Key.Log == write.Log).OrderBy(pair => pair.Key.Number))
            {
                write.Moves.Add(new PartitionMove(
                    partition.Number,
                    partition.Claim!.Epoch,
                    partition.NextOffset,
                    tally.Next,
                    partition.MemoryAt,
                    tally.Stored,
                    tally.Uncounted,
                    tally.Rejected,
                    tally.Redelivered,
                    tally.Duplicated,
                    !partition.Recovered && (tally.Next > partition.NextOffset || partition.IsAtEnd),
                    partition.Claim.EventId,
                    partition.Claim.PredecessorEndedAt,
                    tally.LeaderEpoch));
            }
        }

        if (isDue)
        {
            _tickedAt = Stopwatch.GetTimestamp();
        }

        return writes;
    }

    /// <summary>Only time in which this lane is at work counts as silence of sensors: not that of a database or a process that stands still.</summary>
    private void Attend()
    {
        var elapsed = Stopwatch.GetElapsedTime(_attendedAt);
        _attendedAt = Stopwatch.GetTimestamp();
        _attention += elapsed < MaxAttention ? elapsed : MaxAttention;
        foreach (var partition in _owned)
        {
            partition.Detector!.Now = _attention;
        }
    }

    private void Detect(ReadingBatch batch, List<IngestWrite> writes)
    {
        OwnedPartition? tallied = null;
        Tally tally = null!;
        var unjudged = 0;
        foreach (ref var reading in batch.Readings)
        {
            var partition = reading.Partition;
            if (!partition.IsOwned)
            {
                continue;
            }

            partition.Detector!.Process(ref reading, _findings);
            partition.SinceSnapshot++;
            reading.IsReplay = reading.Offset < partition.NextOffset;
            if (reading.IsReplay)
            {
                if (reading.HasCount && partition.Claim!.Refused.Contains(reading.Offset))
                {
                    partition.Detector.Find(reading.Sensor.Identity.Name)!.Sequences.Remove(reading.Sensor.SequenceId, reading.ReadingCount);
                }

                continue;
            }

            if (partition != tallied)
            {
                // Readings of a partition come in runs.
                (tallied, tally) = (partition, _tallies[partition]);
            }

            tally.Stored++;
            tally.Uncounted += reading.HasCount ? 0 : 1;
            unjudged += _findings.Unjudged ? 1 : 0;
            if (_findings.Duplicate || _findings.Raised.Count > 0 || _findings.Resolved.Count > 0)
            {
                Report(partition, ref reading, writes);
            }
        }

        if (unjudged > 0)
        {
            context.Status.NotJudged(context.Rules.MaxSensors);
            context.Metrics.NotJudged(unjudged);
        }

        foreach (var slice in batch.Slices)
        {
            slice.Partition.MemoryAt = Math.Max(slice.Partition.MemoryAt, slice.End);
        }

        foreach (var rejected in batch.Rejected)
        {
            var partition = rejected.Partition;
            if (partition.IsOwned && rejected.Offset >= partition.NextOffset)
            {
                _tallies[partition].Rejected++;
                Report(rejected, writes.Find(write => write.Log == partition.Log)!);
            }
        }
    }

    private void Report(OwnedPartition partition, ref Reading reading, List<IngestWrite> writes)
    {
        var write = writes[0];
        for (var i = 1; write.Log != partition.Log; i++)
        {
            write = writes[i];
        }

        var sensor = reading.Sensor;
        if (_findings.Duplicate)
        {
            _tallies[partition].Duplicated++;
            write.Violations.Add(new ViolationRow(
                "duplicated", sensor.Identity.Name, null, reading.ReadingCount, reading.ReadingCount, partition.Number, reading.Offset));
        }

        var now = new DateTime(_store.UtcNow.Ticks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
        foreach (var raised in _findings.Raised)
        {
            var origin = reading.Headers is { } headers ? TraceContext.Of(headers) : null;
            write.Alerts.Add(new AlertRow(
                raised.AlertId,
                sensor.Identity.Name,
                sensor.Type,
                Rules.NameOf(raised.Rule),
                raised.Severity,
                reading.Value,
                sensor.Unit,
                raised.Description,
                now,
                PostgresTime.ToUtc(reading.Timestamp),
                sensor.FactorySection,
                sensor.MachineId,
                sensor.Zone,
                NameOf(reading.Level),
                partition.Number,
                reading.Offset,
                origin?.TraceId.ToHexString(),
                origin?.SpanId.ToHexString(),
                Announce(ref reading, raised, now, origin)));
        }

        foreach (var episode in _findings.Resolved)
        {
            write.Episodes.Add(new EpisodeRow(partition.Number, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: true));
        }
    }

    private OutgoingAlert Announce(ref Reading reading, RaisedAlert raised, DateTime raisedAt, ActivityContext? origin)
    {
        var sensor = reading.Sensor;
        var message = new AlertMessage(
            raised.AlertId,
            sensor.Identity.Name,
            sensor.Type,
            Rules.NameOf(raised.Rule),
            raised.Severity,
            reading.Value,
            sensor.Unit,
            raised.Description,
            context.Identity.ConsumerId,
            raisedAt,
            new SensorLocation(sensor.FactorySection, sensor.MachineId, sensor.Zone),
            NameOf(reading.Level));
        return new OutgoingAlert(
            context.Identity.AlertTopic,
            sensor.Identity.Id,
            JsonSerializer.SerializeToUtf8Bytes(message, MessageJsonContext.Default.AlertMessage),
            origin is { } send ? Encoding.ASCII.GetBytes(TraceContext.Format(_trace?.ContextOf(send) ?? send)) : null);
    }

    private void Report(RejectedMessage rejected, IngestWrite write)
    {
        var reason = Rejections.NameOf(rejected.Reason);
        write.Rejected.Add(new RejectedRow(rejected.Partition.Number, rejected.Offset, reason, rejected.Detail, rejected.SensorId, rejected.SequenceId, rejected.ReadingCount));
        write.DeadLetters.Add(DeadLetter(rejected.Partition.Number, rejected.Offset, reason, rejected.Detail, rejected.Key, rejected.Value));
    }

    /// <param name="value">Null where key and value are to be taken from the log.</param>
    private DeadLetterRow DeadLetter(int partition, long offset, string reason, string detail, byte[]? key, KeptValue? value)
    {
        return new DeadLetterRow(
            context.Identity.DeadLetterTopic,
            key,
            value?.Bytes,
            [
                DeadLetterHeaders.Topic, DeadLetterHeaders.Partition, DeadLetterHeaders.Offset, DeadLetterHeaders.Reason, DeadLetterHeaders.Detail,
                .. value is null ? [] : new[] { DeadLetterHeaders.ValueSize, DeadLetterHeaders.ValueSha256 },
            ],
            [
                Utf8(context.Identity.SensorTopic), Utf8(Number(partition)), Utf8(Number(offset)), Utf8(reason), Utf8(detail),
                .. value is null ? [] : new[] { Utf8(Number(value.Size)), Utf8(value.Sha256) },
            ],
            partition,
            offset,
            ValueAtSource: value is null);

        static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
        static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Adds what is written from time to time: states of open episodes, newest values, and the detector's memory.</summary>
    private void AddDue(IngestWrite write, bool isLast)
    {
        var written = new HashSet<string>();
        foreach (var partition in _owned.Where(partition => partition.Log == write.Log))
        {
            var detector = partition.Detector!;
            foreach (var episode in detector.Changed.Where(episode => episode.Changed))
            {
                episode.Changed = false;
                write.Episodes.Add(new EpisodeRow(partition.Number, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: false));
            }

            detector.Changed.Clear();
            if (partition.HasLostMemory)
            {
                write.MemoryLosses.Add(new MemoryLoss(partition.Number, partition.Claim!.NextOffset));
            }

            foreach (var episode in detector.EndSilent())
            {
                partition.SinceSnapshot++;
                write.Episodes.Add(new EpisodeRow(partition.Number, episode.AlertId, episode.Occurrences, episode.PeakValue, Resolved: true, AlertEnds.NoData));
            }

            AddLatest(write, partition, detector, written);
            detector.MakeRoom();
            if (partition.SinceSnapshot > 0 && (isLast || partition.Snapshots.IsDue))
            {
                write.Snapshots.Add(partition.Snapshots.Next(partition.Number, partition.MemoryAt, detector));
            }
        }

        write.Latest.Sort((a, b) => string.CompareOrdinal(a.SensorId, b.SensorId));
    }

    private void AddLatest(IngestWrite write, OwnedPartition partition, PartitionDetector detector, HashSet<string> written)
    {
        var count = Math.Min(detector.Newest.Count, Math.Max(0, MaxLatest - write.Latest.Count));
        foreach (var state in detector.Newest.GetRange(0, count))
        {
            var reading = state.Latest!;
            state.Latest = null;
            if (!written.Add(reading.Sensor.Identity.Name))
            {
                // Without keys a sensor may be in several partitions; one statement writes a row once.
                continue;
            }

            write.Latest.Add(new LatestRow(
                reading.Sensor.Identity.Name,
                reading.Sensor.KeyIn(KeyValidity),
                reading.Value,
                (short)reading.Level,
                double.IsNaN(reading.Warning) ? null : reading.Warning,
                double.IsNaN(reading.Critical) ? null : reading.Critical,
                reading.ReadingCount,
                PostgresTime.ToUtc(reading.Timestamp),
                partition.Number,
                reading.Offset));
        }

        detector.Newest.RemoveRange(0, count);
    }

    /// <summary>Compares acknowledged ranges with what the partitions hold; a few that they do not know are looked up per transaction.</summary>
    private Settlement Settle(LogTopic log, IReadOnlyList<AcknowledgedRange> ranges)
    {
        const int MaxLookups = 100;
        var settled = new List<AcknowledgedRange>(ranges.Count);
        var unseen = new List<UnseenRange>();
        foreach (var range in ranges)
        {
            if (unseen.Count >= MaxLookups)
            {
                break;
            }

            var partition = _owned.Find(owned => owned.Number == range.Partition && owned.Log == log);
            var sequences = partition?.Detector?.Find(range.SensorId)?.Sequences ?? new SensorSequences();
            var sequenceId = range.SequenceId is { } id ? Encoding.UTF8.GetBytes(id) : null;
            unseen.AddRange(sequences.Unseen(sequenceId, range.FirstCount, range.LastCount).Select(gap => new UnseenRange(range, gap.First, gap.Last)));
            settled.Add(range);
        }

        return new Settlement(settled, unseen);
    }

    private static string NameOf(AlertLevel level) => level switch
    {
        AlertLevel.Critical => "critical",
        AlertLevel.Warning => "warning",
        _ => "normal",
    };
}
