using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Tests.Browser;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>
/// The page on the running factory, in a browser. Takes the screenshots for README and docs. With PICTURES=1 (make pictures) it runs every experiment first,
/// and writes screenshots and measurements to the docs: all of them are of one run.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class PageTests(ProcessesStack stack) : IAsyncLifetime
{
    private static readonly PageAssertionsToHaveTitleOptions Patient = new() { Timeout = 60_000 };

    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async Task InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await Chromium.LaunchAsync(_playwright);
    }

    public async Task DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    [Fact]
    public async Task A_browser_sees_live_numbers_and_a_kill_without_a_reload()
    {
        const string Victim = "sensor-consumer-2";
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        if (ForDocs)
        {
            await RunExperimentsAsync();
        }

        var page = await OpenAsync(ColorScheme.Dark);
        await page.GotoAsync("/");
        await Expect(page).ToHaveTitleAsync(new Regex("Factory Monitoring"), Patient);
        await Expect(page.Locator("[data-testid=link][data-interactive]")).ToContainTextAsync("live");
        await page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        await Expect(page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        var first = await NumberAsync(page);
        await page.WaitForFunctionAsync(
            "first => Number(document.querySelector('[data-testid=database] .big').textContent.replace(/[^0-9]/g, '')) > first + 50", first);

        var finishRecording = ForDocs ? await RecordKillAsync() : null;

        await stack.ControlAsync(Victim, "kill");
        await Expect(page.GetByTestId("consumers")).ToContainTextAsync("2 of 3 active");
        await Expect(page.GetByTestId("status")).ToContainTextAsync(Victim);
        await Expect(page.GetByTestId("rebalances")).ToContainTextAsync($"{Victim["sensor-".Length..]} lost");
        var stopwatch = page.Locator($".stopwatch[aria-label*='{Victim}']");
        await Expect(stopwatch.Locator("dd")).Not.ToHaveCountAsync(0);
        await Expect(stopwatch.Locator("dd.open")).ToHaveCountAsync(0);
        await (finishRecording?.Invoke() ?? Task.CompletedTask);
        await Chromium.PictureAsync(page, Picture("overview-consumer-killed-dark"));

        await stack.ControlAsync(Victim, "start");
        await Expect(page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        Assert.True(await page.EvaluateAsync<bool>("() => window.stillTheSamePage === true"));
        await TakePicturesAsync();
    }

    /// <summary>Records what the page shows of a kill, until the returned function is called. Two more pages that change all the time take a core.</summary>
    private async Task<Func<Task>> RecordKillAsync()
    {
        var light = await OpenAsync(ColorScheme.Light);
        await light.GotoAsync("/");
        var watched = await OpenAsync(ColorScheme.Dark, 1200, 750);
        await watched.GotoAsync("/");
        await Expect(watched.Locator("[data-testid=link][data-interactive]")).ToContainTextAsync("live");
        var caughtUp = new CancellationTokenSource();
        var moving = new MovingPicture();
        var following = moving.FollowAsync(watched, caughtUp.Token);
        return async () =>
        {
            await caughtUp.CancelAsync();
            caughtUp.Dispose();
            await following;
            await moving.SaveAsync(Picture("consumer-killed", "gif"));
            await Chromium.PictureAsync(light, Picture("overview-consumer-killed-light"));
        };
    }

    /// <summary>Runs the experiments: the screenshots show a factory that has run for a while, with runs of experiments.</summary>
    private async Task RunExperimentsAsync()
    {
        using var lab = stack.App.CreateHttpClient(ResourceNames.FaultLab);
        var experiments = (await lab.GetFromJsonAsync("/api/experiments", ApiJson.Context.ExperimentsBody))!.Experiments;
        List<ExperimentRunBody> runs = [];
        foreach (var experiment in experiments.Where(experiment => experiment.Unavailable is null))
        {
            using var started = await lab.PostAsync(new Uri($"/api/experiments/{experiment.Name}/run", UriKind.Relative), null);
            var id = (await started.Content.ReadFromJsonAsync(ApiJson.Context.ExperimentStartedBody))!.Id;
            await Wait.ForAsync(
                $"the verdict on {experiment.Name}",
                TimeSpan.FromMinutes(5),
                async token => (await stack.JsonAsync($"/api/experiments/runs/{id}", token))["verdict"]!.GetValue<string>(),
                verdict => verdict != Verdicts.Running);
            runs.Add((await lab.GetFromJsonAsync($"/api/experiments/runs/{id}", ApiJson.Context.ExperimentRunBody))!);
            await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        }

        await MeasuredRuns.WriteAsync(runs);

        await Task.Delay(TimeSpan.FromMinutes(4));
    }

    private async Task TakePicturesAsync()
    {
        string[] views = ["partitions", "consumers", "sensors", "sensors/temp-sensor-001", "brokers", "alerts", "fault-lab"];
        // The documentation shows both themes.
        foreach (var scheme in ForDocs ? new[] { ColorScheme.Dark, ColorScheme.Light } : [ColorScheme.Dark])
        {
            var page = await OpenAsync(scheme);
            foreach (var view in views.Prepend(""))
            {
                await page.GotoAsync($"/{view}");
                await Expect(page.Locator("[data-testid=link][data-interactive]")).ToContainTextAsync("live");
                await page.WaitForFunctionAsync("() => !document.querySelector('[aria-busy]')");
                var name = view.Length == 0 ? "overview" : view.Replace('/', '-');
                await Chromium.PictureAsync(page, Picture($"{name}-{(scheme == ColorScheme.Dark ? "dark" : "light")}"), view.Length > 0);
            }
        }
    }

    private async Task<IPage> OpenAsync(ColorScheme scheme, int width = 1440, int height = 900)
    {
        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = stack.Web.BaseAddress!.ToString(),
            ViewportSize = new() { Width = width, Height = height },
            ColorScheme = scheme,
        });
        context.SetDefaultTimeout(60_000);
        SetDefaultExpectTimeout(60_000);
        return await context.NewPageAsync();
    }

    private static async Task<long> NumberAsync(IPage page)
    {
        var text = await page.Locator("[data-testid=database] .big").TextContentAsync();
        return long.Parse(string.Concat(text!.Where(char.IsAsciiDigit)), CultureInfo.InvariantCulture);
    }

    private static bool ForDocs => Environment.GetEnvironmentVariable("PICTURES") == "1";

    private static string Picture(string name, string form = "png") => Path.Combine(
        ForDocs ? Path.Combine(Repository.Root, "docs", "pictures") : Path.Combine(Repository.Screenshots, "stack"),
        $"{name}.{form}");
}
