using System.Net;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// The connection to another service, shared by all that talk to it. Nothing is retried here: whoever asks again and again does so by itself, and whoever
/// breaks something wants it broken once.
/// </summary>
/// <param name="name">What it is called in sentences.</param>
/// <param name="address">An address, or a name for service discovery; null where there is no such service.</param>
public class ServiceConnection(string name, string? address, ServiceEndpointResolver discovery) : IDisposable
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

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _handler.Dispose();
    }

    private static Uri Slashed(string address) => new(address.EndsWith('/') ? address : $"{address}/");
}
