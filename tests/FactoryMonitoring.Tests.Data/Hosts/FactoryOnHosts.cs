using System.Text.Json;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>The services as processes, on brokers and a database that a test breaks: a thousand readings a second, two consumers, and the account.</summary>
/// <param name="brokers">Bootstrap list.</param>
/// <param name="url">DATABASE_URL of every service.</param>
public sealed class FactoryOnHosts(string brokers, string url, CancellationToken limit) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly List<ServiceProcess> _processes = [];

    public ServiceProcess Api { get; private set; } = null!;

    public ServiceProcess Sensors { get; private set; } = null!;

    public ServiceProcess First { get; private set; } = null!;

    public ServiceProcess Second { get; private set; } = null!;

    /// <summary>Creates topics and schema, and starts everything else.</summary>
    /// <param name="protocol">Protocol of the consumer group: the embedded brokers support only classic.</param>
    /// <param name="first">The command that runs the first consumer on another host; empty to run it on this one.</param>
    /// <param name="second">The same for the second consumer.</param>
    public async Task StartAsync(string protocol, string[] first, string[] second)
    {
        var provisioner = Start([], "FactoryMonitoring.Provisioner", []);
        Assert.True(await provisioner.WaitAsync(limit) == 0, provisioner.Output);
        First = Start(first, "Consumers", new() { ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = protocol });
        Second = Start(second, "Consumers", new() { ["CONSUMER_ID"] = "c2", ["Consumers__GroupProtocol"] = protocol });
        Api = Start([], "Monitoring.Api", []);
        // Sixty sensors, one reading each every 60 ms: a thousand readings a second.
        Sensors = Start([], "Sensors", new() { ["SENSOR_TYPE"] = "temperature", ["SAMPLING_INTERVAL"] = "0.06", ["Sensors__PerType"] = "60" });
    }

    /// <summary>Waits until each consumer owns half of the partitions.</summary>
    public Task BothOwnAsync(PostgresServer server) => WithinAsync(async () => await OwnersAsync(server) is [["c1", 3L], ["c2", 3L]]);

    /// <summary>Returns how many partitions each owner has.</summary>
    public static Task<List<object?[]>> OwnersAsync(PostgresServer server) =>
        server.RowsAsync("SELECT owner, count(*) FROM partition_offsets WHERE owner IS NOT NULL GROUP BY 1 ORDER BY 1");

    /// <summary>Waits until readings that are measured from now on are stored in that database.</summary>
    public async Task FlowsAsync(PostgresServer server, int atLeast = 1)
    {
        var now = DateTime.UtcNow;
        try
        {
            await WithinAsync(async () => await server.ScalarAsync<bool>($"SELECT count(*) >= {atLeast} FROM readings WHERE \"timestamp\" > '{now:O}'"));
        }
        catch (OperationCanceledException)
        {
            var sessions = await server.RowsAsync("""
                SELECT pid, application_name, state, wait_event, pg_blocking_pids(pid)::text, now() - xact_start, left(query, 100)
                FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY xact_start
                """);
            throw new TimeoutException($"No readings are stored at {server.Address}.\n{string.Join('\n', sessions.Select(session => string.Join(" | ", session)))}\n{Outputs()}");
        }
    }

    /// <summary>Stops the sensors, and waits until nothing is in flight any more.</summary>
    /// <returns>The account.</returns>
    public async Task<LedgerBody> SettleAsync(PostgresServer server)
    {
        Assert.Equal(0, await Sensors.StopAsync(limit));
        var body = "";
        try
        {
            LedgerBody? ledger = null;
            await WithinAsync(async () =>
            {
                body = await Api.GetAsync("api/ledger", limit) ?? "";
                ledger = body.Length > 0 ? JsonSerializer.Deserialize(body, ApiJson.Context.LedgerBody) : null;
                return ledger is { Stale: false, InFlight: 0, Acknowledged: > 1000 } && ledger.StoredAcknowledged == ledger.Acknowledged
                    && await server.ScalarAsync<long>("SELECT count(*) FROM acknowledgements") == 0
                    && ledger.Stored == await server.ScalarAsync<long>("SELECT count(*) FROM readings");
            });
            return ledger!;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The account is not settled: {body}\n{Outputs()}");
        }
    }

    /// <summary>Asserts that every offset of the log is stored once, and that the account agrees.</summary>
    public async Task AssertNothingIsLostOrDoubledAsync(PostgresServer server, LedgerBody ledger)
    {
        Assert.Equal((0, 0, 0, 0), (ledger.Missing, ledger.Duplicated, ledger.Rejected, ledger.Unreachable));
        Assert.Empty(ledger.Violations);
        var (readings, offsets, next) = await server.RowsAsync("""
            SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset)), (SELECT sum(next_offset)::bigint FROM partition_offsets) FROM readings
            """) is [[long all, long distinct, long ends]] ? (all, distinct, ends) : default;
        Assert.Equal((next, next), (readings, offsets));
        await using var database = new TestDatabase(server.ConnectionString());
        Assert.Equal(0, (await new FactoryMonitoring.Data.Ingestion.ReadingAudit(database.DataSource).StepAsync(1_000_000, TimeSpan.Zero, limit)).Wrong);
    }

    /// <summary>Returns what the consumers reported as lost: the first and the last offset of each partition.</summary>
    public static async Task<List<(int Partition, long First, long Last)>> NamedAsync(PostgresServer server) =>
        [.. (await server.RowsAsync("""
            SELECT partition_number, m[1]::bigint, m[2]::bigint
            FROM rebalancing_events, regexp_match(reason, '^database lost offsets (\d+) to (\d+)$') m WHERE m IS NOT NULL ORDER BY 1
            """)).Select(row => ((int)row[0]!, (long)row[1]!, (long)row[2]!))];

    /// <summary>Repeats the condition until it is true, for at most the limit of a test.</summary>
    public async Task WithinAsync(Func<Task<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit);
        patience.CancelAfter(Patience);
        await DatabaseTest.EventuallyAsync(condition, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    private string Outputs() => string.Join("\n---\n", _processes.Select(process => process.Output));

    private ServiceProcess Start(string[] prefix, string service, Dictionary<string, string> settings)
    {
        var process = ServiceProcess.StartOn(prefix, service, new(settings) { ["KAFKA_BROKERS"] = brokers, ["DATABASE_URL"] = url });
        _processes.Add(process);
        return process;
    }
}
