using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// Listens on a port of loopback and forwards every connection to another port, over a link. A close and a reset of a connection are forwarded as such. While
/// the link is cut, new connections are accepted, which the system does by itself, but nothing is sent back.
/// </summary>
internal sealed class LinkProxy : IDisposable
{
    private const int Backlog = 512;

    private readonly Link _link;
    private readonly IPEndPoint _target;
    private readonly TcpListener _listener;

    /// <exception cref="SocketException">The port is taken.</exception>
    public LinkProxy(Link link, int port, int target)
    {
        (_link, _target, _listener) = (link, new IPEndPoint(IPAddress.Loopback, target), new TcpListener(IPAddress.Loopback, port));
        _listener.Start(Backlog);
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Stops accepting connections; existing connections continue.</summary>
    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
            {
                // The peer disconnected between connect and accept; the listener itself is unaffected.
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return; // disposed
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _link.Opened();
        try
        {
            client.NoDelay = true;
            await _link.PassAsync();
            if (HasGivenUp(client)) return;
            await server.ConnectAsync(_target);
            await Task.WhenAll(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The server refused or reset the connection: the client's side is reset, too.
            client.Close(0);
        }
        finally
        {
            client.Dispose();
            _link.Closed();
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer);
                await _link.PassAsync();
                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }
                ReadOnlyMemory<byte> rest = buffer.AsMemory(0, read);
                while (rest.Length > 0) rest = rest[await to.SendAsync(rest)..];
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // A cut link also hides the reset.
            await _link.PassAsync();
            // A linger of zero turns the close into a reset, which also ends the pump of the other direction.
            from.Close(0);
            to.Close(0);
            throw;
        }
    }

    // Over a cut cable the connection attempt would never have arrived; and the server must not receive hundreds of such attempts at once.
    private static bool HasGivenUp(Socket client)
    {
        if (!OperatingSystem.IsLinux()) return client.Poll(TimeSpan.Zero, SelectMode.SelectRead) && client.Available == 0;
        // IPPROTO_TCP, TCP_INFO: the first byte is the state, and 1 is ESTABLISHED.
        Span<byte> state = stackalloc byte[1];
        client.GetRawSocketOption(6, 11, state);
        return state[0] != 1;
    }
}
