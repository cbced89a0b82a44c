using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.EmbeddedKafka.Proxy;

/// <summary>
/// Gives a mock broker, which listens on a random port, a fixed port on loopback. When closed, it refuses connections and resets the existing ones, as a killed
/// broker does. Before the reset it forwards the acknowledgements of what the mock has stored: the mock keeps no sequence numbers, and would store a message
/// twice that an idempotent producer sends again for lack of an answer, which no real broker does.
/// </summary>
internal sealed class BrokerProxy(int port, IPEndPoint target)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Link, byte> _links = new();
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    public int Port => port;

    /// <exception cref="SocketException">The port is taken.</exception>
    public void Open()
    {
        if (_listener is not null) return;
        var listener = new TcpListener(IPAddress.Loopback, port);
        // Our own earlier connections in TIME_WAIT must not keep a broker from coming back.
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
        var links = _links.Keys.ToArray();
        await Task.WhenAll(links.Select(link => link.FinishAsync(AnswerLimit)));
        foreach (var link in links) link.Dispose();
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
                // The peer disconnected between connect and accept; the listener itself is unaffected.
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

    /// <summary>One client's connection, and the connection to the broker behind it.</summary>
    private sealed class Link(Socket client) : IDisposable
    {
        private const short Produce = 0;

        private readonly Socket _broker = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly HashSet<int> _unanswered = [];
        private readonly Lock _gate = new();
        private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _isFinishing;

        public async Task RunAsync(IPEndPoint target)
        {
            try
            {
                client.NoDelay = true;
                _broker.NoDelay = true;
                await _broker.ConnectAsync(target);
                // The link ends when one direction ends: Kafka's protocol has no half-closed connections.
                await Task.WhenAny(PumpRequestsAsync(), PumpAnswersAsync());
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Either side disconnected, which is normal for a link.
            }
            _finished.TrySetResult();
        }

        /// <summary>Forwards no further requests, and waits until the client has the answers to all messages that the broker has received.</summary>
        public async Task FinishAsync(TimeSpan limit)
        {
            lock (_gate)
            {
                _isFinishing = true;
                if (_unanswered.Count == 0) _finished.TrySetResult();
            }
            await Task.WhenAny(_finished.Task, Task.Delay(limit));
        }

        public void Dispose()
        {
            // A linger of zero turns the close into a reset, as the kernel does for a process that was killed.
            client.Close(0);
            _broker.Close(0);
        }

        private Task PumpRequestsAsync()
        {
            // The head of a request: its API key, its version, and its correlation id.
            var frames = new KafkaFrames(8, head =>
            {
                if (BinaryPrimitives.ReadInt16BigEndian(head) == Produce) _unanswered.Add(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)));
            });
            return PumpAsync(client, async bytes =>
            {
                lock (_gate)
                {
                    if (_isFinishing) return;
                    frames.Follow(bytes.Span);
                }
                await SendAsync(_broker, bytes);
            });
        }

        private Task PumpAnswersAsync()
        {
            var frames = new KafkaFrames(4, head => _unanswered.Remove(BinaryPrimitives.ReadInt32BigEndian(head)));
            return PumpAsync(_broker, async bytes =>
            {
                await SendAsync(client, bytes);
                lock (_gate)
                {
                    frames.Follow(bytes.Span);
                    if (_isFinishing && _unanswered.Count == 0) _finished.TrySetResult();
                }
            });
        }

        private static async Task PumpAsync(Socket from, Func<ReadOnlyMemory<byte>, Task> pass)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                int read;
                while ((read = await from.ReceiveAsync(buffer)) > 0) await pass(buffer.AsMemory(0, read));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The link ends; RunAsync waits for it.
            }
        }

        private static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
        {
            while (bytes.Length > 0) bytes = bytes[await to.SendAsync(bytes)..];
        }
    }
}
