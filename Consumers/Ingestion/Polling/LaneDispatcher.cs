using FactoryMonitoring.Consumers.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>Hands batches to the lanes: full ones at once, others once their lane is idle and they have waited for more.</summary>
internal sealed class LaneDispatcher(IReadOnlyList<LaneQueue> lanes, TimeSpan linger, ConsumerMetrics metrics, TimeProvider time)
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    private readonly LaneQueue[] _lanes = [.. lanes];
    private long _tickedAt = time.GetTimestamp();

    /// <summary>A batch has messages.</summary>
    public bool IsFilling => Array.Exists(_lanes, lane => lane.Filling is { IsEmpty: false });

    /// <summary>A lane has no batch to fill.</summary>
    public bool LacksBatch => Array.Exists(_lanes, lane => lane.Filling is null);

    /// <summary>Which lane a partition belongs to.</summary>
    public LaneQueue LaneOf(int partition) => _lanes[partition % _lanes.Length];

    /// <summary>Gives each lane a batch to fill.</summary>
    /// <returns>The first lane for which there is none, whose batches all wait to be stored; null where there is none such.</returns>
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

    /// <summary>Has idle lanes do what time has made due, from time to time.</summary>
    /// <returns>True when it was time.</returns>
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
