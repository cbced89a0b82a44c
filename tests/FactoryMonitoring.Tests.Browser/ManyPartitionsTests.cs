using System.Globalization;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>Topics with more partitions than a picture has room for lanes with words.</summary>
public sealed class ManyPartitionsTests(BrowserFixture stack, ITestOutputHelper output) : BrowserTest(stack)
{
    [Theory]
    [InlineData(60, "P0", 12)]
    [InlineData(600, "1: 200", 3)]
    public async Task They_are_a_map_and_a_page_of_the_table(int partitions, string label, int labels)
    {
        await Stack.Factory.GrowAsync(partitions);
        try
        {
            await OpenAsync("/partitions");
            var lanes = Page.GetByTestId("lanes");
            await Expect(lanes.Locator(".map path.owned")).ToHaveCountAsync(3);
            await Expect(lanes.Locator(".names > span").First).ToHaveTextAsync(label);
            await Expect(lanes.Locator(".names > span")).ToHaveCountAsync(labels);
            await Expect(lanes.Locator(".field")).ToHaveAttributeAsync("aria-label", $"{partitions}\u00a0partitions, of which 0 wait");
            await Expect(Page.Locator(".partition-grid > i")).ToHaveCountAsync(partitions);
            var table = Page.GetByRole(Microsoft.Playwright.AriaRole.Group, new() { Name = "Partitions", Exact = true });
            await Expect(table.Locator("tbody tr")).ToHaveCountAsync(50);
            await Expect(Page.Locator(".loads-list li").First).ToContainTextAsync(string.Create(CultureInfo.InvariantCulture, $"{partitions / 3}\u00a0partitions"));
            await HasNoViolationAsync();
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"partitions-{partitions}.png"), fullPage: true);
            await Page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "next", Exact = true }).ClickAsync();
            await Expect(table.Locator("tbody tr").First.Locator("td").First).ToHaveTextAsync("P50");

            // A dead consumer's partitions wait, and whoever sees the map sees it.
            Stack.Factory.Kill("sensor-consumer-2");
            await Expect(lanes.Locator(".map path.waiting")).ToHaveCountAsync(1);
            await Expect(lanes.Locator(".field")).ToHaveAttributeAsync("aria-label", Words("of which [1-9][0-9]* wait"));
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"partitions-{partitions}-waiting.png"));
            output.WriteLine($"{partitions} partitions: {await CostOfAnUpdateAsync():0.0} ms of the main thread per update");
        }
        finally
        {
            Stack.Factory.Revive("sensor-consumer-2");
            await Stack.Factory.ShrinkAsync();
        }
    }

    /// <summary>Time of scripts, styles and layout in 5 s, for each of the updates that come once a second; in ms.</summary>
    private async Task<double> CostOfAnUpdateAsync()
    {
        const int Seconds = 5;
        var session = await Page.Context.NewCDPSessionAsync(Page);
        await session.SendAsync("Performance.enable");
        var before = await TaskSecondsAsync();
        await Page.WaitForTimeoutAsync(Seconds * 1000);
        return (await TaskSecondsAsync() - before) * 1000 / Seconds;

        async Task<double> TaskSecondsAsync() => (await session.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
            .Single(metric => metric.GetProperty("name").GetString() == "TaskDuration").GetProperty("value").GetDouble();
    }
}
