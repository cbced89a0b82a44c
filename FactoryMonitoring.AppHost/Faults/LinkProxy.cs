using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// Listens on a port of loopback and passes every connection on to another, over a link. Ends and resets of a connection are passed on as what they are.
/// A connection that is made while the link is cut is accepted, which the system does by itself, and nothing comes back.
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

    /// <summary>Takes no more connections; those there are go on.</summary>
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
                // The peer went away between connect and accept; the listener itself is well.
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
            // Refused or reset, and so is the other side by now.
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
            // A cut link hides this, too.
            await _link.PassAsync();
            // A linger of zero turns the close into a reset; and it ends the pump of the other direction.
            from.Close(0);
            to.Close(0);
            throw;
        }
    }

    // Over a cable that was cut its attempt would never have arrived; and the server is not to be met by hundreds of those at once.
    private static bool HasGivenUp(Socket client)
    {
        if (!OperatingSystem.IsLinux()) return client.Poll(TimeSpan.Zero, SelectMode.SelectRead) && client.Available == 0;
        // IPPROTO_TCP, TCP_INFO: its first byte is the state, and 1 is ESTABLISHED.
        Span<byte> state = stackalloc byte[1];
        client.GetRawSocketOption(6, 11, state);
        return state[0] != 1;
    }
}
