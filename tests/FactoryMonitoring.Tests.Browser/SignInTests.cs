using System.Net.Http.Headers;
using System.Net.WebSockets;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Tests.Stack;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>A page on which users sign in at a provider, and scripts send a key: who may view, who may start something, who may break something.</summary>
public sealed class SignInTests(BrowserFixture stack) : BrowserTest(stack), IAsyncLifetime
{
    private readonly SignInProvider _provider = new();
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"api-keys-{Guid.NewGuid():N}.json");
    private ServiceProcess _web = null!;

    protected override Uri Site => _web.Address;

    async Task IAsyncLifetime.InitializeAsync()
    {
        Stack.Lab.Reset();
        await _provider.StartAsync();
        _web = Web(("SignIn__Lifetime", "00:10:00"));
        await _web.StartAsync();
        await base.InitializeAsync();
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await base.DisposeAsync();
        await _web.DisposeAsync();
        await _provider.DisposeAsync();
        File.Delete(_keys);
        Stack.Lab.Reset();
    }

    [Fact]
    public async Task A_viewer_signs_in_sees_everything_and_changes_nothing()
    {
        _provider.User = ("ada", ["viewer", "of no meaning here"]);
        await OpenAsync("/partitions");
        Assert.Equal($"{_web.Address}partitions", Page.Url);
        await Expect(Page.GetByTestId("signed-in")).ToContainTextAsync("ada, viewer");

        await OpenAsync("/fault-lab?experiment=consumer-killed");
        await HasNoViolationAsync();
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Run it" })).ToBeDisabledAsync();
        await Expect(Page.GetByTestId("experiment")).ToContainTextAsync("ada is viewer: only a breaker may do this.");
        foreach (var name in (string[])["Kill sensor-consumer-1", "Stop sensor-consumer-1", "Scale", "Send poison"])
        {
            await Expect(Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true })).ToBeDisabledAsync();
        }

        // Sends the request of the button by hand.
        Assert.Equal(403, await Page.EvaluateAsync<int>("async () => (await fetch('/api/experiments/consumer-killed/run', { method: 'POST' })).status"));
        Assert.Empty(Stack.Lab.Commands);
        Assert.Null(Stack.Lab.Running);
    }

    [Fact]
    public async Task An_operator_stops_and_starts_and_breaks_nothing()
    {
        _provider.User = ("grace", ["operator"]);
        await OpenAsync("/fault-lab");
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Kill sensor-consumer-1" })).ToBeDisabledAsync();
        await Page.GetByRole(AriaRole.Button, new() { Name = "Stop sensor-consumer-1" }).ClickAsync();
        await Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await Expect(Page.GetByTestId("answers")).ToContainTextAsync("done");
        Assert.Equal(["stop sensor-consumer-1"], Stack.Lab.Commands);
        Assert.Equal(("grace", "operator"), (Stack.Lab.Visitor?.Name, Stack.Lab.Visitor?.Role));
    }

    [Fact]
    public async Task A_breaker_runs_experiments_until_signed_out_elsewhere()
    {
        _provider.User = ("linus", ["viewer", "chaos"]);
        await OpenAsync("/fault-lab?experiment=consumer-killed");
        await Expect(Page.GetByTestId("signed-in")).ToContainTextAsync("linus, breaker");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Kill sensor-consumer-1" }).ClickAsync();
        var yes = Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Kill" });
        await Expect(yes).ToBeVisibleAsync();

        // In another tab of the same browser, while this one asks for a confirmation.
        var other = await Page.Context.NewPageAsync();
        await other.GotoAsync("/alerts");
        var cookies = await Page.Context.CookiesAsync();
        await Assertions.Expect(other.Locator("[data-testid=link][data-interactive]")).ToContainTextAsync("live");
        await other.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await TryClickAsync(yes);
        await Expect(Page.Locator("body")).Not.ToContainTextAsync("Kill sensor-consumer-1?");
        Assert.Equal(1, _provider.SignedOut);
        Assert.Empty(Stack.Lab.Commands);

        // A client that kept the cookie has no access.
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = _web.Address };
        client.DefaultRequestHeaders.Add("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Name}={cookie.Value}")));
        Assert.Equal(401, (int)(await client.GetAsync("/api/system-status")).StatusCode);
    }

    [Fact]
    public async Task A_restart_of_the_page_ends_all_sessions()
    {
        _provider.User = ("linus", ["viewer"]);
        await OpenAsync("/alerts");
        var cookies = await Page.Context.CookiesAsync();
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = _web.Address };
        client.DefaultRequestHeaders.Add("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Name}={cookie.Value}")));
        Assert.Equal(200, (int)(await client.GetAsync("/api/system-status")).StatusCode);
        await _web.KillAsync();
        await _web.StartAsync();
        // Otherwise it would not know who had signed out.
        Assert.Equal(401, (int)(await client.GetAsync("/api/system-status")).StatusCode);
    }

    [Theory]
    [InlineData("//elsewhere.example")]
    [InlineData("/\\elsewhere.example")]
    [InlineData("/\t/elsewhere.example")]
    [InlineData("\t//elsewhere.example")]
    [InlineData("https://elsewhere.example/")]
    public async Task A_sign_in_leads_to_no_other_site(string to)
    {
        _provider.User = ("ada", ["viewer"]);
        await Page.GotoAsync($"/sign-in?to={Uri.EscapeDataString(to)}");
        Assert.Equal(_web.Address, new Uri(Page.Url));
    }

    [Fact]
    public async Task Who_has_no_role_sees_nothing()
    {
        _provider.User = ("mallory", ["admin", "breaker"]);
        var response = await Page.GotoAsync("/");
        Assert.Equal(403, response!.Status);
        Assert.Contains("mallory has no role here", await response.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_audit_log_has_who_signed_in_and_what_was_refused()
    {
        await using var web = Web(("ConnectionStrings__factorydb", Stack.Database.ConnectionStringOf(DatabaseRoles.Audit)));
        await web.StartAsync();
        _provider.User = ("joan", ["viewer"]);
        await Page.GotoAsync($"{web.Address}alerts");
        await Expect(Page.GetByTestId("signed-in")).ToContainTextAsync("joan, viewer");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(403, await Page.EvaluateAsync<int>("async () => (await fetch('/api/experiments/consumer-killed/run', { method: 'POST' })).status"));
        }

        using (var script = Client("fm_of-nobody", web.Address))
        {
            Assert.Equal(401, (int)(await script.GetAsync("/api/snapshot%07%F0%9F")).StatusCode);
        }

        using (var foreign = Client(null, web.Address))
        {
            foreign.DefaultRequestHeaders.Add("Origin", "http://elsewhere.example");
            Assert.Equal(403, (int)(await foreign.PostAsync("/api/experiments/consumer-killed/run", null)).StatusCode);
            Assert.Equal(403, (int)(await foreign.GetAsync("/signin-oidc?code=x&state=y")).StatusCode);
        }

        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        const string Refused = "POST /api/experiments/consumer-killed/run";
        string[] wanted =
        [
            "joan viewer 127.0.0.1 True sign in: signed in", $"joan viewer 127.0.0.1 False {Refused}: joan is viewer: only a breaker may do this.",
            "anonymous  127.0.0.1 False GET /api/snapshot", $"anonymous  127.0.0.1 False {Refused}: Only this page's own origin may change anything", "anonymous  127.0.0.1 False sign in: ",
            "joan viewer 127.0.0.1 True sign out: signed out",
        ];
        List<string> entries = [];
        // After that the page leads to the provider, where she is still signed in.
        await Wait.ForAsync(
            "the entries of the audit log",
            TimeSpan.FromSeconds(20),
            async token => entries =
            [
                .. (await Stack.Database.RowsAsync("SELECT who, role, address, done, act, result FROM audit_log WHERE address IS NOT NULL ORDER BY id", token))
                    .Select(row => $"{row[0]} {row[1]} {row[2]} {row[3]} {row[4]}: {row[5]}"),
            ],
            found => found.Count >= wanted.Length);
        Assert.All(wanted.Zip(entries), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_session_ends_after_its_time()
    {
        await using var web = Web(("SignIn__Lifetime", "00:00:06"));
        await web.StartAsync();
        _provider.User = ("ada", ["viewer"]);
        await Page.GotoAsync($"{web.Address}alerts");
        await Expect(Page.GetByTestId("signed-in")).ToContainTextAsync("ada, viewer");
        _provider.User = ("ada", []);
        // The open page checks again, and now the user has no role.
        await Expect(Page.Locator("body")).ToContainTextAsync("ada has no role here");
    }

    [Theory]
    [InlineData(1500)]
    [InlineData(4000)]
    public async Task A_page_whose_session_ends_before_its_circuit_begins_signs_in_again(int late)
    {
        await using var web = Web(("SignIn__Lifetime", "00:00:02"));
        await web.StartAsync();
        _provider.User = ("ada", ["viewer"]);
        var isFirst = true;
        await Page.RouteAsync("**/_framework/blazor.web*.js", async route =>
        {
            if (isFirst)
            {
                isFirst = false;
                _provider.User = ("ada", []);
                await Task.Delay(late);
            }

            await route.ContinueAsync();
        });
        await Page.GotoAsync($"{web.Address}alerts");
        await Expect(Page.Locator("body")).ToContainTextAsync("ada has no role here");
    }

    [Theory]
    [InlineData(null, 401, 401, 401)]
    [InlineData("viewer", 200, 403, 200)]
    [InlineData("operator", 200, 403, 200)]
    [InlineData("breaker", 200, 202, 200)]
    [InlineData("unknown", 401, 401, 401)]
    public async Task Scripts_bring_a_key(string? role, int reads, int runs, int circuit)
    {
        var key = role switch
        {
            null => null,
            "unknown" => "fm_of-nobody",
            _ => await MakeKeyAsync("ci", role),
        };
        using var client = Client(key);
        Assert.Equal(reads, (int)(await client.GetAsync("/api/system-status")).StatusCode);
        Assert.Equal(reads, (int)(await client.GetAsync("/metrics")).StatusCode);
        Assert.Equal(200, (int)(await client.GetAsync("/alive")).StatusCode);
        Assert.Equal(runs, (int)(await client.PostAsync("/api/experiments/consumer-killed/run", null)).StatusCode);
        Assert.Equal(runs == 202 ? ("ci", "breaker") : (null, null), ((string?, string?))(Stack.Lab.Visitor?.Name, Stack.Lab.Visitor?.Role));

        using var socket = new ClientWebSocket();
        if (key is not null) socket.Options.SetRequestHeader("Authorization", $"Bearer {key}");
        var opening = socket.ConnectAsync(new UriBuilder(_web.Address) { Scheme = "ws", Path = "/_blazor" }.Uri, CancellationToken.None);
        if (circuit == 200) await opening;
        else Assert.Contains($"{circuit}", (await Assert.ThrowsAsync<WebSocketException>(() => opening)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_kept_as_its_hash_and_is_gone_when_removed()
    {
        var key = await MakeKeyAsync("ci", "viewer");
        Assert.DoesNotContain(key[3..], await File.ReadAllTextAsync(_keys), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_keys));
        using var client = Client(key);
        Assert.Equal(200, (int)(await client.GetAsync("/api/system-status")).StatusCode);
        using var stream = await client.GetAsync("/api/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)stream.StatusCode);
        await KeysAsync("remove", "ci", _keys);
        Assert.Equal(401, (int)(await client.GetAsync("/api/system-status")).StatusCode);
        // What it has opened before ends, too.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAnyAsync<IOException>(async () => await (await stream.Content.ReadAsStreamAsync(limit.Token)).CopyToAsync(Stream.Null, limit.Token));
    }

    [Fact]
    public async Task Nobody_says_by_a_header_who_they_are()
    {
        using var client = Client(await MakeKeyAsync("ci", "breaker"));
        client.DefaultRequestHeaders.Add(VisitorHeaders.Name, "root");
        client.DefaultRequestHeaders.Add(VisitorHeaders.Role, "breaker");
        Assert.Equal(202, (int)(await client.PostAsync("/api/experiments/consumer-killed/run", null)).StatusCode);
        Assert.Equal("ci", Stack.Lab.Visitor?.Name);
    }

    /// <summary>Clicks the button. The page disappears by itself a few seconds after its user was signed out, and with it the button.</summary>
    private static async Task TryClickAsync(ILocator button)
    {
        try
        {
            await button.ClickAsync(new() { Timeout = 3_000 });
        }
        catch (Exception exception) when (exception is PlaywrightException or TimeoutException)
        {
            // The button is gone.
        }
    }

    private ServiceProcess Web(params (string, string)[] more) => new("Monitoring.Web", service =>
    [
        ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{Stack.Api.Port}"), ($"services__{ResourceNames.FaultLab}__http__0", Stack.Lab.Address.ToString()),
        ("SignIn__Authority", _provider.Address.ToString()), ("SignIn__ClientSecret", SignInProvider.ClientSecret), ("SignIn__Breakers", "chaos"), ("SignIn__ApiKeysFile", _keys), .. more,
    ]);

    private HttpClient Client(string? key, Uri? page = null)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = page ?? _web.Address };
        if (key is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    private async Task<string> MakeKeyAsync(string name, string role) => (await KeysAsync("add", name, role, _keys)).Split('\n')[0];

    private static async Task<string> KeysAsync(params string[] arguments)
    {
        var (code, output) = await ServiceProcess.RunAsync("Monitoring.Web", ["api-key", .. arguments]);
        Assert.True(code == 0, output);
        return output;
    }
}
