using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>The one time range of all pages, which stands in the address.</summary>
public sealed class TimeRangeTests(BrowserFixture stack) : BrowserTest(stack)
{
    private static readonly string[] Views = ["Overview", "Partitions", "Consumers", "Sensors", "Brokers", "Alerts", "Fault lab"];

    // These have a fault lab.
    protected override Uri Site => Stack.LabWeb.Address;

    private ILocator Range => Page.GetByTestId("range");

    private ILocator Note => Page.GetByTestId("range-note");

    public static TheoryData<string, string, string> PagesAndThemes
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (var (path, window) in (ReadOnlySpan<(string, string)>)
                [("/", "1h"), ("/partitions", "7d"), ("/consumers", "24h"), ("/sensors", "15m"), ("/brokers", "7d"), ("/alerts", "15m"), ("/fault-lab", "5m"), ("/", "past"), ("/partitions", "past"), ("/alerts", "past")])
            {
                data.Add(path, window, "dark");
                data.Add(path, window, "light");
            }

            return data;
        }
    }

    /// <summary>A minute of the past, as in an address.</summary>
    private static string Past => string.Create(
        CultureInfo.InvariantCulture, $"from={DateTimeOffset.UtcNow.AddMinutes(-2):yyyy-MM-ddTHH:mm:ssZ}&to={DateTimeOffset.UtcNow.AddMinutes(-1):yyyy-MM-ddTHH:mm:ssZ}");

    [Fact]
    public async Task It_goes_along_from_view_to_view_and_its_control_stays_where_it_is()
    {
        Stack.Lab.Reset();
        await OpenAsync("/?window=1h");
        var views = Page.GetByRole(AriaRole.Navigation, new() { Name = "Views" });
        LocatorBoundingBoxResult? first = null;
        foreach (var name in Views)
        {
            await views.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).ClickAsync();
            await Expect(views.Locator("[aria-current=page]")).ToHaveTextAsync(Words($"^{name}"));
            await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Time range: +Last 1 h$"));
            await Expect(Note).ToContainTextAsync("last 1 h");
            Assert.Contains("window=1h", Page.Url, StringComparison.Ordinal);
            var box = (await Range.BoundingBoxAsync())!;
            first ??= box;
            Assert.Equal((first.Y, first.Width), (box.Y, box.Width));
            Assert.InRange(box.X - first.X, -8, 8); // the age of the data beside it has more or fewer digits
        }
    }

    [Fact]
    public async Task It_is_chosen_in_a_menu_by_keyboard()
    {
        await OpenAsync("/consumers");
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Recent$"));
        await Range.Locator("summary").FocusAsync();
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Range.Locator("[aria-current]")).ToHaveTextAsync("Recent");
        await HasNoViolationAsync();
        await Page.Keyboard.PressAsync("Escape");
        await Expect(Range.GetByRole(AriaRole.Navigation)).ToBeHiddenAsync();
        await Expect(Range.Locator("summary")).ToBeFocusedAsync();

        await Page.Keyboard.PressAsync("Enter");
        for (var i = 0; i < 3; i++) await Page.Keyboard.PressAsync("Tab");
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Last 15 min$"));
        await Expect(Range.GetByRole(AriaRole.Navigation)).ToBeHiddenAsync();
        Assert.EndsWith("/consumers?window=15m", Page.Url, StringComparison.Ordinal);
        await Expect(Page.GetByRole(AriaRole.Columnheader, new() { Name = "Rate, 15 min" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Links_the_palette_the_drawer_and_the_wall_keep_it()
    {
        await OpenAsync("/consumers?window=2h");
        // The drawer beside the page, and the page that it leads to.
        await Page.GetByTestId("consumers").GetByRole(AriaRole.Link, new() { Name = "sensor-consumer-1" }).ClickAsync();
        await Expect(Page.GetByTestId("drawer")).ToBeVisibleAsync();
        Assert.Contains("window=2h", Page.Url, StringComparison.Ordinal);
        await Page.GetByTestId("drawer").GetByRole(AriaRole.Link, new() { Name = "Open as a page" }).ClickAsync();
        await Expect(Page.GetByTestId("drawer")).ToHaveCountAsync(0);
        Assert.EndsWith("/consumers/sensor-consumer-1?window=2h", Page.Url, StringComparison.Ordinal);
        await Page.GetByRole(AriaRole.Link, new() { Name = "Consumers", Exact = true }).Last.ClickAsync();
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Last 2 h$"));

        // The palette leads to pages with it, and to other ranges.
        await Page.Keyboard.PressAsync("Control+k");
        await Page.Keyboard.TypeAsync("brokers view");
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Brokers");
        Assert.EndsWith("/brokers?window=2h", Page.Url, StringComparison.Ordinal);
        await Page.Keyboard.PressAsync("Control+k");
        await Page.Keyboard.TypeAsync("24 h time range");
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Last 24 h$"));
        Assert.EndsWith("/brokers?window=24h", Page.Url, StringComparison.Ordinal);

        // A link that has a range of its own leads there.
        await Page.EvaluateAsync("""() => { const link = document.createElement("a"); link.href = "/partitions?window=1h"; link.textContent = "own"; document.querySelector("main").prepend(link); }""");
        await Page.GetByRole(AriaRole.Link, new() { Name = "own", Exact = true }).ClickAsync();
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Last 1 h$"));

        var past = Past;
        await OpenAsync($"/?{past}&wall=2");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Partitions");
        await Expect(Note.GetByRole(AriaRole.Link, new() { Name = "back to now" })).ToBeVisibleAsync();
        Assert.Equal($"?{past}&wall=2", new Uri(Page.Url).Query.Replace("%3A", ":", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(PagesAndThemes))]
    public async Task Every_page_with_a_range_can_be_read_on_a_screen_and_on_a_phone(string path, string window, string theme)
    {
        Stack.Lab.Reset();
        await OpenWindowAsync(theme, 1440, 900);
        await OpenAsync($"{path}?{(window == "past" ? Past : $"window={window}")}");
        await Expect(Note).ToBeVisibleAsync();
        await HasNoViolationAsync();
        var name = $"range-{(path == "/" ? "overview" : path[1..])}-{window}";
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}-{theme}.png"));
        if (path == "/") Assert.Equal(900, await Page.EvaluateAsync<int>("() => document.documentElement.scrollHeight"));

        await Page.SetViewportSizeAsync(320, 844);
        Assert.Equal(320, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await HasNoViolationAsync();
        await Range.Locator("summary").ClickAsync();
        await Expect(Range.GetByRole(AriaRole.Navigation)).ToBeInViewportAsync(new() { Ratio = 1 });
        Assert.Equal(320, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}-{theme}-phone.png"));
        Assert.Empty(Errors);
    }

    [Fact]
    public async Task A_range_that_ends_now_goes_on_and_nothing_jumps()
    {
        const string sensor = "press-sensor-771";
        await OpenAsync("/?window=15m");
        await Page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        await Expect(Page.Locator(".curve .ends").First).ToContainTextAsync("−15 min");
        // Let the fonts and the first answers settle.
        await Page.WaitForTimeoutAsync(2_000);
        await Page.EvaluateAsync("""
            () => {
                window.shift = 0;
                new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; }).observe({ type: "layout-shift" });
            }
            """);
        var curve = Page.Locator(".curve").First.Locator("path:not(.rule, .area)");
        var before = await curve.GetAttributeAsync("d");
        await Stack.Factory.TakeOverAsync("sensor-consumer-1", "sensor-consumer-2", 0);
        try
        {
            await Expect(Page.GetByTestId("lanes").Locator(".lane[data-partition='0'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-2");
            await Expect(Page.GetByTestId("rebalances")).ToContainTextAsync("consumer-1 lost P0");
            await Stack.Factory.RaiseAsync(sensor, AnomalyTypes.CriticalThreshold, Severities.High, resolved: false);
            await Expect(Page.GetByTestId("alerts")).ToContainTextAsync(sensor);
            await Expect(curve).Not.ToHaveAttributeAsync("d", before!);
            Assert.True(await Page.EvaluateAsync<bool>("() => window.stillTheSamePage === true"));
            Assert.InRange(await Page.EvaluateAsync<double>("() => window.shift"), 0, 0.02);
        }
        finally
        {
            await Stack.Factory.ForgetAlertsAsync(sensor);
            await Stack.Factory.TakeOverAsync("sensor-consumer-2", "sensor-consumer-1", 0);
        }
    }

    [Fact]
    public async Task A_part_of_the_overview_s_lanes_is_chosen_by_dragging_and_all_pages_show_it()
    {
        await OpenAsync("/?window=15m");
        var field = (await Page.GetByTestId("lanes").Locator(".field").BoundingBoxAsync())!;
        var y = field.Y + (field.Height / 2);
        await Page.Mouse.MoveAsync(field.X + (field.Width / 2), y);
        await Page.Mouse.DownAsync();
        await Page.Mouse.MoveAsync(field.X + (field.Width * 0.8f), y, new() { Steps = 4 });
        await Page.Mouse.UpAsync();
        await Expect(Note).ToContainTextAsync(Words("^\\s*[0-9:]{8} – [0-9:]{8}"));
        await Expect(Range.Locator("summary")).ToContainTextAsync(Words("[0-9:]{8} – [0-9:]{8}"));
        await Page.GetByRole(AriaRole.Navigation, new() { Name = "Views" }).GetByRole(AriaRole.Link, new() { Name = "Alerts", Exact = true }).ClickAsync();
        await Expect(Note).ToContainTextAsync(Words("^\\s*[0-9:]{8} – [0-9:]{8}"));
        // The way back leads to the range before.
        await Note.GetByRole(AriaRole.Link, new() { Name = "back to now" }).ClickAsync();
        await Expect(Note).ToContainTextAsync("last 15 min");
        Assert.EndsWith("/alerts?window=15m", Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/partitions")]
    [InlineData("/brokers")]
    public async Task A_range_that_reaches_beyond_what_is_stored_says_from_when(string path)
    {
        await OpenAsync($"{path}?window=7d");
        await Expect(Page.GetByTestId("stored-since")).ToHaveTextAsync(Words("nothing is stored before .*[0-9:]{8}"));
        await OpenAsync(path);
        await Expect(Page.GetByTestId("stored-since")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_list_of_runs_is_of_the_range()
    {
        Stack.Lab.Reset();
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}&window=7d");
        var comparison = Page.GetByTestId("comparison");
        await Expect(Page.GetByTestId("runs-chart").GetByRole(AriaRole.Link)).ToHaveCountAsync(9);
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}&window=1m");
        await Expect(comparison).ToContainTextAsync("No run was started in this time range.");
        await Expect(Page.GetByTestId("run")).ToContainTextAsync("PASS");
        await comparison.GetByRole(AriaRole.Link, new() { Name = "of any time" }).ClickAsync();
        await Expect(Page.GetByTestId("runs-chart").GetByRole(AriaRole.Link)).ToHaveCountAsync(9);
        Assert.EndsWith($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}", Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("window=x")]
    [InlineData("window=0s")]
    [InlineData("from=2026-01-05T08:02:00Z&to=2026-01-05T08:00:00Z")]
    public async Task What_is_no_range_counts_as_none(string query)
    {
        await OpenAsync($"/consumers?{query}");
        await Expect(Range.Locator("summary")).ToHaveTextAsync(Words("Recent$"));
    }

    [Fact]
    public async Task A_range_that_is_too_long_is_refused_in_words()
    {
        await OpenAsync("/partitions?window=60d");
        await Expect(Page.GetByTestId("lanes")).ToContainTextAsync("window: must be a number with s, m, h or d, from 1m to 31d");
    }
}
