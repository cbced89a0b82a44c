using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>The state of the connection to the monitoring API.</summary>
public enum LinkState
{
    /// <summary>Nothing has been received yet.</summary>
    Connecting,

    /// <summary>Events arrive.</summary>
    Live,

    /// <summary>The API cannot be reached, or has become silent; the last known state is shown.</summary>
    Lost,
}

/// <summary>The known state at one moment: immutable, shared by all pages.</summary>
/// <param name="ReceivedAt">When the newest event arrived, by this process's clock.</param>
/// <param name="Attempt">Number of attempts to connect since the link was lost.</param>
/// <param name="Ahead">How far the clock of the data is ahead of this process's clock.</param>
/// <param name="Lags">The lag of each partition in the last minutes, as far as this process has received it; oldest first.</param>
public sealed record LiveView(
    LinkState Link,
    int Attempt,
    DateTimeOffset? ReceivedAt,
    TimeSpan Ahead,
    StreamSnapshot? Snapshot,
    OwnershipBody? Ownership,
    IReadOnlyList<HistoryPoint> History,
    PipelineCurves Curves,
    IReadOnlyList<LagSample> Lags)
{
    public static readonly LiveView Nothing =
        new(LinkState.Connecting, 0, null, TimeSpan.Zero, null, null, [], PipelineCurves.None, []);

    /// <summary>Whether the shown state is stale: the API is unavailable, or reports that the database is.</summary>
    public bool Stale => Link != LinkState.Live || Snapshot is { Stale: true };

    /// <summary>Returns the alerts that are as new as those which a new connection would receive: others are not removed by an event.</summary>
    public IReadOnlyList<AlertBody> RecentAlerts(TimeProvider time) =>
        [.. (Snapshot?.Alerts ?? []).Where(alert => Now(time) - alert.Timestamp < StreamSnapshot.AlertWindow)];

    /// <summary>Returns the time of the data: it advances with the clock while data arrive, and stops while they do not.</summary>
    public DateTimeOffset Now(TimeProvider time)
    {
        var here = Link == LinkState.Live ? time.GetUtcNow() : ReceivedAt ?? time.GetUtcNow();
        return here + Ahead;
    }
}
