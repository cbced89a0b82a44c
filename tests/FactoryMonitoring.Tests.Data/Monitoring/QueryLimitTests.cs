using System.Net;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Data.Monitoring;

[Trait("Loop", "quick")]
public sealed class QueryLimitTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    [Fact]
    public async Task Who_asks_2000_different_questions_at_once_waits_and_nobody_else_does()
    {
        var api = await StartServingApiAsync();

        var greedy = Enumerable.Range(0, 2_000).Select(n => GetAsync(api, $"/api/sensors?q={n}", "greedy")).ToList();
        var others = new List<HttpStatusCode>();
        for (var n = 0; !greedy.TrueForAll(each => each.IsCompleted) || n == 0; n++)
        {
            // Another client, the page, and a request that is answered without the database.
            others.Add((await GetAsync(api, $"/api/sensors?q=other-{n}", "modest")).Status);
            others.Add((await GetAsync(api, $"/api/alerts?sensor={n}", VisitorHeaders.ThePage)).Status);
            others.Add((await GetAsync(api, "/api/system-status", "greedy")).Status);
        }

        var answers = await Task.WhenAll(greedy);
        Assert.All(others, status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.All(answers, answer => Assert.True(answer is { Status: HttpStatusCode.OK, RetryAfter: null } or { Status: HttpStatusCode.TooManyRequests, RetryAfter: "1" }, $"{answer}"));
        Assert.InRange(answers.Count(answer => answer.Status == HttpStatusCode.OK), 36, 1_999);
        // The limit is not remembered.
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(api, "/api/sensors?q=later", "greedy")).Status);
    }

    private async Task<(HttpStatusCode Status, string? RetryAfter)> GetAsync(ApiUnderTest api, string path, string client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { VisitorHeaders.Name, client } } };
        using var response = await api.Client.SendAsync(request, Timeout);
        return (response.StatusCode, response.Headers.RetryAfter?.ToString());
    }
}
