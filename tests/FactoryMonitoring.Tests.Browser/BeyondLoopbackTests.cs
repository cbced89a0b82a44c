namespace FactoryMonitoring.Tests.Browser;

/// <summary>What the page requires before other machines can reach it.</summary>
[Collection(BrowserCollection.Name)]
public sealed class BeyondLoopbackTests(BrowserFixture stack)
{
    [Theory]
    [InlineData("MONITORING_HOST", "0.0.0.0", "http://0.0.0.0:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_HOST", "::", "http://[::]:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_HOST", "192.0.2.7", "http://192.0.2.7:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_PUBLISHED_ON", "192.0.2.7", "nobody has to sign in: set SignIn:Authority to an OpenID Connect provider, make an API key (make api-key), or set ALLOW_ANONYMOUS_VIEW=true")]
    [InlineData("ALLOW_ANONYMOUS_VIEW", "maybe", "ALLOW_ANONYMOUS_VIEW = maybe: must be true or false")]
    [InlineData("SignIn__Authority", "http://login.example", "SignIn:Authority = http://login.example: must be an https URL, or an http URL on this machine")]
    [InlineData("SignIn__Authority", "login", "SignIn:Authority = login: must be an https URL, or an http URL on this machine")]
    [InlineData("SignIn__Lifetime", "forever", "SignIn:Lifetime = forever: must be a time between 00:00:01 and 30.00:00:00")]
    [InlineData("SignIn__ClientSecretFile", "/nowhere/secret", "SignIn:ClientSecretFile = /nowhere/secret: Could not find a part of the path '/nowhere/secret'.")]
    public async Task A_page_that_would_be_open_to_all_does_not_start(string name, string value, string line)
    {
        var (code, output) = await ServiceProcess.RunAsync("Monitoring.Web", [], ("MONITORING_PORT", "1"), (name, value));
        Assert.Equal(1, code);
        Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Everybody_may_look_where_that_is_allowed_and_nobody_may_do_anything()
    {
        stack.Lab.Reset();
        await using var web = new ServiceProcess("Monitoring.Web", service =>
        [
            ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{stack.Api.Port}"), ($"services__{Contracts.ResourceNames.FaultLab}__http__0", stack.Lab.Address.ToString()),
            ("MONITORING_PUBLISHED_ON", "192.0.2.7"), ("ALLOW_ANONYMOUS_VIEW", "true"),
        ]);
        await web.StartAsync();
        using var client = new HttpClient { BaseAddress = web.Address };
        Assert.Equal(200, (int)(await client.GetAsync("/alerts")).StatusCode);
        // By the address at which the page is published, as clients from there do.
        Assert.Equal(200, (int)(await client.SendAsync(new(HttpMethod.Get, "/api/system-status") { Headers = { Host = "192.0.2.7:5000" } })).StatusCode);
        using var refused = await client.PostAsync("/api/experiments/consumer-killed/run", null);
        Assert.Equal(403, (int)refused.StatusCode);
        Assert.Contains("anonymous is viewer: only a breaker may do this.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(stack.Lab.Running);
    }
}
