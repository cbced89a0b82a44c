using System.Diagnostics;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Web.Access;
using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Yarp.ReverseProxy.Forwarder;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>Forwards /api and /openapi to the monitoring API, and /api/experiments to the fault lab, so that users and scripts need only one port.</summary>
internal static class ApiPassThrough
{
    // The stream sends something every second; a connection that is silent for this long is lost.
    private static readonly ForwarderRequestConfig Request = new() { ActivityTimeout = TimeSpan.FromSeconds(30) };

    public static void MapApiPassThrough(this IEndpointRouteBuilder routes)
    {
        foreach (var path in (string[])["/api/{**rest}", "/openapi/{**rest}"])
        {
            routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], ForwardAsync).DisableAntiforgery().RequireRole(FactoryRole.Viewer);
            // Running an experiment is the only change that can be made here.
            routes.Map(path, ForwardAsync).DisableAntiforgery().RequireRole(FactoryRole.Breaker);
        }
    }

    private static readonly FromVisitor Transformer = new();
    private static readonly TimeSpan SessionCheck = TimeSpan.FromSeconds(5);

    private static async Task ForwardAsync(HttpContext context, IHttpForwarder forwarder, ServiceConnections services, EndedSessions ended, TimeProvider time)
    {
        // Before anything is forwarded: the receiving service may execute the request without waiting for its body.
        if (RefusalOfBody(context) is { } refusal)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        var service = services.For(context.Request.Path);
        if (!service.IsThere)
        {
            await TypedResults.Problem(
                "No fault lab runs here: the AppHost starts it only where Factory:Faults allows it.", statusCode: StatusCodes.Status404NotFound, title: "No fault lab").ExecuteAsync(context);
            return;
        }

        var address = await service.GetAddressAsync(context.RequestAborted);
        // A stream can last longer than the session, if the visitor has one.
        await using var check = context.User.ExpiresAt() is null && context.User.KeyHash() is null ? null : time.CreateTimer(_ => { if (ended.IsOver(context.User)) context.Abort(); }, null, SessionCheck, SessionCheck);
        var error = await forwarder.SendAsync(context, address.ToString(), service.Invoker, Request, Transformer);
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        context.Response.Headers.RetryAfter = "1";
        await Away(service, address).ExecuteAsync(context);
    }

    /// <summary>
    /// <see cref="ForeignPages"/> has checked the origin of the request; the fault lab treats a request with an origin as one from a browser, which must not
    /// reach it. Only this service names the visitor, and the visitor's credentials are not forwarded.
    /// </summary>
    private sealed class FromVisitor : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            // The path unchanged: an id that contains a slash is one segment of it.
            if (httpContext.Features.Get<IHttpRequestFeature>()?.RawTarget is ['/', ..] target)
            {
                proxyRequest.RequestUri = new Uri(destinationPrefix.TrimEnd('/') + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            }

            // Both services accept only loopback's names; this service checks the host name by which the page is requested.
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Remove("Origin");
            proxyRequest.Headers.Remove("Sec-Fetch-Site");
            proxyRequest.Headers.Remove("Cookie");
            proxyRequest.Headers.Authorization = null;
            httpContext.User.ToVisitor().WriteTo(proxyRequest.Headers);
        }
    }

    private static ProblemHttpResult? RefusalOfBody(HttpContext context) => context.Request.ContentLength switch
    {
        > ClientLimits.MostBodyBytes => TypedResults.Problem(
            $"The body has {context.Request.ContentLength} bytes: at most {ClientLimits.MostBodyBytes} are allowed.", statusCode: StatusCodes.Status413PayloadTooLarge, title: "Too large"),
        null when context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } => TypedResults.Problem(
            "The request has a body and does not say how long it is: send Content-Length.", statusCode: StatusCodes.Status411LengthRequired, title: "Length required"),
        _ => null,
    };

    private static ProblemHttpResult Away(ServiceConnection service, Uri address) => TypedResults.Problem(new ProblemDetails
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = $"{char.ToUpperInvariant(service.Name[0])}{service.Name[1..]} is away",
        Detail = $"Nothing answers at {address}.",
        Extensions = { ["traceId"] = Activity.Current?.TraceId.ToString() },
    });
}
