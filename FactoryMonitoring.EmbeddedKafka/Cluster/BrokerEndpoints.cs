using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>
/// The control endpoint of the embedded cluster, only on loopback. Changes need the bearer token of <see cref="EmbeddedKafkaOptions.ControlToken"/>.
/// </summary>
internal static class BrokerEndpoints
{
    public static void MapBrokers(this IEndpointRouteBuilder endpoints)
    {
        var brokers = endpoints.MapGroup("/brokers");
        brokers.MapGet("/", ListAsync);
        brokers.MapPost("/{id:int}/down", DownAsync).AddEndpointFilter(AuthorizeAsync);
        brokers.MapPost("/{id:int}/up", UpAsync).AddEndpointFilter(AuthorizeAsync);
    }

    private static async ValueTask<object?> AuthorizeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var token = context.HttpContext.RequestServices.GetRequiredService<IOptions<EmbeddedKafkaOptions>>().Value.ControlToken;
        var expected = Encoding.UTF8.GetBytes($"Bearer {token}");
        var given = Encoding.UTF8.GetBytes(context.HttpContext.Request.Headers.Authorization.ToString());
        return !string.IsNullOrEmpty(token) && CryptographicOperations.FixedTimeEquals(expected, given) ? await next(context) : TypedResults.Unauthorized();
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
