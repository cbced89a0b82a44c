using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Tests.Browser;
using Microsoft.Playwright;

namespace FactoryMonitoring.Benchmarks;

/// <summary>Pages in a browser on a simulated factory: how soon they are painted, how busy their updates keep the browser, and how long a frame takes.</summary>
internal static class PageRuns
{
    private const string Live = "[data-testid=link][data-interactive]";
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(10);

    /// <summary>Between two times at which the factory stores readings in all partitions.</summary>
    private static readonly TimeSpan Stores = TimeSpan.FromMilliseconds(500);

    // The time from one frame to the next, and the time that a frame takes: from its beginning until the main thread has drawn it, with what delayed it. A task
    // that is posted while a frame is drawn runs after it. A change is drawn in the frame after it, and delays the one after that.
    private const string Frames = """
        milliseconds => new Promise(done => {
            const [intervals, times, channel] = [[], [], new MessageChannel()];
            let changed = false, changedBefore = false, before, begun = 0, end = 0;
            const observer = new MutationObserver(() => { changed = true; });
            observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
            const isUpdate = () => changed || changedBefore;
            channel.port1.onmessage = () => { times.push({ ms: performance.now() - begun, isUpdate: isUpdate() }); [changedBefore, changed] = [changed, false]; };
            const frame = now => {
                if (before !== undefined) intervals.push({ ms: now - before, isUpdate: isUpdate() });
                [before, begun, end] = [now, now, end || now + milliseconds];
                channel.port2.postMessage(null);
                if (now < end) { requestAnimationFrame(frame); return; }
                observer.disconnect();
                setTimeout(() => done([intervals, times].flatMap(frames => [frames.map(each => each.ms), frames.map(each => Number(each.isUpdate))])), 100);
            };
            requestAnimationFrame(frame);
        })
        """;

    private static readonly (string Name, string Path, int Partitions)[] Pages =
    [
        ("overview", "/", 6), ("overview_60", "/", 60), ("overview_600", "/", 600), ("partitions", "/partitions", 6), ("partitions_60", "/partitions", 60), ("partitions_600", "/partitions", 600),
        ("sensors", "/sensors", 6), ("alerts", "/alerts", 6),
    ];

    /// <param name="CeilingMs">First paint of a text of a few bytes from the same server: what connection, browser and server take for anything.</param>
    /// <param name="BusyMs">Of each second, the time for which the browser's main thread runs scripts, styles, layout and paint, in ms.</param>
    /// <param name="IntervalMs">From one frame to the next while updates are drawn: the 95th percentile.</param>
    /// <param name="FrameMs">Time that such a frame takes on the main thread: the 95th percentile.</param>
    /// <param name="IntervalCeilingMs">From one frame to the next of the text, in the same browser: the 95th percentile.</param>
    /// <param name="Frames">How many frames drew updates.</param>
    public sealed record Page(
        string Name, double FirstPaintMs, double LiveMs, double BusyMs, double CeilingMs, double IntervalMs, double FrameMs, double IntervalCeilingMs, int Frames)
    {
        /// <summary>First paint against the ceiling.</summary>
        public double PaintRatio => CeilingMs / FirstPaintMs;

        /// <summary>Share of the main thread.</summary>
        public double BusyRatio => BusyMs / 1000;

        /// <summary>The interval against its ceiling.</summary>
        public double IntervalRatio => IntervalCeilingMs / IntervalMs;
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
        using var over = new CancellationTokenSource();
        var storing = StoreAsync(factory, over.Token);
        var pages = new List<Page>();
        foreach (var group in Pages.GroupBy(page => page.Partitions))
        {
            if (group.Key > SimulatedFactory.Partitions) await factory.GrowAsync(group.Key);
            foreach (var (name, path, _) in group)
            {
                // The first opening fills caches of browser and server.
                await using (var context = await OpenAsync(browser, site)) await GoAsync(context.Pages[0], path);
                pages.Add(await MeasureAsync(browser, site, path, name));
            }
            if (group.Key > SimulatedFactory.Partitions) await factory.ShrinkAsync();
        }
        await over.CancelAsync();
        await storing;
        return pages;
    }

    /// <summary>Stores readings in all partitions, as a factory does, so that the pages have something to draw.</summary>
    private static async Task StoreAsync(SimulatedFactory factory, CancellationToken over)
    {
        using var timer = new PeriodicTimer(Stores);
        try
        {
            while (await timer.WaitForNextTickAsync(over)) await factory.StoreEverywhereAsync();
        }
        catch (OperationCanceledException)
        {
            // All is measured.
        }
    }

    private static async Task<Page> MeasureAsync(IBrowser browser, string site, string path, string name)
    {
        await using var context = await OpenAsync(browser, site);
        var page = context.Pages[0];
        await page.GotoAsync("/alive");
        var ceiling = await FirstPaintAsync(page);
        var (idle, _) = await FramesAsync(page);
        var paint = await GoAsync(page, path);
        var live = await page.EvaluateAsync<double>("() => performance.now()");
        await page.WaitForFunctionAsync("() => !document.querySelector('[aria-busy]')");
        await page.WaitForTimeoutAsync(2000);
        var session = await context.NewCDPSessionAsync(page);
        await session.SendAsync("Performance.enable");
        var before = await MainThreadSecondsAsync(session);
        await page.WaitForTimeoutAsync((float)Watched.TotalMilliseconds);
        var perSecond = (await MainThreadSecondsAsync(session) - before) / Watched.TotalSeconds;
        var (intervals, times) = await FramesAsync(page);
        Frame[] updates = [.. intervals.Where(frame => frame.IsUpdate)];
        return new(
            name, paint, live, perSecond * 1000, ceiling, P95(updates), P95([.. times.Where(frame => frame.IsUpdate)]), P95(idle), updates.Length);
    }

    private static async Task<IBrowserContext> OpenAsync(IBrowser browser, string site)
    {
        var context = await browser.NewContextAsync(new() { BaseURL = site, ViewportSize = new() { Width = 1440, Height = 900 } });
        await context.NewPageAsync();
        return context;
    }

    /// <summary>Goes to a page and waits until it is live.</summary>
    /// <returns>The time until the first paint, in ms.</returns>
    private static async Task<double> GoAsync(IPage page, string path)
    {
        await page.GotoAsync(path);
        var paint = await FirstPaintAsync(page);
        await Assertions.Expect(page.Locator(Live)).ToContainTextAsync("live", new() { Timeout = 60_000 });
        return paint;
    }

    /// <summary>Draws frames for <see cref="Watched"/>.</summary>
    /// <returns>The time from one frame to the next, and the time of each frame.</returns>
    private static async Task<(Frame[] Intervals, Frame[] Times)> FramesAsync(IPage page)
    {
        var frames = await page.EvaluateAsync<double[][]>(Frames, Watched.TotalMilliseconds);
        return (Of(frames[0], frames[1]), Of(frames[2], frames[3]));

        static Frame[] Of(double[] ms, double[] isUpdate) => [.. ms.Zip(isUpdate, (each, update) => new Frame(each, update > 0))];
    }

    /// <exception cref="InvalidOperationException">There is no frame.</exception>
    private static double P95(Frame[] frames) => frames.Length == 0
        ? throw new InvalidOperationException("nothing was drawn; the logs of API and web say why")
        : frames.Select(frame => frame.Ms).Order().ElementAt((int)Math.Ceiling(frames.Length * 0.95) - 1);

    /// <param name="IsUpdate">Whether the frame drew a change of the page, or was delayed by one.</param>
    private sealed record Frame(double Ms, bool IsUpdate);

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
