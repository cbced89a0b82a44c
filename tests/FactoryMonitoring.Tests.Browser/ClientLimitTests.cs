using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using FactoryMonitoring.Tests.Stack;

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

    [Theory]
    [InlineData("/_blazor")]
    [InlineData("/_Blazor/")]
    public async Task One_client_has_so_many_pages_open(string path)
    {
        var address = new UriBuilder(stack.LabWeb.Address) { Scheme = "ws", Path = path }.Uri;
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
    public async Task Of_the_pages_that_one_client_asks_for_few_are_rendered_at_a_time_and_not_all_wait()
    {
        using var client = new HttpClient { BaseAddress = stack.Web.Address };
        using var over = new CancellationTokenSource();
        var refused = 0;
        await SignalAsync("STOP");
        try
        {
            // A page waits for the monitoring API, for up to 5 s.
            var pages = Enumerable.Range(0, 230).Select(async n =>
            {
                using var page = await client.GetAsync($"/sensors/asked-for-{n}", over.Token);
                if (page.StatusCode == HttpStatusCode.TooManyRequests) Interlocked.Increment(ref refused);
            }).ToList();
            await Wait.ForAsync("pages that are refused", TimeSpan.FromSeconds(20), _ => Task.FromResult(Volatile.Read(ref refused)), count => count == 10);
            await over.CancelAsync();
            await Task.WhenAll(pages).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        finally
        {
            await SignalAsync("CONT");
        }

        async Task SignalAsync(string signal)
        {
            using var kill = Process.Start("kill", [$"-{signal}", $"{stack.Api.ProcessId}"]);
            await kill.WaitForExitAsync();
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
