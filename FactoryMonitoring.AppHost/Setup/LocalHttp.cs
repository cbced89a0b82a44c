using System.Text.Json;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Requests of the AppHost to services on this machine.</summary>
internal static class LocalHttp
{
    /// <summary>Creates a client that uses no proxy: what it sends to this machine, the tokens included, stays on it.</summary>
    public static HttpClient CreateClient(TimeSpan timeout) => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = timeout };

    /// <summary>Whether a request failed because the service does not answer, or has exited in the middle of its answer.</summary>
    /// <param name="cancellationToken">The token of the caller, whose cancellation is no missing answer.</param>
    public static bool IsNoAnswer(this Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or IOException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested;
}
