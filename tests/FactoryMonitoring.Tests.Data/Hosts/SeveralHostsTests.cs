using System.Diagnostics;
using Confluent.Kafka;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>
/// Seven hosts: three with a broker of Apache Kafka, two with a consumer, one with the database, and the tests' host with the rest. Needs KAFKA_HOME and root.
/// </summary>
[Collection(PostgresCollection.Name)]
[Trait("Time", "measured")]
public sealed class SeveralHostsTests : IAsyncLifetime
{
    private static readonly string[] BrokerHosts = ["kafka1", "kafka2", "kafka3"];
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
    private readonly string _kafka = Directory.CreateTempSubdirectory("factory-hosts-kafka-").FullName;
    private readonly List<Process> _brokers = [];
    private HostNetwork _network = null!;
    private PostgresServer? _database;
    private string _home = "";
    private string _bootstrapServers = "";

    private CancellationToken Timeout => _limit.Token;

    public async Task InitializeAsync()
    {
        _network = await HostNetwork.CreateAsync();
        await StartBrokersAsync();
        _home = await PostgresServer.CreateHomeAsync();
        _database = await PostgresServer.StartOnHostAsync(_network, _home);
    }

    public async Task DisposeAsync()
    {
        foreach (var broker in _brokers)
        {
            broker.Kill();
            await broker.WaitForExitAsync();
            broker.Dispose();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        Directory.Delete(_kafka, recursive: true);
        if (_home.Length > 0)
        {
            Directory.Delete(_home, recursive: true);
        }

        _limit.Dispose();
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_though_hosts_are_cut_off_and_come_back()
    {
        await _network.AddAsync("consumer1");
        await _network.AddAsync("consumer2");
        await using var factory = new FactoryOnHosts(_bootstrapServers, $"postgresql://{PostgresServer.User}@{_database!.Address}/{PostgresServer.Database}", Timeout);
        await factory.StartAsync("consumer", _network.Prefix("consumer1"), _network.Prefix("consumer2"));
        await factory.BothOwnAsync(_database);
        await factory.FlowsAsync(_database, atLeast: 1000);

        // The hosts of a consumer and a broker are cut off: the other consumer and the other brokers take over.
        await _network.CutAsync("consumer1");
        await _network.CutAsync("kafka3");
        await factory.WithinAsync(async () => await FactoryOnHosts.OwnersAsync(_database) is [["c2", 6L]]);
        await factory.FlowsAsync(_database, atLeast: 1000);
        await _network.RestoreAsync("consumer1");
        await _network.RestoreAsync("kafka3");
        await factory.BothOwnAsync(_database);
        await factory.FlowsAsync(_database, atLeast: 1000);

        // The database's host is cut off: everything waits.
        await _network.CutAsync("database");
        await Task.Delay(TimeSpan.FromSeconds(5), Timeout);
        await _network.RestoreAsync("database");
        await factory.FlowsAsync(_database, atLeast: 1000);

        var ledger = await factory.SettleAsync(_database);
        await factory.AssertNothingIsLostOrDoubledAsync(_database, ledger);
        var failed = await _database.ScalarAsync<long>("SELECT sum(failed_deliveries)::bigint FROM producer_health");
        Assert.True(ledger.Unconfirmed == 0, $"{ledger.Unconfirmed} readings are unconfirmed, {failed} deliveries failed: {ledger}; the sensors said:\n{factory.Sensors.Output}");
    }

    private async Task StartBrokersAsync()
    {
        var programs = new KafkaPrograms(Path.Combine(_kafka, "log"), heap: 256);
        var id = KafkaPrograms.NewId();
        var addresses = new List<string>();
        foreach (var host in BrokerHosts)
        {
            addresses.Add(await _network.AddAsync(host));
        }

        _bootstrapServers = string.Join(',', addresses.Select(address => $"{address}:9092"));
        await Task.WhenAll(BrokerHosts.Select(async (host, index) =>
        {
            var properties = Path.Combine(_kafka, $"{host}.properties");
            await File.WriteAllLinesAsync(properties, Configuration(index + 1, addresses), Timeout);
            using var format = programs.Run("kafka-storage.sh", "format", "-t", id, "-c", properties);
            await format.WaitForExitAsync(Timeout);
            Assert.True(format.ExitCode == 0, programs.Output);
        }));
        foreach (var host in BrokerHosts)
        {
            _brokers.Add(programs.RunOn(_network.Prefix(host), "kafka-server-start.sh", Path.Combine(_kafka, $"{host}.properties")));
        }

        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _bootstrapServers }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        await DatabaseTest.EventuallyAsync(() => Task.Run(() => IsUp(admin)), Timeout);
    }

    private static bool IsUp(IAdminClient admin)
    {
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(1)).Brokers.Count == BrokerHosts.Length;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    private string[] Configuration(int node, List<string> addresses) =>
    [
        "process.roles=broker,controller",
        $"node.id={node}",
        $"controller.quorum.voters={string.Join(',', addresses.Select((address, index) => $"{index + 1}@{address}:9093"))}",
        $"listeners=PLAINTEXT://{addresses[node - 1]}:9092,CONTROLLER://{addresses[node - 1]}:9093",
        $"advertised.listeners=PLAINTEXT://{addresses[node - 1]}:9092",
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        $"log.dirs={Path.Combine(_kafka, $"data{node}")}",
        .. KafkaPrograms.QuickCluster,
    ];
}
