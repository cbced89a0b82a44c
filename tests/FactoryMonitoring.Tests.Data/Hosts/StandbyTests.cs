using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>A primary that is killed under a thousand readings a second, and a standby that takes over; a backup that is restored to a point in time.</summary>
[Collection(PostgresCollection.Name)]
[Trait("Time", "measured")]
public sealed class StandbyTests : IAsyncLifetime
{
    private const string Loopback = "127.0.0.1";
    private static readonly TimeSpan Failover = TimeSpan.FromSeconds(7);
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
    private readonly EmbeddedBrokers _brokers = new();
    private readonly List<PostgresServer> _servers = [];
    private string _home = "";

    private CancellationToken Timeout => _limit.Token;

    public async Task InitializeAsync()
    {
        _home = await PostgresServer.CreateHomeAsync();
        await _brokers.StartAsync(Timeout);
    }

    public async Task DisposeAsync()
    {
        await _brokers.DisposeAsync();
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        Directory.Delete(_home, recursive: true);
        _limit.Dispose();
    }

    [Fact]
    public async Task A_synchronous_standby_takes_over_in_time_and_has_everything()
    {
        var (primary, standby) = await StartPairAsync();
        await primary.ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = '*'");
        await primary.ExecuteAsync("SELECT pg_reload_conf()");
        await DatabaseTest.EventuallyAsync(async () => await primary.ScalarAsync<long>("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1, Timeout);
        await using var factory = await StartAsync(primary, standby);
        await factory.FlowsAsync(primary, atLeast: 2000);

        var watching = WatchAsync(primary);
        await Task.Delay(TimeSpan.FromSeconds(1), Timeout);
        var sinceKill = Stopwatch.StartNew();
        await primary.KillAsync();
        var (offsets, acknowledged) = await watching;
        await HasReplayedAsync(standby);
        Assert.True(offsets > 0 && acknowledged > 0);
        Assert.Equal([[true, true]], await standby.RowsAsync($"SELECT o >= {offsets}, a >= {acknowledged} FROM ({Progress}) p(o, a)"));
        await standby.PromoteAsync();
        await factory.FlowsAsync(standby);
        Assert.True(sinceKill.Elapsed < Failover, $"Readings flow again after {sinceKill.Elapsed}");

        var ledger = await factory.SettleAsync(standby);
        await factory.AssertNothingIsLostOrDoubledAsync(standby, ledger);
        Assert.Equal(0, ledger.Unconfirmed);
        Assert.Empty(await FactoryOnHosts.NamedAsync(standby));
        Assert.DoesNotContain("database lost", factory.First.Output + factory.Second.Output + factory.Sensors.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_asynchronous_standby_lacks_is_named_and_stored_again_from_the_log()
    {
        var (primary, standby) = await StartPairAsync();
        await using var factory = await StartAsync(primary, standby);
        await factory.FlowsAsync(primary, atLeast: 2000);

        // From here on the standby receives nothing and will lack what is committed.
        await primary.FreezeReplicationAsync();
        await factory.FlowsAsync(primary, atLeast: 2000);
        var watching = WatchAsync(primary);
        await Task.Delay(TimeSpan.FromSeconds(1), Timeout);
        var sinceKill = Stopwatch.StartNew();
        await primary.KillAsync();
        var (watched, _) = await watching;
        await HasReplayedAsync(standby);
        var had = await OffsetsAsync(standby);
        var hadAcknowledged = await standby.ScalarAsync<long>(Sent);
        await standby.PromoteAsync();
        await factory.FlowsAsync(standby);
        Assert.True(sinceKill.Elapsed < Failover, $"Readings flow again after {sinceKill.Elapsed}");

        // The primary's files, started elsewhere: what it had committed when it died.
        var remains = new PostgresServer(_home, "primary", Loopback, Ports.Free());
        _servers.Add(remains);
        await remains.StartAsync();
        var committed = await OffsetsAsync(remains);
        var ledger = await factory.SettleAsync(standby);
        await factory.AssertNothingIsLostOrDoubledAsync(standby, ledger);
        var named = await FactoryOnHosts.NamedAsync(standby);
        Assert.True(committed.Count(each => each.Value > had[each.Key]) == named.Count, $"Named: {string.Join(", ", named)}\n{factory.First.Output}\n---\n{factory.Second.Output}");
        Assert.All(named, each =>
        {
            Assert.Equal(had[each.Partition], each.First);
            // The acknowledgement of a lane's last commit may not have reached the consumer.
            Assert.InRange(each.Last, each.First, committed[each.Partition] - 1);
            Assert.Contains($"Partition {each.Partition}: the database lost the stored offsets {each.First} to {each.Last}", factory.First.Output + factory.Second.Output, StringComparison.Ordinal);
        });
        Assert.InRange(named.Sum(each => each.Last + 1 - each.First) + had.Values.Sum(), watched - 200, committed.Values.Sum());

        // The account knows only the acknowledgements that the standby had, and reports the others.
        var lost = Assert.Single(Regex.Matches(factory.Sensors.Output, "The database lost ([0-9]+) acknowledgements"));
        var unconfirmed = long.Parse(lost.Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(unconfirmed, 1, await remains.ScalarAsync<long>(Sent) - hadAcknowledged);
        Assert.Equal(unconfirmed, ledger.Unconfirmed);

        // A consumer that knows the new primary accepts nothing from the old one any more.
        var dictionaries = new DictionaryStore(NpgsqlDataSource.Create(standby.ConnectionString()));
        await using var now = new NpgsqlConnection(standby.ConnectionString());
        await using var before = new NpgsqlConnection(remains.ConnectionString());
        await now.OpenAsync(Timeout);
        await before.OpenAsync(Timeout);
        await dictionaries.VerifyAsync(now, Timeout);
        var refused = await Assert.ThrowsAsync<NpgsqlException>(() => dictionaries.VerifyAsync(before, Timeout));
        Assert.StartsWith("The database is on timeline 1, and was on 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_that_is_restored_to_a_time_gets_what_it_lacks_once()
    {
        var port = Ports.Free();
        var server = Add(new PostgresServer(_home, "primary", Loopback, port));
        var archive = Path.Combine(_home, PostgresServer.Archive);
        string[] archiving = ["archive_mode=on", $"archive_command=test ! -f {archive}/%f && cp %p {archive}/%f"];
        await server.InitializeAsync();
        await server.StartAsync(archiving);
        await server.ExecuteAsync($"CREATE DATABASE {PostgresServer.Database}", "postgres");
        await using var factory = await StartAsync(server);
        await factory.FlowsAsync(server, atLeast: 1000);
        var restored = Add(new PostgresServer(_home, "restored", Loopback, port));
        await restored.CopyAsync(server);
        await factory.FlowsAsync(server, atLeast: 1000);

        var time = await server.ScalarAsync<string>("SELECT clock_timestamp()::text");
        await factory.FlowsAsync(server, atLeast: 1000);
        await server.ExecuteAsync("DELETE FROM readings");
        var gone = await OffsetsAsync(server);
        await server.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(restored.Data, "recovery.signal"), "", Timeout);
        await restored.StartAsync([.. archiving, $"restore_command=cp {archive}/%f %p", $"recovery_target_time={time}", "recovery_target_action=promote"]);
        await DatabaseTest.EventuallyAsync(async () => !await restored.ScalarAsync<bool>("SELECT pg_is_in_recovery()"), Timeout);
        await factory.FlowsAsync(restored);

        var ledger = await factory.SettleAsync(restored);
        await factory.AssertNothingIsLostOrDoubledAsync(restored, ledger);
        var named = await FactoryOnHosts.NamedAsync(restored);
        Assert.Equal(gone.Keys.Order(), named.Select(each => each.Partition));
        Assert.All(named, each => Assert.True(each.Last + 1 >= gone[each.Partition]));
        Assert.Contains("The database lost ", factory.Sensors.Output, StringComparison.Ordinal);
    }

    private const string Progress =
        "SELECT COALESCE(sum(next_offset), 0)::bigint, (SELECT COALESCE(sum(acknowledged), 0)::bigint FROM acknowledged_totals) FROM partition_offsets";

    private const string Sent = "SELECT total_messages_sent FROM producer_health";

    private static async Task<Dictionary<int, long>> OffsetsAsync(PostgresServer server) =>
        (await server.RowsAsync("SELECT kafka_partition, next_offset FROM partition_offsets")).ToDictionary(row => (int)row[0]!, row => (long)row[1]!);

    /// <summary>Keeps reading what has been committed until the server is gone.</summary>
    private async Task<(long Offsets, long Acknowledged)> WatchAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString());
        await connection.OpenAsync(Timeout);
        await using var command = new NpgsqlCommand(Progress, connection);
        (long, long) last = default;
        try
        {
            while (true)
            {
                await using var reader = await command.ExecuteReaderAsync(Timeout);
                await reader.ReadAsync(Timeout);
                last = (reader.GetInt64(0), reader.GetInt64(1));
            }
        }
        catch (NpgsqlException)
        {
            return last;
        }
    }

    /// <summary>Waits until the standby has replayed everything that it received.</summary>
    private Task HasReplayedAsync(PostgresServer standby) => DatabaseTest.EventuallyAsync(
        async () => await standby.ScalarAsync<bool>(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AND pg_last_wal_replay_lsn() >= COALESCE(pg_last_wal_receive_lsn(), '0/0')"),
        Timeout);

    private async Task<(PostgresServer Primary, PostgresServer Standby)> StartPairAsync()
    {
        var primary = Add(new PostgresServer(_home, "primary", Loopback, Ports.Free()));
        var standby = Add(new PostgresServer(_home, "standby", Loopback, Ports.Free()));
        await primary.InitializeAsync();
        await primary.StartAsync();
        await primary.ExecuteAsync($"CREATE DATABASE {PostgresServer.Database}", "postgres");
        await standby.CopyAsync(primary, "-R");
        await standby.StartAsync();
        await DatabaseTest.EventuallyAsync(async () => await primary.ScalarAsync<long>("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1, Timeout);
        return (primary, standby);
    }

    private async Task<FactoryOnHosts> StartAsync(params PostgresServer[] servers)
    {
        var url = $"postgresql://{PostgresServer.User}@{string.Join(',', servers.Select(server => server.Address))}/{PostgresServer.Database}";
        var factory = new FactoryOnHosts(_brokers.BootstrapServers, servers.Length > 1 ? url + "?target_session_attrs=primary" : url, Timeout);
        await factory.StartAsync("classic", [], []);
        await factory.BothOwnAsync(servers[0]);
        return factory;
    }

    private PostgresServer Add(PostgresServer server)
    {
        _servers.Add(server);
        return server;
    }
}
