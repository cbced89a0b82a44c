using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>What applies to every page.</summary>
public sealed class PageTests(BrowserFixture stack) : BrowserTest(stack)
{
    private static readonly (string Name, string Path, string Heading)[] Pages =
    [
        ("overview", "/", ""),
        ("partitions", "/partitions", "Partitions"),
        ("partitions-24h", "/partitions?window=24h", "Partitions"),
        ("consumers", "/consumers", "Consumers"),
        ("consumer", "/consumers/sensor-consumer-1", "sensor-consumer-1"),
        ("sensors", "/sensors", "Sensors"),
        ("sensor", $"/sensors/{SimulatedFactory.Sensor}", SimulatedFactory.Sensor),
        ("producer", "/producers/temperature-sensor", "temperature-sensor"),
        ("brokers", "/brokers", "Brokers"),
        ("alerts", "/alerts", "Alerts"),
        ("alert", $"/alerts/{SimulatedFactory.OpenAlert}", SimulatedFactory.Sensor),
        ("fault-lab-alone", "/fault-lab", "Fault lab"),
        ("audit", "/audit", "Audit log"),
        ("not-found", "/no-such-page", "There is no such page"),
    ];

    public static TheoryData<string, string> PagesAndThemes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (name, _, _) in Pages)
            {
                data.Add(name, "dark");
                data.Add(name, "light");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(PagesAndThemes))]
    public async Task Anyone_can_read_it_on_a_screen_and_on_a_phone(string name, string theme)
    {
        var (_, path, heading) = Pages.Single(page => page.Name == name);
        await OpenWindowAsync(theme, 1440, 900);
        await OpenAsync(path);
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(heading);
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}-{theme}.png"), true);
        await HasNoViolationAsync();

        await Page.SetViewportSizeAsync(390, 844);
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}-{theme}-phone.png"), true);
        Assert.Equal(390, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await HasNoViolationAsync();

        Assert.Empty(ForeignRequests);
        // The browser itself logs the answer 404.
        Assert.DoesNotContain(Errors, error => name != "not-found" || !error.Contains("404", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(320)]
    [InlineData(720)]
    public async Task No_page_scrolls_sideways_at_320_px_and_at_200_percent_zoom(int width)
    {
        await OpenWindowAsync("dark", width, 800);
        List<string> wide = [];
        foreach (var (name, path, _) in Pages)
        {
            await OpenAsync(path);
            if (await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth") > width) wide.Add(name);
        }

        Assert.Empty(wide);
    }
}
