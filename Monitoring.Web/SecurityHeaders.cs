using FactoryMonitoring.Monitoring.Web.Access;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>Adds headers that tell the browser that the pages load nothing from other origins.</summary>
internal static class SecurityHeaders
{
    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy(context.Request.Host, context.RequestServices.GetRequiredService<AccessSettings>().Authority);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        return next(context);
    }

    // Components set styles on elements; scripts come only from this origin. Signing out submits a form that leads to the provider's origin.
    private static string Policy(HostString host, Uri? provider) =>
        $"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; object-src 'none'; base-uri 'self'; "
        + $"frame-ancestors 'none'; form-action 'self'{(provider is null ? "" : $" {provider.GetLeftPart(UriPartial.Authority)}")}";
}
