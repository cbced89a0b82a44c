using FactoryMonitoring.Contracts;
using FactoryMonitoring.Tests.Data;
using Microsoft.Playwright;

namespace FactoryMonitoring.Tests.Browser;

[CollectionDefinition(Name)]
public sealed class BrowserCollection : ICollectionFixture<BrowserFixture>
{
    public const string Name = "Browser";
}

/// <summary>
/// PostgreSQL, the monitoring API and the web as separate processes, a simulated factory that writes heartbeats to the database, and one Chromium. Tests of the
/// collection run one after the other and leave everything running and intact.
/// </summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();
    private IPlaywright _playwright = null!;

    internal ServiceProcess Api { get; private set; } = null!;

    internal ServiceProcess Web { get; private set; } = null!;

    internal SimulatedLab Lab { get; private set; } = null!;

    /// <summary>A web with a fault lab.</summary>
    internal ServiceProcess LabWeb { get; private set; } = null!;

    internal SimulatedFactory Factory { get; private set; } = null!;

    public PostgresFixture Postgres => _postgres;

    public IBrowser Browser { get; private set; } = null!;

    internal TestDatabase Database { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        Database = await _postgres.CreateDatabaseAsync();
        Factory = new SimulatedFactory(Database.DataSource);
        await Factory.StartAsync();
        Api = new("Monitoring.Api", service =>
        [
            ("MONITORING_API_PORT", $"{service.Port}"), ("ConnectionStrings__factorydb", Database.ConnectionString), ("ConnectionStrings__kafka", ""), ("KAFKA_BROKERS", ""),
        ]);
        await Api.StartAsync();
        Web = new("Monitoring.Web", service =>
        [
            ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{Api.Port}"), ("Dashboard__Url", "http://localhost:15888"),
        ]);
        await Web.StartAsync();
        Lab = new();
        await Lab.StartAsync();
        LabWeb = new("Monitoring.Web", service =>
        [
            ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{Api.Port}"), ($"services__{ResourceNames.FaultLab}__http__0", Lab.Address.ToString()),
        ]);
        await LabWeb.StartAsync();
        _playwright = await Playwright.CreateAsync();
        Browser = await Chromium.LaunchAsync(_playwright);
    }

    public async Task DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright.Dispose();
        await LabWeb.DisposeAsync();
        await Lab.DisposeAsync();
        await Web.DisposeAsync();
        await Api.DisposeAsync();
        await Factory.DisposeAsync();
        await Database.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
