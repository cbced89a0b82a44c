using FactoryMonitoring.Consumers.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>Passes batches to the lanes: full ones immediately, others once their lane is idle and they have waited for more messages.</summary>
internal sealed class LaneDispatcher(IReadOnlyList<LaneQueue> lanes, TimeSpan linger, ConsumerMetrics metrics, TimeProvider time)
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    private readonly LaneQueue[] _lanes = [.. lanes];
    private long _tickedAt = time.GetTimestamp();

    /// <summary>Whether any batch has messages.</summary>
    public bool IsFilling => Array.Exists(_lanes, lane => lane.Filling is { IsEmpty: false });

    /// <summary>Whether any lane has no batch to fill.</summary>
    public bool LacksBatch => Array.Exists(_lanes, lane => lane.Filling is null);

    /// <summary>Returns the lane of a partition.</summary>
    public LaneQueue LaneOf(int partition) => _lanes[partition % _lanes.Length];

    /// <summary>Gives each lane a batch to fill.</summary>
    /// <returns>The first lane without one, whose batches all wait to be stored; null if there is no such lane.</returns>
    public LaneQueue? MakeRoom() => Array.Find(_lanes, lane => !lane.HasRoom());

    public void Dispatch(LaneQueue lane)
    {
        if (lane.Filling is { IsEmpty: false } batch)
        {
            var duration = batch.Age;
            var messages = batch.Messages;
            lane.Dispatch();
            metrics.Polled(messages, duration);
        }
    }

    public void DispatchAll()
    {
        foreach (var lane in _lanes)
        {
            Dispatch(lane);
        }
    }

    public void DispatchDue()
    {
        foreach (var lane in _lanes)
        {
            if (lane.IsIdle && lane.Filling is { IsEmpty: false } batch && batch.Age >= linger)
            {
                Dispatch(lane);
            }
        }
    }

    /// <summary>Periodically makes idle lanes do the work that is due by time.</summary>
    /// <returns>True if it was time.</returns>
    public bool Tick()
    {
        if (time.GetElapsedTime(_tickedAt) < TickInterval)
        {
            return false;
        }

        _tickedAt = time.GetTimestamp();
        foreach (var lane in _lanes)
        {
            if (lane.IsIdle)
            {
                lane.Post(new LaneWork.Tick());
            }
        }

        return true;
    }
}
