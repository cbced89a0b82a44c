using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Charts;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>Applies events of /api/stream to the live state.</summary>
internal static class LiveEvent
{
    private const int KeptAlerts = 50;

    /// <summary>Events of rebalances that follow each other without a pause are not kept without end.</summary>
    private const int MostRebalances = 5_000;
    private static readonly TimeSpan KeptHistory = TimeSpan.FromMinutes(10);
    private static readonly ApiJsonContext Json = ApiJsonContext.Default;

    /// <summary>
    /// Reads an event. An event of a kind that this version does not know changes nothing; nor does a heartbeat, which confirms the known state.
    /// </summary>
    /// <exception cref="JsonException">The data do not match the kind of event.</exception>
    public static (LiveParts Parts, Func<LiveView, LiveView> Change) Read(string eventType, string json) => eventType switch
    {
        StreamEvents.Snapshot => (LiveParts.All & ~LiveParts.Ownership, With(Json.StreamSnapshot, json, Begin)),
        StreamEvents.System => (LiveParts.System | LiveParts.Link, With(Json.SystemStatusBody, json, (view, system) =>
            Edit(view, snapshot => snapshot with { System = system, Stale = system.Stale }))),
        StreamEvents.Consumer => (LiveParts.Consumers, With(Json.IReadOnlyListConsumerHealthBody, Many(json), (view, consumers) =>
            Edit(view, snapshot => snapshot with { Consumers = Merge(snapshot.Consumers, consumers, each => each.ConsumerId) }))),
        StreamEvents.Producer => (LiveParts.Producers, With(Json.IReadOnlyListProducerHealthBody, Many(json), (view, producers) =>
            Edit(view, snapshot => snapshot with { Producers = Merge(snapshot.Producers, producers, each => each.ProducerId) }))),
        StreamEvents.Rebalance => (LiveParts.Rebalances, With(Json.IReadOnlyListRebalancingEventBody, Many(json), (view, events) =>
            Edit(view, snapshot => snapshot with { Rebalances = Newest(snapshot.Rebalances, events) }))),
        StreamEvents.Alert => (LiveParts.Alerts, With(Json.IReadOnlyListAlertBody, Many(json), (view, alerts) =>
            Edit(view, snapshot => snapshot with { Alerts = Newest(snapshot.Alerts, alerts) }))),
        StreamEvents.Cluster => (LiveParts.Cluster, With(Json.ClusterBody, json, (view, cluster) =>
            Edit(view, snapshot => snapshot with { Cluster = cluster }))),
        StreamEvents.Partition => (LiveParts.Cluster, With(Json.PartitionBody, json, (view, partition) =>
            Edit(view, snapshot => snapshot with { Cluster = Replace(snapshot.Cluster, partition) }))),
        StreamEvents.Metrics => (LiveParts.Metrics | LiveParts.History, With(Json.RealTimeMetricsBody, json, (view, metrics) =>
            Record(Edit(view, snapshot => snapshot with { Metrics = metrics })))),
        StreamEvents.Ledger => (LiveParts.Ledger, With(Json.LedgerBody, json, (view, ledger) =>
            Edit(view, snapshot => snapshot with { Ledger = ledger }))),
        _ => (LiveParts.None, view => view),
    };

    private static Func<LiveView, LiveView> With<T>(JsonTypeInfo<T> type, string json, Func<LiveView, T, LiveView> change)
    {
        var value = JsonSerializer.Deserialize(json, type) ?? throw new JsonException("null where a body was promised");
        return view => change(view, value);
    }

    /// <summary>Returns one or several items as a list.</summary>
    private static string Many(string json) => json.AsSpan().TrimStart().StartsWith("[") ? json : $"[{json}]";

    private static LiveView Begin(LiveView view, StreamSnapshot snapshot) => Record(view with { Snapshot = snapshot });

    private static ClusterBody Replace(ClusterBody cluster, PartitionBody changed) => cluster with
    {
        Partitions = [.. cluster.Partitions.Where(each => each.Partition != changed.Partition).Append(changed).OrderBy(each => each.Partition)],
    };

    private static LiveView Edit(LiveView view, Func<StreamSnapshot, StreamSnapshot> edit) =>
        view.Snapshot is { } snapshot ? view with { Snapshot = edit(snapshot) } : view;

    private static IReadOnlyList<T> Merge<T>(IReadOnlyList<T> known, IReadOnlyList<T> changed, Func<T, string> id)
    {
        var ids = changed.Select(id).ToHashSet(StringComparer.Ordinal);
        return [.. known.Where(each => !ids.Contains(id(each))).Concat(changed).OrderBy(id, StringComparer.Ordinal)];
    }

    private static IReadOnlyList<AlertBody> Newest(IReadOnlyList<AlertBody> known, IReadOnlyList<AlertBody> changed)
    {
        var ids = changed.Select(alert => alert.AlertId).ToHashSet();
        return [.. changed.Concat(known.Where(alert => !ids.Contains(alert.AlertId))).OrderByDescending(alert => alert.Timestamp).Take(KeptAlerts)];
    }

    private static IReadOnlyList<RebalancingEventBody> Newest(IReadOnlyList<RebalancingEventBody> known, IReadOnlyList<RebalancingEventBody> changed)
    {
        var ids = changed.Select(each => each.Id).ToHashSet();
        return NewestRebalances.Of([.. changed.Concat(known.Where(each => !ids.Contains(each.Id))).OrderByDescending(each => each.Timestamp).ThenByDescending(each => each.Id).Take(MostRebalances)]);
    }

    /// <summary>Adds the present second to the curves, after the points from /api/history.</summary>
    private static LiveView Record(LiveView view)
    {
        if (view.Snapshot?.Metrics.Pipeline is not { } now || view.ReceivedAt is not { } received) return view;
        var at = received + view.Ahead;
        view = view with { Lags = LagSample.Add(view.Lags, view.Snapshot.Cluster, at) };
        if (view.History is [.., { } last] && at - last.At < TimeSpan.FromMilliseconds(900)) return view;
        var point = new HistoryPoint(
            at, now.AcknowledgedPerSecond, now.StoredPerSecond, now.LatencyP50Ms, now.LatencyP95Ms, now.LatencyP99Ms, now.Lag, now.LagSeconds);
        IReadOnlyList<HistoryPoint> history = [.. view.History.Where(each => at - each.At <= KeptHistory), point];
        return view with { History = history, Curves = PipelineCurves.Of(history, at - KeptHistory, at) };
    }
}
