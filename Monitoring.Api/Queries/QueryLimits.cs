using System.Globalization;
using System.Threading.RateLimiting;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.RateLimiting;

namespace FactoryMonitoring.Monitoring.Api.Queries;

/// <summary>
/// How many questions of one client to the database are answered or wait at a time; more are told to come again. A client that asks thousands of different ones
/// then waits for itself, and not the others for it. What the snapshot answers is not limited.
/// </summary>
internal static class QueryLimits
{
    public const string Policy = "queries";

    private const int AtOnce = 4;
    private const int Waiting = 32;

    // All pages that are open anywhere, which ask the same once.
    private const int WaitingOfThePage = 500;

    public static void AddQueryLimits(this IServiceCollection services) => services.AddRateLimiter(limits =>
    {
        limits.AddPolicy(Policy, context => RateLimitPartition.GetConcurrencyLimiter(
            Client(context.Request), client => new() { PermitLimit = AtOnce, QueueLimit = client == VisitorHeaders.ThePage ? WaitingOfThePage : Waiting }));
        limits.OnRejected = RefuseAsync;
    });

    /// <summary>Whom the page's service names; what asks without it is one client.</summary>
    private static string Client(HttpRequest request) => $"{request.Headers[VisitorHeaders.Name]}@{request.Headers[VisitorHeaders.Address]}".TrimEnd('@');

    private static async ValueTask RefuseAsync(OnRejectedContext context, CancellationToken cancellationToken)
    {
        context.HttpContext.Response.Headers.RetryAfter = "1";
        await TypedResults.Problem(
            string.Create(CultureInfo.InvariantCulture, $"{Waiting} of your questions wait for the database already. Ask again in a second."),
            statusCode: StatusCodes.Status429TooManyRequests,
            title: "Too many questions").ExecuteAsync(context.HttpContext);
    }
}
