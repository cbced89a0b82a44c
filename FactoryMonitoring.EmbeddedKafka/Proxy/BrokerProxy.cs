using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.EmbeddedKafka.Proxy;

/// <summary>
/// Gives a mock broker, whose own port is random, a fixed one on loopback. Closed, it refuses connections and resets those it had,
/// which is how a killed broker looks from outside. Only what the mock has stored is still acknowledged before that: it keeps no sequence
/// numbers, and what an idempotent producer sends again for want of an answer it would store twice, which no real broker does.
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
                // One direction ended means that the connection is over: Kafka's protocol knows no half-closed one.
                await Task.WhenAny(PumpRequestsAsync(), PumpAnswersAsync());
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Either side went away, which is what links do.
            }
            _finished.TrySetResult();
        }

        /// <summary>Lets no further request through, and waits until the client has the answers to all messages that the broker has got.</summary>
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
            // Of a request: its kind, its version, and the number that its answer bears.
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
                // Ends the link; RunAsync waits for it.
            }
        }

        private static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
        {
            while (bytes.Length > 0) bytes = bytes[await to.SendAsync(bytes)..];
        }
    }
}
