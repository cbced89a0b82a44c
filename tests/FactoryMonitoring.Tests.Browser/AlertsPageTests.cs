using FactoryMonitoring.Contracts;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>The list of alerts, and where else the pages show alerts.</summary>
public sealed class AlertsPageTests(BrowserFixture stack) : BrowserTest(stack)
{
    private const string Sensor = "press-sensor-777";

    [Fact]
    public async Task A_sensor_that_breaks_two_rules_is_one_row_that_opens_into_its_alerts()
    {
        await Stack.Factory.RaiseAsync(Sensor, AnomalyTypes.CriticalThreshold, Severities.High, resolved: false);
        await Stack.Factory.RaiseAsync(Sensor, AnomalyTypes.BaselineDeviation, Severities.Low, resolved: true);
        try
        {
            await OpenAsync("/alerts");
            var row = Page.GetByTestId("alert-list").GetByTestId("condition").Filter(new() { HasText = Sensor });
            await Expect(row).ToHaveCountAsync(1);
            await Expect(row).ToContainTextAsync("over critical + off its baseline · 2 alerts");
            await Expect(row).ToContainTextAsync("open");
            await row.Locator("summary").FocusAsync();
            await Page.Keyboard.PressAsync("Enter");
            await Expect(row.GetByRole(AriaRole.Link)).ToHaveCountAsync(2);
            await HasNoViolationAsync();

            await OpenAsync("/alerts?group=machine");
            var machine = Page.GetByTestId("machine").Filter(new() { HasText = "machine-001" });
            await Expect(machine.Locator("summary").First).ToContainTextAsync(Words("high.*machine-001.* open"));
            await machine.Locator("summary").First.ClickAsync();
            await Expect(machine).ToContainTextAsync(Sensor);
            await HasNoViolationAsync();

            await OpenAsync($"/alerts?group=alert&sensor={Sensor}");
            await Expect(Page.GetByTestId("alert-list").Locator("tbody tr")).ToHaveCountAsync(2);
        }
        finally
        {
            await Stack.Factory.ForgetAlertsAsync(Sensor);
        }
    }

    [Fact]
    public async Task The_badge_in_the_bar_counts_open_alerts_and_is_loud_only_for_a_critical_one()
    {
        await OpenAsync("/sensors");
        var badge = Page.GetByTestId("alert-badge");
        var before = await ShownAsync(badge);
        await Expect(badge).Not.ToHaveClassAsync(Words("critical"));
        await Stack.Factory.RaiseAsync(Sensor, AnomalyTypes.CriticalThreshold, Severities.Critical, resolved: false);
        try
        {
            await Expect(badge).ToHaveTextAsync($"{before + 1}");
            await Expect(badge).ToHaveClassAsync(Words("critical"));
            await HasNoViolationAsync();
        }
        finally
        {
            await Stack.Factory.ForgetAlertsAsync(Sensor);
        }
    }

    [Fact]
    public async Task An_open_alert_is_in_the_badge_and_on_the_page_however_long_ago_it_was_raised()
    {
        await OpenAsync("/alerts?window=5m");
        var badge = Page.GetByTestId("alert-badge");
        var list = Page.GetByTestId("alert-list");
        var before = await ShownAsync(badge);
        // Two rules of one sensor are one condition.
        await Stack.Factory.RaiseAsync(Sensor, AnomalyTypes.BaselineDeviation, Severities.Low, resolved: false);
        await Stack.Factory.RaiseAsync(Sensor, AnomalyTypes.CriticalThreshold, Severities.High, resolved: false);
        await Stack.Factory.AgeAlertsAsync(Sensor, TimeSpan.FromDays(3));
        try
        {
            await Expect(badge).ToHaveTextAsync($"{before + 1}");
            await Expect(list.GetByTestId("condition").Filter(new() { HasText = Sensor })).ToContainTextAsync("2 alerts");
            await Expect(list).ToContainTextAsync("open since before this time range");
            await Expect(list.GetByTestId("condition").Locator(".condition-row").Filter(new() { HasTextRegex = Words(" open") })).ToHaveCountAsync(before + 1);
            await Expect(Page.GetByRole(AriaRole.Navigation, new() { Name = "Views" }).GetByRole(AriaRole.Link, new() { Name = "Alerts", Exact = true }))
                .ToHaveAccessibleDescriptionAsync(Words($"^{before + 1}.open condition"));
            await HasNoViolationAsync();
        }
        finally
        {
            await Stack.Factory.ForgetAlertsAsync(Sensor);
        }
    }

    [Theory]
    [InlineData("type=my-type", "Type", "my-type")]
    [InlineData("rule=my-rule", "Rule", "my-rule")]
    public async Task A_filter_of_an_unusual_value_does_not_read_all(string query, string label, string value)
    {
        await OpenAsync($"/alerts?{query}");
        await Expect(Page.GetByRole(AriaRole.Combobox, new() { Name = label, Exact = true })).ToHaveValueAsync(value);
    }

    [Fact]
    public async Task Filters_stand_in_one_line_and_the_axis_begins_with_the_first_alert()
    {
        await OpenAsync("/alerts?window=24h");
        var tops = await Page.EvaluateAsync<float[]>("() => [...document.querySelectorAll('.filters > *')].map(field => field.getBoundingClientRect().top)");
        Assert.Equal(5, tops.Length);
        Assert.InRange(tops.Max() - tops.Min(), 0, 10);
        await Expect(Page.GetByTestId("fitted")).ToContainTextAsync("none in this time range before");
        // 24 h in steps of 15 min would be 97 columns, all but one of them empty.
        await Expect(Page.Locator(".columns-chart .column").First.Locator("i").First).ToBeVisibleAsync();
        await Page.SetViewportSizeAsync(320, 844);
        Assert.Equal(320, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
    }

    /// <summary>Waits until the badge no longer counts what an earlier test deleted.</summary>
    /// <returns>The open conditions.</returns>
    private async Task<int> ShownAsync(ILocator badge)
    {
        var open = (int)await Stack.Factory.OpenConditionsAsync();
        await Expect(badge).ToHaveTextAsync($"{open}");
        return open;
    }
}
