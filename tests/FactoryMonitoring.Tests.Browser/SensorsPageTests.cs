using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>Pages of sensors, and their search.</summary>
public sealed class SensorsPageTests(BrowserFixture stack) : BrowserTest(stack)
{
    [Fact]
    public async Task Sensors_beyond_the_first_page_are_a_link_away_and_are_found_by_a_part_of_their_ids()
    {
        await OpenAsync("/sensors");
        var table = Page.GetByTestId("sensor-table");
        await Expect(table).ToContainTextAsync("1 to 25");
        await table.GetByRole(AriaRole.Link, new() { Name = "next" }).ClickAsync();
        await Expect(table).ToContainTextAsync("26 to ");

        await table.GetByLabel("Search").FillAsync("HUMID-sensor-00");
        await table.GetByLabel("Search").PressAsync("Enter");
        await Expect(table.Locator("tbody tr")).ToHaveCountAsync(8);
        await Expect(table.GetByTestId("sensor-counts")).ToContainTextAsync("8 sensors");
        await Expect(table).Not.ToContainTextAsync("vib-sensor");
        Assert.EndsWith("/sensors?q=HUMID-sensor-00", Page.Url, StringComparison.Ordinal);

        await table.GetByLabel("Search").FillAsync("no such sensor");
        await table.GetByLabel("Search").PressAsync("Enter");
        await Expect(table).ToContainTextAsync("No sensor is like that.");
    }
}
