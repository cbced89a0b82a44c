using System.Threading.Channels;

namespace FactoryMonitoring.Monitoring.Api.Streaming;

/// <summary>One client of the stream: the frames that it missed, and a bounded buffer of frames, which all clients share.</summary>
internal sealed class StreamClient(IReadOnlyList<byte[]> backlog) : IDisposable
{
    private const int Buffer = 512;

    private readonly Channel<byte[]> _frames = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(Buffer) { SingleReader = true });
    private readonly CancellationTokenSource _dropped = new();

    /// <summary>Frames to send first.</summary>
    public IReadOnlyList<byte[]> Backlog => backlog;

    public ChannelReader<byte[]> Frames => _frames.Reader;

    /// <summary>Cancelled when the client was too slow.</summary>
    public CancellationToken Dropped => _dropped.Token;

    /// <returns>False if the client is too slow: it is dropped, and nothing more may be sent to it.</returns>
    public bool TrySend(byte[] frame)
    {
        if (_frames.Writer.TryWrite(frame))
        {
            return true;
        }

        // Waiters for the drop continue on another thread: the sender has other clients to serve.
        _ = _dropped.CancelAsync();
        return false;
    }

    public void Dispose() => _dropped.Dispose();
}
