using System.Net.WebSockets;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>Navigation through the pages: by address, by click, by keyboard.</summary>
public sealed class NavigationTests(BrowserFixture stack) : BrowserTest(stack)
{
    [Fact]
    public async Task Filters_of_alerts_stand_in_the_address()
    {
        await OpenAsync("/alerts?severity=high");
        var list = Page.GetByTestId("alert-list");
        await Expect(list).ToContainTextAsync(SimulatedFactory.Sensor);
        await Expect(list).Not.ToContainTextAsync("vib-sensor-002");

        await Page.GetByRole(AriaRole.Combobox, new() { Name = "Severity" }).ClickAsync();
        await Page.GetByRole(AriaRole.Option, new() { Name = "medium" }).ClickAsync();
        await Expect(list).ToContainTextAsync("vib-sensor-002");
        await Expect(list).Not.ToContainTextAsync(SimulatedFactory.Sensor);
        Assert.Contains("severity=medium", Page.Url, StringComparison.Ordinal);

        await OpenAsync(Page.Url);
        await Expect(list).ToContainTextAsync("vib-sensor-002");
        await Page.GoBackAsync();
        await Expect(list).ToContainTextAsync(SimulatedFactory.Sensor);
    }

    [Fact]
    public async Task One_click_leads_from_an_alert_to_its_reading()
    {
        await OpenAsync($"/alerts?sensor={SimulatedFactory.Sensor}");
        await Page.GetByTestId("alert-list").GetByRole(AriaRole.Link, new() { NameRegex = Words($"{SimulatedFactory.Sensor} · 42") }).ClickAsync();
        await Expect(Page.GetByLabel("The stored row")).ToContainTextAsync("P0, 993");
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "0af7651916cd43dd8448eb211c80319c" }))
            .ToHaveAttributeAsync("href", "http://localhost:15888/traces/detail/0af7651916cd43dd8448eb211c80319c");
        await Expect(Page.Locator(".point.marked")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Details_open_beside_the_page_and_the_address_keeps_both()
    {
        await OpenAsync($"/alerts?sensor={SimulatedFactory.Sensor}");
        var link = Page.GetByTestId("alert-list").GetByRole(AriaRole.Link, new() { NameRegex = Words($"{SimulatedFactory.Sensor} · 42") });
        var drawer = Page.GetByTestId("drawer");
        await link.ClickAsync();
        await Expect(drawer.GetByLabel("The stored row")).ToContainTextAsync("P0, 993");
        await Expect(drawer).ToBeFocusedAsync();
        await Expect(Page.GetByTestId("alert-list")).ToBeVisibleAsync();
        Assert.Contains("/alerts?sensor=temp-sensor-001&detail=%2Falerts%2F", Page.Url, StringComparison.Ordinal);
        await HasNoViolationAsync();

        await drawer.GetByRole(AriaRole.Link, new() { Name = SimulatedFactory.Sensor, Exact = true }).ClickAsync();
        await Expect(drawer.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(SimulatedFactory.Sensor);
        await Page.GoBackAsync();
        await Expect(drawer.GetByLabel("The stored row")).ToContainTextAsync("P0, 993");
        await Page.Keyboard.PressAsync("Escape");
        await Expect(drawer).ToHaveCountAsync(0);
        await Expect(link).ToBeFocusedAsync();

        Assert.Empty(Errors);

        await OpenAsync("/sensors?type=temperature&detail=%2Fconsumers%2Fsensor-consumer-2");
        await Expect(drawer.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("Consumers sensor-consumer-2");
        await drawer.GetByRole(AriaRole.Link, new() { Name = "Close" }).ClickAsync();
        await Expect(drawer).ToHaveCountAsync(0);
        Assert.EndsWith("/sensors?type=temperature", Page.Url, StringComparison.Ordinal);
        foreach (var address in (string[])["https://example.org/sensors/x", "//example.org/sensors/x", "/sensors", "/audit", "/alerts/x"])
        {
            await OpenAsync($"/sensors?detail={Uri.EscapeDataString(address)}");
            await Expect(drawer).ToHaveCountAsync(0);
        }
    }

    [Fact]
    public async Task In_a_narrow_window_a_link_leads_to_the_page_of_the_details()
    {
        await OpenWindowAsync("dark", 800, 900);
        await OpenAsync($"/alerts?sensor={SimulatedFactory.Sensor}");
        await Page.GetByTestId("alert-list").GetByRole(AriaRole.Link, new() { NameRegex = Words($"{SimulatedFactory.Sensor} · 42") }).ClickAsync();
        await Expect(Page.GetByLabel("The stored row")).ToContainTextAsync("P0, 993");
        await Expect(Page.GetByTestId("drawer")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Every_view_is_reached_by_keyboard()
    {
        await OpenAsync("/");
        // Starts at the first link: where a Tab begins depends on when the page itself took the focus.
        await Page.GetByRole(AriaRole.Link, new() { Name = "Skip to content" }).FocusAsync();
        foreach (var name in new[] { "Factory Monitoring", "Overview", "Partitions", "Consumers", "Sensors", "Brokers", "Alerts", "Fault lab" })
        {
            await Page.Keyboard.PressAsync("Tab");
            await Expect(Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true })).ToBeFocusedAsync();
        }

        await Page.Keyboard.PressAsync("Enter");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Fault lab");
    }

    [Theory]
    [InlineData("/partitions?page=x&from=x&to=y", "Partitions")]
    [InlineData("/partitions?from=2000-01-01T00:00:00&to=2026-01-01T00:00:00", "Partitions")]
    [InlineData("/brokers?page=x", "Brokers")]
    [InlineData("/sensors?page=x", "Sensors")]
    [InlineData("/sensors?page=99999999", "Sensors")]
    [InlineData("/alerts?page=x&from=x", "Alerts")]
    [InlineData("/audit?before=x", "Audit log")]
    public async Task A_value_in_the_address_that_cannot_be_read_breaks_no_view(string path, string heading)
    {
        await OpenAsync(path);
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
    }

    [Fact]
    public async Task A_page_past_the_last_one_leads_back()
    {
        await OpenAsync("/sensors?page=99");
        await Page.GetByTestId("sensor-table").GetByRole(AriaRole.Link, new() { Name = "first page" }).ClickAsync();
        await Expect(Page.GetByTestId("sensor-table")).ToContainTextAsync("1 to 25");
    }

    [Fact]
    public async Task A_time_has_its_day_unless_that_is_today()
    {
        await OpenAsync("/");
        var texts = await Page.EvaluateAsync<string[]>("""
            () => {
                const now = new Date().toISOString(), element = document.createElement("local-time");
                element.setAttribute("format", "full");
                element.setAttribute("datetime", now);
                element.dataset.tip = `at ${now}`;
                document.body.append(element);
                const read = () => {
                    element.tick();
                    element.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
                    const tip = document.getElementById("tip").textContent;
                    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
                    return [element.shadowRoot.textContent, tip];
                };
                const today = read(), Today = Date;
                window.Date = class extends Today { constructor(...of) { super(...(of.length ? of : [Today.now() + 86400000])); } };
                const tomorrow = read();
                window.Date = Today;
                return [...today, ...tomorrow];
            }
            """);
        Assert.Matches("^[0-9:]{8}$", texts[0]);
        Assert.Matches("^at [0-9:]{8}[.]", texts[1]);
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}$", texts[2]);
        Assert.Matches("^at [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}[.]", texts[3]);
    }

    [Fact]
    public async Task The_command_palette_leads_to_anything_by_keyboard()
    {
        await OpenAsync("/partitions?window=1h");
        await Page.Keyboard.PressAsync("Control+k");
        var palette = Page.GetByRole(AriaRole.Dialog, new() { Name = "Command palette" });
        await Expect(palette.GetByRole(AriaRole.Combobox)).ToBeFocusedAsync();
        await Expect(palette.GetByRole(AriaRole.Option)).Not.ToHaveCountAsync(0);
        await HasNoViolationAsync();
        await Page.Keyboard.TypeAsync("HUMID-sensor-003");
        await Expect(palette.GetByRole(AriaRole.Option).First).ToContainTextAsync(Words("^humid-sensor-003.?sensor$"));
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("humid-sensor-003");
        Assert.EndsWith("/sensors/humid-sensor-003?window=1h", Page.Url, StringComparison.Ordinal);
        await Expect(palette).ToHaveCountAsync(0);

        foreach (var (text, kind, heading) in new[] { ("consumer-2", "consumer", "sensor-consumer-2"), ("P4", "partition", "Partitions"), ("critical thr", "alert", SimulatedFactory.Sensor), ("aler view", "view", "Alerts") })
        {
            await Page.Keyboard.PressAsync("Control+k");
            await Page.Keyboard.TypeAsync(text);
            await Expect(palette.Locator("[aria-selected=true]")).ToContainTextAsync(kind);
            await Page.Keyboard.PressAsync("Enter");
            await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(heading);
        }

        await Page.Keyboard.PressAsync("Control+k");
        await Page.Keyboard.PressAsync("Escape");
        await Expect(palette).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Keyboard_help_opens_by_keyboard_and_no_single_letter_does_anything()
    {
        await OpenAsync("/");
        await Page.Keyboard.PressAsync("k");
        await Page.Keyboard.PressAsync("/");
        await Expect(Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Page.Keyboard.PressAsync("Control+/");
        var help = Page.GetByRole(AriaRole.Dialog, new() { Name = "Keyboard" });
        await Expect(help).ToContainTextAsync("Ctrl K");
        await HasNoViolationAsync();
        await Page.Keyboard.PressAsync("Escape");
        await Expect(help).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task On_a_wall_the_views_follow_each_other_until_somebody_ends_it()
    {
        await OpenAsync("/?wall=2");
        foreach (var heading in (string[])["Partitions", "Consumers"]) await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
        await Page.Keyboard.PressAsync("Escape");
        await Page.WaitForFunctionAsync("() => !location.search.includes('wall') && !document.body.classList.contains('wall')");
        var here = await Page.EvaluateAsync<string>("() => location.pathname");
        await Page.WaitForTimeoutAsync(3_000);
        Assert.Equal(here, await Page.EvaluateAsync<string>("() => location.pathname"));
    }

    [Fact]
    public async Task A_component_leads_to_its_resource_in_the_Aspire_dashboard()
    {
        await OpenAsync("/consumers/sensor-consumer-1");
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "console", Exact = true })).ToHaveAttributeAsync("href", "http://localhost:15888/consolelogs/resource/sensor-consumer-1");
    }

    [Fact]
    public async Task The_chosen_theme_is_kept()
    {
        await OpenAsync("/");
        Assert.Equal("dark", await ThemeAsync());
        await Page.GetByRole(AriaRole.Button, new() { Name = "Switch to the light theme" }).ClickAsync();
        Assert.Equal("light", await ThemeAsync());
        await OpenAsync("/alerts");
        Assert.Equal("light", await ThemeAsync());
    }

    [Fact]
    public async Task The_API_is_reached_through_the_same_port_and_its_stream_is_not_held_back()
    {
        using var client = new HttpClient { BaseAddress = Stack.Web.Address };
        Assert.Equal("application/json", (await client.GetAsync("/api/consumer-health")).Content.Headers.ContentType!.MediaType);
        using var response = await client.GetAsync("/api/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(Patience));
        string? line;
        do
        {
            line = await reader.ReadLineAsync(limit.Token);
        }
        while (line is not null && !line.StartsWith("event:", StringComparison.Ordinal));

        Assert.Equal("event: snapshot", line);
    }

    // No fault lab runs here: a request that passes the checks is answered with 404.
    [Theory]
    [InlineData("POST", null, null, null, 404)]
    [InlineData("POST", null, "own", null, 404)]
    [InlineData("POST", null, "own", "same-origin", 404)]
    [InlineData("POST", null, "http://elsewhere.example", "cross-site", 403)]
    [InlineData("POST", null, "http://elsewhere.example", null, 403)]
    [InlineData("POST", null, "http://localhost:1", null, 403)]
    [InlineData("POST", null, "null", null, 403)]
    [InlineData("POST", null, null, "cross-site", 403)]
    [InlineData("DELETE", null, null, "same-site", 403)]
    [InlineData("POST", "elsewhere.example:5000", "http://elsewhere.example:5000", null, 400)]
    [InlineData("POST", "elsewhere.example", null, null, 400)]
    [InlineData("GET", "elsewhere.example", null, null, 400)]
    [InlineData("POST", "127.0.0.1.elsewhere.example", null, null, 400)]
    [InlineData("POST", "[::1]:5000", "http://[::1]:5000", null, 404)]
    public async Task Pages_of_other_origins_and_names_change_nothing(string method, string? host, string? origin, string? site, int status)
    {
        using var client = new HttpClient { BaseAddress = Stack.Web.Address };
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/experiments/consumer-killed/run") { Headers = { Host = host } };
        if (origin is not null) request.Headers.Add("Origin", origin == "own" ? Stack.Web.Address.GetLeftPart(UriPartial.Authority) : origin);
        if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
        using var response = await client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 403) Assert.Contains("origin", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://elsewhere.example", false)]
    [InlineData("own", true)]
    public async Task A_page_of_another_origin_opens_no_circuit(string origin, bool isOpened)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", origin == "own" ? Stack.Web.Address.GetLeftPart(UriPartial.Authority) : origin);
        var address = new UriBuilder(Stack.Web.Address) { Scheme = "ws", Path = "/_blazor" }.Uri;
        if (isOpened)
        {
            await socket.ConnectAsync(address, CancellationToken.None);
        }
        else
        {
            var refused = await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(address, CancellationToken.None));
            Assert.Contains("403", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_API_itself_answers_to_no_other_name_either()
    {
        using var client = new HttpClient { BaseAddress = Stack.Api.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/alive") { Headers = { Host = "elsewhere.example" } };
        using var response = await client.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
    }

    private Task<string> ThemeAsync() => Page.EvaluateAsync<string>("() => document.documentElement.dataset.theme");
}
