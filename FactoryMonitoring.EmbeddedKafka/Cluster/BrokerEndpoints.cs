using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>The control of the embedded cluster, on loopback alone.</summary>
internal static class BrokerEndpoints
{
    public static void MapBrokers(this IEndpointRouteBuilder endpoints)
    {
        var brokers = endpoints.MapGroup("/brokers");
        brokers.MapGet("/", ListAsync);
        brokers.MapPost("/{id:int}/down", DownAsync);
        brokers.MapPost("/{id:int}/up", UpAsync);
    }

    private static async Task<Ok<IReadOnlyList<Broker>>> ListAsync(EmbeddedCluster cluster, CancellationToken cancellationToken) =>
        TypedResults.Ok(await cluster.ListAsync(cancellationToken));

    private static async Task<Results<Ok<Broker>, NotFound>> DownAsync(int id, EmbeddedCluster cluster, CancellationToken cancellationToken) =>
        await cluster.TakeDownAsync(id, cancellationToken) is { } broker ? TypedResults.Ok(broker) : TypedResults.NotFound();

    private static async Task<Results<Ok<Broker>, NotFound>> UpAsync(int id, EmbeddedCluster cluster, CancellationToken cancellationToken) =>
        await cluster.BringUpAsync(id, cancellationToken) is { } broker ? TypedResults.Ok(broker) : TypedResults.NotFound();
}

[JsonSerializable(typeof(IReadOnlyList<Broker>))]
[JsonSerializable(typeof(Broker))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class BrokerJsonContext : JsonSerializerContext;
