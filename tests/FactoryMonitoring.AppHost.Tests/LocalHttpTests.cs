using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class LocalHttpTests
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    [Fact]
    public async Task A_service_that_is_killed_in_the_middle_of_its_answer_has_not_answered()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answer = AnswerAsync(listener, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n");
        using var client = LocalHttp.CreateClient(TimeSpan.FromSeconds(10));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.GetFromJsonAsync<JsonNode>(new Uri($"http://{listener.LocalEndpoint}/"), _limit.Token));

        // It is no HttpRequestException.
        Assert.IsAssignableFrom<IOException>(exception);
        Assert.True(exception.IsNoAnswer(_limit.Token), exception.ToString());
        client.Dispose();
        await answer;
    }

    [Fact]
    public void A_timeout_is_no_answer_and_a_cancellation_is_none()
    {
        Assert.True(new TaskCanceledException().IsNoAnswer(CancellationToken.None));
        Assert.False(new TaskCanceledException().IsNoAnswer(new CancellationToken(canceled: true)));
        Assert.False(new InvalidOperationException().IsNoAnswer(CancellationToken.None));
    }

    [Fact]
    public async Task No_proxy_is_asked()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answer = AnswerAsync(listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new DeadProxy(((IPEndPoint)listener.LocalEndpoint).Port);
        try
        {
            using var client = LocalHttp.CreateClient(TimeSpan.FromSeconds(10));
            using var response = await client.GetAsync(new Uri($"http://{listener.LocalEndpoint}/"), _limit.Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
        await answer;
    }

    private async Task AnswerAsync(TcpListener listener, string answer)
    {
        using var connection = await listener.AcceptTcpClientAsync(_limit.Token);
        var stream = connection.GetStream();
        await stream.ReadExactlyAsync(new byte[16], _limit.Token);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _limit.Token);
        connection.Client.Shutdown(SocketShutdown.Send);
        // Closes only when the client has: a reset would not be the end of an answer.
        await stream.CopyToAsync(Stream.Null, _limit.Token);
    }

    /// <summary>A proxy that does not answer, for one port alone: other tests run at the same time.</summary>
    private sealed class DeadProxy(int port) : IWebProxy
    {
        public ICredentials? Credentials { get; set; }

        public Uri GetProxy(Uri destination) => new("http://127.0.0.1:1");

        public bool IsBypassed(Uri host) => host.Port != port;
    }
}
