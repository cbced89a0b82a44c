using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.StaticAssets;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary><c>SERVICE --list-endpoints</c>: prints the endpoints of the service, one method and path per line, and exits. Static files are left out.</summary>
internal static class EndpointList
{
    private const string Argument = "--list-endpoints";

    public static bool IsAsked(IEnumerable<string> arguments) => arguments.Contains(Argument, StringComparer.Ordinal);

    public static void Print(WebApplication app, TextWriter output)
    {
        foreach (var line in ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().SelectMany(Lines).Distinct().Order(StringComparer.Ordinal))
        {
            output.WriteLine(line);
        }
    }

    private static IEnumerable<string> Lines(RouteEndpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is not null) return [];
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods;
        return (methods is { Count: > 0 } ? methods : ["*"]).Select(method => $"{method} /{endpoint.RoutePattern.RawText?.TrimStart('/')}");
    }
}
