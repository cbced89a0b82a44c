using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.EmbeddedKafka.Proxy;

/// <summary>
/// Gives a mock broker, whose own port is random, a fixed one on loopback. Closed, it refuses connections and resets those it had,
/// which is how a killed broker looks from outside.
/// </summary>
internal sealed class BrokerProxy(int port, IPEndPoint target)
{
    private readonly ConcurrentDictionary<Link, byte> _links = new();
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    public int Port => port;

    /// <exception cref="SocketException">The port is taken.</exception>
    public void Open()
    {
        if (_listener is not null) return;
        var listener = new TcpListener(IPAddress.Loopback, port);
        // A port in TIME_WAIT of our own earlier connections must not keep a broker from coming back.
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, !OperatingSystem.IsWindows());
        listener.Start(512);
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    public async Task CloseAsync()
    {
        if (_listener is not { } listener) return;
        _listener = null;
        listener.Stop();
        await _accepting;
        foreach (var link in _links.Keys) link.Dispose();
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync();
            }
            catch (SocketException) when (!ReferenceEquals(listener, _listener))
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The peer went away between connect and accept; the listener itself is well.
                continue;
            }
            var link = new Link(client);
            _links.TryAdd(link, 0);
            _ = ServeAsync(link);
        }
    }

    private async Task ServeAsync(Link link)
    {
        // Accepting must not wait for the first connection to the target.
        await Task.Yield();
        await link.RunAsync(target);
        _links.TryRemove(link, out _);
        link.Dispose();
    }

    /// <summary>One client's connection and ours to the broker behind it.</summary>
    private sealed class Link(Socket client) : IDisposable
    {
        private readonly Socket _broker = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public async Task RunAsync(IPEndPoint target)
        {
            try
            {
                client.NoDelay = true;
                _broker.NoDelay = true;
                await _broker.ConnectAsync(target);
                // One direction ended means that the connection is over: Kafka's protocol knows no half-closed one.
                await Task.WhenAny(PumpAsync(client, _broker), PumpAsync(_broker, client));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Either side went away, which is what links do.
            }
        }

        public void Dispose()
        {
            // A linger of zero turns the close into a reset, as the kernel does for a process that was killed.
            client.Close(0);
            _broker.Close(0);
        }

        private static async Task PumpAsync(Socket from, Socket to)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                int read;
                while ((read = await from.ReceiveAsync(buffer)) > 0)
                {
                    ReadOnlyMemory<byte> rest = buffer.AsMemory(0, read);
                    while (rest.Length > 0) rest = rest[await to.SendAsync(rest)..];
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Ends the link; RunAsync waits for it.
            }
        }
    }
}
