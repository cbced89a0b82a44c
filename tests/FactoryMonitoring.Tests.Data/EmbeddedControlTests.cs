using System.Net;
using System.Net.Http.Headers;

namespace FactoryMonitoring.Tests.Data;

/// <summary>Who may take a broker of the embedded cluster down.</summary>
public sealed class EmbeddedControlTests : IDisposable
{
    private const string Token = "0123456789abcdef";
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(1));

    public void Dispose() => _limit.Dispose();

    [Theory]
    [InlineData(Token, Token, HttpStatusCode.OK)]
    [InlineData(Token, "0123456789abcdeF", HttpStatusCode.Unauthorized)]
    [InlineData(Token, null, HttpStatusCode.Unauthorized)]
    [InlineData("", "", HttpStatusCode.Unauthorized)]
    [InlineData("", null, HttpStatusCode.Unauthorized)]
    public async Task Whoever_knows_the_token_alone(string token, string? given, HttpStatusCode status)
    {
        await using var process = ServiceProcess.Start("FactoryMonitoring.EmbeddedKafka", new()
        {
            ["EmbeddedKafka__Ports__0"] = $"{Ports.Free()}", ["EmbeddedKafka__Ports__1"] = $"{Ports.Free()}", ["EmbeddedKafka__Ports__2"] = $"{Ports.Free()}",
            ["EmbeddedKafka__ControlToken"] = token,
        });
        async Task<int> UpAsync() => (await process.GetAsync("brokers", _limit.Token))?.Split("\"up\":true").Length - 1 ?? 0;
        await DatabaseTest.EventuallyAsync(async () => await UpAsync() == 3, _limit.Token);

        using var client = new HttpClient { BaseAddress = process.Address };
        client.DefaultRequestHeaders.Authorization = given is null ? null : new AuthenticationHeaderValue("Bearer", given);
        using var response = await client.PostAsync(new Uri("brokers/1/down", UriKind.Relative), content: null, _limit.Token);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(status == HttpStatusCode.OK ? 2 : 3, await UpAsync());
    }
}
