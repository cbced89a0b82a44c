using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors.Sequences;

namespace FactoryMonitoring.Sensors.Accounting;

/// <summary>The current state of the deliveries.</summary>
/// <param name="LastMinute">Readings acknowledged in the last 60 s.</param>
/// <param name="OldestWait">The longest time that a reading has waited for its acknowledgement so far; zero if none is waiting.</param>
internal readonly record struct DeliveryStanding(int Queued, TimeSpan OldestWait, int LastMinute, DateTimeOffset? LastAcknowledged);

/// <summary>
/// Keeps what was sent and what the brokers acknowledged, as ranges of consecutive reading_counts, until it is written. Bounded, however long the
/// database is unavailable: adjacent ranges are merged, and samples older than 15 minutes are dropped.
/// </summary>
internal sealed class DeliveryAccount
{
    private const int SecondsKept = 900;
    private const int SecondsOfAMinute = 60;
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<Sensor> _sensors;
    private readonly SensorAccount[] _accounts;
    private readonly Second[] _seconds = new Second[SecondsKept];
    private long _firstUnwritten;
    private LogEpoch _epoch = new();
    private bool _isEpochUsed;
    private readonly List<LogEpoch> _unresolved;
    private readonly Dictionary<int, long> _newestOffsets = [];
    private DateTimeOffset? _lastAcknowledged;
    private int _queued;
    private long _failed;

    public DeliveryAccount(IReadingSource source, TimeProvider time)
    {
        _time = time;
        _sensors = source.Sensors;
        _accounts = [.. _sensors.Select(_ => new SensorAccount())];
        _unresolved = [_epoch];
        _firstUnwritten = Now();
    }

    /// <summary>The current epoch; an answer about the log's id is valid only for the epoch in which the brokers were asked.</summary>
    public LogEpoch Epoch
    {
        get
        {
            lock (_gate)
            {
                return _epoch;
            }
        }
    }

    /// <summary>Records that a reading was passed to the client.</summary>
    public void Sent(Sensor sensor)
    {
        lock (_gate)
        {
            _accounts[sensor.Index].Sent.Enqueue(_time.GetTimestamp());
            _queued++;
        }
    }

    /// <summary>Records that the client did not accept the reading.</summary>
    public void NotSent(Sensor sensor)
    {
        lock (_gate)
        {
            var sent = _accounts[sensor.Index].Sent;
            // It is the newest entry: rotate the queue to remove it.
            for (var i = sent.Count - 1; i > 0; i--)
            {
                sent.Enqueue(sent.Dequeue());
            }

            sent.Dequeue();
            _queued--;
        }
    }

    /// <returns>How long the reading had waited.</returns>
    public TimeSpan Acknowledged(Sensor sensor, ReadingNumber number, int partition, long offset)
    {
        lock (_gate)
        {
            var account = _accounts[sensor.Index];
            var waited = Answered(account);
            if (offset >= 0)
            {
                if (_newestOffsets.TryGetValue(partition, out var newest) && offset <= newest)
                {
                    // Within a log offsets only increase: the topic was created anew while the brokers stayed reachable, or the log has lost its end.
                    Begin();
                }

                _newestOffsets[partition] = offset;
            }

            account.Add(new Range(_epoch, partition, number.SequenceId, number.Count, number.Count, offset));
            _isEpochUsed = true;
            _lastAcknowledged = _time.GetUtcNow();
            ref var second = ref SecondOf(Now());
            second.Acknowledged++;
            second.LongestWaitMs = Math.Max(second.LongestWaitMs, (int)waited.TotalMilliseconds);
            return waited;
        }
    }

    /// <returns>How long the reading had waited.</returns>
    public TimeSpan Failed(Sensor sensor)
    {
        lock (_gate)
        {
            _failed++;
            return Answered(_accounts[sensor.Index]);
        }
    }

    /// <summary>Begins an epoch after all brokers were unavailable: readings acknowledged from now on may be in another log.</summary>
    public void BeginEpoch()
    {
        lock (_gate)
        {
            Begin();
        }
    }

    /// <summary>Sets the log that the brokers named when asked during <paramref name="epoch"/>.</summary>
    /// <returns>False if another epoch began while they were asked: ask again.</returns>
    public bool Resolve(LogEpoch epoch, string logId)
    {
        lock (_gate)
        {
            if (epoch != _epoch)
            {
                return false;
            }

            if (_epoch.LogId is { } known && known != logId)
            {
                // The topic was created anew while the brokers stayed reachable.
                Begin();
            }

            // Epochs that ended before the brokers could be asked are assumed to belong to this log.
            _unresolved.ForEach(unresolved => unresolved.LogId = logId);
            _unresolved.Clear();
            return true;
        }
    }

    /// <summary>Readings that are acknowledged in a log not yet known.</summary>
    public long Unresolved
    {
        get
        {
            lock (_gate)
            {
                return _accounts.Sum(account => account.Unresolved);
            }
        }
    }

    /// <summary>Takes what can be written: ranges whose log is known, and the seconds that are complete (all of them at the end).</summary>
    public ProducerAccount Take(bool atTheEnd)
    {
        lock (_gate)
        {
            var ranges = new List<AcknowledgedRange>();
            for (var i = 0; i < _accounts.Length; i++)
            {
                _accounts[i].TakeResolved(_sensors[i].Id, ranges);
            }

            var samples = new List<ProducerSample>();
            var now = Now();
            var end = atTheEnd ? now + 1 : now;
            for (var second = Math.Max(_firstUnwritten, end - SecondsKept + SecondsOfAMinute); second < end; second++)
            {
                var (acknowledged, longest) = CountAt(second);
                samples.Add(new ProducerSample(DateTimeOffset.FromUnixTimeSeconds(second), acknowledged, acknowledged > 0 ? longest : null));
            }

            _firstUnwritten = end;
            var failed = _failed;
            _failed = 0;
            return new ProducerAccount(ranges, samples, failed);
        }
    }

    /// <summary>Merges an account that could not be written with the one taken after it.</summary>
    public static ProducerAccount Join(ProducerAccount earlier, ProducerAccount later)
    {
        var last = new Dictionary<string, int>();
        var ranges = new List<AcknowledgedRange>(earlier.Ranges.Count + later.Ranges.Count);
        foreach (var range in earlier.Ranges.Concat(later.Ranges))
        {
            if (last.TryGetValue(range.SensorId, out var index) && Continues(ranges[index], range))
            {
                ranges[index] = ranges[index] with { LastCount = range.LastCount, MaxOffset = Math.Max(ranges[index].MaxOffset, range.MaxOffset) };
            }
            else
            {
                last[range.SensorId] = ranges.Count;
                ranges.Add(range);
            }
        }

        return new ProducerAccount(ranges, [.. earlier.Samples.Concat(later.Samples).TakeLast(SecondsKept)], earlier.FailedDeliveries + later.FailedDeliveries);
    }

    public DeliveryStanding Snapshot()
    {
        lock (_gate)
        {
            var now = Now();
            var lastMinute = 0;
            for (var second = now - SecondsOfAMinute + 1; second <= now; second++)
            {
                lastMinute += CountAt(second).Acknowledged;
            }

            var oldest = long.MaxValue;
            foreach (var account in _accounts)
            {
                if (account.Sent.TryPeek(out var sent))
                {
                    oldest = Math.Min(oldest, sent);
                }
            }

            var wait = oldest == long.MaxValue ? TimeSpan.Zero : _time.GetElapsedTime(oldest);
            return new DeliveryStanding(_queued, wait, lastMinute, _lastAcknowledged);
        }
    }

    // The client reports repeatedly that all brokers are down: an epoch without acknowledgements is not kept.
    private void Begin()
    {
        if (!_isEpochUsed)
        {
            _unresolved.Remove(_epoch);
        }

        _epoch = new LogEpoch();
        _isEpochUsed = false;
        _newestOffsets.Clear();
        _unresolved.Add(_epoch);
    }

    private static bool Continues(AcknowledgedRange earlier, AcknowledgedRange later) =>
        later.FirstCount == earlier.LastCount + 1 && later.SequenceId == earlier.SequenceId && later.Partition == earlier.Partition && later.LogId == earlier.LogId;

    // One sensor's readings go to one partition, and its acknowledgements come in order.
    private TimeSpan Answered(SensorAccount account)
    {
        _queued--;
        return account.Sent.TryDequeue(out var sent) ? _time.GetElapsedTime(sent) : TimeSpan.Zero;
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeSeconds();

    private ref Second SecondOf(long at)
    {
        ref var second = ref _seconds[at % SecondsKept];
        if (second.At != at)
        {
            second = new Second { At = at };
        }

        return ref second;
    }

    private (int Acknowledged, int LongestWaitMs) CountAt(long at)
    {
        var second = _seconds[at % SecondsKept];
        return second.At == at ? (second.Acknowledged, second.LongestWaitMs) : (0, 0);
    }

    private readonly record struct Range(LogEpoch Epoch, int Partition, string SequenceId, long First, long Last, long MaxOffset);

    private struct Second
    {
        public long At;
        public int Acknowledged;
        public int LongestWaitMs;
    }

    private sealed class SensorAccount
    {
        private readonly List<Range> _ranges = [];

        /// <summary>When each reading without an answer was sent.</summary>
        public Queue<long> Sent { get; } = new();

        public long Unresolved => _ranges.Where(range => range.Epoch.LogId is null).Sum(range => range.Last - range.First + 1);

        public void Add(Range range)
        {
            if (_ranges.Count > 0 && _ranges[^1] is var last
                && range.First == last.Last + 1 && range.SequenceId == last.SequenceId && range.Partition == last.Partition && range.Epoch == last.Epoch)
            {
                _ranges[^1] = last with { Last = range.Last, MaxOffset = Math.Max(last.MaxOffset, range.MaxOffset) };
            }
            else
            {
                _ranges.Add(range);
            }
        }

        public void TakeResolved(string sensorId, List<AcknowledgedRange> into)
        {
            foreach (var range in _ranges)
            {
                if (range.Epoch.LogId is { } logId)
                {
                    into.Add(new AcknowledgedRange(sensorId, logId, range.Partition, range.First, range.Last, range.MaxOffset, range.SequenceId));
                }
            }

            _ranges.RemoveAll(range => range.Epoch.LogId is not null);
        }
    }
}
