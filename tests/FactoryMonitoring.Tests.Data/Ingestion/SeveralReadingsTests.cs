using System.Globalization;
using System.Text;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A message with several readings is stored completely and once, or is one dead letter.</summary>
[Trait("Loop", "quick")]
public sealed class SeveralReadingsTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const double Bad = 666;

    /// <summary>
    /// Offsets from the first to the next, minus skipped, stored and rejected ones, by the counters and by the rows; and the spans compared with the rows.
    /// </summary>
    private const string Account = """
        SELECT sum(o.next_offset - o.first_offset - o.skipped - o.messages - o.rejected)::bigint,
               sum(o.next_offset - o.first_offset - o.skipped)::bigint
                   - (SELECT count(DISTINCT (log_key, kafka_partition, kafka_offset)) FROM readings) - (SELECT count(*) FROM rejected_messages),
               sum(o.stored)::bigint - (SELECT count(*) FROM readings),
               (SELECT sum(stored) FROM reading_batches) - (SELECT count(*) FROM readings),
               (SELECT sum(messages) FROM reading_batches) - sum(o.messages)::bigint
        FROM partition_offsets o
        """;

    private static readonly object?[] Exact = [0L, 0L, 0L, 0L, 0L];

    private static readonly ConsumersOptions OftenSnapshots = new() { SnapshotInterval = TimeSpan.FromMilliseconds(100), SnapshotReadings = 7 };

    private static readonly MessagesOptions Climate = new() { Mapping = new MappingOptions { Values = new() { ["temperature"] = "temp", ["humidity"] = "hum" } } };

    [Fact]
    public async Task All_readings_of_a_message_have_its_offset_and_the_account_is_exact()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, messages: Climate);
        await consumer.ClaimAsync(0, Timeout, low: 10);
        await consumer.ClaimAsync(1, Timeout);

        consumer.Post(
        [
            new LogMessage(0, 10, LaneHarness.Reading("s", 1, 25)),
            new LogMessage(0, 11, Several(("a", 1, 21), ("b", 1, 22), ("a", 2, 23))),
            new LogMessage(0, 12, """{"ts":1769860800,"device":"d1","temp":21.5,"hum":40}"""u8.ToArray()),
            new LogMessage(0, 13, "[]"u8.ToArray()),
            new LogMessage(0, 14, LaneHarness.Reading("s", 2, 25)),
            new LogMessage(1, 0, Several(("c", 1, 24), ("c", 2, 24))),
        ]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal(
            [
                [0, 10L, "s", 25.0], [0, 11L, "a", 21.0], [0, 11L, "a", 23.0], [0, 11L, "b", 22.0], [0, 12L, "d1-humidity", 40.0], [0, 12L, "d1-temperature", 21.5],
                [0, 14L, "s", 25.0], [1, 0L, "c", 24.0], [1, 0L, "c", 24.0],
            ],
            await RowsAsync("SELECT kafka_partition, kafka_offset, sensor_id, value FROM sensor_readings ORDER BY 1, 2, 3, 4"));
        Assert.Equal(
            [[0, 15L, 7L, 4L, 2L, 1L], [1, 1L, 2L, 1L, 0L, 0L]],
            await RowsAsync("SELECT kafka_partition, next_offset, stored, messages, uncounted, rejected FROM partition_offsets ORDER BY 1"));
        Assert.Equal(
            [[0, 10L, 15L, 7, 4], [1, 0L, 1L, 2, 1]],
            await RowsAsync("SELECT kafka_partition, first_offset, next_offset, stored, messages FROM reading_batches ORDER BY 1"));
        Assert.Equal([[13L, "empty", "The array of readings is empty: it must hold one at least"]], await RowsAsync("SELECT kafka_offset, reason, detail FROM rejected_messages"));
        Assert.Equal([Exact], await RowsAsync(Account));
        Assert.Equal(new AuditStep(2, 9, 0), await AuditAsync());
    }

    [Fact]
    public async Task One_wrong_element_makes_one_dead_letter_that_names_it_and_nothing_of_the_message_is_stored()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post(
        [
            new LogMessage(0, 0, Several(("a", 1, 21), ("b", 1, 22))),
            new LogMessage(0, 1, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Several(("a", 2, 50), ("b", 2, 51), ("a", 3, 52))).Replace("51", "\"hot\"", StringComparison.Ordinal))),
            new LogMessage(0, 2, Several(("a", 2, 23), ("b", 2, 24))),
        ]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[0L, 2L], [2L, 2L]], await RowsAsync("SELECT kafka_offset, count(*) FROM readings GROUP BY 1 ORDER BY 1"));
        Assert.Equal(
            [[1L, "wrong_type", true, "b", 2L]],
            await RowsAsync("SELECT kafka_offset, reason, detail LIKE 'Element [1]: Cannot read the value \"hot\": %', sensor_id, reading_count FROM rejected_messages"));
        Assert.Equal([[1L, true]], await RowsAsync("SELECT count(*), bool_and(value IS NOT NULL) FROM outbox WHERE topic = 'dead'"));
        // The detector has not seen its readings either: the same counts are no duplicates, and nothing was critical.
        Assert.Equal([[0L, 0L]], await RowsAsync("SELECT duplicated, (SELECT count(*) FROM alerts) FROM partition_offsets"));
        Assert.Equal([Exact], await RowsAsync(Account));
        Assert.Equal(0, (await AuditAsync()).Wrong);
    }

    [Fact]
    public async Task However_often_consumers_die_each_reading_is_stored_once_and_the_alerts_are_those_of_an_undisturbed_one()
    {
        var log = MakeLog().ToArray();
        await using (var alone = await LaneHarness.StartAsync(Database.Ingest, "alone", Timeout, OftenSnapshots))
        {
            await alone.ClaimAsync(0, Timeout);
            alone.Post(log);
            await alone.ReleaseAsync(Timeout, 0);
        }

        var (alerts, readings) = (await RowsAsync(AlertsOfTheLog), await RowsAsync(ReadingsOfTheLog));
        Assert.NotEmpty(alerts);
        Assert.Equal([Exact], await RowsAsync(Account));
        await Database.ScalarAsync<object>("TRUNCATE alerts, readings, reading_batches, partition_offsets, detector_snapshots, outbox, partition_ownership, rebalancing_events CASCADE", Timeout);
        await LaneHarness.ReadWithKillsAsync(Database.Ingest, log, new Random(20260102), OftenSnapshots, Timeout);

        Assert.Equal(readings, await RowsAsync(ReadingsOfTheLog));
        await using (var last = await LaneHarness.StartAsync(Database.Ingest, "last", Timeout, OftenSnapshots))
        {
            var claimed = await last.ClaimAsync(0, Timeout);
            last.Post(log[(int)claimed.From..]);
            await last.ReleaseAsync(Timeout, 0);
        }

        Assert.Equal(alerts, await RowsAsync(AlertsOfTheLog));
        Assert.Equal([[(long)alerts.Count]], await RowsAsync("SELECT count(*) FROM outbox"));
        Assert.Equal([Exact], await RowsAsync(Account));
        Assert.Equal(0, (await AuditAsync()).Wrong);
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_stores_the_message_once()
    {
        await using var proxy = new InterferingProxy(Postgres.Port);
        var connectionString = new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { Port = proxy.Port }.ConnectionString;
        await using var dataSource = NpgsqlDataSource.Create(connectionString);
        await using var consumer = await LaneHarness.StartAsync(dataSource, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([new LogMessage(0, 0, Several(("a", 1, 21), ("b", 1, 22)))]);
        await consumer.SettledAsync(Timeout);

        proxy.EatNextCommit();
        consumer.Post([new LogMessage(0, 1, Several(("a", 2, 21), ("b", 2, 22), ("c", 1, 22)))]);
        consumer.Post([new LogMessage(0, 2, Several(("a", 3, 21), ("b", 3, 22)))]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal(1, proxy.Eaten);
        Assert.Equal([[0L, 2L], [1L, 3L], [2L, 2L]], await RowsAsync("SELECT kafka_offset, count(*) FROM readings GROUP BY 1 ORDER BY 1"));
        Assert.Equal([Exact], await RowsAsync(Account));
    }

    [Fact]
    public async Task A_message_with_a_reading_that_the_database_refuses_is_a_dead_letter_as_a_whole_and_the_others_are_stored()
    {
        await Database.ScalarAsync<object>($"ALTER TABLE readings ADD CONSTRAINT plausible CHECK (value <> {Bad})", Timeout);
        var log = Enumerable.Range(0, 40)
            .Select(i => new LogMessage(0, i, Several(("a", (2 * i) + 1, 25), ("b", i, i is 7 or 8 or 31 ? Bad : 25), ("a", (2 * i) + 2, 25)))).ToArray();
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, new ConsumersOptions { SnapshotInterval = TimeSpan.FromHours(1) }))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(log[..30]);
            await first.SettledAsync(Timeout);
        }

        // The first consumer died before a snapshot: its successor reads the refused messages again, only for the detector.
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenSnapshots);
        await second.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>(
            "INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset) VALUES ('p', 'b', $1, 0, 0, 39, 39)",
            Timeout,
            second.Log.LogKey);
        second.Post(log);
        await EventuallyAsync(async () =>
        {
            second.Tick();
            await second.SettledAsync(Timeout);
            return await Database.ScalarAsync<bool>("SELECT count(*) = 0 FROM acknowledgements", Timeout);
        });

        Assert.Equal(
            [[7L, "refused_by_database", true], [8L, "refused_by_database", true], [31L, "refused_by_database", true]],
            await RowsAsync("SELECT kafka_offset, reason, detail LIKE '23514: %(one of the message''s 3 readings)' FROM rejected_messages ORDER BY 1"));
        Assert.Equal([[37L, 3L, 111L]], await RowsAsync("SELECT count(*), max(n), sum(n)::bigint FROM (SELECT count(*) AS n FROM readings GROUP BY kafka_offset) o"));
        Assert.Equal([[40L, 111L, 37L, 3L, 0L]], await RowsAsync("SELECT next_offset, stored, messages, rejected, duplicated FROM partition_offsets"));
        Assert.Equal([[3L, true]], await RowsAsync("SELECT count(*), bool_and(value_at_source AND value IS NULL) FROM outbox WHERE topic = 'dead'"));
        Assert.Equal([Exact], await RowsAsync(Account));
        Assert.Equal(0, (await AuditAsync()).Wrong);
    }

    [Fact]
    public async Task Alerts_of_one_message_have_ids_of_their_own_and_each_finds_its_reading()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post([new LogMessage(0, 0, Several(("a", 1, 41), ("b", 1, 42), ("b", 2, 25), ("b", 3, 43)))]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal(
            [["a", 41.0, false], ["b", 42.0, true], ["b", 43.0, false]],
            await RowsAsync("SELECT sensor_id, sensor_value, resolved_at IS NOT NULL FROM alerts WHERE anomaly_type = 'critical_threshold_violation' ORDER BY 2"));
        Assert.Equal([[true]], await RowsAsync("SELECT count(*) = (SELECT count(DISTINCT alert_id) FROM outbox WHERE topic = 'alerts') FROM alerts"));
        var queries = new AlertQueries(Database.Monitor);
        foreach (var alert in await RowsAsync("SELECT alert_id, sensor_id, sensor_value FROM alerts"))
        {
            var found = await queries.FindAsync((Guid)alert[0]!, Timeout);
            Assert.Equal((alert[1], alert[2]), (found!.Reading!.SensorId, (object)found.Reading.Value));
            Assert.All(found.Around, reading => Assert.Equal(alert[1], reading.SensorId));
        }
    }

    [Theory]
    [InlineData("DELETE FROM readings WHERE kafka_offset = 1 AND value = 22")]
    [InlineData("DELETE FROM readings WHERE kafka_offset = 0")]
    [InlineData("INSERT INTO readings SELECT * FROM readings WHERE kafka_offset = 1 AND value = 22")]
    [InlineData("UPDATE readings SET kafka_offset = 1 WHERE kafka_offset = 0")]
    [InlineData("UPDATE readings SET kafka_offset = 0 WHERE kafka_offset = 1")]
    [InlineData("UPDATE reading_batches SET messages = 1")]
    [InlineData("UPDATE reading_batches SET messages = NULL")]
    public async Task The_audit_notices_what_a_message_has_lost_or_won(string sql)
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([new LogMessage(0, 0, LaneHarness.Reading("s", 1, 25)), new LogMessage(0, 1, Several(("a", 1, 21), ("b", 1, 22), ("a", 2, 23)))]);
        await consumer.SettledAsync(Timeout);

        await RowsAsync(sql);

        Assert.Equal(new AuditStep(1, 4, 1), await AuditAsync());
        Assert.Equal([["miscounted", 0L]], await RowsAsync("SELECT kind, kafka_offset FROM ledger_violations"));
    }

    [Fact]
    public async Task A_log_that_is_cut_takes_whole_messages_away()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Enumerable.Range(0, 10).Select(i => new LogMessage(0, i, Several(("a", i, 21), ("b", i, 22)))));
            await first.SettledAsync(Timeout);
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        await second.TryClaimAsync(0, Timeout, high: 6, doubts: 3);
        second.Post([new LogMessage(0, 6, LaneHarness.Reading("c", 1, 25)), new LogMessage(0, 7, Several(("c", 2, 25), ("d", 1, 25)))]);
        await second.SettledAsync(Timeout);

        Assert.Equal(
            [["cluster:topic", 0L, 6L, 12, 6], ["cluster:topic", 6L, 8L, 3, 2], ["cluster:topic#0@2", 6L, 10L, 8, 4]],
            await RowsAsync("SELECT log_id, first_offset, next_offset, stored, messages FROM reading_batches JOIN logs USING (log_key) ORDER BY 1, 2"));
        Assert.Equal(
            [["cluster:topic", 8L, 15L, 8L], ["cluster:topic#0@2", 10L, 8L, 4L]],
            await RowsAsync("SELECT log_id, next_offset, stored, messages FROM partition_offsets JOIN logs USING (log_key) ORDER BY 1"));
        Assert.Equal([Exact], await RowsAsync(Account));
        Assert.Equal(0, (await AuditAsync()).Wrong);
    }

    private const string AlertsOfTheLog = """
        SELECT alert_id, sensor_id, anomaly_type, severity, sensor_value, description, kafka_offset, occurrences, peak_value, resolved_at IS NULL FROM alerts ORDER BY kafka_offset, 1
        """;

    private const string ReadingsOfTheLog = "SELECT kafka_offset, sensor_id, reading_count, value FROM sensor_readings ORDER BY 1, 2, 3";

    private static IEnumerable<LogMessage> MakeLog()
    {
        var random = new Random(8);
        var counts = new long[4];
        for (var offset = 0; offset < 400; offset++)
        {
            var readings = Enumerable.Range(0, random.Next(1, 6)).Select(_ =>
            {
                var sensor = random.Next(counts.Length);
                return ($"s-{sensor}", ++counts[sensor], Math.Round(27 + (13 * Math.Sin(offset / 31.0)) + (random.NextDouble() * 6), 2));
            });
            yield return new LogMessage(0, offset, Several([.. readings]));
        }
    }

    /// <summary>Returns an array of readings, each one second after the previous one.</summary>
    private static byte[] Several(params (string Sensor, long Count, double Value)[] readings) => Encoding.UTF8.GetBytes($"[{string.Join(',', readings.Select((one, i) =>
        Encoding.UTF8.GetString(LaneHarness.Reading(one.Sensor, one.Count, one.Value, time: string.Create(CultureInfo.InvariantCulture, $"2025-09-16T21:41:{i:00}Z")))))}]");

    private Task<AuditStep> AuditAsync() => new ReadingAudit(Database.Ingest).StepAsync(10_000, TimeSpan.Zero, Timeout);

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
