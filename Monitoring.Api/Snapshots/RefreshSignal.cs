using System.Threading.Channels;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>Requests a refresh as soon as one is allowed; several requests before it share one refresh.</summary>
internal sealed class RefreshSignal
{
    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Request() => _requests.Writer.TryWrite(true);

    /// <exception cref="OperationCanceledException">No refresh was requested before the token was cancelled.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _requests.Reader.ReadAsync(cancellationToken);
}
