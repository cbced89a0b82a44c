using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>Ways through the pages: by address, by click, by keyboard.</summary>
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
        await OpenAsync("/");
        await Page.GetByTestId("alerts").GetByRole(AriaRole.Link, new() { NameRegex = Words($"{SimulatedFactory.Sensor} · 42") }).ClickAsync();
        await Expect(Page.GetByLabel("The stored row")).ToContainTextAsync("P0, 993");
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "0af7651916cd43dd8448eb211c80319c" }))
            .ToHaveAttributeAsync("href", "http://localhost:15888/traces/detail/0af7651916cd43dd8448eb211c80319c");
        await Expect(Page.Locator(".point.marked")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Every_view_is_reached_by_keyboard()
    {
        await OpenAsync("/");
        // From the first link on: where a Tab begins depends on when the page took the focus itself.
        await Page.GetByRole(AriaRole.Link, new() { Name = "Skip to content" }).FocusAsync();
        foreach (var name in new[] { "Factory Monitoring", "Overview", "Partitions", "Consumers", "Sensors", "Brokers", "Alerts", "Fault lab" })
        {
            await Page.Keyboard.PressAsync("Tab");
            await Expect(Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true })).ToBeFocusedAsync();
        }

        await Page.Keyboard.PressAsync("Enter");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Fault lab");
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

    [Fact]
    public async Task A_foreign_page_cannot_start_an_experiment()
    {
        using var client = new HttpClient { BaseAddress = Stack.Web.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/experiments/consumer-killed/run") { Headers = { { "Origin", "http://elsewhere.example" } } };
        using var response = await client.SendAsync(request);
        Assert.Equal(403, (int)response.StatusCode);
        Assert.Contains("origin", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private Task<string> ThemeAsync() => Page.EvaluateAsync<string>("() => document.documentElement.dataset.theme");
}
