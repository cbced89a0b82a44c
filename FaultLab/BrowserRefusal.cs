namespace FactoryMonitoring.FaultLab;

/// <summary>
/// Refuses requests from browsers that change something: any page in a browser could send them to loopback. The page of this factory sends them through
/// its service, which is not a browser and names no origin.
/// </summary>
internal static class BrowserRefusal
{
    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        return HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || (request.Headers.Origin.Count == 0 && !request.Headers.ContainsKey("Sec-Fetch-Site"))
            ? next(context)
            : TypedResults.Problem(
                "A browser may not change anything here: use the page, whose service asks in its place.", statusCode: StatusCodes.Status403Forbidden, title: "Not from a browser")
                .ExecuteAsync(context);
    }
}
