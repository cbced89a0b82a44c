namespace FactoryMonitoring.Tests.Browser;

/// <summary>What the page requires before other machines can reach it.</summary>
[Collection(BrowserCollection.Name)]
public sealed class BeyondLoopbackTests(BrowserFixture stack)
{
    [Theory]
    [InlineData("MONITORING_HOST", "0.0.0.0", "http://0.0.0.0:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_HOST", "::", "http://[::]:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_HOST", "192.0.2.7", "http://192.0.2.7:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("MONITORING_PUBLISHED_ON", "192.0.2.7", "nobody has to sign in: set SignIn:Authority to an OpenID Connect provider, SignIn:ApiKeysFile to a file of API keys, or set ALLOW_ANONYMOUS_VIEW=true")]
    [InlineData("SignIn__ApiKeysFile", "/nowhere/keys", "nobody has to sign in: set SignIn:Authority to an OpenID Connect provider, make an API key (make api-key), or set ALLOW_ANONYMOUS_VIEW=true", "MONITORING_HOST", "0.0.0.0")]
    [InlineData("Kestrel__Endpoints__Tls__Url", "https://0.0.0.0:1", "https://0.0.0.0:1 is reached from other machines, and nobody has to sign in")]
    [InlineData("ALLOW_ANONYMOUS_VIEW", "maybe", "ALLOW_ANONYMOUS_VIEW = maybe: must be true or false")]
    [InlineData("SignIn__Authority", "http://login.example", "SignIn:Authority = http://login.example: must be an https URL, or an http URL on this machine")]
    [InlineData("SignIn__Authority", "login", "SignIn:Authority = login: must be an https URL, or an http URL on this machine")]
    [InlineData("SignIn__Lifetime", "forever", "SignIn:Lifetime = forever: must be a time between 00:00:01 and 30.00:00:00")]
    [InlineData("SignIn__ClientSecretFile", "/nowhere/secret", "SignIn:ClientSecretFile = /nowhere/secret: Could not find a part of the path '/nowhere/secret'.")]
    public async Task A_page_that_would_be_open_to_all_does_not_start(string name, string value, string line, string other = "MONITORING_PORT", string otherValue = "1")
    {
        var (code, output) = await ServiceProcess.RunAsync("Monitoring.Web", [], ("MONITORING_PORT", "1"), (name, value), (other, otherValue));
        Assert.Equal(1, code);
        Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    // As in a container, where services answer to the names of its network.
    [InlineData("DOTNET_RUNNING_IN_CONTAINER", "true", "MONITORING_HOST", "127.0.0.1", false)]
    [InlineData("Kestrel__Endpoints__One__Url", "http://127.0.0.1:PORT", "Kestrel__Endpoints__Two__Url", "http://127.0.0.2:PORT", true)]
    public async Task It_answers_to_its_own_names_alone(string name, string value, string other, string otherValue, bool isSecond)
    {
        await using var web = new ServiceProcess("Monitoring.Web", service =>
        [
            (name, value.Replace("PORT", $"{service.Port}", StringComparison.Ordinal)), (other, otherValue.Replace("PORT", $"{service.Port}", StringComparison.Ordinal)),
            ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{stack.Api.Port}"),
        ]);
        await web.StartAsync();
        using var client = new HttpClient { BaseAddress = web.Address };
        Assert.Equal(200, await StatusAsync("localhost"));
        Assert.Equal(isSecond ? 200 : 400, await StatusAsync("127.0.0.2"));
        Assert.Equal(400, await StatusAsync("elsewhere.example"));

        async Task<int> StatusAsync(string host) =>
            (int)(await client.SendAsync(new(HttpMethod.Get, "/api/system-status") { Headers = { Host = $"{host}:{web.Port}" } })).StatusCode;
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
