using System.Globalization;
using System.Net.WebSockets;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>What the page shows if something behind it is unavailable.</summary>
public sealed class StateTests(BrowserFixture stack) : BrowserTest(stack)
{
    [Fact]
    public async Task The_API_goes_away_and_comes_back_by_itself()
    {
        await OpenAsync("/");
        await Page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        await Stack.Api.KillAsync();
        try
        {
            await Expect(Page.GetByTestId("api-away")).ToBeVisibleAsync();
            await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
            await Expect(Page.Locator(".overview.stale")).ToHaveCountAsync(1);
            await HasNoViolationAsync();
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, "overview-api-away.png"));
        }
        finally
        {
            await Stack.Api.StartAsync();
        }

        await Expect(Page.GetByTestId("api-away")).ToBeHiddenAsync();
        await Stack.Factory.StoreAsync(0, 5);
        var stored = await Stack.Factory.StoredAsync();
        await Expect(Page.GetByTestId("database")).ToContainTextAsync(stored.ToString("#,0", CultureInfo.InvariantCulture));
        Assert.True(await Page.EvaluateAsync<bool>("() => window.stillTheSamePage === true"));
    }

    [Fact]
    public async Task The_database_goes_away_and_nobody_is_declared_dead()
    {
        await OpenAsync("/");
        await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        await Stack.Postgres.KillAsync();
        try
        {
            await Expect(Page.GetByTestId("database-away")).ToBeVisibleAsync();
            await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
            await Chromium.PictureAsync(Page, Path.Combine(Repository.Screenshots, "overview-database-away.png"));
            // A shorter time without an answer is no outage.
            await Expect(Page.GetByTestId("status")).ToContainTextAsync(Words("does not answer for ([3-9]|[1-9][0-9]) s"));
        }
        finally
        {
            await Stack.Postgres.StartAsync();
        }

        await Expect(Page.GetByTestId("database-away")).ToBeHiddenAsync();
        await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
        var lanes = Page.GetByTestId("lanes");
        await Expect(lanes.Locator(".mark-label", new() { HasText = "database down" })).ToBeVisibleAsync();
        await Expect(lanes.Locator(".field")).Not.ToHaveAttributeAsync("aria-label", Words("waiting"));
    }

    [Fact]
    public async Task The_page_comes_back_after_its_own_server_was_restarted()
    {
        await OpenAsync("/");
        await Page.EvaluateAsync("() => { window.stillTheSamePage = true; }");
        await Stack.Web.KillAsync();
        try
        {
            await Expect(Page.Locator("#components-reconnect-modal")).ToBeVisibleAsync();
        }
        finally
        {
            await Stack.Web.StartAsync();
        }

        await Page.WaitForFunctionAsync("() => !window.stillTheSamePage", null, new() { Timeout = 2 * Patience });
        await Expect(Page.GetByTestId("link")).ToContainTextAsync("live");
        await Expect(Page.GetByTestId("consumers")).ToContainTextAsync("3 of 3 active");
    }

    [Fact]
    public async Task One_page_too_many_says_that_it_does_not_update_and_is_loaded_when_there_is_room()
    {
        var address = new UriBuilder(Stack.Web.Address) { Scheme = "ws", Path = "/_blazor" }.Uri;
        var sockets = new List<ClientWebSocket>();
        try
        {
            while (true)
            {
                sockets.Add(new());
                try
                {
                    await sockets[^1].ConnectAsync(address, CancellationToken.None);
                }
                catch (WebSocketException exception) when (exception.Message.Contains("429", StringComparison.Ordinal))
                {
                    break;
                }
            }

            await Page.GotoAsync("/", new() { WaitUntil = WaitUntilState.DOMContentLoaded });
            await Expect(Page.Locator("#components-reconnect-modal")).ToContainTextAsync("has reached its limit of open pages");
            await Expect(Page.Locator("body")).ToHaveClassAsync(Words("stale"));
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.Abort();
                socket.Dispose();
            }
        }

        await Expect(Page.GetByTestId("link")).ToContainTextAsync("live");
        await Expect(Page.Locator("[data-testid=link][data-interactive]")).ToBeVisibleAsync();
        await Expect(Page.Locator("#components-reconnect-modal")).ToBeHiddenAsync();
        await Expect(Page.Locator("body")).Not.ToHaveClassAsync(Words("stale"));
    }

    [Fact]
    public async Task What_does_not_exist_is_said_to_be_so()
    {
        await OpenAsync("/sensors/no-such-sensor");
        await Expect(Page.GetByText("No reading of a sensor named no-such-sensor has ever been stored, and none was rejected of late.")).ToBeVisibleAsync();
        var answer = await Page.GotoAsync("/no/such/page");
        Assert.Equal(404, answer!.Status);
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("There is no such page");
    }
}
