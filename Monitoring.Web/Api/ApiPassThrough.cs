using System.Diagnostics;
using FactoryMonitoring.ServiceDefaults.Running;
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
        routes.Map("/api/{**rest}", ForwardAsync).DisableAntiforgery();
        routes.Map("/openapi/{**rest}", ForwardAsync).DisableAntiforgery();
    }

    private static readonly WithoutOrigin Transformer = new();

    private static async Task ForwardAsync(HttpContext context, IHttpForwarder forwarder, ServiceConnections services)
    {
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

    /// <summary>Where the request comes from was looked at by <see cref="ForeignPages"/>; the fault lab takes whoever names one for a browser that should not reach it.</summary>
    private sealed class WithoutOrigin : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.Headers.Remove("Origin");
            proxyRequest.Headers.Remove("Sec-Fetch-Site");
        }
    }

    private static ProblemHttpResult Away(ServiceConnection service, Uri address) => TypedResults.Problem(new ProblemDetails
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = $"{char.ToUpperInvariant(service.Name[0])}{service.Name[1..]} is away",
        Detail = $"Nothing answers at {address}.",
        Extensions = { ["traceId"] = Activity.Current?.TraceId.ToString() },
    });
}
