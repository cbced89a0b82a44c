using System.Globalization;
using System.Text.Json.Nodes;
using FactoryMonitoring.Data;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Tests.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A database on a small disk that the test fills: all services wait, say why, and continue once there is space.</summary>
[Collection(PostgresCollection.Name)]
public sealed class FullDatabaseTests : IAsyncLifetime
{
    private const string NoRoom = "The database has no room left on its disk";

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2));
    private readonly SmallDisk _disk = new(megabytes: 192);
    private PostgresFixture _postgres = null!;
    private TestDatabase? _database;

    private TestDatabase Database => _database!;

    private CancellationToken Timeout => _limit.Token;

    public async Task InitializeAsync()
    {
        _postgres = new PostgresFixture { Parent = _disk.Path };
        try
        {
            await _postgres.InitializeAsync();
            _database = await _postgres.CreateDatabaseAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        await _postgres.DisposeAsync();
        _disk.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task A_batch_that_does_not_fit_is_tried_again_after_longer_and_longer_waits_and_stored_once_there_is_room()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Messages(0, 100));
        await consumer.SettledAsync(Timeout);
        _disk.Fill();

        consumer.Post(Messages(100, 5000));
        await EventuallyAsync(() => Task.FromResult(consumer.Status.Condition is not null));
        var condition = consumer.Status.Condition;
        await EventuallyAsync(async () => (await AttemptsAsync()).Count > 4);
        var owned = await Database.RowsAsync("SELECT owner, next_offset, stored FROM partition_offsets", Timeout);
        _disk.Empty();
        await consumer.SettledAsync(Timeout);

        Assert.Equal("waiting: the database has no room left", condition);
        Assert.Equal([["c1", 100L, 100L]], owned);
        var attempts = await AttemptsAsync();
        Assert.True(attempts[4] - attempts[3] > 2 * (attempts[2] - attempts[1]), $"the waits do not grow: {string.Join(", ", attempts.Select(at => at.TotalSeconds))}");
        Assert.Null(consumer.Status.Condition);
        Assert.Equal([["c1", 5100L, 5100L, 0L]], await Database.RowsAsync("SELECT owner, next_offset, stored, rejected FROM partition_offsets", Timeout));
        Assert.Equal([[5100L, 5100L]], await Database.RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings", Timeout));
    }

    [Fact]
    public async Task Without_room_even_for_its_log_the_database_ends_and_nothing_is_lost_when_it_is_started_again()
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        Dictionary<string, string> connections = new() { ["KAFKA_BROKERS"] = brokers.BootstrapServers };
        await using var consumer = ServiceProcess.Start("Consumers", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = "classic" });
        await using var sensors = ServiceProcess.Start("Sensors", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Sensor), ["PRODUCER_ID"] = "temperature-sensor", ["SENSOR_TYPE"] = "temperature", ["Sensors__SamplingInterval"] = "00:00:00.1" });
        var service = MonitoringApi.Build(
            [$"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", $"--ConnectionStrings:kafka={brokers.BootstrapServers}", "--MONITORING_API_PORT=0"]);
        await service.StartAsync(Timeout);
        await using var api = new ApiUnderTest(service);
        await StoredAsync(200);

        _disk.Fill();
        await TitleAsync(api, title => title == NoRoom);
        await EventuallyAsync(async () => (await AttemptsAsync()).Count > 20);
        // Heartbeats reuse the space of earlier heartbeats.
        var signs = await Database.RowsAsync("""
            SELECT condition, clock_timestamp() - last_heartbeat < interval '4 s' FROM consumer_health
            UNION ALL SELECT condition, clock_timestamp() - last_heartbeat < interval '4 s' FROM producer_health
            """, Timeout);
        await WriteLogAsync();
        await EventuallyAsync(() => Task.FromResult(!_postgres.IsRunning));
        await TitleAsync(api, title => title.StartsWith("The database had no room left on its disk and does not answer for ", StringComparison.Ordinal));
        Assert.NotNull(await consumer.GetAsync("alive", Timeout));
        Assert.NotNull(await sensors.GetAsync("alive", Timeout));

        _disk.Empty();
        await _postgres.StartAsync();
        var before = (await brokers.ReadAllAsync(Timeout)).Count;
        await StoredAsync(before + 100);
        Assert.Equal(0, await sensors.StopAsync(Timeout));
        var sent = (await brokers.ReadAllAsync(Timeout)).Count;
        await StoredAsync(sent);
        await EventuallyAsync(async () => (await api.GetAsync("/api/ledger", Timeout)).Json is { } ledger
            && Number(ledger, "acknowledged") == sent && Number(ledger, "stored_acknowledged") == sent);

        Assert.Equal([["waiting: the database has no room left", true], ["the database has no room left", true]], signs);
        var account = (await api.GetAsync("/api/ledger", Timeout)).Json;
        Assert.Equal((sent, sent, 0, 0), (Number(account, "acknowledged"), Number(account, "stored"), Number(account, "missing"), Number(account, "duplicated")));
        Assert.Equal([[(long)sent]], await Database.RowsAsync("SELECT count(*) FROM readings", Timeout));
        // A line or two from each part, not from each attempt.
        Assert.InRange(Complaints(consumer), 1, 12);
        Assert.InRange(Complaints(sensors), 1, 6);
    }

    private static IEnumerable<LogMessage> Messages(long from, int count) =>
        Enumerable.Range(0, count).Select(i => new LogMessage(0, from + i, LaneHarness.Reading("s", from + i, 25)));

    private static int Complaints(ServiceProcess service) =>
        service.Output.Split('\n').Count(line => line.Contains("No space left", StringComparison.Ordinal) || line.Contains("no room", StringComparison.Ordinal));

    private static long Number(JsonNode body, string name) => body[name]!.GetValue<long>();

    /// <summary>Returns the times since midnight at which the server refused something for lack of space.</summary>
    private async Task<List<TimeSpan>> AttemptsAsync()
    {
        // The server keeps the file open to append to it.
        await using var file = new FileStream(_postgres.LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = await reader.ReadToEndAsync(Timeout);
        return [.. text.Split('\n').Where(line => line.Contains("No space left on device", StringComparison.Ordinal)).Select(line => TimeSpan.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))];
    }

    /// <summary>Fills the current WAL segment, so that the server needs another one.</summary>
    private async Task WriteLogAsync()
    {
        try
        {
            while (true)
            {
                await Database.ScalarAsync<object>("SELECT pg_logical_emit_message(false, '', repeat('x', 4000000))", Timeout);
            }
        }
        catch (NpgsqlException)
        {
            // The server has exited.
        }
    }

    private async Task TitleAsync(ApiUnderTest api, Func<string, bool> isRight)
    {
        var title = "";
        try
        {
            await EventuallyAsync(async () => isRight(title = (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]?["title"]?.GetValue<string>() ?? ""));
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the overview says last: {title}");
        }
    }

    private Task StoredAsync(long readings) => EventuallyAsync(async () =>
        await Database.ScalarAsync<long>("SELECT COALESCE(sum(stored), 0)::bigint FROM partition_offsets", Timeout) >= readings);

    private Task EventuallyAsync(Func<Task<bool>> condition) => DatabaseTest.EventuallyAsync(condition, Timeout);
}
