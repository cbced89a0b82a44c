namespace FactoryMonitoring.Sensors.Replay;

/// <summary>The progress of a backfill.</summary>
/// <param name="Stored">Readings that consumers have stored or rejected.</param>
/// <param name="Waiting">Readings sent and not stored yet.</param>
/// <param name="PerSecond">Readings stored per second, over the last 10 s; null while unknown.</param>
/// <param name="IsStuck">Readings are waiting, and none was stored for 3 s.</param>
internal readonly record struct BackfillStanding(long Stored, long Waiting, double? PerSecond, bool IsStuck);

/// <summary>
/// Throttles a backfill, so that live readings keep flowing: no more readings are in flight, from sending to storing, than were stored in the last
/// 0.6 s. While the pipeline has spare capacity, each step admits more than the one before; without spare capacity, the readings in flight are a queue of
/// 0.6 s, and a live reading waits at most that long behind it. Thread-safe.
/// </summary>
internal sealed class BackfillPace(TimeProvider time)
{
    /// <summary>The minimum window in readings, so that the backfill can start.</summary>
    public const int LeastWindow = 2_000;

    /// <summary>The maximum window in readings: the client's queue holds more.</summary>
    public const int MostWindow = 40_000;

    private static readonly TimeSpan Ahead = TimeSpan.FromMilliseconds(600);
    private static readonly TimeSpan RateWindow = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Queue<long>> _acknowledged = [];
    private readonly Queue<(long At, long Stored)> _samples = [];
    private string? _logId;
    private long _sent;
    private long _over;
    private long _failed;
    private long? _movedAt;
    private int _window = LeastWindow;

    /// <summary>The current limit of readings sent and not stored yet.</summary>
    public int Window
    {
        get
        {
            lock (_gate)
            {
                return _window;
            }
        }
    }

    /// <returns>False if the limit of readings in flight is reached; otherwise the next one counts as sent.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_sent - _over >= _window)
            {
                return false;
            }

            _sent++;
            return true;
        }
    }

    /// <summary>Records a reading that the brokers acknowledged.</summary>
    public void Acknowledged(int partition, long offset)
    {
        lock (_gate)
        {
            if (!_acknowledged.TryGetValue(partition, out var offsets))
            {
                _acknowledged[partition] = offsets = new Queue<long>();
            }

            offsets.Enqueue(offset);
        }
    }

    /// <summary>Records a reading that the client gave up; the account reports it.</summary>
    public void Failed()
    {
        lock (_gate)
        {
            (_over, _failed) = (_over + 1, _failed + 1);
        }
    }

    /// <summary>Records what consumers have stored.</summary>
    /// <param name="logId">The log of the offsets.</param>
    /// <param name="next">By partition, one past the last stored offset.</param>
    public void Observe(string logId, IEnumerable<(int Partition, long Next)> next)
    {
        lock (_gate)
        {
            if (_logId is not null && _logId != logId)
            {
                // The topic was created anew: readings in the old log are either stored or lost with it.
                _over += _acknowledged.Values.Sum(offsets => offsets.Count);
                _acknowledged.Clear();
            }

            _logId = logId;
            var before = _over;
            foreach (var (partition, end) in next)
            {
                if (_acknowledged.TryGetValue(partition, out var offsets))
                {
                    while (offsets.TryPeek(out var offset) && offset < end)
                    {
                        offsets.Dequeue();
                        _over++;
                    }
                }
            }

            var now = time.GetTimestamp();
            _movedAt = _over > before || _movedAt is null || _sent == _over ? now : _movedAt;
            _samples.Enqueue((now, _over));
            while (_samples.Count > 2 && time.GetElapsedTime(_samples.Peek().At, now) > RateWindow)
            {
                _samples.Dequeue();
            }

            if (RateSince(now, TimeSpan.FromSeconds(1)) is { } rate)
            {
                _window = (int)Math.Clamp(rate * Ahead.TotalSeconds, LeastWindow, MostWindow);
            }
        }
    }

    public BackfillStanding Snapshot()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            return new BackfillStanding(
                _over - _failed, _sent - _over, RateSince(now, RateWindow), _sent > _over && _movedAt is { } at && time.GetElapsedTime(at, now) > Patience);
        }
    }

    private double? RateSince(long now, TimeSpan window)
    {
        (long At, long Stored)? first = null;
        var last = default((long At, long Stored));
        foreach (var sample in _samples)
        {
            if (first is null && time.GetElapsedTime(sample.At, now) <= window)
            {
                first = sample;
            }

            last = sample;
        }

        return first is { } from && time.GetElapsedTime(from.At, last.At) is var span && span > TimeSpan.Zero ? (last.Stored - from.Stored) / span.TotalSeconds : null;
    }
}
