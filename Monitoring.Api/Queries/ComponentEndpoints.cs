using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Queries;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using Microsoft.AspNetCore.Http.Features;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for one consumer, producer, broker or sensor with its history; for pages of sensors; for dead letters.</summary>
internal static class ComponentEndpoints
{
    private static readonly string[] AllLevels = ["normal", "warning", "critical"];

    public static void MapComponents(this RouteGroupBuilder api)
    {
        api.MapGet("/sensors", Sensors)
            .Describe<IReadOnlyList<SensorBody>>(
                "sensors",
                "Sensors with their newest reading and how many of their alerts are open. q=part of an id, type=, level=, "
                    + "sort=id, level, alerts or read, turned round by a leading -; offset= and limit= give the next page");
        api.MapGet("/sensor-counts", SensorCounts).Describe<SensorCountsBody>("sensor-counts", "How many sensors there are, by type and level; q=, type= and level= as for sensors");
        api.MapGet("/backfills", Backfills)
            .Describe<IReadOnlyList<BackfilledSensorBody>>("backfills", "Sensors of which readings were backfilled, the newest first; limit=");
        One<SensorDetailBody>(api, "sensor", "A sensor's last readings, alerts and dead letters", Sensor);
        One<ComponentDetailBody>(api, "consumer", "A consumer's history", Consumer);
        One<ComponentDetailBody>(api, "producer", "A producer's history", Producer);
        One<ComponentDetailBody>(api, "broker", "A broker's history, by its name or number", Broker);
        api.MapGet("/audit", Audit)
            .Describe<IReadOnlyList<AuditEntry>>("audit", "Who did what, newest first; before=id of the last one gives the next page, limit=");
        api.MapGet("/dead-letters", DeadLetters)
            .Describe<IReadOnlyList<DeadLetterBody>>("dead-letters", "Messages that were no readings, newest first; before=rejected_at of the last one gives the next page");
    }

    private static Task<IResult> Audit(QueryCache cache, AuditStore store, HttpResponse response, string? before, string? limit)
    {
        var input = new Input();
        var from = before is null ? (long?)null : input.Integer("before", before, int.MaxValue, 1, int.MaxValue);
        var most = input.Integer("limit", limit, 100, 1, 1_000);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync<IReadOnlyList<AuditEntry>>(
                $"audit {from} {most}", response, ApiJson.Context.IReadOnlyListAuditEntry, async cancellationToken => await store.ListAsync(from, most, cancellationToken));
    }

    /// <summary>Maps the endpoints for one component, by its id in the path, or in a parameter for ids that a path cannot contain.</summary>
    private static void One<TBody>(RouteGroupBuilder api, string kind, string summary, Delegate answer)
    {
        api.MapGet($"/{kind}s/{{**id}}", answer).Describe<TBody>(kind, summary).ProducesProblem(StatusCodes.Status404NotFound);
        api.MapGet($"/{kind}", answer).Describe<TBody>($"{kind}-of-id", $"{summary}; takes any id, including ids that a path cannot contain").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static Task<IResult> Sensors(
        QueryCache cache, SensorQueries queries, HttpResponse response, string? q, string? type, string? level, string? sort, string? offset, string? limit)
    {
        var input = new Input();
        var filter = Filter(input, q, type, level);
        var order = input.OneOf("sort", sort, [.. SensorQueries.Sorts]) ?? "id";
        var skip = input.Integer("offset", offset, 0, 0, 10_000_000);
        var most = input.Integer("limit", limit, 100, 1, 1_000);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync<IReadOnlyList<SensorBody>>(
                $"sensors {filter} {order} {skip} {most}",
                response,
                ApiJson.Context.IReadOnlyListSensorBody,
                async cancellationToken => await queries.ListAsync(filter, order, skip, most, cancellationToken));
    }

    private static Task<IResult> SensorCounts(QueryCache cache, SensorQueries queries, HttpResponse response, string? q, string? type, string? level)
    {
        var input = new Input();
        var filter = Filter(input, q, type, level);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync(
                $"sensor counts {filter}", response, ApiJson.Context.SensorCountsBody, async cancellationToken => (SensorCountsBody?)await queries.CountAsync(filter, cancellationToken));
    }

    private static Task<IResult> Backfills(QueryCache cache, SensorQueries queries, HttpResponse response, string? limit)
    {
        var input = new Input();
        var most = input.Integer("limit", limit, 100, 1, 1_000);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync<IReadOnlyList<BackfilledSensorBody>>(
                $"backfills {most}",
                response,
                ApiJson.Context.IReadOnlyListBackfilledSensorBody,
                async cancellationToken => await queries.BackfilledAsync(most, cancellationToken));
    }

    private static SensorFilter Filter(Input input, string? q, string? type, string? level) =>
        new(input.Text("q", q), input.Text("type", type, 100), input.OneOf("level", level, AllLevels));

    private static Task<IResult> Sensor(QueryCache cache, SensorQueries queries, HttpRequest request, HttpResponse response, string? id) =>
        WithId(request, id, "/sensors/", sensorId => cache.ServeAsync(
            $"sensor {sensorId}", response, ApiJson.Context.SensorDetailBody, cancellationToken => queries.FindAsync(sensorId, cancellationToken)));

    private static Task<IResult> Consumer(
        QueryCache cache, ComponentQueries queries, RebalanceCosts costs, SnapshotStore store, HttpRequest request, HttpResponse response, string? id) =>
        WithId(request, id, "/consumers/", consumerId => cache.ServeAsync($"consumer {consumerId}", response, ApiJson.Context.ComponentDetailBody, async cancellationToken =>
        {
            if (store.Current?.Consumers.Value.FirstOrDefault(each => each.ConsumerId == consumerId) is not { } consumer)
            {
                return null;
            }

            var history = await queries.OfConsumerAsync(consumerId, cancellationToken);
            return Detail("consumer", consumerId, history with { Rebalances = await costs.AddAsync(history.Rebalances, cancellationToken) }, consumer: consumer);
        }));

    private static Task<IResult> Producer(QueryCache cache, ComponentQueries queries, SnapshotStore store, HttpRequest request, HttpResponse response, string? id) =>
        WithId(request, id, "/producers/", producerId => cache.ServeAsync($"producer {producerId}", response, ApiJson.Context.ComponentDetailBody, async cancellationToken =>
            store.Current?.Producers.Value.FirstOrDefault(each => each.ProducerId == producerId) is { } producer
                ? Detail("producer", producerId, await queries.OfProducerAsync(producerId, producer.SensorType, cancellationToken), producer: producer)
                : null));

    private static Task<IResult> Broker(QueryCache cache, ComponentQueries queries, SnapshotStore store, HttpRequest request, HttpResponse response, string? id) =>
        WithId(request, id, "/brokers/", brokerId => cache.ServeAsync($"broker {brokerId}", response, ApiJson.Context.ComponentDetailBody, async cancellationToken =>
            store.Current?.Cluster.Value.Brokers.FirstOrDefault(each => each.Name == brokerId || $"{each.Id}" == brokerId) is { } broker
                ? Detail("broker", broker.Name, await queries.OfBrokerAsync(broker.Name, cancellationToken), broker: broker)
                : null));

    private static Task<IResult> DeadLetters(QueryCache cache, DeadLetterQueries queries, HttpResponse response, string? before, string? limit)
    {
        var input = new Input();
        var older = input.Time("before", before);
        var most = input.Integer("limit", limit, 50, 1, 500);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync<IReadOnlyList<DeadLetterBody>>(
                $"dead letters {older:O} {most}",
                response,
                ApiJson.Context.IReadOnlyListDeadLetterBody,
                async cancellationToken => await queries.ListAsync(older, most, cancellationToken));
    }

    private static Task<IResult> WithId(HttpRequest request, string? id, string folder, Func<string, Task<IResult>> serve)
    {
        var input = new Input();

        // The server decodes a path except for %2F.
        var raw = request.RouteValues.ContainsKey(ComponentPath.Id) ? request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget : null;
        var text = input.Text(ComponentPath.Id, (raw is null ? null : ComponentPath.IdIn(raw, folder)) ?? id ?? "");
        return input.IsBad ? Task.FromResult<IResult>(input.Problem) : serve(text!);
    }

    private static ComponentDetailBody Detail(
        string kind, string id, ComponentHistory history, ConsumerHealthBody? consumer = null, ProducerHealthBody? producer = null, BrokerBody? broker = null) =>
        new(kind, id, consumer, producer, broker, history.StatusChanges, history.Rates, history.Rebalances, history.Alerts, history.DeadLetters);
}
