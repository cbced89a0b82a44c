using System.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Yarp.ReverseProxy.Forwarder;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>Passes /api and /openapi on to the monitoring API, so that people and their scripts need one port alone.</summary>
internal static class ApiPassThrough
{
    // The stream says something every second; what is silent for this long is gone.
    private static readonly ForwarderRequestConfig Request = new() { ActivityTimeout = TimeSpan.FromSeconds(30) };

    public static void MapApiPassThrough(this IEndpointRouteBuilder routes)
    {
        routes.Map("/api/{**rest}", ForwardAsync).DisableAntiforgery();
        routes.Map("/openapi/{**rest}", ForwardAsync).DisableAntiforgery();
    }

    /// <summary>A page of somebody else's in the same browser may not start an experiment; a script that is no browser says no origin.</summary>
    private static bool IsForeign(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method)
        && request.Headers.Origin.ToString() is { Length: > 0 } origin
        && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));

    private static async Task ForwardAsync(HttpContext context, IHttpForwarder forwarder, MonitoringApiConnection api)
    {
        if (IsForeign(context.Request))
        {
            await TypedResults.Problem("Only this page's own origin may change anything.", statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(context);
            return;
        }

        var address = await api.GetAddressAsync(context.RequestAborted);
        var error = await forwarder.SendAsync(context, address.ToString(), api.Invoker, Request, HttpTransformer.Default);
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        context.Response.Headers.RetryAfter = "1";
        await Away(address).ExecuteAsync(context);
    }

    private static ProblemHttpResult Away(Uri address) => TypedResults.Problem(new ProblemDetails
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The monitoring API is away",
        Detail = $"Nothing answers at {address}.",
        Extensions = { ["traceId"] = Activity.Current?.TraceId.ToString() },
    });
}
