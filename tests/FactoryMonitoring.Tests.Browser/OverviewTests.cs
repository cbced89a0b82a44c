using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.Playwright;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Browser;

public sealed class OverviewTests(BrowserFixture stack, ITestOutputHelper output) : BrowserTest(stack)
{
    [Fact]
    public async Task Six_sections_stand_on_the_first_page()
    {
        await OpenAsync("/");
        foreach (var name in new[] { "System status", "Consumer health", "Producer health", "Partition activity", "Recent alerts", "Rebalancing events" })
        {
            await Expect(Page.GetByRole(AriaRole.Region, new() { NameRegex = Words(name) })).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task It_is_drawn_before_any_script_runs()
    {
        using var client = new HttpClient { BaseAddress = Stack.Web.Address };
        var html = await client.GetStringAsync("/");
        Assert.Contains("sensor-consumer-1", html, StringComparison.Ordinal);
        Assert.Contains("sensor-consumer-3", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing received yet", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_move_without_a_reload()
    {
        await OpenAsync("/");
        await Page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        await Stack.Factory.StoreAsync(2, 77);
        var stored = await Stack.Factory.StoredAsync();
        await Expect(Page.GetByTestId("database")).ToContainTextAsync(stored.ToString("#,0", CultureInfo.InvariantCulture));
        Assert.True(await Page.EvaluateAsync<bool>("() => window.stillTheSamePage === true"));
    }

    [Fact]
    public async Task It_fits_a_screen_of_1440_by_900_without_scrolling()
    {
        await OpenAsync("/");
        var box = await Page.EvaluateAsync<int[]>("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]");
        Assert.Equal([1440, 900], box);
        await Expect(Page.GetByTestId("ledger")).ToBeInViewportAsync(new() { Ratio = 1 });
    }

    [Fact]
    public async Task What_is_explained_on_hover_is_explained_to_the_keyboard_and_the_screen_reader_as_well()
    {
        await OpenAsync("/");
        var note = Page.GetByText("p50 · p95 · p99, at most");
        await note.FocusAsync();
        await Page.Keyboard.PressAsync("Shift+Tab");
        await Page.Keyboard.PressAsync("Tab");
        await Expect(note).ToBeFocusedAsync();
        await Expect(note).ToHaveAccessibleDescriptionAsync(Words("upper bound of its bucket"));
        await Page.Keyboard.PressAsync("Escape");
        await Expect(Page.GetByRole(AriaRole.Tooltip)).ToHaveCountAsync(0);
        await Expect(note).ToHaveAccessibleDescriptionAsync("");
        await Expect(Page.GetByTestId("status").GetByRole(AriaRole.Status)).ToContainTextAsync(Words("[a-z]"));
    }

    [Fact]
    public async Task Alerts_that_have_no_room_are_not_in_the_tab_order_either()
    {
        string[] sensors = [.. Enumerable.Range(0, 3).Select(i => $"press-sensor-88{i}")];
        foreach (var sensor in sensors) await Stack.Factory.RaiseAsync(sensor, AnomalyTypes.CriticalThreshold, Severities.High, resolved: false);
        try
        {
            await OpenAsync("/");
            foreach (var sensor in sensors) await Expect(Page.GetByTestId("alerts")).ToContainTextAsync(sensor);
            // As little room as in a small window.
            var entries = await Page.EvaluateAsync<string[]>("""
                async () => {
                    const list = document.querySelector("[data-testid=alerts] .list");
                    list.style.flex = "none";
                    list.style.height = "120px";
                    await new Promise(done => setTimeout(done, 1500));
                    const right = list.getBoundingClientRect().right;
                    return [...list.children].map(entry => `${entry.getBoundingClientRect().left < right ? "seen" : "unseen"} ${entry.inert ? "inert" : "live"}`);
                }
                """);
            Assert.Equal(["seen live", "unseen inert"], entries.Distinct());
        }
        finally
        {
            foreach (var sensor in sensors) await Stack.Factory.ForgetAlertsAsync(sensor);
        }
    }

    [Fact]
    public async Task A_silent_consumer_is_seen_in_status_flow_and_lanes_without_a_reload()
    {
        const string victim = "sensor-consumer-2";
        await OpenAsync("/");
        await Page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        Stack.Factory.Kill(victim);
        try
        {
            await Expect(Page.GetByTestId("status")).ToContainTextAsync(victim);
            await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("2 of 3 active");
            var waiting = Page.GetByTestId("lanes").Locator(".lane[data-partition='1'] .stall:not(.outage)");
            await Expect(waiting).ToHaveCountAsync(1);
            await Expect(waiting).ToContainTextAsync("waits");
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, "overview-consumer-killed.png"));
            await Stack.Factory.TakeOverAsync(victim, "sensor-consumer-3");
            await Expect(Page.GetByTestId("lanes").Locator(".lane[data-partition='1'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-3");
            await Expect(Page.GetByTestId("rebalances")).ToContainTextAsync($"{victim["sensor-".Length..]} lost P1, P4, session expired");
            // The stall has a label, and the axis is widened around it: at five minutes it would take a fiftieth of the width.
            var stall = Page.GetByTestId("lanes").Locator(".lane[data-partition='1'] .stall:not(.outage)").Last;
            await Expect(stall).ToHaveTextAsync(Words("^6[.]0.s$"));
            await Expect(Page.GetByTestId("lanes").Locator(".bar span")).ToHaveCountAsync(0);
            await Expect(Page.GetByTestId("widened")).ToBeVisibleAsync();
            Assert.InRange(await stall.EvaluateAsync<double>("stall => parseFloat(stall.style.width)"), 4, 100);
        }
        finally
        {
            Stack.Factory.Revive(victim);
            await Stack.Factory.TakeOverAsync("sensor-consumer-3", victim);
        }

        await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        Assert.True(await Page.EvaluateAsync<bool>("() => window.stillTheSamePage === true"));
    }

    [Fact]
    public async Task Owners_are_tints_and_only_a_stall_has_the_full_color()
    {
        await OpenAsync("/");
        var bar = Page.GetByTestId("lanes").Locator(".bar").First;
        Assert.True(await bar.EvaluateAsync<bool>("bar => getComputedStyle(bar).backgroundColor !== getComputedStyle(bar).borderLeftColor"));
    }

    [Fact]
    public async Task Curves_have_an_axis_and_a_spike_flattens_nothing()
    {
        await OpenAsync("/");
        var stored = Page.Locator(".curve").First;
        await Expect(stored.Locator(".top")).ToContainTextAsync("/s");
        await Expect(stored.Locator(".ends")).ToContainTextAsync("now");
        await Stack.Factory.SpikeAsync(50_000);
        await Expect(stored.Locator(".cut")).ToContainTextAsync(Words("▲.5,0"));
        Assert.DoesNotContain("5,0", await stored.Locator(".top").TextContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_of_several_findings_stand_apart()
    {
        const string Stranger = "scattered-sensor";
        await Stack.Factory.AddStrangerAsync(Stranger);
        await Stack.Factory.RejectAsync("bad-level");
        try
        {
            await OpenAsync("/");
            var links = Page.GetByTestId("status").Locator(".links a");
            await Expect(links).ToHaveTextAsync(["Dead letters of bad-level", Stranger]);
            var boxes = await links.EvaluateAllAsync<float[][]>("links => links.map(link => link.getBoundingClientRect()).map(box => [box.left, box.right, box.top])");
            Assert.True(boxes[1][0] - boxes[0][1] >= 8 || boxes[1][2] > boxes[0][2], $"{boxes[0][1]} to {boxes[1][0]}");
            await HasNoViolationAsync();
        }
        finally
        {
            await Stack.Factory.RemoveStrangerAsync(Stranger);
            await Stack.Factory.ForgetRejectedAsync("bad-level");
        }
    }

    [Fact]
    public async Task The_slowest_reading_leads_to_its_trace()
    {
        await OpenAsync("/");
        var link = Page.GetByRole(AriaRole.Link, new() { Name = "38\u00a0ms", Exact = true });
        await Expect(link).ToHaveAttributeAsync("href", $"http://localhost:15888/traces/detail/{SimulatedFactory.Trace}");
    }

    [Fact]
    public async Task What_is_no_part_of_the_account_is_folded_away_and_explained()
    {
        await OpenAsync("/");
        var outside = Page.GetByTestId("ledger").Locator(".outside");
        await Expect(outside.Locator("dd").First).ToBeHiddenAsync();
        await outside.Locator("summary").ClickAsync();
        await Expect(outside).ToContainTextAsync("whose acknowledgement is not recorded");
        await Expect(outside.Locator("dl")).ToBeInViewportAsync(new() { Ratio = 1 });
        await HasNoViolationAsync();
    }

    [Fact]
    public async Task A_commit_reaches_the_screen_within_half_a_second_at_the_median()
    {
        await OpenAsync("/");
        // The page itself records when a new number was painted; both clocks are those of this machine.
        await Page.EvaluateAsync("""
            () => {
              window.painted = {};
              const number = document.querySelector('[data-testid=database] .big');
              new MutationObserver(() => requestAnimationFrame(() => {
                const text = number.textContent.replace(/[^0-9]/g, '');
                window.painted[text] ??= Date.now();
              })).observe(number, { subtree: true, characterData: true, childList: true });
            }
            """);
        var latencies = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var committed = await Stack.Factory.StoreAsync(i % SimulatedFactory.Partitions, 1);
            var stored = await Stack.Factory.StoredAsync();
            var painted = await Page.WaitForFunctionAsync("stored => window.painted[stored]", stored.ToString(CultureInfo.InvariantCulture));
            latencies.Add(await painted.JsonValueAsync<double>() - committed.ToUnixTimeMilliseconds());
        }

        latencies.Sort();
        output.WriteLine($"commit to pixel: median {latencies[10]} ms, least {latencies[0]} ms, most {latencies[^1]} ms");
        Assert.InRange(latencies[10], 0, 500);
    }
}
