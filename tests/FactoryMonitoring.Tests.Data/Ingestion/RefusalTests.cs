using System.Text;
using System.Text.Json.Nodes;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Tests.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A message that the database refuses affects no other; what the database cannot do at the moment is waited for.</summary>
public sealed class RefusalTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const double Bad = 666;

    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(100) };

    /// <summary>At least one error code of every class of PostgreSQL that a message can cause.</summary>
    private static readonly string[] Refusing =
        ["0A000", "21000", "22000", "22021", "22003", "23000", "23502", "23503", "23505", "23514", "44000", "54000", "54001", "P0001", "XX000"];

    /// <summary>Error codes that a message cannot cause.</summary>
    private static readonly string[] Waiting =
    [
        "03000", "08000", "08006", "09000", "0B000", "0F000", "0L000", "0P000", "0Z000", "20000", "24000", "25001", "25006", "26000", "27000",
        "28000", "2B000", "2D000", "2F000", "34000", "38000", "39000", "3B000", "3D000", "3F000", "40001", "40P01", "42501", "42P01", "53100", "53200", "53300",
        "55000", "55P03", "57000", "57014", "57P01", "57P03", "58000", "58030", "72000", "F0000", "HV000", "XX001", "XX002",
    ];

    private bool _hasTrigger;

    [Fact]
    public async Task A_message_that_is_refused_for_good_becomes_a_dead_letter_by_whatever_SqlState_and_the_others_are_stored()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(3, Timeout);
        long offset = 0;
        foreach (var state in Refusing)
        {
            await RaiseAsync(state);

            consumer.Post([.. Messages(0, offset, 30, bad: 7, alsoBad: 29), .. Messages(3, offset, 30, bad: 0)]);
            await consumer.SettledAsync(Timeout);

            Assert.True(
                await Database.ScalarAsync<long>($"SELECT count(*) FROM readings WHERE kafka_offset >= {offset}", Timeout) == 57, $"{state}: the others are not stored");
            Assert.Equal(
                [[0, offset + 7, "refused_by_database", "s", offset + 7], [0, offset + 29, "refused_by_database", "s", offset + 29], [3, offset, "refused_by_database", "s", offset]],
                await RowsAsync($"SELECT kafka_partition, kafka_offset, reason, sensor_id, reading_count FROM rejected_messages WHERE detail LIKE '{state}: %' ORDER BY 1, 2"));
            Assert.Null(consumer.Status.Condition);
            offset += 30;
        }

        Assert.Equal([[(long)Refusing.Length * 3, true]], await RowsAsync("SELECT count(*), bool_and(value_at_source AND value IS NULL) FROM outbox WHERE topic = 'dead'"));
        Assert.Equal(
            [[0, offset, offset / 30 * 28, offset / 30 * 2, 0L], [3, offset, offset / 30 * 29, offset / 30, 0L]],
            await RowsAsync("SELECT kafka_partition, next_offset, stored, rejected, duplicated FROM partition_offsets ORDER BY 1"));
    }

    [Fact]
    public async Task What_is_not_for_the_message_is_waited_for_by_whatever_SqlState_and_nothing_becomes_a_dead_letter()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        long offset = 0;
        foreach (var state in Waiting)
        {
            await RaiseAsync(state);
            consumer.Post(Messages(0, offset, 10, bad: 5));
            await EventuallyAsync(() => Task.FromResult(consumer.Status.Condition is not null));
            await LetPassAsync();
            await consumer.SettledAsync(Timeout);

            Assert.Null(consumer.Status.Condition);
            offset += 10;
            Assert.True(await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == offset, $"{state}: not everything is stored");
        }

        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM rejected_messages"));
    }

    [Fact]
    public async Task Text_of_as_many_bytes_as_its_characters_can_have_is_stored()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        var random = new Random(1);
        string Cjk() => string.Concat(Enumerable.Range(0, 255).Select(_ => (char)random.Next(0x4E00, 0x9FFF)));
        var (id, section, machine, zone) = (Cjk(), Cjk(), Cjk(), Cjk());

        consumer.Post(
        [
            new LogMessage(0, 0, LaneHarness.Reading("a", 1, 25)),
            new LogMessage(0, 1, Encoding.UTF8.GetBytes($$$"""{"timestamp":"2025-09-16T21:41:41Z","sensor_id":"{{{id}}}","sensor_type":"t","value":1,"unit":"u","location":{"factory_section":"{{{section}}}","machine_id":"{{{machine}}}","zone":"{{{zone}}}"}}""")),
            new LogMessage(0, 2, Encoding.UTF8.GetBytes($$$"""{"timestamp":"2025-09-16T21:41:41Z","sensor_id":"{{{id}}}","sensor_type":"t","value":2,"unit":"u","location":{"factory_section":"{{{section}}}","machine_id":"{{{machine}}}"}}""")),
            new LogMessage(0, 3, LaneHarness.Reading("a", 2, 25)),
        ]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[4L, 0L]], await RowsAsync("SELECT count(*), (SELECT count(*) FROM rejected_messages) FROM readings"));
        Assert.Equal(
            [[id, section, machine, null], [id, section, machine, zone]],
            await RowsAsync($"SELECT sensor_id, factory_section, machine_id, zone FROM sensor_readings WHERE sensor_id <> 'a' ORDER BY value DESC"));
    }

    [Fact]
    public async Task A_check_that_a_reading_violates_is_no_missing_day()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>($"ALTER TABLE readings ADD CONSTRAINT plausible CHECK (value <> {Bad})", Timeout);

        consumer.Post(Messages(0, 0, 10, bad: 4));
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[9L]], await RowsAsync("SELECT count(*) FROM readings"));
        Assert.Equal([[4L, "refused_by_database"]], await RowsAsync("SELECT kafka_offset, reason FROM rejected_messages"));
    }

    [Fact]
    public async Task A_message_whose_alert_is_refused_loses_neither_the_others_nor_their_alerts()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>($"ALTER TABLE alerts ADD CONSTRAINT plausible CHECK (sensor_value <> {Bad})", Timeout);

        consumer.Post(
        [
            .. Enumerable.Range(0, 6).Select(i => new LogMessage(0, i, LaneHarness.Reading(i % 2 == 0 ? "good" : "bad", i, i == 3 ? Bad : i is 2 or 4 ? 60 : 25))),
        ]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal([[5L]], await RowsAsync("SELECT count(*) FROM readings"));
        Assert.Equal([[3L]], await RowsAsync("SELECT kafka_offset FROM rejected_messages"));
        Assert.Equal(
            [["critical_threshold_violation", 2L, 2L]],
            await RowsAsync("SELECT anomaly_type, kafka_offset, occurrences FROM alerts WHERE sensor_id = 'good' AND anomaly_type LIKE 'critical%'"));
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM alerts WHERE kafka_offset = 3"));
    }

    [Fact]
    public async Task A_message_whose_ids_are_refused_becomes_a_dead_letter_without_them()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>($"ALTER TABLE readings ADD CONSTRAINT plausible CHECK (value <> {Bad})", Timeout);
        await Database.ScalarAsync<object>("ALTER TABLE rejected_messages ADD CONSTRAINT short CHECK (octet_length(sensor_id) < 1)", Timeout);

        consumer.Post(Messages(0, 0, 10, bad: 4));
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[9L]], await RowsAsync("SELECT count(*) FROM readings"));
        Assert.Equal([[4L, "refused_by_database", null, 4L]], await RowsAsync("SELECT kafka_offset, reason, sensor_id, reading_count FROM rejected_messages"));
        Assert.Equal([[4L, true]], await RowsAsync("SELECT source_offset, value_at_source FROM outbox"));
        Assert.Null(consumer.Status.Condition);
    }

    [Fact]
    public async Task A_database_of_another_encoding_is_refused_in_one_line()
    {
        var name = $"{await Database.ScalarAsync<string>("SELECT current_database()::text", Timeout)}_ascii";
        await Database.RowsAsync($"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'", Timeout);
        await using var check = ServiceProcess.Start(
            "FactoryMonitoring.Provisioner",
            new() { ["DATABASE_URL"] = Database.Url[..(Database.Url.LastIndexOf('/') + 1)] + name, ["KAFKA_BROKERS"] = "127.0.0.1:1" },
            "check",
            "provisioner");

        Assert.Equal(1, await check.WaitAsync(Timeout));
        Assert.Contains($"Database {name} has the encoding SQL_ASCII: it must be UTF8", check.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_can_only_read_is_given_up()
    {
        var name = await Database.ScalarAsync<string>("SELECT current_database()::text", Timeout);
        await Database.ScalarAsync<object>($"ALTER DATABASE {name} SET default_transaction_read_only = on", Timeout);
        await using var dataSource = NpgsqlDataSource.Create(Database.ConnectionStringOf(DatabaseRoles.Ingest) + ";Application Name=own-pool");
        var log = new LogTopic(1, LaneHarness.LogId, "sensor-data");
        await Database.ScalarAsync<object>($"INSERT INTO logs (log_id) VALUES ('{LaneHarness.LogId}')", Timeout);
        await using var store = new IngestStore(dataSource, "c1", new DictionaryStore(dataSource));
        var claim = new PartitionClaim(0, 0, 0, true, null, false);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => store.ClaimAsync(log, [claim], Timeout));
        await Database.ScalarAsync<object>($"ALTER DATABASE {name} RESET default_transaction_read_only", Timeout);

        Assert.Equal("25006", refused.SqlState);
        Assert.Single(await store.ClaimAsync(log, [claim], Timeout));
    }

    [Fact]
    [Trait("Time", "measured")]
    public async Task A_database_that_was_read_only_is_named_and_every_service_writes_again_by_itself()
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        Dictionary<string, string> connections = new() { ["KAFKA_BROKERS"] = brokers.BootstrapServers };
        await using var consumer = ServiceProcess.Start("Consumers", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = "classic" });
        await using var sensors = ServiceProcess.Start("Sensors", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Sensor), ["PRODUCER_ID"] = "temperature-sensor", ["SENSOR_TYPE"] = "temperature" });
        var service = MonitoringApi.Build(
            [$"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", $"--ConnectionStrings:kafka={brokers.BootstrapServers}", "--MONITORING_API_PORT=0"]);
        await service.StartAsync(Timeout);
        await using var api = new ApiUnderTest(service);
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 10 FROM readings", Timeout));
        var name = await Database.ScalarAsync<string>("SELECT current_database()::text", Timeout);
        await Database.ScalarAsync<object>($"ALTER DATABASE {name} SET default_transaction_read_only = on", Timeout);
        await Database.ScalarAsync<object>(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename IN ('factory_ingest', 'factory_sensor', 'factory_monitor')", Timeout);

        JsonNode? body = null;
        await EventuallyAsync(async () => (body = (await api.GetAsync("/api/system-status", Timeout)).Json)["overall"]?["title"]?.GetValue<string>() == "The database is read-only");
        await Task.Delay(TimeSpan.FromSeconds(8), Timeout);
        body = (await api.GetAsync("/api/system-status", Timeout)).Json;
        await using var check = ServiceProcess.Start(
            "FactoryMonitoring.Provisioner", new() { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["KAFKA_BROKERS"] = brokers.BootstrapServers }, "check", "consumers");
        Assert.Equal(1, await check.WaitAsync(Timeout));
        await Database.ScalarAsync<object>($"ALTER DATABASE {name} RESET default_transaction_read_only", Timeout);
        var since = await Database.ScalarAsync<DateTime>("SELECT clock_timestamp()", Timeout);

        // Each service writes with sessions of its own pool.
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>(
            """
            SELECT (SELECT min(last_heartbeat) > $1 FROM consumer_health) AND (SELECT min(last_heartbeat) > $1 FROM producer_health)
                AND (SELECT max(processing_timestamp) > $1 FROM reading_batches) AND (SELECT max(at) > $1 FROM lag_samples)
            """, Timeout, since));
        Assert.InRange((await Database.ScalarAsync<DateTime>("SELECT clock_timestamp()", Timeout) - since).TotalSeconds, 0, 15);
        Assert.Equal("read_only", body["database"]!.GetValue<string>());
        Assert.Equal("1", body["status"]!["consumers"]!["active_count"]!.ToString());
        Assert.Contains("is read-only", check.Output, StringComparison.Ordinal);
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM alerts WHERE anomaly_type IN ('consumer_down', 'sensor_down')"));
    }

    [Fact]
    public async Task The_ledger_counts_what_the_database_refuses_as_rejected_whoever_settles_it()
    {
        await RaiseAsync("22000");
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, new ConsumersOptions { SnapshotInterval = TimeSpan.FromHours(1) }))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Messages(0, 0, 10, bad: 4));
            await first.SettledAsync(Timeout);
        }

        // The first consumer died before a snapshot: its successor reads the refused message again, only for the detector.
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue);
        var claimed = await second.ClaimAsync(0, Timeout);
        Assert.Equal((0L, 10L), (claimed.From, claimed.ReplayUntil));
        await Database.ScalarAsync<object>(
            "INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset) VALUES ('p', 's', $1, 0, 0, 19, 19)",
            Timeout,
            second.Log.LogKey);
        second.Post(Messages(0, 0, 20, bad: 4, alsoBad: 15));
        await EventuallyAsync(async () =>
        {
            second.Tick();
            await second.SettledAsync(Timeout);
            return await Database.ScalarAsync<bool>("SELECT count(*) = 0 FROM acknowledgements", Timeout);
        });

        Assert.Equal([["p", 20L, 18L, 2L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, rejected, missing FROM ledger"));
        Assert.Equal([[18L, 2L, 20L]], await RowsAsync("SELECT stored, rejected, next_offset FROM partition_offsets"));
    }

    private static IEnumerable<LogMessage> Messages(int partition, long from, int count, int bad, int alsoBad = -1) =>
        Enumerable.Range(0, count).Select(i => new LogMessage(partition, from + i, LaneHarness.Reading("s", from + i, i == bad || i == alsoBad ? Bad : 25)));

    /// <summary>Makes the database refuse readings of one value from now on.</summary>
    private async Task RaiseAsync(string state)
    {
        await AnswerAsync($"RAISE EXCEPTION 'not this one' USING ERRCODE = '{state}'");
        if (!_hasTrigger)
        {
            await Database.ScalarAsync<object>($"CREATE TRIGGER refuse BEFORE INSERT ON readings FOR EACH ROW WHEN (NEW.value = {Bad}) EXECUTE FUNCTION refuse()", Timeout);
            _hasTrigger = true;
        }
    }

    private Task<object?> LetPassAsync() => AnswerAsync("RETURN NEW");

    // Replaces only the function: dropping the trigger locks all of readings against a consumer that is writing there, and the two can wait for each other.
    private Task<object?> AnswerAsync(string statement) =>
        Database.ScalarAsync<object>($"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; END $$", Timeout);

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
