using System.Net;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// The connection to another service, shared by all of its callers. Nothing is retried here: callers that poll repeat their requests, and a fault
/// must be injected only once.
/// </summary>
/// <param name="name">The name of the service in sentences.</param>
/// <param name="address">An address, or a name for service discovery; null if there is no such service.</param>
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

    /// <summary>Whether there is such a service; it may still be down.</summary>
    public bool IsThere => address is not null;

    /// <summary>Sends requests unchanged, without redirects, cookies or decompression.</summary>
    public HttpMessageInvoker Invoker => field ??= new HttpMessageInvoker(_handler, disposeHandler: false);

    /// <summary>For requests of this process; each caller sets its own timeout.</summary>
    public HttpClient Client => field ??= new HttpClient(_handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Returns the service's present address, ending in a slash.</summary>
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
