using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>A port of the factory.</summary>
/// <param name="Setting">The key by which another one is chosen.</param>
/// <param name="Number">0 asks for any free one.</param>
/// <param name="Yields">Whether any free one will do where this one is taken.</param>
/// <param name="IsOpen">Whether other machines reach it, so that it must be free at every address of this one.</param>
internal sealed record PortRequest(string User, string Setting, int Number, bool Yields = false, bool IsOpen = false);

/// <summary>Finds out which ports can be had.</summary>
internal static class Ports
{
    /// <summary>Takes all ports at once, so that no two of the free ones are the same, and lets them go again.</summary>
    /// <returns>The ports in the order of the requests.</returns>
    /// <exception cref="SetupException">A port is taken, or asked for twice; a line for each.</exception>
    public static IReadOnlyList<int> Take(IReadOnlyList<PortRequest> requests)
    {
        var listeners = new List<TcpListener>();
        var problems = new List<string>();
        var ports = new int[requests.Count];
        try
        {
            // The fixed ones first, lest a free one be taken from among them.
            foreach (var (request, index) in requests.Select((request, index) => (request, index)).OrderBy(pair => pair.request.Number == 0 || pair.request.Yields))
            {
                if (request is { Number: not 0, Yields: false } && Array.IndexOf(ports, request.Number) is >= 0 and var other)
                {
                    problems.Add($"Port {request.Number} is given to both {requests[other].User} and {request.User}: set {request.Setting} to another (0: any free one).");
                    continue;
                }
                try
                {
                    ports[index] = request.Number == 0 ? ListenAnywhere(listeners, request.IsOpen) : Listen(request.Number, listeners, request.IsOpen);
                }
                catch (SocketException) when (request.Yields)
                {
                    ports[index] = ListenAnywhere(listeners, request.IsOpen);
                }
                catch (SocketException exception)
                {
                    problems.Add($"Port {request.Number} for {request.User} cannot be had ({exception.SocketErrorCode}): stop what listens there, or set {Variable(request.Setting)} to another (0: any free one).");
                }
            }
        }
        finally
        {
            foreach (var listener in listeners) listener.Dispose();
        }
        return problems.Count == 0 ? ports : throw new SetupException(string.Join(Environment.NewLine, problems));
    }

    private static string Variable(string setting) => setting.Replace(":", "__", StringComparison.Ordinal);

    // Below the ports that Aspire gives to services (10000 and up) and those that the system gives to outgoing connections (32768 and up): one of
    // those could take it before a broker listens there, or while it is down.
    private static int ListenAnywhere(List<TcpListener> listeners, bool isOpen)
    {
        const int Attempts = 100;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Listen(RandomNumberGenerator.GetInt32(5_500, 10_000), listeners, isOpen);
            }
            catch (SocketException) when (attempt < Attempts)
            {
                // Taken.
            }
        }
    }

    private static int Listen(int port, List<TcpListener> listeners, bool isOpen)
    {
        var listener = new TcpListener(isOpen ? IPAddress.Any : IPAddress.Loopback, port);
        listeners.Add(listener);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
