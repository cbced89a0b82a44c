using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.Tests;

internal static class Ports
{
    /// <summary>A port that nobody listens on, outside the range from which the system chooses: it gives it to no connection before it is used.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Another, then.
            }
        }
    }
}
