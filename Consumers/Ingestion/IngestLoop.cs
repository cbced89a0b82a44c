using System.Collections.Concurrent;
using System.Diagnostics;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// The loop of the one thread that polls: it takes messages, hands full batches to the lanes, and answers the group. It never waits for
/// the database, so that membership is kept however slow that is; only giving partitions up waits, for a bounded time.
/// </summary>
internal sealed partial class IngestLoop(
    ReadingParser parser,
    KeyMemory keys,
    ConsumersOptions options,
    ConsumerIdentity identity,
    ConsumerStatus status,
    ConsumerMetrics metrics,
    LoopHeartbeat heartbeat,
    ILogger<IngestLoop> logger)
{
    private const int IdlePollMs = 100;
    private const int BusyPollMs = 5;
    private const int MessagesPerRound = 1_000;

    /// <summary>How long partitions that are to be given up may take: the group waits no longer.</summary>
    private static readonly TimeSpan HandoverLimit = TimeSpan.FromSeconds(3);

    /// <summary>A lane without room for this long, and partitions are paused.</summary>
    private static readonly TimeSpan PauseAfter = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>A partition that another has claimed and that is still ours by the group after this long, longer than a session, is claimed again.</summary>
    private static readonly TimeSpan ReclaimAfter = TimeSpan.FromSeconds(10);

    private readonly ConcurrentQueue<LaneNews> _news = new();
    private readonly Dictionary<int, OwnedPartition> _assigned = [];
    private readonly List<OwnedPartition> _fresh = [];
    private OwnedPartition?[] _byNumber = [];
    private IConsumer<Ignore, Rejection> _consumer = null!;
    private StoreLane[] _lanes = [];
    private Action<IReadOnlyList<OwnedPartition>> _claim = null!;
    private Action<IReadOnlyList<TopicPartition>> _wake = null!;
    private bool _joining = true;
    private bool _stopping;
    private bool _isPaused;
    private long _noRoomSince;
    private long _tickedAt = Stopwatch.GetTimestamp();

    /// <summary>Offsets that the database has and Kafka has not been told of.</summary>
    public IReadOnlyCollection<OwnedPartition> Assigned => _snapshot;

    private volatile OwnedPartition[] _snapshot = [];

    public void Tell(LaneNews news) => _news.Enqueue(news);

    /// <summary>Polls until told to stop, then gives all partitions up and leaves the group. Blocks its thread.</summary>
    /// <param name="claim">Starts taking partitions over in the database, and returns at once.</param>
    /// <param name="wake">Has the client fetch from the partitions at once, and returns at once.</param>
    /// <exception cref="KafkaException">The client cannot go on.</exception>
    public void Run(
        IConsumer<Ignore, Rejection> consumer,
        StoreLane[] lanes,
        Action<IReadOnlyList<OwnedPartition>> claim,
        Action<IReadOnlyList<TopicPartition>> wake,
        CancellationToken stopping)
    {
        (_consumer, _lanes, _claim, _wake) = (consumer, lanes, claim, wake);
        consumer.Subscribe(identity.SensorTopic);
        while (!stopping.IsCancellationRequested)
        {
            heartbeat.Beat();
            HearNews();
            Tick();
            if (!HasRoom())
            {
                continue;
            }

            Poll();
            DispatchDue();
        }

        _stopping = true;
        consumer.Close();
    }

    private bool HasRoom()
    {
        var full = Array.Find(_lanes, lane => !lane.HasRoom());
        if (full is null)
        {
            _noRoomSince = 0;
            Resume();
            return true;
        }

        if (_noRoomSince == 0)
        {
            _noRoomSince = Stopwatch.GetTimestamp();
        }

        if (!_isPaused && Stopwatch.GetElapsedTime(_noRoomSince) >= PauseAfter)
        {
            Pause();
        }

        if (_isPaused)
        {
            // Nothing is fetched now; the group is answered nevertheless.
            PollOnce(IdlePollMs);
        }
        else
        {
            full.WaitForRoom(RoomWait);
        }

        return false;
    }

    private void Pause()
    {
        _isPaused = true;
        status.Paused = true;
        Log.Paused(logger);
        _consumer.Pause(Running());
    }

    private void Resume()
    {
        if (_isPaused)
        {
            _isPaused = false;
            status.Paused = false;
            Log.Resumed(logger);
            _consumer.Resume(Running());
        }
    }

    private List<TopicPartition> Running() =>
        [.. _assigned.Values.Where(partition => partition.Phase == PartitionPhase.Running).Select(TopicPartitionOf)];

    private void Poll()
    {
        var isFilling = Array.Exists(_lanes, lane => lane.Filling is { IsEmpty: false });
        var timeout = isFilling || _fresh.Count > 0 || status.Claiming > 0 ? BusyPollMs : IdlePollMs;
        var messages = 0;
        while (messages < MessagesPerRound && PollOnce(timeout))
        {
            messages++;
            timeout = 0;
            if (Array.Exists(_lanes, lane => lane.Filling is null))
            {
                break;
            }
        }
    }

    /// <returns>True when there may be more at once.</returns>
    private bool PollOnce(int timeoutMs)
    {
        try
        {
            var result = _consumer.Consume(timeoutMs);
            if (result is null)
            {
                return false;
            }

            var number = result.Partition.Value;
            var partition = number < _byNumber.Length ? _byNumber[number] : null;
            if (partition is not { Phase: PartitionPhase.Running })
            {
                return true;
            }

            if (result.IsPartitionEOF)
            {
                if (partition.Comparison is { } comparison && result.Offset.Value < partition.ReplayUntil && !comparison.End())
                {
                    SeekAgain(partition);
                    return true;
                }

                if (result.Offset.Value > partition.Position && partition.Comparison is null && partition.Lane.Filling is { } batch)
                {
                    if (HasDropped(partition))
                    {
                        LogHasDropped(partition);
                        return true;
                    }

                    batch.Pass(partition, result.Offset.Value);
                    partition.Position = result.Offset.Value;
                }

                partition.IsAtEnd = result.Offset.Value >= partition.ReplayUntil;
                if (partition.IsAtEnd && !partition.EndIsTold)
                {
                    partition.EndIsTold = true;
                    Dispatch(partition.Lane);
                    partition.Lane.Post(new LaneWork.Tick());
                }

                return true;
            }

            Take(partition, result);
            return true;
        }
        catch (ConsumeException exception) when (!exception.Error.IsFatal)
        {
            Log.NotConsumed(logger, exception.Error.Reason);
            return false;
        }
    }

    private void Take(OwnedPartition partition, ConsumeResult<Ignore, Rejection> result)
    {
        var offset = result.Offset.Value;
        if (partition.Comparison is { } comparison)
        {
            if (offset >= partition.ReplayUntil)
            {
                partition.Comparison = null;
            }
            else if (!comparison.Read(offset, result.LeaderEpoch))
            {
                CompareOn(partition, comparison);
                return;
            }
        }

        var batch = partition.Lane.Filling;
        if (offset < partition.Position)
        {
            GoneBack(partition, offset, result.LeaderEpoch);
            return;
        }

        if (batch is null)
        {
            // Paused, and the client handed over what it had: it will be asked for again.
            SeekAgain(partition);
            return;
        }

        if (offset > partition.Position && HasDropped(partition))
        {
            LogHasDropped(partition);
            return;
        }

        partition.Position = offset + 1;
        partition.LeaderEpoch = result.LeaderEpoch;
        if (result.Message.Value == Rejection.None)
        {
            ref var reading = ref parser.Reading;
            reading.Partition = partition;
            reading.Offset = offset;
            reading.ProducedAt = result.Message.Timestamp.UnixTimestampMs;
            reading.Headers = result.Message.Headers;
            batch.Add(partition, ref reading);
        }
        else
        {
            batch.Add(new RejectedMessage(
                partition, offset, result.Message.Value, parser.Detail, parser.SensorId, parser.SequenceId, parser.ReadingCount, keys.Key, parser.Rejected));
        }

        partition.Slice!.LeaderEpoch = result.LeaderEpoch;
        if (result.Message.Headers is { } headers && batch.Links.Count < options.LinksPerSpan && TraceContext.Of(headers) is { } sent)
        {
            batch.Links.Add(ConsumerMetrics.LinkTo(sent, partition.Number, offset));
        }

        if (batch.IsFull)
        {
            Dispatch(partition.Lane);
        }
    }

    /// <summary>Offsets are left out by transactions of producers, which is no loss, and by the log's retention, which is.</summary>
    private bool HasDropped(OwnedPartition partition) => _consumer.GetWatermarkOffsets(TopicPartitionOf(partition)).Low.Value > partition.Position;

    /// <summary>A new claim takes down what is gone.</summary>
    private void LogHasDropped(OwnedPartition partition)
    {
        Log.Dropped(logger, partition.Number, partition.Position);
        ClaimAgain(partition, isDoubtful: false);
    }

    /// <summary>The client begins again at the cut, or at the beginning, of a log that no longer reaches to where we stand.</summary>
    private void GoneBack(OwnedPartition partition, long offset, int? epoch)
    {
        if (epoch > partition.LeaderEpoch)
        {
            LeaveLog(partition, offset);
        }
        else if (offset >= partition.From && partition.LeaderEpoch is not null)
        {
            Log.GoneBack(logger, partition.Number, offset, partition.Position);
            ClaimAgain(partition, isDoubtful: false);
        }
        else if (offset >= partition.From)
        {
            partition.Lane.Filling?.AddRedelivered(partition);
        }
    }

    private void SeekAgain(OwnedPartition partition)
    {
        partition.Phase = PartitionPhase.Seeking;
        _consumer.Pause([TopicPartitionOf(partition)]);
    }

    private void CompareOn(OwnedPartition partition, LogComparison comparison)
    {
        if (comparison.CutAt is { } cutAt)
        {
            LeaveLog(partition, cutAt);
        }
        else
        {
            SeekAgain(partition);
        }
    }

    /// <summary>A new claim puts aside what the brokers have lost, and begins where it was cut.</summary>
    private void LeaveLog(OwnedPartition partition, long cutAt)
    {
        Log.Cut(logger, partition.Number, cutAt);
        ClaimAgain(partition, isDoubtful: false, cutAt);
    }

    private void Dispatch(StoreLane lane)
    {
        if (lane.Filling is { IsEmpty: false } batch)
        {
            var duration = Stopwatch.GetElapsedTime(batch.OpenedAt);
            var count = batch.Count + batch.Rejected.Count;
            lane.Dispatch();
            metrics.Polled(count, duration);
        }
    }

    private void DispatchDue()
    {
        foreach (var lane in _lanes)
        {
            if (lane.IsIdle && lane.Filling is { IsEmpty: false } batch && Stopwatch.GetElapsedTime(batch.OpenedAt) >= options.Linger)
            {
                Dispatch(lane);
            }
        }
    }

    private void Tick()
    {
        if (Stopwatch.GetElapsedTime(_tickedAt) < TickInterval)
        {
            return;
        }

        _tickedAt = Stopwatch.GetTimestamp();
        foreach (var lane in _lanes)
        {
            if (lane.IsIdle)
            {
                lane.Post(new LaneWork.Tick());
            }
        }

        foreach (var partition in _assigned.Values.Where(one => one.Phase == PartitionPhase.Fenced && Stopwatch.GetElapsedTime(one.PhaseSince) >= ReclaimAfter).ToList())
        {
            Log.Reclaimed(logger, partition.Number);
            ClaimAgain(partition, isDoubtful: false);
        }
    }

    private void HearNews()
    {
        if (_fresh.Count > 0)
        {
            // Only now, behind the callback, does the client know them.
            var fresh = _fresh.Where(partition => partition.Phase == PartitionPhase.Claiming).ToList();
            _fresh.Clear();
            if (fresh.Count > 0)
            {
                _consumer.Pause(fresh.Select(TopicPartitionOf));
                _claim(fresh);
            }
        }

        while (_news.TryDequeue(out var news))
        {
            var partition = news.Partition;
            if (partition.Phase == PartitionPhase.Gone)
            {
                continue;
            }

            switch (news)
            {
                case LaneNews.Claimed claimed:
                    partition.From = partition.Position = claimed.From;
                    partition.ReplayUntil = claimed.ReplayUntil;
                    partition.LeaderEpoch = claimed.LeaderEpoch;
                    partition.Comparison = claimed.LeaderEpoch is { } epoch && claimed.Low < claimed.ReplayUntil
                        ? new LogComparison(epoch, claimed.Low, Math.Min(claimed.From, Math.Min(claimed.ReplayUntil, claimed.High) - 1))
                        : null;
                    SetPhase(partition, PartitionPhase.Seeking);
                    break;
                case LaneNews.ClaimAgain again:
                    ClaimAgain(partition, again.Doubtful);
                    break;
                case LaneNews.Fenced:
                    SetPhase(partition, PartitionPhase.Fenced);
                    _consumer.Pause([TopicPartitionOf(partition)]);
                    break;
            }
        }

        List<TopicPartition>? begun = null;
        foreach (var partition in _assigned.Values)
        {
            if (partition.Phase == PartitionPhase.Seeking && !(_isPaused && partition.Lane.Filling is null) && Seek(partition))
            {
                (begun ??= []).Add(TopicPartitionOf(partition));
            }
        }

        if (begun is not null)
        {
            _wake(begun);
        }

        status.Claiming = _assigned.Values.Count(partition => partition.Phase is PartitionPhase.Claiming or PartitionPhase.Seeking);
    }

    /// <returns>False where it has to be tried again.</returns>
    private bool Seek(OwnedPartition partition)
    {
        try
        {
            _consumer.Seek(new TopicPartitionOffset(TopicPartitionOf(partition), partition.ReadFrom));
        }
        catch (KafkaException exception) when (exception.Error.Code is ErrorCode.Local_State or ErrorCode.Local_InProgress or ErrorCode.Local_TimedOut)
        {
            // The client has not begun with it yet.
            return false;
        }

        SetPhase(partition, PartitionPhase.Running);
        if (!_isPaused)
        {
            _consumer.Resume([TopicPartitionOf(partition)]);
        }

        return true;
    }

    /// <summary>Replaces a partition's assignment by a new one, as if the group had assigned it anew.</summary>
    private void ClaimAgain(OwnedPartition partition, bool isDoubtful, long? cutAt = null)
    {
        var again = new OwnedPartition(partition.Number, partition.Lane, partition.Joined, isDoubtful ? partition.Doubts + 1 : 0, cutAt);
        Retire(partition);
        partition.IsAbandoned = true;
        Enter(again);
        _fresh.Add(again);
    }

    private void Enter(OwnedPartition partition)
    {
        partition.PhaseSince = Stopwatch.GetTimestamp();
        _assigned[partition.Number] = partition;
        if (partition.Number >= _byNumber.Length)
        {
            Array.Resize(ref _byNumber, partition.Number + 1);
        }

        _byNumber[partition.Number] = partition;
        _snapshot = [.. _assigned.Values];
    }

    private void Retire(OwnedPartition partition)
    {
        SetPhase(partition, PartitionPhase.Gone);
        _assigned.Remove(partition.Number);
        _byNumber[partition.Number] = null;
        _snapshot = [.. _assigned.Values];
    }

    private static void SetPhase(OwnedPartition partition, PartitionPhase phase)
    {
        partition.Phase = phase;
        partition.PhaseSince = Stopwatch.GetTimestamp();
    }

    private TopicPartition TopicPartitionOf(OwnedPartition partition) => new(identity.SensorTopic, partition.Number);

    /// <summary>Callback of the client, within Consume or Close.</summary>
    /// <returns>Where to start: anywhere, for nothing is taken before the database has said where.</returns>
    public IEnumerable<TopicPartitionOffset> OnAssigned(IReadOnlyList<TopicPartition> partitions)
    {
        // A group that has changed tells each member, those too that get nothing by it.
        if (partitions.Count > 0)
        {
            Log.Assigned(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        }

        foreach (var assigned in partitions)
        {
            var number = assigned.Partition.Value;
            if (_assigned.TryGetValue(number, out var old))
            {
                Retire(old);
                old.IsAbandoned = true;
            }

            var partition = new OwnedPartition(number, _lanes[number % _lanes.Length], _joining);
            Enter(partition);
            _fresh.Add(partition);
        }

        _joining &= partitions.Count == 0;
        return [.. partitions.Select(partition => new TopicPartitionOffset(partition, 0))];
    }

    /// <summary>Callback of the client: the group waits until these partitions have been given up properly.</summary>
    public void OnRevoked(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        Log.Revoked(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        var revoked = Leave(partitions);
        foreach (var lane in _lanes)
        {
            Dispatch(lane);
        }

        var byLane = revoked.GroupBy(partition => partition.Lane).ToList();
        if (byLane.Count == 0)
        {
            return;
        }

        var done = new CountdownEvent(byLane.Count);
        foreach (var lane in byLane)
        {
            lane.Key.Post(new LaneWork.Release([.. lane], Lost: false, _stopping ? "left" : null, done));
        }

        var started = Stopwatch.GetTimestamp();
        while (!done.WaitHandle.WaitOne(RoomWait) && Stopwatch.GetElapsedTime(started) < HandoverLimit)
        {
            heartbeat.Beat();
        }

        foreach (var partition in revoked)
        {
            partition.IsAbandoned = true;
        }

        if (done.IsSet)
        {
            done.Dispose();
        }
        else
        {
            // Its lanes will still signal it.
            Log.HandoverLate(logger);
        }
    }

    /// <summary>Callback of the client: the group has given these partitions to others already.</summary>
    public void OnLost(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        Log.Lost(logger, string.Join(", ", partitions.Select(partition => partition.Partition.Value)));
        var lost = Leave(partitions);
        foreach (var lane in lost.GroupBy(partition => partition.Lane))
        {
            lane.Key.Post(new LaneWork.Release([.. lane], Lost: true, "session expired", null));
        }
    }

    private List<OwnedPartition> Leave(IReadOnlyList<TopicPartitionOffset> partitions)
    {
        var left = new List<OwnedPartition>(partitions.Count);
        foreach (var position in partitions)
        {
            if (_assigned.TryGetValue(position.Partition.Value, out var partition))
            {
                Retire(partition);
                left.Add(partition);
            }
        }

        return left;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Assigned by the group: {Partitions}")]
        public static partial void Assigned(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Information, Message = "Revoked by the group: {Partitions}")]
        public static partial void Revoked(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Lost to the group: {Partitions}")]
        public static partial void Lost(ILogger logger, string partitions);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partitions could not be given up in time; whoever gets them goes on from the last commit")]
        public static partial void HandoverLate(ILogger logger);

        [LoggerMessage(Level = LogLevel.Information, Message = "Paused: nothing more can be stored at the moment")]
        public static partial void Paused(ILogger logger);

        [LoggerMessage(Level = LogLevel.Information, Message = "Resumed")]
        public static partial void Resumed(ILogger logger);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: offset {Offset} came where {Position} was expected; it is claimed again")]
        public static partial void GoneBack(ILogger logger, int partition, long offset, long position);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log no longer has offset {Offset}; it is claimed again")]
        public static partial void Dropped(ILogger logger, int partition, long offset);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: from offset {Offset} on the log is not the one that was read; it is claimed again")]
        public static partial void Cut(ILogger logger, int partition, long offset);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing consumed: {Reason}")]
        public static partial void NotConsumed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition} is still assigned to us, though another has claimed it; it is claimed again")]
        public static partial void Reclaimed(ILogger logger, int partition);
    }
}
