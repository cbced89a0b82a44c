using System.Net;
using FactoryMonitoring.Contracts.Api;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>
/// The connection to a service that the feed, the queries, the commands and the pass-through share. Nothing is retried here: the feed comes back by
/// itself, a page asks again, and a client of the pass-through must see what the service said.
/// </summary>
/// <param name="name">What it is called in sentences.</param>
/// <param name="address">An address, or a name for service discovery; null where there is no such service.</param>
internal abstract class ServiceConnection(string name, string? address, ServiceEndpointResolver discovery) : IDisposable
{
    private readonly SocketsHttpHandler _handler = new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(3),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
    };

    public string Name => name;

    /// <summary>Whether there is such a service at all; it may be down all the same.</summary>
    public bool IsThere => address is not null;

    /// <summary>Sends as told, without redirects, cookies or decompression.</summary>
    public HttpMessageInvoker Invoker => field ??= new HttpMessageInvoker(_handler, disposeHandler: false);

    /// <summary>For requests of this process; each caller bounds its own time.</summary>
    public HttpClient Client => field ??= new HttpClient(_handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>The service's present address, ending in a slash.</summary>
    /// <exception cref="InvalidOperationException">There is no such service.</exception>
    public async ValueTask<Uri> GetAddressAsync(CancellationToken cancellationToken)
    {
        if (address is null) throw new InvalidOperationException($"there is no service {name}");
        var source = await discovery.GetEndpointsAsync(address, cancellationToken);
        return source.Endpoints.Select(endpoint => endpoint.EndPoint).FirstOrDefault() switch
        {
            UriEndPoint uri => Slashed(uri.Uri.ToString()),
            DnsEndPoint dns => Slashed($"http://{dns.Host}:{(dns.Port == 0 ? 80 : dns.Port)}"),
            IPEndPoint ip => Slashed($"http://{ip}"),
            _ => Slashed(address),
        };
    }

    public void Dispose() => _handler.Dispose();

    private static Uri Slashed(string address) => new(address.EndsWith('/') ? address : $"{address}/");
}

/// <summary>The connection to the monitoring API, from which the pages read.</summary>
internal sealed class MonitoringApiConnection(Addresses addresses, ServiceEndpointResolver discovery)
    : ServiceConnection("the monitoring API", addresses.MonitoringApi, discovery);

/// <summary>The connection to the fault lab, through which the pages act. It is there only where faults are allowed.</summary>
internal sealed class FaultLabConnection(Addresses addresses, ServiceEndpointResolver discovery) : ServiceConnection("the fault lab", addresses.FaultLab, discovery);

/// <summary>Who answers what.</summary>
internal sealed class ServiceConnections(MonitoringApiConnection api, FaultLabConnection lab)
{
    /// <param name="path">With or without a slash at its beginning.</param>
    public ServiceConnection For(string path) => new PathString($"/{path.TrimStart('/')}").StartsWithSegments(LabRoutes.Experiments) ? lab : api;
}
