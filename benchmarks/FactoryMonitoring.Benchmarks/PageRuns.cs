using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Tests.Browser;
using Microsoft.Playwright;

namespace FactoryMonitoring.Benchmarks;

/// <summary>Pages in a browser on a simulated factory: how soon they are painted, and how busy their updates keep the browser.</summary>
internal static class PageRuns
{
    private const string Live = "[data-testid=link][data-interactive]";
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(10);

    private static readonly (string Name, string Path, int Partitions)[] Pages =
    [
        ("overview", "/", 6), ("overview_60", "/", 60), ("overview_600", "/", 600), ("partitions", "/partitions", 6), ("partitions_60", "/partitions", 60), ("partitions_600", "/partitions", 600),
        ("sensors", "/sensors", 6), ("alerts", "/alerts", 6),
    ];

    /// <param name="CeilingMs">First paint of a text of a few bytes from the same server: what connection, browser and server take for anything.</param>
    /// <param name="BusyMs">Of each second, the time for which the browser's main thread runs scripts, styles, layout and paint, in ms.</param>
    public sealed record Page(string Name, double FirstPaintMs, double LiveMs, double BusyMs, double CeilingMs)
    {
        /// <summary>First paint against the ceiling.</summary>
        public double PaintRatio => CeilingMs / FirstPaintMs;

        /// <summary>Share of the main thread.</summary>
        public double BusyRatio => BusyMs / 1000;
    }

    public static async Task<IReadOnlyList<Page>> RunAsync(string repository, string directory, Postgres postgres)
    {
        await postgres.ResetAsync();
        await using var factory = new SimulatedFactory(postgres.DataSource);
        await factory.StartAsync();
        var (apiPort, port) = (Brokers.FreePort(), Brokers.FreePort());
        await using var api = Services.StartApi(repository, directory, null, postgres, apiPort);
        await using var web = Services.StartWeb(repository, directory, port, apiPort);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        var site = $"http://127.0.0.1:{port}";
        await AnswersAsync($"{site}/health");
        var pages = new List<Page>();
        foreach (var group in Pages.GroupBy(page => page.Partitions))
        {
            if (group.Key > SimulatedFactory.Partitions) await factory.GrowAsync(group.Key);
            foreach (var (name, path, _) in group)
            {
                // The first of each fills caches of browser and server.
                await MeasureAsync(browser, site, path, name);
                pages.Add(await MeasureAsync(browser, site, path, name));
            }
            if (group.Key > SimulatedFactory.Partitions) await factory.ShrinkAsync();
        }
        return pages;
    }

    private static async Task<Page> MeasureAsync(IBrowser browser, string site, string path, string name)
    {
        await using var context = await browser.NewContextAsync(new() { BaseURL = site, ViewportSize = new() { Width = 1440, Height = 900 } });
        var page = await context.NewPageAsync();
        await page.GotoAsync("/alive");
        var ceiling = await FirstPaintAsync(page);
        await page.GotoAsync(path);
        var paint = await FirstPaintAsync(page);
        await Assertions.Expect(page.Locator(Live)).ToContainTextAsync("live", new() { Timeout = 60_000 });
        var live = await page.EvaluateAsync<double>("() => performance.now()");
        await page.WaitForFunctionAsync("() => !document.querySelector('[aria-busy]')");
        await page.WaitForTimeoutAsync(2000);
        var session = await context.NewCDPSessionAsync(page);
        await session.SendAsync("Performance.enable");
        var before = await MainThreadSecondsAsync(session);
        await page.WaitForTimeoutAsync((float)Watched.TotalMilliseconds);
        var perSecond = (await MainThreadSecondsAsync(session) - before) / Watched.TotalSeconds;
        return new(name, paint, live, perSecond * 1000, ceiling);
    }

    private static Task<double> FirstPaintAsync(IPage page) => page.EvaluateAsync<double>(
        """
        async () => {
            for (;;) {
                const [paint] = performance.getEntriesByName('first-contentful-paint');
                if (paint) return paint.startTime;
                await new Promise(requestAnimationFrame);
            }
        }
        """);

    private static async Task<double> MainThreadSecondsAsync(ICDPSession session) => (await session.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
        .Single(metric => metric.GetProperty("name").GetString() == "TaskDuration").GetProperty("value").GetDouble();

    private static async Task AnswersAsync(string url)
    {
        using var client = new HttpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                using var response = await client.GetAsync(new Uri(url), limit.Token);
                if (response.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // It starts.
            }
            await Task.Delay(100, limit.Token);
        }
    }
}
