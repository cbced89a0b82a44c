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
        await Expect(table).ToContainTextAsync("No sensor matches these filters.");
    }

    [Fact]
    public async Task A_value_stands_in_its_band_with_the_marks_of_warning_and_critical_and_has_a_trend()
    {
        await OpenAsync($"/sensors?q={SimulatedFactory.Sensor}&window=15m");
        var row = Page.GetByTestId("sensor-table").Locator("tbody tr");
        await Expect(row).ToHaveCountAsync(1);
        // From the lowest usual value to the highest: warning from 35, critical from 40.
        var shares = await row.Locator(".band").EvaluateAsync<double[]>("""
            band => [...band.querySelectorAll('.zone.warning, .zone.critical')].flatMap(zone => [parseFloat(zone.style.left), parseFloat(zone.style.left) + parseFloat(zone.style.width)])
            """);
        Assert.Equal(4, shares.Length);
        Assert.InRange(shares[0], 1, shares[1] - 1);
        Assert.Equal(shares[1], shares[2], 1.0);
        Assert.Equal(100, shares[3], 1.0);
        await Expect(row.Locator(".band small").First).ToHaveTextAsync("15");
        await Expect(row.GetByRole(AriaRole.Img, new() { NameRegex = Words("values between 30.0 .C and 42.0 .C") })).ToBeVisibleAsync();
        await HasNoViolationAsync();
    }

    [Fact]
    public async Task A_strangers_sensor_has_a_page_whatever_its_id_and_it_says_what_is_odd_about_it()
    {
        const string Id = "factory/line 1/50% x?y/..";
        await Stack.Factory.AddStrangerAsync(Id);
        try
        {
            await OpenAsync("/sensors?q=50%25");
            await Page.GetByTestId("sensor-table").GetByRole(AriaRole.Link, new() { Name = Id }).ClickAsync();
            await Page.GetByTestId("drawer").GetByRole(AriaRole.Link, new() { Name = "Open as a page" }).ClickAsync();
            await Expect(Page.GetByTestId("drawer")).ToHaveCountAsync(0);
            await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(Id);
            await Expect(Page.GetByText("9 h ahead")).ToBeVisibleAsync();
            await Expect(Page.GetByText("silent for 5")).ToBeVisibleAsync();
            await Expect(Page.GetByText("0.0041 V").First).ToBeVisibleAsync();
            await Expect(Page.GetByText("V cannot be converted")).ToBeVisibleAsync();
            await Expect(Page.GetByText("They are judged in P3 alone")).ToBeVisibleAsync();
            await Expect(Page.GetByText("hold numbers that are not read: co2, data/lux")).ToBeVisibleAsync();
            await Expect(Page.Locator(".fact").Filter(new() { HasText = "Rate" })).ToHaveTextAsync("Rate–");
            // Thresholds that are close to each other have their labels one above the other.
            var labels = await Page.EvaluateAsync<float[][]>("[...document.querySelectorAll('.chart-limits span')].map(e => e.getBoundingClientRect()).map(r => [r.top, r.bottom])");
            Assert.Equal(2, labels.Length);
            Assert.True(labels[1][1] <= labels[0][0] || labels[0][1] <= labels[1][0], string.Join("; ", labels.Select(label => string.Join(" to ", label))));
            // The text about its silence stays within its column.
            Assert.True(await Page.EvaluateAsync<bool>("[...document.querySelectorAll('.fact dd')].every(dd => dd.scrollWidth <= dd.clientWidth)"));
            await Expect(Page.GetByText("by arrival, for its clock is off")).ToBeVisibleAsync();
            await Expect(Page.Locator(".chart .point")).ToHaveCountAsync(4);
            await HasNoViolationAsync();

            var download = await Page.RunAndWaitForDownloadAsync(() => Page.GetByRole(AriaRole.Link, new() { Name = "CSV" }).ClickAsync());
            Assert.Equal(5, (await File.ReadAllLinesAsync(await download.PathAsync())).Length);

            // A script requests the page's port, which forwards the path unchanged, also with an id that no path can hold.
            using var client = new HttpClient { BaseAddress = Site };
            foreach (var path in (string[])[$"/api/sensors/{Uri.EscapeDataString(Id)}", $"/api/sensor?id={Uri.EscapeDataString(Id)}"])
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Site.ToString().TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
                using var response = await client.SendAsync(request);
                Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
                Assert.Contains("factory/line 1", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }

            // An address typed by hand, with unescaped slashes.
            await OpenAsync("/sensors/factory%2Fline%201%2F50%25%20x%3Fy%2F..");
            await Expect(Page.GetByText("9 h ahead")).ToBeVisibleAsync();
        }
        finally
        {
            await Stack.Factory.RemoveStrangerAsync(Id);
        }
    }
}
