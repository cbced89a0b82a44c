using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>
/// Whether the database has room left on its disk. It does not say so itself; those to whom it refuses something do: this process, consumers
/// and sensors. A little may still fit where much does not, so what they say holds for a while.
/// </summary>
internal sealed class DatabaseRoom(TimeProvider time)
{
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long? _refusedAt;

    /// <summary>The database has refused something for want of room.</summary>
    public void Refused()
    {
        lock (_gate)
        {
            _refusedAt = time.GetTimestamp();
        }
    }

    /// <param name="rows">What was read last.</param>
    public bool IsOut(MonitoringRows rows)
    {
        if (rows.Consumers.Any(row => Says(row.Health.Condition, row.Health.LastHeartbeat)) || rows.Producers.Any(row => Says(row.Health.Condition, row.Health.LastHeartbeat)))
        {
            Refused();
        }

        lock (_gate)
        {
            return _refusedAt is { } at && time.GetElapsedTime(at) < Holds;
        }

        bool Says(string? condition, DateTimeOffset? at) => IsSaidBy(condition) && rows.DatabaseTime - at < Liveness.HeartbeatLimit;
    }

    /// <summary>Whether a condition says it.</summary>
    public static bool IsSaidBy(string? condition) => condition?.Contains(Conditions.NoRoom, StringComparison.Ordinal) == true;
}
