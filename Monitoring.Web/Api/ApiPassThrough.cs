using System.Diagnostics;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Web.Access;
using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Yarp.ReverseProxy.Forwarder;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>Passes /api and /openapi on to the monitoring API, and /api/experiments to the fault lab, so that people and their scripts need one port alone.</summary>
internal static class ApiPassThrough
{
    // The stream says something every second; what is silent for this long is gone.
    private static readonly ForwarderRequestConfig Request = new() { ActivityTimeout = TimeSpan.FromSeconds(30) };

    public static void MapApiPassThrough(this IEndpointRouteBuilder routes)
    {
        foreach (var path in (string[])["/api/{**rest}", "/openapi/{**rest}"])
        {
            routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], ForwardAsync).DisableAntiforgery().RequireRole(FactoryRole.Viewer);
            // The only thing that can be changed through here is to run an experiment.
            routes.Map(path, ForwardAsync).DisableAntiforgery().RequireRole(FactoryRole.Breaker);
        }
    }

    private static readonly FromVisitor Transformer = new();

    private static async Task ForwardAsync(HttpContext context, IHttpForwarder forwarder, ServiceConnections services)
    {
        // Before anything is passed on: who does what the request asks for may not wait for its body.
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
        var error = await forwarder.SendAsync(context, address.ToString(), service.Invoker, Request, Transformer);
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        context.Response.Headers.RetryAfter = "1";
        await Away(service, address).ExecuteAsync(context);
    }

    /// <summary>
    /// Where the request comes from was looked at by <see cref="ForeignPages"/>; the fault lab takes whoever names an origin for a browser that should not reach
    /// it. Who asks is said by this service alone, and what proves it stays here.
    /// </summary>
    private sealed class FromVisitor : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            // As it was asked for: an id with a slash in it is one part of the path.
            if (httpContext.Features.Get<IHttpRequestFeature>()?.RawTarget is ['/', ..] target)
            {
                proxyRequest.RequestUri = new Uri(destinationPrefix.TrimEnd('/') + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            }

            // Both answer to loopback's names alone; by which name the page may be asked for is looked at here.
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
