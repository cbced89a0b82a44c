using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using Microsoft.AspNetCore.Mvc;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for a range of time: curves, ownership of partitions, rebalances, and what changed among the brokers.</summary>
internal static class HistoryEndpoints
{
    private const string OfARange = "window=5m, 2h, 7d, or from= and to=, 31 days at most";

    public static void MapHistory(this RouteGroupBuilder api)
    {
        api.MapGet("/history", History)
            .Describe<HistoryBody>("history", $"Rates, latencies and lag over time, oldest first: {OfARange}; 10 minutes unless told");
        api.MapGet("/consumer-rates", ConsumerRates)
            .Describe<ConsumerRatesBody>("consumer-rates", $"Readings that each consumer stored per second, oldest first: {OfARange}; 10 minutes unless told");
        api.MapGet("/ownership", Ownership)
            .Describe<OwnershipBody>("ownership", $"Who owned which partition when, and what else happened: {OfARange}; 5 minutes unless told");
        api.MapGet("/rebalances", Rebalances)
            .Describe<IReadOnlyList<RebalancingEventBody>>("rebalances", $"Rebalancing events, newest first, at most 2000: {OfARange}; an hour unless told");
        api.MapGet("/cluster-details", ClusterDetails)
            .Describe<ClusterDetailsBody>(
                "cluster-details", $"Request times, logs and disks of the brokers, the quorum, all topics; and what changed among the brokers: {OfARange}; 24 hours unless told");
    }

    private static Task<IResult> History(QueryCache cache, HistoryQueries queries, TimeProvider time, HttpResponse response, [AsParameters] RangeParameters parameters) =>
        Serve(
            parameters, TimeSpan.FromMinutes(10), time,
            range => cache.ServeAsync($"history {range}", response, ApiJson.Context.HistoryBody, async cancellationToken => await queries.ReadAsync(range, cancellationToken)));

    private static Task<IResult> ConsumerRates(QueryCache cache, HistoryQueries queries, TimeProvider time, HttpResponse response, [AsParameters] RangeParameters parameters) =>
        Serve(
            parameters, TimeSpan.FromMinutes(10), time,
            range => cache.ServeAsync(
                $"consumer rates {range}", response, ApiJson.Context.ConsumerRatesBody, async cancellationToken => await queries.RatesAsync(range, cancellationToken)));

    private static Task<IResult> Ownership(
        QueryCache cache, OwnershipQueries queries, KafkaNames kafka, TimeProvider time, HttpResponse response, [AsParameters] RangeParameters parameters) =>
        Serve(
            parameters, TimeSpan.FromMinutes(5), time,
            range => cache.ServeAsync(
                $"ownership {range}",
                response,
                ApiJson.Context.OwnershipBody,
                async cancellationToken => await queries.ReadAsync(kafka.SensorTopic, range, cancellationToken)));

    private static Task<IResult> Rebalances(
        QueryCache cache, RebalanceQueries queries, RebalanceCosts costs, TimeProvider time, HttpResponse response, [AsParameters] RangeParameters parameters) =>
        Serve(
            parameters, TimeSpan.FromHours(1), time,
            range => cache.ServeAsync<IReadOnlyList<RebalancingEventBody>>(
                $"rebalances {range}",
                response,
                ApiJson.Context.IReadOnlyListRebalancingEventBody,
                async cancellationToken => await costs.AddAsync(await queries.ReadAsync(range, cancellationToken), cancellationToken)));

    private static Task<IResult> ClusterDetails(
        QueryCache cache, ClusterChangeQueries changes, ClusterState state, SnapshotStore snapshots, TimeProvider time, HttpResponse response, [AsParameters] RangeParameters parameters) =>
        Serve(
            parameters, TimeSpan.FromDays(1), time,
            range => cache.ServeAsync($"cluster details {range}", response, ApiJson.Context.ClusterDetailsBody, async cancellationToken =>
            {
                var (latest, details) = (state.Latest, state.Details);
                DateTimeOffset? measuredAt = details is not null && snapshots.Current is { } snapshot
                    ? new DatabaseClock(snapshot.Situation.Rows.DatabaseTime, snapshot.ReadAt).At(details.Timestamp, time)
                    : null;
                return new ClusterDetailsBody(
                    measuredAt, details?.Brokers ?? [], latest?.Quorum, details?.Topics ?? [], latest?.Unasked,
                    await changes.ReadAsync(range, cancellationToken));
            }));

    private static Task<IResult> Serve(RangeParameters parameters, TimeSpan absent, TimeProvider time, Func<StoredRange, Task<IResult>> serve)
    {
        var input = new Input();
        var range = input.Range(parameters.Minutes, parameters.Window, parameters.From, parameters.To, absent, time.GetUtcNow());
        return input.IsBad ? Task.FromResult<IResult>(input.Problem) : serve(range);
    }

    /// <summary>The parameters as they are in the address.</summary>
    /// <param name="Minutes">A length of time until now, in minutes.</param>
    /// <param name="Window">A length of time until now: 300s, 5m, 2h, 7d.</param>
    private sealed record RangeParameters(
        [FromQuery(Name = "minutes")] string? Minutes,
        [FromQuery(Name = "window")] string? Window,
        [FromQuery(Name = "from")] string? From,
        [FromQuery(Name = "to")] string? To);
}
