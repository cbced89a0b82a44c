using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>This consumer's state and work, for its heartbeat. Written by the lanes and the polling thread, read once a second.</summary>
internal sealed class ConsumerStatus
{
    private const int MinuteSeconds = 60;

    private readonly Lock _lock = new();
    private readonly int[] _latencies = new int[LatencyHistogram.BucketCount];
    private readonly int[] _minute = new int[MinuteSeconds];
    private readonly SortedSet<int> _owned = [];
    private int _minuteIndex;
    private int _storedThisSecond;
    private int _commits;
    private double _commitMs;
    private SlowestReading? _slowest;
    private long _total;
    private volatile bool _databaseAway;
    private volatile bool _paused;
    private volatile bool _sharesGroup;
    private volatile string? _databaseRefuses;
    private volatile string? _registryProblem;
    private int _claiming;
    private long _notJudgedAt;
    private int _maxSensors;
    private long _lanesWithoutRoom;

    /// <summary>The database does not respond.</summary>
    public bool DatabaseAway
    {
        get => _databaseAway;
        set => _databaseAway = value;
    }

    /// <summary>Why the database, although it responds, stores nothing; null while it stores.</summary>
    public string? DatabaseRefuses
    {
        get => _databaseRefuses;
        set => _databaseRefuses = value;
    }

    /// <summary>Why messages wait for the Schema Registry; null while it responds.</summary>
    public string? RegistryProblem
    {
        get => _registryProblem;
        set => _registryProblem = value;
    }

    /// <summary>Sets whether a lane cannot store its data because the database's disk is full.</summary>
    /// <param name="lane">Below 64; higher lanes share the last bit.</param>
    public void SetNoRoom(int lane, bool hasNone)
    {
        var bit = 1L << Math.Min(lane, 63);
        if (hasNone)
        {
            Interlocked.Or(ref _lanesWithoutRoom, bit);
        }
        else
        {
            Interlocked.And(ref _lanesWithoutRoom, ~bit);
        }
    }

    /// <summary>Partitions are paused because nothing more can be stored at the moment.</summary>
    public bool Paused
    {
        get => _paused;
        set => _paused = value;
    }

    /// <summary>Partitions that are assigned and not yet claimed.</summary>
    public int Claiming
    {
        get => Volatile.Read(ref _claiming);
        set => Volatile.Write(ref _claiming, value);
    }

    /// <summary>Consumers of another database are members of the group.</summary>
    public bool SharesGroup
    {
        get => _sharesGroup;
        set => _sharesGroup = value;
    }

    /// <summary>Records that readings of more sensors are stored than are judged in each partition.</summary>
    public void NotJudged(int maxSensors)
    {
        Volatile.Write(ref _maxSensors, maxSensors);
        Volatile.Write(ref _notJudgedAt, Stopwatch.GetTimestamp());
    }

    private bool IsOverfull => Volatile.Read(ref _notJudgedAt) is not 0 and var at && Stopwatch.GetElapsedTime(at) < TimeSpan.FromSeconds(10);

    public string? Condition => Volatile.Read(ref _lanesWithoutRoom) != 0 ? $"waiting: {Conditions.NoRoom}" : DatabaseRefuses is { } reason ? $"waiting: the database stores nothing ({reason})" : (Paused, DatabaseAway, Claiming) switch
    {
        (true, true, _) => "paused: database away",
        (true, false, _) => "paused: database slow",
        (false, true, _) => "database away",
        _ when RegistryProblem is { } problem => $"waiting: {problem}",
        (false, false, > 0) => $"claiming {Claiming} partition{(Claiming == 1 ? "" : "s")}",
        _ when SharesGroup => "shares its group with consumers of another database: two stacks use these brokers, and each stores a part of the readings",
        _ when IsOverfull => string.Create(CultureInfo.InvariantCulture, $"stores readings of more than {_maxSensors:N0} sensors of a partition, and judges those of {_maxSensors:N0} (Detection:MaxSensorsPerPartition)"),
        _ => null,
    };

    public int[] Owned
    {
        get
        {
            lock (_lock)
            {
                return [.. _owned];
            }
        }
    }

    public void Own(int partition)
    {
        lock (_lock)
        {
            _owned.Add(partition);
        }
    }

    public void Disown(int partition)
    {
        lock (_lock)
        {
            _owned.Remove(partition);
        }
    }

    public void StartFrom(long total)
    {
        lock (_lock)
        {
            _total += total;
        }
    }

    /// <param name="latencies">Counts in LatencyHistogram's buckets.</param>
    /// <param name="slowest">The reading of the batch that took longest; null if none was measured.</param>
    public void Stored(int count, ReadOnlySpan<int> latencies, TimeSpan commit, SlowestReading? slowest)
    {
        lock (_lock)
        {
            _storedThisSecond += count;
            _total += count;
            _commits++;
            _commitMs += commit.TotalMilliseconds;
            if (slowest?.Milliseconds > (_slowest?.Milliseconds ?? -1)) _slowest = slowest;
            for (var i = 0; i < latencies.Length; i++)
            {
                _latencies[i] += latencies[i];
            }
        }
    }

    /// <summary>Ends a second: returns what was stored in it, in the last minute, and since the beginning.</summary>
    public (ConsumerSample Sample, int LastMinute, long Total) EndSecond()
    {
        lock (_lock)
        {
            _minute[_minuteIndex] = _storedThisSecond;
            _minuteIndex = (_minuteIndex + 1) % MinuteSeconds;
            var sample = new ConsumerSample(_storedThisSecond, [.. _latencies.AsSpan(0, _latencies.AsSpan().LastIndexOfAnyExcept(0) + 1)], _commits == 0 ? null : (float)(_commitMs / _commits), _slowest);
            _storedThisSecond = 0;
            _commits = 0;
            _commitMs = 0;
            _slowest = null;
            _latencies.AsSpan().Clear();
            return (sample, _minute.Sum(), _total);
        }
    }
}
