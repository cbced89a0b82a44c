using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>A port of the factory.</summary>
/// <param name="Setting">The key that changes the port.</param>
/// <param name="Number">The port; 0 asks for any free one.</param>
/// <param name="Yields">Whether any free port will do if this one is in use.</param>
/// <param name="IsOpen">Whether other machines use the port, so that it must be free at every address of this machine.</param>
internal sealed record PortRequest(string User, string Setting, int Number, bool Yields = false, bool IsOpen = false);

/// <summary>Finds out which ports are available.</summary>
internal static class Ports
{
    /// <summary>Listens on all ports at once, so that no two of the free ones are the same, and releases them again.</summary>
    /// <returns>The ports in the order of the requests.</returns>
    /// <exception cref="SetupException">A port is in use or requested twice; one line for each.</exception>
    public static IReadOnlyList<int> Take(IReadOnlyList<PortRequest> requests)
    {
        var listeners = new List<TcpListener>();
        var problems = new List<string>();
        var ports = new int[requests.Count];
        try
        {
            // Fixed ports come first, so that no free port is chosen from among them.
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

    // Chooses below the ports that Aspire assigns to services (10000 and up) and that the system assigns to outgoing connections (32768 and up): any of these
    // could take the port before a broker listens there, or while it is down.
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
                // The port is in use: try another one.
            }
        }
    }

    private static int Listen(int port, List<TcpListener> listeners, bool isOpen)
    {
        Start(isOpen ? IPAddress.Any : IPAddress.Loopback);
        try
        {
            // A service at localhost listens at both addresses of loopback, and a client can choose either.
            Start(IPAddress.IPv6Loopback);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is not (SocketError.AddressAlreadyInUse or SocketError.AccessDenied))
        {
            // This machine has no IPv6.
        }
        return port;

        void Start(IPAddress address)
        {
            var listener = new TcpListener(address, port);
            listeners.Add(listener);
            listener.Start();
        }
    }
}
