using System.Threading.RateLimiting;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.RateLimiting;

namespace FactoryMonitoring.Monitoring.Api.Queries;

/// <summary>
/// Limits how many database queries of one client run or wait at a time, and answers 429 to the rest, so that one client cannot starve the others. Endpoints
/// served from the snapshot have no limit.
/// </summary>
internal static class QueryLimits
{
    public const string Policy = "queries";

    private const int AtOnce = 4;
    private const int Waiting = 32;

    // For all open pages, which share identical queries.
    private const int WaitingOfThePage = 500;

    public static void AddQueryLimits(this IServiceCollection services) => services.AddRateLimiter(limits =>
    {
        limits.AddPolicy(Policy, context => RateLimitPartition.GetConcurrencyLimiter(
            Client(context.Request), client => new() { PermitLimit = AtOnce, QueueLimit = client == VisitorHeaders.ThePage ? WaitingOfThePage : Waiting }));
        limits.OnRejected = RefuseAsync;
    });

    /// <summary>Returns the client that the page's service names; all requests without that name count as one client.</summary>
    public static string Client(HttpRequest request) => $"{request.Headers[VisitorHeaders.Name]}@{request.Headers[VisitorHeaders.Address]}".TrimEnd('@');

    private static async ValueTask RefuseAsync(OnRejectedContext context, CancellationToken cancellationToken)
    {
        context.HttpContext.Response.Headers.RetryAfter = "1";
        await TypedResults.Problem(
            "Too many of your queries are waiting for the database. Retry in a second.",
            statusCode: StatusCodes.Status429TooManyRequests,
            title: "Too many queries").ExecuteAsync(context.HttpContext);
    }
}
