using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>Limits the streams, open pages and requests of one client and of all clients together; answers 429 to the rest.</summary>
internal static class ClientLimits
{
    /// <summary>Maximum number of open streams of one client.</summary>
    public const int Streams = 20;

    /// <summary>Maximum number of open pages of one client.</summary>
    public const int Circuits = 50;

    /// <summary>Maximum size of a request's body, in bytes: only short requests are sent to this service.</summary>
    public const int MostBodyBytes = 64 * 1024;

    /// <summary>Maximum number of pages of one client that are rendered at a time; more of them wait.</summary>
    public const int Renderings = 20;

    private const int RenderingsThatWait = 200;
    private const int AllStreams = 400;
    private const int AllCircuits = 500;
    private const int Requests = 100;
    private const string Rendering = "renderings of pages";

    public static void AddClientLimits(this IServiceCollection services)
    {
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = 4096;
        });
        services.AddRateLimiter(limits =>
        {
            limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limits.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(context =>
                    Kind(context) is { } kind ? Limited($"{kind} of {Client(context)}", Most(kind).OfOne, kind == Rendering ? RenderingsThatWait : 0) : Free),
                PartitionedRateLimiter.Create<HttpContext, string>(context => Kind(context) is { } kind && Most(kind).OfAll is var all and > 0 ? Limited(kind, all) : Free));
            limits.OnRejected = async (context, _) =>
            {
                context.HttpContext.Response.Headers.RetryAfter = "1";
                await TypedResults.Problem(
                    $"There are as many {Kind(context.HttpContext)} as are allowed at a time. Close one, or ask again in a second.",
                    statusCode: StatusCodes.Status429TooManyRequests,
                    title: "Too many at a time").ExecuteAsync(context.HttpContext);
            };
        });
    }

    private static RateLimitPartition<string> Free => RateLimitPartition.GetNoLimiter("");

    private static RateLimitPartition<string> Limited(string key, int most, int wait = 0) =>
        RateLimitPartition.GetConcurrencyLimiter(key, _ => new() { PermitLimit = most, QueueLimit = wait });

    private static string? Kind(HttpContext context) => context.Request.Path switch
    {
        var path when path.StartsWithSegments("/api/stream") => "streams",
        var path when path.StartsWithSegments("/api") => "requests",
        // The connection of a page, which lasts as long as the page is open.
        var path when path.StartsWithSegments("/_blazor") => HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsConnect(context.Request.Method) ? "pages" : null,
        // A page asks the monitoring API for its tables before it is sent.
        _ => context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is null ? null : Rendering,
    };

    /// <summary>Returns the limits; 0 is no limit.</summary>
    private static (int OfOne, int OfAll) Most(string kind) => kind switch
    {
        "streams" => (Streams, AllStreams),
        "pages" => (Circuits, AllCircuits),
        Rendering => (Renderings, 0),
        _ => (Requests, 0),
    };

    private static string Client(HttpContext context)
    {
        var visitor = context.User.ToVisitor();
        return $"{visitor.Name}@{visitor.Address}";
    }
}
