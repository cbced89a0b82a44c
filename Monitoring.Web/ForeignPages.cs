using FactoryMonitoring.Monitoring.Web.Access;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>
/// Refuses requests that change something from pages of other origins in the same browser, and their circuits. The origin is compared with the request's host,
/// which is one of <c>AllowedHosts</c>, otherwise the request would have been refused before. A script that is not a browser names no origin.
/// </summary>
internal static class ForeignPages
{
    /// <summary>The path over which pages exchange events with the server.</summary>
    private static readonly PathString Circuits = "/_blazor";

    public static Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsForeign(context)) return next(context);
        var refusal = $"Only this page's own origin may change anything: {context.Request.Scheme}://{context.Request.Host}. The request comes from {Source(context.Request)}.";
        context.RequestServices.GetRequiredService<AuditTrail>().AddRefused(context, refusal);
        return TypedResults.Problem(refusal, statusCode: StatusCodes.Status403Forbidden, title: "From another origin").ExecuteAsync(context);
    }

    private static bool IsForeign(HttpContext context)
    {
        var request = context.Request;
        if ((HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && !request.Path.StartsWithSegments(Circuits, StringComparison.OrdinalIgnoreCase)) return false;
        if (request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site") return true;
        return request.Headers.Origin.ToString() is { Length: > 0 } origin
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    private static string Source(HttpRequest request) => request.Headers.Origin.ToString() is { Length: > 0 } origin ? origin : "another site";
}
