using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace FactoryMonitoring.Tests.Browser;

[Collection(BrowserCollection.Name)]
public sealed class ClientLimitTests(BrowserFixture stack)
{
    [Fact]
    public async Task One_client_has_so_many_streams_and_is_let_in_again_when_it_closes_one()
    {
        using var client = new HttpClient { BaseAddress = stack.Web.Address };
        var streams = new List<HttpResponseMessage>();
        try
        {
            for (var n = 0; n < 20; n++) streams.Add(await OpenAsync(client));
            Assert.All(streams, stream => Assert.Equal(HttpStatusCode.OK, stream.StatusCode));

            using var refused = await OpenAsync(client);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Equal("1", refused.Headers.RetryAfter?.ToString());
            Assert.Contains("as many streams as are allowed", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/system-status")).StatusCode);

            streams[0].Dispose();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (true)
            {
                using var again = await OpenAsync(client);
                if (again.StatusCode == HttpStatusCode.OK) break;
                await timer.WaitForNextTickAsync(limit.Token);
            }
        }
        finally
        {
            foreach (var stream in streams) stream.Dispose();
        }
    }

    [Fact]
    public async Task One_client_has_so_many_pages_open()
    {
        var address = new UriBuilder(stack.LabWeb.Address) { Scheme = "ws", Path = "/_blazor" }.Uri;
        var sockets = new List<ClientWebSocket>();
        try
        {
            for (var n = 0; n < 50; n++)
            {
                sockets.Add(new());
                await sockets[^1].ConnectAsync(address, CancellationToken.None);
            }

            using var refused = new ClientWebSocket();
            var exception = await Assert.ThrowsAsync<WebSocketException>(() => refused.ConnectAsync(address, CancellationToken.None));
            Assert.Contains("429", exception.Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.Abort();
                socket.Dispose();
            }
        }
    }

    [Fact]
    public async Task What_a_large_body_comes_with_is_not_done()
    {
        stack.Lab.Reset();
        using var client = new HttpClient { BaseAddress = stack.LabWeb.Address };
        // The request is answered before its body is sent.
        using var large = Run(new string('x', 100_000));
        large.Headers.ExpectContinue = true;
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.SendAsync(large)).StatusCode);
        using var endless = Run("x");
        endless.Headers.TransferEncodingChunked = true;
        Assert.Equal(HttpStatusCode.LengthRequired, (await client.SendAsync(endless)).StatusCode);
        Assert.Null(stack.Lab.Running);
    }

    private static HttpRequestMessage Run(string body) =>
        new(HttpMethod.Post, "/api/experiments/consumer-killed/run") { Content = new StringContent(body, Encoding.UTF8, "application/json"), Headers = { ConnectionClose = true } };

    private static Task<HttpResponseMessage> OpenAsync(HttpClient client) => client.GetAsync("/api/stream", HttpCompletionOption.ResponseHeadersRead);
}
