using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>What the pages tell of a rebalance.</summary>
public sealed class RebalanceTests(BrowserFixture stack) : BrowserTest(stack)
{
    [Fact]
    public async Task One_rebalance_is_one_row_that_opens_into_its_steps()
    {
        const string victim = "sensor-consumer-1";
        await Stack.Factory.TakeOverAsync(victim, "sensor-consumer-2", 0, 3);
        try
        {
            await OpenAsync("/partitions");
            var row = Page.GetByTestId("rebalances").Locator(".rebalance").First;
            await Expect(row.Locator("summary")).ToContainTextAsync($"{victim} lost P0, P3, session expired");
            await Expect(row.Locator("summary")).ToContainTextAsync(Words("longest stall 6[.]0.s"));
            await Expect(row.Locator(".steps")).ToBeHiddenAsync();
            await row.Locator("summary").FocusAsync();
            await Page.Keyboard.PressAsync("Enter");
            await Expect(row.Locator(".steps li")).ToHaveCountAsync(2);
            await Expect(row.Locator(".lane")).ToHaveCountAsync(2);
            await Expect(row.Locator(".lane[data-partition='0'] .stall")).ToHaveTextAsync(Words("^6[.]0.s$"));
            await Expect(row.Locator(".lane[data-partition='0'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-2");
            await Expect(row).ToContainTextAsync(Words("stood still for 12[.]0.s"));
            await HasNoViolationAsync();
            // It stays open while the page goes on.
            await Page.EvaluateAsync("() => new Promise(done => setTimeout(done, 2000))");
            await Expect(row.Locator(".steps")).ToBeVisibleAsync();
        }
        finally
        {
            await Stack.Factory.TakeOverAsync("sensor-consumer-2", victim, 0, 3);
        }
    }

    [Fact]
    public async Task A_consumer_has_its_rate_the_trend_of_its_lag_and_a_time_to_catch_up()
    {
        await OpenAsync("/consumers");
        var consumers = Page.GetByTestId("consumers");
        await Expect(consumers.GetByRole(AriaRole.Columnheader, new() { Name = "Caught up in" })).ToBeVisibleAsync();
        await Expect(consumers.GetByRole(AriaRole.Img, new() { NameRegex = Words("at most .* readings.s in the last 10 min") })).ToHaveCountAsync(SimulatedFactory.Consumers.Length);
        Assert.True(await consumers.Locator(".scroll").EvaluateAsync<bool>("scroll => scroll.scrollWidth <= scroll.clientWidth"));
    }
}
