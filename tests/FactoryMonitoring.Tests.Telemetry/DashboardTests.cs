using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using FactoryMonitoring.Tests.Browser;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FactoryMonitoring.Tests.Telemetry;

/// <summary>The factory with the Aspire dashboard, and a browser that opens it.</summary>
[Collection("Dashboard")]
public sealed class DashboardTests : IAsyncLifetime
{
    private const string Consumer = "sensor-consumer-1";
    private static readonly LocatorAssertionsToBeVisibleOptions Patient = new() { Timeout = 120_000 };
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(8));
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-dashboard-{Guid.NewGuid():N}")).FullName;
    private readonly string _token = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly string _url = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{Ports.Free()}");
    private IDistributedApplicationTestingBuilder _builder = null!;
    private DistributedApplication _app = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async Task InitializeAsync()
    {
        _builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
            [
                .. StackFixture.StackArguments(_directory), "--Factory:Prometheus=false", $"--ASPNETCORE_URLS={_url}",
                $"--ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN={_token}", "--ASPIRE_ALLOW_UNSECURED_TRANSPORT=true", "--DcpPublisher:RandomizePorts=false",
            ],
            (options, _) => options.DisableDashboard = false,
            _limit.Token);
        _app = await _builder.BuildAsync(_limit.Token);
        await _app.StartAsync(_limit.Token);
        await Task.WhenAll(StackFixture.Services.Select(name => _app.ResourceNotifications.WaitForResourceHealthyAsync(name, _limit.Token)));
        _playwright = await Playwright.CreateAsync();
        _browser = await Chromium.LaunchAsync(_playwright);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        if (_builder is not null) await _builder.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        _limit.Dispose();
    }

    [Fact]
    public async Task The_dashboard_shows_every_resource_and_restarts_one()
    {
        // High enough that the page shows all rows.
        var page = await _browser.NewPageAsync(new() { ViewportSize = new() { Width = 1500, Height = 1800 } });
        await page.GotoAsync($"{_url}/login?t={_token}", new() { Timeout = 120_000 });

        // Parameters have a separate tab.
        var names = _app.Services.GetRequiredService<DistributedApplicationModel>().Resources
            .Where(resource => resource is not ParameterResource && _app.ResourceNotifications.TryGetCurrentState(resource.Name, out var state) && !state.Snapshot.IsHidden)
            .Select(resource => resource.Name).ToList();
        foreach (var name in names) await Expect(Row(page, name)).ToBeVisibleAsync(Patient);
        Assert.Superset(
            new HashSet<string>([.. StackFixture.Services, "kafka", "kafka1", "kafka2", "kafka3", "postgres", "provisioner"]), names.ToHashSet());
        await Expect(Row(page, Consumer)).ToContainTextAsync("Running");

        var before = await RunningAsync(Consumer, _ => true);
        await RestartAsync(page);

        var after = await RunningAsync(Consumer, process => process != before);
        Assert.NotEqual(before, after);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync(Consumer, _limit.Token);
        await Expect(Row(page, Consumer)).ToContainTextAsync("Running", new() { Timeout = 120_000 });
        await Chromium.PictureAsync(page, Picture("aspire-resources"));

        await page.GotoAsync($"{_url}/consolelogs/resource/{Consumer}", new() { Timeout = 120_000 });
        await Expect(page.GetByText("Application started.").First).ToBeVisibleAsync(Patient);
        await page.GotoAsync($"{_url}/traces", new() { Timeout = 120_000 });
        await Expect(page.GetByText("send sensor-data").First).ToBeVisibleAsync(Patient);
        await Chromium.PictureAsync(page, Picture("aspire-traces"));
    }

    // PICTURES=1 writes them to the docs.
    private static string Picture(string name) => Path.Combine(
        Repository.Root, Environment.GetEnvironmentVariable("PICTURES") == "1" ? Path.Combine("docs", "pictures") : Path.Combine("artifacts", "screenshots"), $"{name}.png");

    private static ILocator Row(IPage page, string resource) =>
        page.Locator("tr", new() { Has = page.Locator(".resource-name-text").GetByText(resource, new() { Exact = true }) });

    /// <summary>
    /// The dashboard's page crashes if its menu is rendered again before the menu's script has loaded (FluentMenu in 13.5.4: a null jsObjectReference), and
    /// asks to be reloaded.
    /// </summary>
    private static async Task RestartAsync(IPage page)
    {
        for (var deaths = 0; !await AskForRestartAsync(page); deaths++)
        {
            Assert.True(deaths < 5, "the dashboard's page died six times");
            await page.ReloadAsync();
            await Expect(Row(page, Consumer)).ToBeVisibleAsync(Patient);
        }
    }

    /// <returns>False if the page crashed.</returns>
    private static async Task<bool> AskForRestartAsync(IPage page)
    {
        var death = page.Locator("#blazor-error-ui");
        try
        {
            await Row(page, Consumer).GetByTitle("Actions").ClickAsync();
            await page.GetByRole(AriaRole.Menuitem, new() { Name = "Restart", Exact = true }).ClickAsync();
        }
        catch (TimeoutException)
        {
            if (!await death.IsVisibleAsync()) throw;
            return false;
        }
        try
        {
            await death.WaitForAsync(new() { Timeout = 3_000 });
            return false;
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    /// <summary>Returns the process id of the resource once it runs and the id is the wanted one.</summary>
    private async Task<int> RunningAsync(string resource, Func<int, bool> wanted)
    {
        var found = await _app.ResourceNotifications.WaitForResourceAsync(
            resource, change => change.Snapshot.State?.Text == KnownResourceStates.Running && wanted(ProcessOf(change)), _limit.Token);
        return ProcessOf(found);
    }

    private static int ProcessOf(ResourceEvent change) => Convert.ToInt32(
        change.Snapshot.Properties.First(property => property.Name == "executable.pid").Value, CultureInfo.InvariantCulture);
}
