using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>A test with a separate browser window, which records the errors in it.</summary>
[Collection(BrowserCollection.Name)]
public abstract class BrowserTest(BrowserFixture stack) : IAsyncLifetime
{
    /// <summary>How long a condition may take to become true on a busy machine, in ms.</summary>
    protected const float Patience = 60_000;

    private readonly List<string> _errors = [];
    private readonly List<string> _foreign = [];

    internal BrowserFixture Stack => stack;

    /// <summary>The web application whose pages are opened.</summary>
    protected virtual Uri Site => stack.Web.Address;

    protected IPage Page { get; private set; } = null!;

    /// <summary>The errors in the page's console, and its exceptions.</summary>
    protected IReadOnlyList<string> Errors => _errors;

    /// <summary>Requests to any host but the web application itself.</summary>
    protected IReadOnlyList<string> ForeignRequests => _foreign;

    public Task InitializeAsync() => OpenWindowAsync("dark", 1440, 900);

    public async Task DisposeAsync() => await Page.Context.CloseAsync();

    protected async Task OpenWindowAsync(string theme, int width, int height)
    {
        if (Page is not null) await Page.Context.CloseAsync();
        var context = await stack.Browser.NewContextAsync(new()
        {
            BaseURL = Site.ToString(),
            ViewportSize = new() { Width = width, Height = height },
            ColorScheme = theme == "dark" ? ColorScheme.Dark : ColorScheme.Light,
        });
        context.SetDefaultTimeout(Patience);
        Assertions.SetDefaultExpectTimeout(Patience);
        Page = await context.NewPageAsync();
        Page.Console += (_, message) => { if (message.Type == "error") _errors.Add(message.Text); };
        Page.PageError += (_, error) => _errors.Add(error);
        Page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: not ("data" or "blob") } address && address.Authority != Site.Authority) _foreign.Add(request.Url);
        };
    }

    /// <summary>Opens a page and waits until it is live and has content.</summary>
    protected async Task OpenAsync(string path)
    {
        await Page.GotoAsync(path, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await Assertions.Expect(Page.Locator("[data-testid=link][data-interactive]")).ToContainTextAsync("live");
        await Page.WaitForFunctionAsync("() => !document.querySelector('[aria-busy]')");
    }

    /// <summary>Scans the page with axe, whether its data are live or stale.</summary>
    protected async Task HasNoViolationAsync()
    {
        await Chromium.HoldStillAsync(Page);
        var result = await Page.RunAxe(new AxeRunOptions { RunOnly = RunOnlyOptions.Tags("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice") });
        var found = string.Join('\n', result.Violations.Select(violation => $"{violation.Id} ({violation.Impact}): {violation.Help}: {string.Join(" | ", violation.Nodes.Select(node => node.Html))}"));
        Assert.True(found.Length == 0, found);
    }

    protected ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    protected static Regex Words(string pattern) => new(pattern, RegexOptions.IgnoreCase);
}
