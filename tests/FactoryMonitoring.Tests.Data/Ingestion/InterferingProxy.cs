using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// A proxy between a client and PostgreSQL. On request it forwards one COMMIT and cuts the connection instead of returning the answer, or holds everything from
/// the middle of a COPY on, as if the client's process had been stopped there.
/// </summary>
internal sealed class InterferingProxy : IAsyncDisposable
{
    // Includes the terminator: the client begins with "… ISOLATION LEVEL READ COMMITTED".
    private static readonly byte[] Commit = [.. "COMMIT\0"u8];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _serverPort;
    private readonly Task _accepting;
    private readonly TaskCompletionSource _inCopy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _thawed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isHeld;
    private int _appetite;
    private int _cold;

    public InterferingProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Eaten { get; private set; }

    public void EatNextCommit() => Volatile.Write(ref _appetite, 1);

    /// <summary>Does the same, and makes clients that connect from then on wait for <see cref="Thaw"/>.</summary>
    /// <returns>Completes when the transaction is committed.</returns>
    public Task EatNextCommitAndHoldAsync()
    {
        _isHeld = true;
        EatNextCommit();
        return _committed.Task;
    }

    /// <returns>Completes when a client is in the middle of a COPY.</returns>
    public Task FreezeInNextCopyAsync()
    {
        Volatile.Write(ref _cold, 1);
        return _inCopy.Task;
    }

    public void Thaw() => _thawed.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Thaw();
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        finally
        {
            await Task.WhenAll(connections).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            if (_isHeld && _committed.Task.IsCompleted)
            {
                await _thawed.Task;
            }

            await server.ConnectAsync(IPAddress.Loopback, _serverPort, _stop.Token);
            var eat = new TaskCompletionSource();
            var frozen = new Frozen();
            await Task.WhenAny(ForwardAsync(client.GetStream(), server.GetStream(), eat, frozen), AnswerAsync(server.GetStream(), client.GetStream(), eat.Task, frozen));
        }
    }

    private async Task ForwardAsync(NetworkStream from, NetworkStream to, TaskCompletionSource eat, Frozen frozen)
    {
        var buffer = new byte[64 * 1024];
        var copies = false;
        int read;
        while ((read = await from.ReadAsync(buffer, _stop.Token)) > 0)
        {
            if (buffer.AsSpan(0, read).IndexOf(Commit) >= 0 && Interlocked.Exchange(ref _appetite, 0) == 1)
            {
                eat.SetResult();
            }

            if (copies)
            {
                // Rows: half of these arrive now, the rest after the thaw.
                copies = false;
                frozen.IsSo = true;
                await to.WriteAsync(buffer.AsMemory(0, read / 2), _stop.Token);
                _inCopy.TrySetResult();
                await _thawed.Task;
                frozen.IsSo = false;
                await to.WriteAsync(buffer.AsMemory(read / 2, read - (read / 2)), _stop.Token);
                continue;
            }

            copies = buffer.AsSpan(0, read).IndexOf("COPY readings"u8) >= 0 && Interlocked.Exchange(ref _cold, 0) == 1;
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to, Task eat, Frozen frozen)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, _stop.Token)) > 0)
        {
            if (eat.IsCompleted)
            {
                // The answer has arrived: the transaction is committed.
                Eaten++;
                _committed.TrySetResult();
                return;
            }

            if (frozen.IsSo)
            {
                await _thawed.Task;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }

        if (frozen.IsSo)
        {
            await _thawed.Task;
        }
    }

    private sealed class Frozen
    {
        public volatile bool IsSo;
    }
}
