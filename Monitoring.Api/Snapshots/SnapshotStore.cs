using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Status;
using FactoryMonitoring.Monitoring.Api.Streaming;
using FactoryMonitoring.ServiceDefaults.Health;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>
/// The single snapshot of this process. Statuses are judged when it is served: the first request after <see cref="Snapshot.ValidUntil"/> renders it
/// again, and all others are served the same bytes.
/// </summary>
internal sealed class SnapshotStore(SnapshotRenderer renderer, DatabaseRoom room, DatabaseMode mode, LagTracker lag, ClusterState cluster, StreamHub hub, TimeProvider time) : IDisposable
{
    /// <summary>Age from which data are stale: below the heartbeat limit by more than a heartbeat interval.</summary>
    public static readonly TimeSpan BlindAfter = TimeSpan.FromSeconds(3);

    /// <summary>Time after the return of the database in which processes that could not reach it may not have written again.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    // Heartbeats are written once a second; if all are older than this, no process could write one.
    private static readonly TimeSpan Unwritten = TimeSpan.FromSeconds(2);

    // The time a process needs on a busy machine to write again after the database refused a write: it looks once a second, and then connects anew.
    private static readonly TimeSpan WriteGrace = TimeSpan.FromSeconds(15);

    // A single lost connection is not an outage.
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(2);

    // A process that was suspended this long (it was stopped, or its machine slept) has not waited for the database in the meantime.
    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly List<DatabaseOutage> _outages = [];
    private readonly StatusJudge _judge = new();
    private MonitoringRows? _rows;
    private DatabaseClock _clock;
    private bool _away;
    private bool _noRoom;
    private long? _backAt;
    private long? _unwrittenAt;
    private long _tickedAt = time.GetTimestamp();
    private long? _stoodStillUntil;
    private ITimer? _ticks;
    private volatile Snapshot? _current;

    /// <summary>The snapshot; null until the database has been read once.</summary>
    public Snapshot? Current
    {
        get
        {
            var snapshot = _current;
            if (snapshot is null || time.GetTimestamp() < snapshot.ValidUntil)
            {
                return snapshot;
            }

            lock (_gate)
            {
                return time.GetTimestamp() < _current!.ValidUntil ? _current : Render();
            }
        }
    }

    public void Dispose() => _ticks?.Dispose();

    /// <summary>Replaces the snapshot's data.</summary>
    public void Replace(MonitoringRows read)
    {
        var readAt = read.Timestamp;
        lock (_gate)
        {
            _ticks ??= time.CreateTimer(_ => { lock (_gate) TakeNote(); }, null, Tick, Tick);
            TakeNote();
            if (_rows is not null && (_away || time.GetElapsedTime(Math.Max(_clock.Timestamp, _stoodStillUntil ?? 0), readAt) > BlindAfter))
            {
                _backAt = readAt;
                if (_away && read.DatabaseTime - _clock.Time > Noticeable)
                {
                    _outages.Add(new(_clock.Time, read.DatabaseTime));
                }
            }

            _away = false;
            _noRoom = room.IsOut(read);
            _rows = read;
            _clock = new(read.DatabaseTime, readAt);
            lag.Update(cluster.Latest, read, _clock);
            Render();
        }
    }

    /// <summary>Returns the outages of the database that ended since the last call.</summary>
    public IReadOnlyList<DatabaseOutage> TakeOutages()
    {
        lock (_gate)
        {
            DatabaseOutage[] outages = [.. _outages];
            _outages.Clear();
            return outages;
        }
    }

    /// <summary>Records that the database did not answer.</summary>
    /// <param name="noRoom">Whether it had no disk space for the answer; while it does not answer at all, the last known state remains.</param>
    public void MarkAway(bool noRoom = false)
    {
        lock (_gate)
        {
            _away = true;
            _noRoom |= noRoom;
            if (_rows is not null)
            {
                Render();
            }
        }
    }

    private Snapshot Render()
    {
        TakeNote();
        var now = time.GetTimestamp();
        var blindAt = After(Math.Max(_clock.Timestamp, _stoodStillUntil ?? 0), BlindAfter);
        var graceEnds = _backAt is { } back ? After(back, Grace) : (long?)null;
        var stale = _away || now >= blindAt || now < graceEnds;
        var wokeAt = _stoodStillUntil is { } woke ? After(woke, Grace) : (long?)null;
        // The data are from before the suspension, and other processes may have been suspended, too.
        var drowsy = _stoodStillUntil > _clock.Timestamp || now < wokeAt;
        var databaseNow = _clock.At(now, time);
        if ((_noRoom || mode.IsReadOnly) && databaseNow - NewestHeartbeat(_rows!) > Unwritten)
        {
            _unwrittenAt = now;
        }

        var unwritten = _unwrittenAt is { } refused && time.GetElapsedTime(refused, now) < WriteGrace;
        var judgement = _judge.Judge(_rows!, databaseNow, stale || drowsy || unwritten);
        long? flips = judgement.NextChange is { } change ? _clock.TimestampAt(change, time) : null;
        long?[] changes = [now < blindAt ? blindAt : null, now < graceEnds ? graceEnds : null, now < wokeAt ? wokeAt : null, flips];

        // Sentences count seconds, so a snapshot is valid for at most one.
        var validUntil = Math.Min(changes.Min() ?? long.MaxValue, After(now, TimeSpan.FromSeconds(1)));
        var snapshot = renderer.Render(_rows!, judgement, databaseNow, _clock, _away, stale, _noRoom, mode.IsReadOnly, validUntil);
        _current = snapshot;
        hub.Publish(snapshot);
        return snapshot;
    }

    private static DateTimeOffset? NewestHeartbeat(MonitoringRows rows) =>
        rows.Consumers.Select(row => row.Health.LastHeartbeat).Concat(rows.Producers.Select(row => row.Health.LastHeartbeat)).Max();

    private void TakeNote()
    {
        var now = time.GetTimestamp();
        if (time.GetElapsedTime(_tickedAt, now) > Standstill)
        {
            _stoodStillUntil = now;
        }

        _tickedAt = now;
    }

    private long After(long timestamp, TimeSpan span) => timestamp + (long)(span.TotalSeconds * time.TimestampFrequency);
}
