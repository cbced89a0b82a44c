using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Services;

internal static class ServiceBuilderExtensions
{
    /// <summary>Applies what all services have in common: an HTTP endpoint with /health, their dependencies, a quick start, and the command kill.</summary>
    /// <param name="provisioner">Must complete first; null if there is no need to wait.</param>
    /// <param name="database">How the service signs in to the database.</param>
    /// <param name="kafka">The brokers, or the link to them.</param>
    /// <param name="port">
    /// The port at which programs that Aspire does not start expect the service; not behind Aspire's proxy, which accepts connections even if the service is
    /// dead. Null for any port.
    /// </param>
    public static IResourceBuilder<ProjectResource> AsService(
        this IResourceBuilder<ProjectResource> service,
        IResourceBuilder<ProjectResource>? provisioner = null,
        DatabaseLogin? database = null,
        IResourceBuilder<IResourceWithConnectionString>? kafka = null,
        int? port = null)
    {
        service.WithHttpEndpoint(port: port, isProxied: port is null).WithHttpHealthCheck("/health").WithUrls(NameUrls);
        if (kafka is not null) service.WithReference(kafka, ResourceNames.Kafka).WithSettingsOf(KafkaSecurity.Section);
        if (database is not null)
            service.WithEnvironment($"ConnectionStrings__{ResourceNames.Database}", database.ConnectionString).WithReferenceRelationship(database.Way.Resource);
        if (provisioner is not null) service.WaitForCompletion(provisioner);
        return service.WithServiceDefaults();
    }

    /// <summary>Names the URLs that the service serves beyond its metrics and its health.</summary>
    private static void NameUrls(ResourceUrlsCallbackContext context)
    {
        if (context.Urls.FirstOrDefault(url => url.Endpoint is not null) is not { Endpoint: { } endpoint } own) return;
        (own.DisplayText, var path) = context.Resource.Name switch
        {
            ResourceNames.MonitoringWeb => ("page", ""),
            ResourceNames.MonitoringApi => ("API", "/api/system-status"),
            _ => ("health", "/health"),
        };
        own.Url = own.Url.TrimEnd('/') + path;
        foreach (var name in (string[])["metrics", "health"])
            if (name != own.DisplayText) context.Urls.Add(new() { Url = $"/{name}", Endpoint = endpoint, DisplayText = name });
    }
}
