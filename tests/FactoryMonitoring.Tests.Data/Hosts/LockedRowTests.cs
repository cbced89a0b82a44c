using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>The locks of a session whose host is cut off in the middle of a transaction. Needs root.</summary>
[Collection(PostgresCollection.Name)]
[Trait("Time", "measured")]
public sealed class LockedRowTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private HostNetwork _network = null!;
    private PostgresServer? _database;
    private string _home = "";

    public async Task InitializeAsync()
    {
        _network = await HostNetwork.CreateAsync();
        _home = await PostgresServer.CreateHomeAsync();
        _database = await PostgresServer.StartOnHostAsync(_network, _home);
        await _database.ExecuteAsync("CREATE TABLE locked AS SELECT 1 AS n");
    }

    public async Task DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        await _network.DisposeAsync();
        if (_home.Length > 0)
        {
            Directory.Delete(_home, recursive: true);
        }
    }

    [Fact]
    public async Task They_end_by_themselves()
    {
        await _network.AddAsync("consumer");
        using var session = await HoldAsync(_network.Prefix("consumer"));
        await _network.CutAsync("consumer");
        var waited = Stopwatch.StartNew();
        await _database!.ExecuteAsync("UPDATE locked SET n = n + 1");
        Assert.True(waited.Elapsed < Limit, $"The row was locked for {waited.Elapsed}");
        Assert.Equal(2, await _database.ScalarAsync<int>("SELECT n FROM locked"));
        session.Kill();
    }

    /// <summary>Locks the row in a transaction of a session with the settings of a service, which stays open.</summary>
    private async Task<Process> HoldAsync(string[] prefix)
    {
        string[] command =
            [.. prefix, Path.Combine(PostgresFixture.FindBinaries(), "psql"), "-X", "-q", "-h", _database!.Host, "-U", PostgresServer.User, "-d", PostgresServer.Database];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PGOPTIONS"] = OptionsOfAService();
        var session = Process.Start(start)!;
        await session.StandardInput.WriteAsync("BEGIN;\nUPDATE locked SET n = n + 1;\n\\echo locked\n");
        await session.StandardInput.FlushAsync();
        Assert.Equal("locked", await session.StandardOutput.ReadLineAsync());
        return session;
    }

    private static string OptionsOfAService()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:factorydb"] = "Host=unused";
        builder.AddServiceDefaults().AddFactoryDatabase();
        using var services = builder.Services.BuildServiceProvider();
        return new NpgsqlConnectionStringBuilder(services.GetRequiredService<NpgsqlDataSource>().ConnectionString).Options!;
    }
}
