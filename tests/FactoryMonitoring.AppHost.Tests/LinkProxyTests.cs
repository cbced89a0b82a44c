using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class LinkProxyTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly Link _link = new(FactoryLink.Database, TimeProvider.System);
    private readonly LinkProxy _proxy;

    public LinkProxyTests()
    {
        _server.Start();
        _proxy = new LinkProxy(_link, 0, ((IPEndPoint)_server.LocalEndpoint).Port);
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _server.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task What_is_sent_arrives_and_so_does_the_end()
    {
        using var client = await ConnectAsync();
        using var peer = await AcceptAsync();

        await SendAsync(client, 1, 2, 3);
        Assert.Equal([1, 2, 3], await ReceiveAsync(peer, 3));
        await SendAsync(peer, 4);
        Assert.Equal([4], await ReceiveAsync(client, 1));
        Assert.Equal(1, _link.Connections);

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1], _limit.Token));
        await SendAsync(peer, 5);
        Assert.Equal([5], await ReceiveAsync(client, 1));
        peer.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await client.ReceiveAsync(new byte[1], _limit.Token));
        await UntilAsync(() => _link.Connections == 0);
    }

    [Fact]
    public async Task Nothing_gets_through_a_cut_link_and_all_of_it_once_it_is_restored()
    {
        using var client = await ConnectAsync();
        using var peer = await AcceptAsync();
        await SendAsync(client, 1);
        Assert.Equal([1], await ReceiveAsync(peer, 1));

        _link.Cut();
        Assert.Equal(LinkState.Cut, _link.State);
        await SendAsync(client, 2);
        await SendAsync(peer, 3);
        client.Shutdown(SocketShutdown.Send);
        using var late = await ConnectAsync();
        await SendAsync(late, 4);
        // Neither data, nor the end of a stream, nor a connection arrives.
        Task<int>[] arrivals = [peer.ReceiveAsync(new byte[1], _limit.Token).AsTask(), client.ReceiveAsync(new byte[1], _limit.Token).AsTask()];
        var connection = AcceptAsync();
        await HeldAsync();
        Task[] none = [.. arrivals, connection];
        Assert.All(none, arrival => Assert.False(arrival.IsCompleted));

        _link.Restore();
        Assert.Equal(LinkState.Up, _link.State);
        Assert.All(await Task.WhenAll(arrivals), bytes => Assert.Equal(1, bytes));
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1], _limit.Token));
        using var latePeer = await connection;
        Assert.Equal([4], await ReceiveAsync(latePeer, 1));
    }

    [Fact]
    public async Task A_client_that_gave_up_while_the_link_was_cut_never_reaches_the_server()
    {
        _link.Cut();
        using (var client = await ConnectAsync()) await SendAsync(client, 1);
        using var patient = await ConnectAsync();
        await SendAsync(patient, 2);
        await UntilAsync(() => _link.Connections == 2);
        await HeldAsync();

        _link.Restore();

        using var peer = await AcceptAsync();
        Assert.Equal([2], await ReceiveAsync(peer, 1));
        await UntilAsync(() => _link.Connections == 1);
        Assert.False(_server.Pending());
    }

    [Fact]
    public async Task A_slow_link_takes_its_time_each_way()
    {
        var delay = TimeSpan.FromMilliseconds(150);
        using var client = await ConnectAsync();
        using var peer = await AcceptAsync();
        _link.Slow(delay);
        Assert.Equal((LinkState.Slow, delay), (_link.State, _link.Delay));

        var watch = Stopwatch.StartNew();
        await SendAsync(client, 1);
        await ReceiveAsync(peer, 1);
        await SendAsync(peer, 2);
        await ReceiveAsync(client, 1);

        // A timer can fire one tick of the system's clock early.
        Assert.True(watch.Elapsed > 2 * delay - TimeSpan.FromMilliseconds(20), $"{watch.Elapsed}");
        _link.Restore();
        Assert.Equal((LinkState.Up, TimeSpan.Zero), (_link.State, _link.Delay));
    }

    [Fact]
    public async Task A_reset_is_passed_on_as_a_reset()
    {
        using var client = await ConnectAsync();
        var peer = await AcceptAsync();

        peer.Close(0);

        var reset = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], _limit.Token));
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        await UntilAsync(() => _link.Connections == 0);
    }

    [Fact]
    public async Task A_server_that_is_not_there_resets_the_connection()
    {
        var nobody = Ports.Take([new("nobody", "", 0)])[0];
        using var proxy = new LinkProxy(_link, 0, nobody);

        // The reset can arrive before connecting has completed.
        var reset = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var client = await ConnectAsync(proxy.Port);
            await client.ReceiveAsync(new byte[1], _limit.Token);
        });
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
    }

    private async Task<Socket> ConnectAsync(int? port = null)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port ?? _proxy.Port), _limit.Token);
        return client;
    }

    private async Task<Socket> AcceptAsync() => await _server.AcceptSocketAsync(_limit.Token);

    // Waits until sent data has reached the link and would have passed it: a round trip over another link takes as long.
    private async Task HeldAsync()
    {
        var other = new Link(FactoryLink.Database, TimeProvider.System);
        var echo = new TcpListener(IPAddress.Loopback, 0);
        echo.Start();
        using (echo)
        using (var proxy = new LinkProxy(other, 0, ((IPEndPoint)echo.LocalEndpoint).Port))
        {
            for (var round = 0; round < 20; round++)
            {
                using var client = await ConnectAsync(proxy.Port);
                using var peer = await echo.AcceptSocketAsync(_limit.Token);
                await SendAsync(client, 1);
                await ReceiveAsync(peer, 1);
            }
        }
    }

    private async Task SendAsync(Socket socket, params byte[] bytes) => Assert.Equal(bytes.Length, await socket.SendAsync(bytes, _limit.Token));

    private async Task<byte[]> ReceiveAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        for (var have = 0; have < count;)
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory(have), _limit.Token);
            Assert.NotEqual(0, read);
            have += read;
        }

        return bytes;
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!condition()) await poll.WaitForNextTickAsync(_limit.Token);
    }
}
