using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>How this process stands with the monitoring API.</summary>
public enum LinkState
{
    /// <summary>Nothing has been received yet.</summary>
    Connecting,

    /// <summary>Events arrive.</summary>
    Live,

    /// <summary>The API cannot be reached, or has fallen silent; what is shown is the last known.</summary>
    Lost,
}

/// <summary>What is known at one moment: immutable, shared by all pages.</summary>
/// <param name="ReceivedAt">When the newest event arrived, by this process's clock.</param>
/// <param name="Attempt">Attempts to connect since the link was lost.</param>
/// <param name="Ahead">How far the clock of the data is ahead of ours.</param>
/// <param name="Lags">What each partition lagged behind in the last minutes, as far as this process has seen it; oldest first.</param>
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

    /// <summary>What is shown is not what is: the API is away, or the API says that the database is.</summary>
    public bool Stale => Link != LinkState.Live || Snapshot is { Stale: true };

    /// <summary>The time up to which the data tell: goes on with the clock while they come in, stands still while they do not.</summary>
    public DateTimeOffset Now(TimeProvider time)
    {
        var here = Link == LinkState.Live ? time.GetUtcNow() : ReceivedAt ?? time.GetUtcNow();
        return here + Ahead;
    }
}
