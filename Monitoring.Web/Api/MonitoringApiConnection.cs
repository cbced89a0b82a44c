using System.Net;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>
/// The connection to the monitoring API that the feed, the queries and the pass-through share. Nothing is retried here: the feed comes back by
/// itself, a page asks again, and a client of the pass-through must see what the API said.
/// </summary>
internal sealed class MonitoringApiConnection(Addresses addresses, ServiceEndpointResolver discovery) : IDisposable
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

    /// <summary>Sends as told, without redirects, cookies or decompression.</summary>
    public HttpMessageInvoker Invoker => field ??= new HttpMessageInvoker(_handler, disposeHandler: false);

    /// <summary>For requests of this process; each caller bounds its own time.</summary>
    public HttpClient Client => field ??= new HttpClient(_handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>The API's present address, ending in a slash.</summary>
    public async ValueTask<Uri> GetAddressAsync(CancellationToken cancellationToken)
    {
        var source = await discovery.GetEndpointsAsync(addresses.MonitoringApi, cancellationToken);
        return source.Endpoints.Select(endpoint => endpoint.EndPoint).FirstOrDefault() switch
        {
            UriEndPoint uri => Slashed(uri.Uri.ToString()),
            DnsEndPoint dns => Slashed($"http://{dns.Host}:{(dns.Port == 0 ? 80 : dns.Port)}"),
            IPEndPoint ip => Slashed($"http://{ip}"),
            _ => Slashed(addresses.MonitoringApi),
        };
    }

    public void Dispose() => _handler.Dispose();

    private static Uri Slashed(string address) => new(address.EndsWith('/') ? address : $"{address}/");
}
