using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Streaming;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints that are served from the snapshot.</summary>
internal static class SnapshotEndpoints
{
    public static void MapSnapshots(this RouteGroupBuilder api)
    {
        Map<SystemStatusBody>(
            "/system-status", snapshot => snapshot.System, "Consumers and sensors in numbers, the newest rebalancing events, and the whole in words");
        Map<IReadOnlyList<ConsumerHealthBody>>(
            "/consumer-health", snapshot => snapshot.Consumers, "Every consumer seen in the last 24 hours");
        Map<IReadOnlyList<ProducerHealthBody>>(
            "/producer-health", snapshot => snapshot.Producers, "Every producer seen in the last 24 hours");
        Map<PartitionAssignmentBody>(
            "/partition-assignment", snapshot => snapshot.Assignment, "Who reads which partition, and what was stored of each since the beginning");
        Map<RealTimeMetricsBody>(
            "/real-time-metrics", snapshot => snapshot.Metrics, "Messages of the last 10 minutes, and the pipeline now");
        Map<IReadOnlyList<AlertBody>>(
            "/recent-alerts", snapshot => snapshot.Alerts, "The newest 50 alerts of the last 2 hours");
        Map<ClusterBody>(
            "/cluster", snapshot => snapshot.Cluster, "Brokers, and each partition's leader, replicas, offsets, lag and owner");
        Map<LedgerBody>(
            "/ledger", snapshot => snapshot.Ledger, "The account of deliveries");

        Map<StreamSnapshot>(
            ApiRoutes.Snapshot["/api".Length..], snapshot => new Body<StreamSnapshot>(StreamHub.Whole(snapshot), ApiJson.Context.StreamSnapshot), "All of the above at one moment");

        api.MapGet("/rebalancing-events", RebalancingEvents)
            .WithName("rebalancing-events")
            .WithSummary("Rebalancing events of the last 24 hours, newest first")
            .Produces<IReadOnlyList<RebalancingEventBody>>()
            .ProducesValidationProblem()
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        void Map<T>(string path, Func<Snapshot, Body> select, string summary) =>
            api.MapGet(path, (SnapshotStore store, TimeProvider time, HttpResponse response) => store.Serve(time, response, select))
                .WithName(path[1..])
                .WithSummary(summary)
                .Produces<T>()
                .Produces(StatusCodes.Status304NotModified)
                .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static IResult RebalancingEvents(SnapshotStore store, TimeProvider time, HttpResponse response, string? since, string? limit)
    {
        var input = new Input();
        var from = input.Time("since", since);
        var most = input.Integer("limit", limit, 100, 1, MonitoringQueries.RebalancingEventsKept);
        return input.IsBad
            ? input.Problem
            : store.Serve(time, response, snapshot => new Body<IReadOnlyList<RebalancingEventBody>>(
                [.. snapshot.RebalancingEvents.Where(each => from is null || each.Timestamp >= from).Take(most)],
                ApiJson.Context.IReadOnlyListRebalancingEventBody));
    }
}
