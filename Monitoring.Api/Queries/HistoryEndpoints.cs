using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for history: curves, and ownership of partitions.</summary>
internal static class HistoryEndpoints
{
    public static void MapHistory(this RouteGroupBuilder api)
    {
        api.MapGet("/history", History)
            .Describe<HistoryBody>("history", "Rates, latencies and lag of the last minutes (1 to 60), oldest first");
        api.MapGet("/ownership", Ownership)
            .Describe<OwnershipBody>("ownership", "Who owned which partition in the last minutes (1 to 1440), and what else happened");
        api.MapGet("/cluster-details", ClusterDetails)
            .Describe<ClusterDetailsBody>("cluster-details", "Request times, logs and disks of the brokers, the quorum, all topics, and what changed among the brokers in 24 hours");
    }

    private static Task<IResult> History(QueryCache cache, HistoryQueries queries, HttpResponse response, string? minutes, string? window)
    {
        var input = new Input();
        var length = input.Window(minutes, window, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        if (input.IsBad)
        {
            return Task.FromResult<IResult>(input.Problem);
        }

        // One point per few pixels of a curve.
        var interval = TimeSpan.FromSeconds(length.TotalMinutes switch { <= 10 => 5, <= 30 => 15, _ => 30 });
        return cache.ServeAsync(
            $"history {length}", response, ApiJson.Context.HistoryBody, async cancellationToken => await queries.ReadAsync(length, interval, cancellationToken));
    }

    private static Task<IResult> Ownership(
        QueryCache cache, OwnershipQueries queries, KafkaNames kafka, HttpResponse response, string? minutes, string? window)
    {
        var input = new Input();
        var length = input.Window(minutes, window, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1), TimeSpan.FromDays(1));
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync(
                $"ownership {length}",
                response,
                ApiJson.Context.OwnershipBody,
                async cancellationToken => await queries.ReadAsync(kafka.SensorTopic, length, cancellationToken));
    }

    private static Task<IResult> ClusterDetails(QueryCache cache, ClusterChangeQueries changes, ClusterState state, SnapshotStore snapshots, TimeProvider time, HttpResponse response) =>
        cache.ServeAsync("cluster details", response, ApiJson.Context.ClusterDetailsBody, async cancellationToken =>
        {
            var (latest, details) = (state.Latest, state.Details);
            DateTimeOffset? measuredAt = details is not null && snapshots.Current is { } snapshot
                ? new DatabaseClock(snapshot.Situation.Rows.DatabaseTime, snapshot.ReadAt).At(details.Timestamp, time)
                : null;
            return new ClusterDetailsBody(
                measuredAt, details?.Brokers ?? [], latest?.Quorum, details?.Topics ?? [], latest?.Unasked,
                await changes.ReadAsync(cancellationToken));
        });
}
