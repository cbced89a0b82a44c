using FactoryMonitoring.Contracts.Api;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>The page of the fault lab, with a simulated lab that breaks nothing.</summary>
public sealed class FaultLabTests(BrowserFixture stack) : BrowserTest(stack)
{
    private const string Victim = "sensor-consumer-2";

    protected override Uri Site => Stack.LabWeb.Address;

    [Theory]
    [InlineData("dark")]
    [InlineData("light")]
    public async Task Past_runs_are_read_and_protocols_compared(string theme)
    {
        Stack.Lab.Reset();
        await OpenWindowAsync(theme, 1440, 900);
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}");
        await Expect(Page.GetByTestId("experiments").GetByRole(AriaRole.Link)).ToHaveCountAsync(13);
        await Expect(Page.GetByTestId("experiments").GetByRole(AriaRole.Link, new() { NameRegex = Words("^A consumer is killed") })).ToContainTextAsync("p50 6.41 s · p95 6.80 s");
        await Expect(Page.GetByTestId("run")).ToContainTextAsync("PASS");
        await Expect(Page.GetByTestId("run-lanes").Locator(".lane[data-partition='4'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-1");
        await Expect(Page.GetByTestId("run-lanes").Locator(".stall")).ToHaveCountAsync(2);
        await Expect(Page.GetByTestId("comparison")).ToContainTextAsync("classic, eager");
        // Two runs show a range instead of percentiles; five runs have percentiles.
        await Expect(Page.GetByTestId("comparison")).ToContainTextAsync("6.93 s to 7.42 s");
        await Expect(Page.GetByTestId("comparison")).ToContainTextAsync("p50 6.41 s · p95 6.80 s");
        await Expect(Page.GetByTestId("experiments").GetByRole(AriaRole.Link, new() { NameRegex = Words("^PostgreSQL is restarted") })).ToContainTextAsync("last 3.90 s");
        await Expect(Page.GetByTestId("experiments")).Not.ToContainTextAsync("p50 3.90 s");
        await Expect(Page.GetByTestId("runs-chart").GetByRole(AriaRole.Link)).ToHaveCountAsync(9);
        await ShowAsync($"fault-lab-{theme}");

        await Page.GetByTestId("experiments").GetByRole(AriaRole.Link, new() { NameRegex = Words("^The active controller is killed") }).ClickAsync();
        await Expect(Page.GetByTestId("checks").GetByRole(AriaRole.Row, new() { NameRegex = Words("^FAIL .*at most 3.00 s 3.31 s") })).ToBeVisibleAsync();
        Assert.Contains("experiment=controller-killed", Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dark")]
    [InlineData("light")]
    public async Task A_run_is_confirmed_watched_live_and_told_its_verdict(string theme)
    {
        Stack.Lab.Reset();
        await OpenWindowAsync(theme, 1440, 900);
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Run it" }).ClickAsync();
        var question = Page.GetByRole(AriaRole.Dialog);
        await Expect(question).ToContainTextAsync("Run “A consumer is killed”?");
        await Expect(question).ToContainTextAsync("SIGKILL");
        await ShowAsync($"fault-lab-question-{theme}", fullPage: false);
        await question.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(question).ToBeHiddenAsync();
        Assert.Null(Stack.Lab.Running);

        await Page.GetByRole(AriaRole.Button, new() { Name = "Run it" }).ClickAsync();
        await Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Run it" }).ClickAsync();
        var run = Page.GetByTestId("run");
        await Expect(run.Locator("[aria-current=step]")).ToHaveTextAsync("Steady state");
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Run it" })).ToBeDisabledAsync();
        try
        {
            Stack.Factory.Kill(Victim);
            Stack.Lab.Update(told => SimulatedRuns.Strike(told, DateTimeOffset.UtcNow));
            await Expect(run.Locator("[aria-current=step]")).ToHaveTextAsync("Observation");
            // A stall that lasts until now; one of the run before may still be visible.
            await Page.WaitForFunctionAsync("""
                () => [...document.querySelectorAll("[data-testid='live-lanes'] .lane[data-partition='1'] .stall")]
                    .some(stall => parseFloat(stall.style.left) + parseFloat(stall.style.width) > 99)
                """);
            await Stack.Factory.TakeOverAsync(Victim, "sensor-consumer-3", 1, 4);
            Stack.Lab.Update(SimulatedRuns.Reassign);
            await Expect(Page.GetByTestId("stopwatch")).ToContainTextAsync("+6.12 s");
            await Expect(Page.GetByTestId("live-lanes").Locator(".lane[data-partition='1'] .bar").Last).ToHaveAttributeAsync("data-owner", "sensor-consumer-3");
            await Expect(Page.GetByTestId("checks")).ToContainTextAsync("open");
            await ShowAsync($"fault-lab-running-{theme}", fullPage: false);
        }
        finally
        {
            Stack.Factory.Revive(Victim);
            await Stack.Factory.TakeOverAsync("sensor-consumer-3", Victim, 1, 4);
        }

        Stack.Lab.End(6_650, Verdicts.Pass);
        await Expect(run.Locator(".verdict")).ToContainTextAsync("PASS");
        await Expect(Page.GetByTestId("checks").GetByText("PASS")).ToHaveCountAsync(6);
        await Expect(Page.GetByTestId("comparison").Locator("tr.shown")).ToContainTextAsync("6.65 s");
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Run it" })).ToBeEnabledAsync();
        var download = await Page.RunAndWaitForDownloadAsync(() => run.GetByRole(AriaRole.Link, new() { Name = "Markdown" }).ClickAsync());
        Assert.Matches("^consumer-killed-[0-9]+[.]md$", download.SuggestedFilename);
    }

    [Fact]
    public async Task The_verdict_of_a_run_that_somebody_else_started_stays_in_view()
    {
        Stack.Lab.Reset();
        using var client = new HttpClient { BaseAddress = Stack.Lab.Address };
        (await client.PostAsync(LabRoutes.RunOf(SimulatedLab.ConsumerKilled), null)).EnsureSuccessStatusCode();
        await OpenAsync("/fault-lab");
        await Expect(Page.GetByTestId("experiment")).ToContainTextAsync("A consumer is killed");
        Stack.Lab.Update(told => SimulatedRuns.Strike(told, DateTimeOffset.UtcNow));
        Stack.Lab.End(6_650, Verdicts.Pass);
        await Expect(Page.GetByTestId("run").Locator(".verdict")).ToContainTextAsync("PASS");
        await Expect(Page.GetByTestId("experiments")).Not.ToContainTextAsync("RUNNING");
        await Expect(Page.GetByTestId("experiment")).ToContainTextAsync("A consumer is killed");
        await Expect(Page.GetByTestId("run")).ToContainTextAsync("6.65 s");
    }

    [Fact]
    public async Task A_run_of_another_experiment_is_not_shown_under_this_one()
    {
        Stack.Lab.Reset();
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}");
        await Page.GetByTestId("experiments").GetByRole(AriaRole.Link, new() { NameRegex = Words("^The active controller is killed") }).ClickAsync();
        await Page.GetByTestId("comparison").Locator("tbody a").First.ClickAsync();
        var run = System.Web.HttpUtility.ParseQueryString(new Uri(Page.Url).Query)["run"];

        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}&run={run}");
        await Expect(Page.GetByTestId("run")).ToContainTextAsync("is a run of another experiment");
        await Page.GetByTestId("run").GetByRole(AriaRole.Link).ClickAsync();
        await Expect(Page.GetByTestId("experiment")).ToContainTextAsync("The active controller is killed");
        await OpenAsync("/fault-lab?run=x");
        await Expect(Page.GetByTestId("experiment")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_single_fault_is_asked_for_confirmed_and_answered()
    {
        Stack.Lab.Reset();
        await OpenAsync("/fault-lab");
        var faults = Page.GetByTestId("single-faults");
        await faults.GetByRole(AriaRole.Button, new() { Name = "Pause sensor-consumer-3" }).ClickAsync();
        await ConfirmAsync("Pause sensor-consumer-3?", "Pause");
        await Expect(faults.GetByRole(AriaRole.Button, new() { Name = "Resume sensor-consumer-3" })).ToBeVisibleAsync();
        await Expect(Page.GetByTestId("answers")).ToContainTextAsync("pause sensor-consumer-3: done");

        await faults.GetByRole(AriaRole.Button, new() { Name = "Cut the database link" }).ClickAsync();
        await ConfirmAsync("Cut the database link?", "Cut");
        await Expect(Page.GetByTestId("answers")).ToContainTextAsync("cut the database link: done");

        await faults.GetByRole(AriaRole.Button, new() { Name = "Send poison" }).ClickAsync();
        await ConfirmAsync("Send 10 malformed messages?", "Send");
        await Expect(Page.GetByTestId("answers")).ToContainTextAsync("send 10 malformed messages: done");
        Assert.Equal(["pause sensor-consumer-3", "cut the database link", "send 10 malformed messages"], Stack.Lab.Commands);
    }

    [Theory]
    [InlineData("dark")]
    [InlineData("light")]
    public async Task Where_faults_are_off_the_page_says_how_they_are_enabled(string theme)
    {
        Stack.Lab.Reset();
        Stack.Lab.Enabled = false;
        try
        {
            await OpenWindowAsync(theme, 1440, 900);
            await OpenAsync("/fault-lab");
            await Expect(Page.GetByTestId("faults-off")).ToContainTextAsync("--Factory:Faults=true");
            await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Run it" })).ToBeDisabledAsync();
            await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Kill sensor-consumer-1" })).ToBeDisabledAsync();
            await ShowAsync($"fault-lab-off-{theme}");
        }
        finally
        {
            Stack.Lab.Reset();
        }
    }

    [Fact]
    public async Task Without_a_fault_lab_the_page_says_so_and_offers_nothing()
    {
        await OpenAsync(new Uri(Stack.Web.Address, "/fault-lab").ToString());
        await Expect(Page.GetByTestId("faults-off")).ToContainTextAsync("--Factory:Faults=true");
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Run it" })).ToHaveCountAsync(0);
        await Expect(Page.GetByTestId("single-faults")).ToHaveCountAsync(0);
        using var client = new HttpClient { BaseAddress = Stack.Web.Address };
        using var experiments = await client.GetAsync(LabRoutes.Experiments);
        Assert.Equal((404, true), ((int)experiments.StatusCode, (await experiments.Content.ReadAsStringAsync()).Contains("Factory:Faults", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Experiments_stand_in_groups_and_what_failed_comes_first()
    {
        Stack.Lab.Reset();
        await OpenAsync("/fault-lab");
        var list = Page.GetByTestId("experiments");
        await Expect(list.GetByRole(AriaRole.Heading, new() { Level = 3 })).ToHaveTextAsync(["Brokers", "Consumers", "Database", "Sensors and messages", "Load"]);
        await Expect(list.GetByRole(AriaRole.Link).First).ToContainTextAsync(Words("active controller is killed.*FAIL"));
        await Expect(list).ToContainTextAsync("1 of 13 failed");
    }

    [Fact]
    public async Task Nothing_lies_over_its_neighbor_or_is_cut_off_and_what_breaks_something_looks_like_it()
    {
        Stack.Lab.Reset();
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}");
        // As long as a limit on the embedded brokers.
        Assert.True(await Page.EvaluateAsync<bool>("""
            () => [...document.querySelectorAll('.limits li')].every(limit => {
                limit.firstElementChild.textContent = 'at most 2 rebalances';
                return limit.firstElementChild.getBoundingClientRect().right <= limit.lastElementChild.getBoundingClientRect().left;
            })
            """));
        Assert.True(await Page.EvaluateAsync<bool>("() => [...document.querySelectorAll('.run .scroll')].every(table => table.scrollWidth <= table.clientWidth)"));
        var colors = await Page.EvaluateAsync<string[]>("""
            () => ['Kill sensor-consumer-1', 'Start sensor-consumer-4'].map(name => getComputedStyle(document.querySelector(`[aria-label="${name}"]`)).color)
            """);
        Assert.NotEqual(colors[0], colors[1]);
    }

    [Fact]
    public async Task A_report_of_a_run_is_one_page_of_paper()
    {
        Stack.Lab.Reset();
        await OpenAsync($"/fault-lab?experiment={SimulatedLab.ConsumerKilled}");
        await Page.GetByTestId("run").GetByRole(AriaRole.Link, new() { Name = "to print" }).ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("A consumer is killed");
        await Expect(Page.GetByTestId("verdict")).ToContainTextAsync("PASS");
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Experiment" })).ToContainTextAsync("What must hold");
        await Expect(Page.GetByTestId("checks").GetByText("PASS")).ToHaveCountAsync(6);
        var paper = System.Text.Encoding.Latin1.GetString(await Page.PdfAsync(new() { PreferCSSPageSize = true, PrintBackground = true }));
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(paper, @"/Type\s*/Page\b"));
        await Page.EmulateMediaAsync(new() { Media = Media.Print });
        await Expect(Page.Locator(".topbar")).ToBeHiddenAsync();
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, "run-report-print.png"), true);
        await Page.EmulateMediaAsync(new() { Media = Media.Screen });
        await ShowAsync("run-report-dark");
    }

    private async Task ConfirmAsync(string title, string yes)
    {
        var question = Page.GetByRole(AriaRole.Dialog);
        await Expect(question).ToContainTextAsync(title);
        await question.GetByRole(AriaRole.Button, new() { Name = yes, Exact = true }).ClickAsync();
        await Expect(question).ToBeHiddenAsync();
    }

    /// <summary>Takes screenshots of the page on a desktop and on a phone, and checks its accessibility.</summary>
    private async Task ShowAsync(string name, bool fullPage = true)
    {
        // The tooltip of a mark under the pointer is outside of the page's landmarks.
        await Page.Mouse.MoveAsync(0, 0);
        await Expect(Page.Locator("#tip")).ToBeHiddenAsync();
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}.png"), fullPage);
        await HasNoViolationAsync();
        await Page.SetViewportSizeAsync(390, 844);
        await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, $"{name}-phone.png"), fullPage);
        Assert.Equal(390, await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await HasNoViolationAsync();
        await Page.SetViewportSizeAsync(1440, 900);
        Assert.Empty(ForeignRequests);
        Assert.Empty(Errors);
    }
}
