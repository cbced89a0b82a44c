using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>Stands between a client and PostgreSQL; when told to, it lets one COMMIT through and cuts the connection in place of its answer.</summary>
internal sealed class AnswerEatingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _serverPort;
    private readonly Task _accepting;
    private int _appetite;

    public AnswerEatingProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Eaten { get; private set; }

    public void EatNextCommit() => Volatile.Write(ref _appetite, 1);

    public async ValueTask DisposeAsync()
    {
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
            await server.ConnectAsync(IPAddress.Loopback, _serverPort, _stop.Token);
            var eat = new TaskCompletionSource();
            await Task.WhenAny(ForwardAsync(client.GetStream(), server.GetStream(), eat), AnswerAsync(server.GetStream(), client.GetStream(), eat.Task));
        }
    }

    private async Task ForwardAsync(NetworkStream from, NetworkStream to, TaskCompletionSource eat)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, _stop.Token)) > 0)
        {
            if (buffer.AsSpan(0, read).IndexOf("COMMIT"u8) >= 0 && Interlocked.Exchange(ref _appetite, 0) == 1)
            {
                eat.SetResult();
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to, Task eat)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, _stop.Token)) > 0)
        {
            if (eat.IsCompleted)
            {
                // The answer has come: it is committed.
                Eaten++;
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
