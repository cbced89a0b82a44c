using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>
/// Tracks whether the database has space left on its disk. The database does not report it; the processes whose writes it refuses do: this process,
/// consumers and sensors. A small write may still succeed where a large one fails, so a report holds for some time.
/// </summary>
internal sealed class DatabaseRoom(TimeProvider time)
{
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long? _refusedAt;

    /// <summary>Records that the database has refused something for lack of space.</summary>
    public void Refused()
    {
        lock (_gate)
        {
            _refusedAt = time.GetTimestamp();
        }
    }

    /// <param name="rows">The rows that were read last.</param>
    public bool IsOut(MonitoringRows rows)
    {
        if (rows.Consumers.Any(row => Reports(row.Health.Condition, row.Health.LastHeartbeat)) || rows.Producers.Any(row => Reports(row.Health.Condition, row.Health.LastHeartbeat)))
        {
            Refused();
        }

        lock (_gate)
        {
            return _refusedAt is { } at && time.GetElapsedTime(at) < Holds;
        }

        bool Reports(string? condition, DateTimeOffset? at) => IsSaidBy(condition) && rows.DatabaseTime - at < Liveness.HeartbeatLimit;
    }

    /// <summary>Returns whether a condition reports it.</summary>
    public static bool IsSaidBy(string? condition) => condition?.Contains(Conditions.NoRoom, StringComparison.Ordinal) == true;
}
