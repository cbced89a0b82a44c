using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>The browser of the machine, headless and without background traffic.</summary>
internal static class Chromium
{
    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    /// <exception cref="InvalidOperationException">There is no browser.</exception>
    internal static Task<IBrowser> LaunchAsync(IPlaywright playwright) =>
        playwright.Chromium.LaunchAsync(new() { ExecutablePath = Find(), Args = Flags, Headless = true });

    /// <summary>
    /// Stops all movement on the page: transitions end at once, and endless animations stop. A color in transition has a contrast that no design has.
    /// </summary>
    internal static async Task HoldStillAsync(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        await session.SendAsync("Animation.enable");
        await session.SendAsync("Animation.setPlaybackRate", new() { ["playbackRate"] = 100_000 });
        await page.EvaluateAsync(
            """
            async () => {
                for (const animation of document.getAnimations()) {
                    if (animation.effect.getComputedTiming().endTime === Infinity) animation.cancel();
                    else animation.finish();
                }
                await new Promise(requestAnimationFrame);
            }
            """);
    }

    /// <summary>Takes a screenshot of a page on which nothing moves.</summary>
    internal static async Task PictureAsync(IPage page, string path, bool fullPage = false)
    {
        await HoldStillAsync(page);
        await page.ScreenshotAsync(new() { Path = path, FullPage = fullPage, Animations = ScreenshotAnimations.Disabled });
    }

    // The headless shell takes half the processor time of the whole browser.
    private static string Find() =>
        Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named ? named
        : new[] { "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome" }
            .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(directory => Path.Combine(directory, name)))
            .FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("These tests need Chromium: apt-get install chromium-headless-shell, or name another in CHROMIUM");
}
