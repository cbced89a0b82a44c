using System.Globalization;
using System.Threading.RateLimiting;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Export;
using FactoryMonitoring.Monitoring.Api.Queries;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints that export stored data as files.</summary>
internal static class ExportEndpoints
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(366);
    private static readonly string[] Formats = ["csv", "parquet"];
    private static readonly string[] Parameters = ["from", "to", "window", "sensor"];

    private const int AtOnceOfOne = 2;
    private const int AtOnce = 6;

    /// <summary>Limits the number of concurrent exports of one client and of all, each of which has a connection to the database.</summary>
    private static readonly PartitionedRateLimiter<HttpContext> Room = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<HttpContext, string>(context => Limited(QueryLimits.Client(context.Request), AtOnceOfOne)),
        PartitionedRateLimiter.Create<HttpContext, string>(_ => Limited("", AtOnce)));

    public static void MapExports(this RouteGroupBuilder api) =>
        api.MapGet("/export/{kind}.{format}", ExportAsync)
            .WithName("export")
            .WithSummary(
                "Readings, alerts, rebalances or the ledger's entries (kind) of a window of time as a file (format: csv by RFC 4180, or parquet). from= and to= say which, or window=1h, 7d "
                    + "up to now; by the time at which a row was stored. sensor= exports one sensor alone")
            .Produces(StatusCodes.Status200OK)
            .ProducesValidationProblem()
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<IResult> ExportAsync(
        ExportQueries queries, TimeProvider time, HttpContext context, string kind, string format, string? from, string? to, string? window, string? sensor)
    {
        if (!ExportQueries.Kinds.Contains(kind) || !Formats.Contains(format))
        {
            return TypedResults.Problem(
                $"There are {string.Join(", ", ExportQueries.Kinds.SelectMany(each => Formats.Select(ending => $"{each}.{ending}")))}.",
                statusCode: StatusCodes.Status404NotFound,
                title: "Nothing is exported as that");
        }

        // A misspelt parameter would export another window, or all sensors.
        var input = new Input();
        foreach (var unknown in context.Request.Query.Keys.Except(Parameters, StringComparer.OrdinalIgnoreCase))
        {
            input.Bad(unknown, $"is no parameter: must be one of {string.Join(", ", Parameters)}", 0);
        }

        var end = input.Time("to", to) ?? time.GetUtcNow();
        var begin = input.Time("from", from) ?? end - input.Window(null, window, TimeSpan.FromHours(1), Shortest, Longest);
        var filter = new ExportFilter(begin, end, input.Text("sensor", sensor));
        if (begin >= end || end - begin > Longest)
        {
            input.Bad("from", $"must be a time before to, by {Longest.TotalDays} days at most", begin);
        }

        if (input.IsBad)
        {
            return input.Problem;
        }

        using var lease = Room.AttemptAcquire(context);
        if (!lease.IsAcquired)
        {
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem(
                $"A client can have {AtOnceOfOne} exports in progress, and all clients together {AtOnce}; ask again in a moment.",
                statusCode: StatusCodes.Status429TooManyRequests,
                title: "Too many exports at a time");
        }

        await WriteAsync(queries, kind, format, filter, context);
        return Results.Empty;
    }

    private static RateLimitPartition<string> Limited(string client, int most) => RateLimitPartition.GetConcurrencyLimiter(client, _ => new() { PermitLimit = most, QueueLimit = 0 });

    /// <summary>Writes the file. An error after the first byte aborts the connection, so that a partial file is not mistaken for a complete one.</summary>
    private static async Task WriteAsync(ExportQueries queries, string kind, string format, ExportFilter filter, HttpContext context)
    {
        var response = context.Response;
        await using var file = ExportFile.To(response.Body, format);
        var hasBegun = false;
        await foreach (var reader in queries.ReadAsync(kind, filter, context.RequestAborted))
        {
            if (!hasBegun)
            {
                hasBegun = true;
                response.ContentType = ExportFile.TypeOf(format);
                response.Headers.ContentDisposition = $"attachment; filename=\"{kind}-{Stamp(filter.From)}-{Stamp(filter.To)}.{format}\"";
                response.Headers.CacheControl = "no-store";
                await file.BeginAsync(reader, context.RequestAborted);
            }

            await file.WriteAsync(reader, context.RequestAborted);
        }

        await file.EndAsync(context.RequestAborted);
    }

    private static string Stamp(DateTimeOffset time) => time.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
}
