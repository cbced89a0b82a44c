using System.Globalization;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>What the pages show of a rebalance.</summary>
public sealed class RebalanceTests(BrowserFixture stack) : BrowserTest(stack)
{
    [Fact]
    public async Task One_rebalance_is_one_row_that_opens_into_its_steps()
    {
        const string victim = "sensor-consumer-1";
        await Stack.Factory.SettleAsync();
        await Stack.Factory.TakeOverAsync(victim, "sensor-consumer-2", 0, 3);
        try
        {
            await OpenAsync("/partitions");
            var row = Page.GetByTestId("rebalances").Locator(".rebalance").First;
            await Expect(row.Locator("summary")).ToContainTextAsync($"{victim} lost P0, P3, session expired");
            await Expect(row.Locator("summary")).ToContainTextAsync(Words("longest stall 6[.]0.s"));
            // Nobody has recorded where the log ended: no number, and why.
            await Expect(row.Locator(".delayed")).ToHaveTextAsync("");
            await Expect(row.Locator(".delayed")).ToHaveAttributeAsync("title", Words("is not recorded"));
            await Expect(row.Locator(".steps")).ToBeHiddenAsync();
            await row.Locator("summary").FocusAsync();
            await Page.Keyboard.PressAsync("Enter");
            await Expect(row.Locator(".steps li")).ToHaveCountAsync(2);
            await Expect(row.Locator(".lane")).ToHaveCountAsync(2);
            await Expect(row.Locator(".lane[data-partition='0'] .stall")).ToHaveTextAsync(Words("^6[.]0.s$"));
            await Expect(row.Locator(".lane[data-partition='0'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-2");
            await Expect(row).ToContainTextAsync(Words("stood still for 12[.]0.s[.] .*is not recorded"));
            await HasNoViolationAsync();
            // The row stays open while the page is updated.
            await Page.EvaluateAsync("() => new Promise(done => setTimeout(done, 2000))");
            await Expect(row.Locator(".steps")).ToBeVisibleAsync();
        }
        finally
        {
            await Stack.Factory.TakeOverAsync("sensor-consumer-2", victim, 0, 3);
        }
    }

    [Theory]
    [InlineData("dark", 1440)]
    [InlineData("light", 1440)]
    [InlineData("dark", 320)]
    public async Task The_readings_that_it_delayed_stand_in_its_row(string theme, int width)
    {
        const string victim = "sensor-consumer-1";
        await OpenWindowAsync(theme, width, 900);
        await Stack.Factory.SettleAsync();
        await Stack.Factory.TakeOverAndStoreAsync(victim, "sensor-consumer-3", 1_234, 0, 3);
        try
        {
            await OpenAsync("/consumers");
            var row = Page.GetByTestId("rebalances").Locator(".rebalance").First;
            await Expect(row.Locator(".delayed")).ToHaveTextAsync("2,468\u00a0readings delayed");
            await row.Locator("summary").ClickAsync();
            await Expect(row).ToContainTextAsync("2,468\u00a0readings waited in the log for a new owner.");
            await Expect(row.Locator(".steps li").Last).ToContainTextAsync(Words("P0, P3, claimed, stall 6[.]0.s, 2,468.readings"));
            await HasNoViolationAsync();
            Assert.Equal(width, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"rebalance-{theme}-{width}.png"), fullPage: true);
            await OpenAsync("/partitions?window=1h");
            await Expect(row.Locator(".delayed")).ToHaveTextAsync("2,468\u00a0readings delayed");
        }
        finally
        {
            await Stack.Factory.TakeOverAsync("sensor-consumer-3", victim, 0, 3);
        }
    }

    [Fact]
    public async Task A_part_of_the_time_is_chosen_by_dragging_and_stands_in_the_address()
    {
        await OpenAsync("/partitions");
        var field = (await Page.GetByTestId("lanes").Locator(".field").BoundingBoxAsync())!;
        var y = field.Y + (field.Height / 2);
        await Page.Mouse.MoveAsync(field.X + (field.Width / 2), y);
        await Page.Mouse.DownAsync();
        await Page.Mouse.MoveAsync(field.X + (field.Width * 0.9f), y, new() { Steps = 4 });
        await Expect(Page.Locator(".chosen")).ToBeVisibleAsync();
        await Page.Mouse.UpAsync();
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "back to now" })).ToBeVisibleAsync();
        var query = System.Web.HttpUtility.ParseQueryString(new Uri(Page.Url).Query);
        var (from, to) = (DateTimeOffset.Parse(query["from"]!, CultureInfo.InvariantCulture), DateTimeOffset.Parse(query["to"]!, CultureInfo.InvariantCulture));
        Assert.InRange((to - from).TotalSeconds, 115, 125); // two fifths of five minutes
        await Expect(Page.GetByTestId("lanes").Locator(".lane[data-partition='0'] .bar").Last).ToBeVisibleAsync();
        await HasNoViolationAsync();
        await Page.GetByTestId("range").Locator("summary").ClickAsync();
        await Page.GetByTestId("range").GetByRole(AriaRole.Link, new() { Name = "Last 1 h", Exact = true }).ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "back to now" })).ToHaveCountAsync(0);
        await Expect(Page.GetByTestId("range").GetByRole(AriaRole.Navigation)).ToBeHiddenAsync();
        Assert.EndsWith("/partitions?window=1h", Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_has_its_rate_the_trend_of_its_lag_and_a_time_to_catch_up()
    {
        await OpenAsync("/consumers");
        // The simultaneous start of all three is one rebalance.
        await Expect(Page.GetByTestId("rebalances").Locator(".rebalance > summary").Last).ToContainTextAsync("sensor-consumer-1 and 2 more joined and got P0–P5");
        var consumers = Page.GetByTestId("consumers");
        await Expect(consumers.GetByRole(AriaRole.Columnheader, new() { Name = "Caught up in" })).ToBeVisibleAsync();
        await Expect(consumers.GetByRole(AriaRole.Img, new() { NameRegex = Words("at most .* readings.s in the last 10 min") })).ToHaveCountAsync(SimulatedFactory.Consumers.Length);
        Assert.True(await consumers.Locator(".scroll").EvaluateAsync<bool>("scroll => scroll.scrollWidth <= scroll.clientWidth"));
    }
}
