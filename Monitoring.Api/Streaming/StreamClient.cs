using System.Threading.Channels;

namespace FactoryMonitoring.Monitoring.Api.Streaming;

/// <summary>One listener: what it missed, and a bounded buffer of frames that all listeners share.</summary>
internal sealed class StreamClient(IReadOnlyList<byte[]> backlog) : IDisposable
{
    private const int Buffer = 512;

    private readonly Channel<byte[]> _frames = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(Buffer) { SingleReader = true });
    private readonly CancellationTokenSource _dropped = new();

    /// <summary>To be sent first.</summary>
    public IReadOnlyList<byte[]> Backlog => backlog;

    public ChannelReader<byte[]> Frames => _frames.Reader;

    /// <summary>Cancelled when it was too slow.</summary>
    public CancellationToken Dropped => _dropped.Token;

    /// <returns>False where it is too slow: it is dropped, and must be sent nothing more.</returns>
    public bool TrySend(byte[] frame)
    {
        if (_frames.Writer.TryWrite(frame))
        {
            return true;
        }

        // Whoever waits for the drop goes on elsewhere: the sender has others to serve.
        _ = _dropped.CancelAsync();
        return false;
    }

    public void Dispose() => _dropped.Dispose();
}
