using System.Threading.Channels;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>Asks for a refresh as soon as one may be; asked twice meanwhile, it is one.</summary>
internal sealed class RefreshSignal
{
    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Request() => _requests.Writer.TryWrite(true);

    /// <exception cref="OperationCanceledException">Nobody asked before the token was cancelled.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _requests.Reader.ReadAsync(cancellationToken);
}
