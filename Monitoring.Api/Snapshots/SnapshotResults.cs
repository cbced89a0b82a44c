using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>Serves a body that is already serialized, with headers that give its age.</summary>
internal sealed class BodyResult(Body body, TimeSpan age, bool stale) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.Headers.ETag = body.ETag;
        response.Headers.CacheControl = "no-cache";
        response.Headers.Age = ((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (stale)
        {
            response.Headers["X-Stale"] = "true";
        }

        if (httpContext.Request.Headers.IfNoneMatch.Contains(body.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Utf8.Length;
        await response.BodyWriter.WriteAsync(body.Utf8, httpContext.RequestAborted);
    }
}

internal static class SnapshotResults
{
    /// <summary>Serves the body that <paramref name="select"/> takes from the snapshot; 503 while there is no snapshot.</summary>
    public static IResult Serve(this SnapshotStore store, TimeProvider time, HttpResponse response, Func<Snapshot, Body> select)
    {
        if (store.Current is not { } snapshot)
        {
            return NotYet(response);
        }

        return new BodyResult(select(snapshot), time.GetElapsedTime(snapshot.ReadAt), snapshot.Stale);
    }

    public static ProblemHttpResult NotYet(HttpResponse response)
    {
        response.Headers.RetryAfter = "1";
        return TypedResults.Problem(
            "The database has not answered since this process started: there is nothing to serve yet.",
            statusCode: StatusCodes.Status503ServiceUnavailable,
            title: "No snapshot yet");
    }
}
