using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// Counts that restart: those of foreign sensors, and those of the factory's sensors when the database is recreated or restored under running consumers.
/// </summary>
public sealed class ReplacedDatabaseTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task A_strangers_device_that_counts_from_1_again_is_not_stored_twice()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Enumerable.Range(0, 20).Select(i => Message(i, count: i + 1, minute: i)));
        consumer.Post(Enumerable.Range(20, 20).Select(i => Message(i, count: i - 19, minute: i)));
        // The last message once more, unchanged.
        consumer.Post([Message(40, count: 20, minute: 39)]);
        await StoredAsync(consumer, 41);

        Assert.Equal([[41L, 1L]], await Database.RowsAsync("SELECT sum(stored)::bigint, sum(duplicated)::bigint FROM partition_offsets", Timeout));
        Assert.Equal([["duplicated", 20L, 40L]], await Database.RowsAsync("SELECT kind, first_count, kafka_offset FROM ledger_violations", Timeout));

        static LogMessage Message(int offset, int count, int minute) => new(0, offset, LaneHarness.Reading("s", count, 25, time: $"2025-09-16T21:{minute:00}:00Z"));
    }

    [Fact]
    public async Task A_database_that_is_restored_from_an_older_backup_gets_what_it_lacks_once_and_under_the_right_sensor()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Enumerable.Range(0, 10).Select(i => Message(i)));
        await StoredAsync(consumer, 10);
        var backup = await Postgres.BackUpAsync(Database);
        // Readings that the backup lacks; their sensors have keys by now.
        consumer.Post(Enumerable.Range(10, 20).Select(i => Message(i)));
        await StoredAsync(consumer, 30);

        await Postgres.ReplaceAsync(Database, backup);
        // In the restored database the key of the foreign sensor is the former key of one of the factory's sensors.
        await Database.RowsAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ('stranger', 'temperature', '°C')", Timeout);
        consumer.Post(Enumerable.Range(30, 5).Select(i => Message(i)));
        Assert.IsType<LaneEvent.ClaimAgain>(await consumer.NewsAsync(Timeout));
        Assert.Equal(10, (await consumer.ClaimAsync(0, Timeout)).ReplayUntil);
        // A sensor that started meanwhile got the same counts a second time.
        consumer.Post(Enumerable.Range(10, 30).Select(i => i < 35 ? Message(i) : new LogMessage(0, i, LaneHarness.Reading("a", i, 25, sequenceId: "after"))));
        await StoredAsync(consumer, 40);

        await AcknowledgeAsync("a", "before", 0, 9, maxOffset: 9);
        await AcknowledgeAsync("b", "before", 10, 34, maxOffset: 34);
        await AcknowledgeAsync("a", "after", 35, 39, maxOffset: 39);
        await SettledAsync(consumer);
        Assert.Equal(
            [["a", "after", 5L], ["a", "before", 10L], ["b", "before", 25L]],
            await Database.RowsAsync("SELECT sensor_id, sequence_id, count(*) FROM sensor_readings GROUP BY 1, 2 ORDER BY 1, 2", Timeout));
        Assert.Equal([["p", 40L, 40L, 0L]], await Database.RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger", Timeout));
        Assert.Equal([], await Database.RowsAsync("SELECT * FROM ledger_violations", Timeout));

        static LogMessage Message(int offset) => new(0, offset, LaneHarness.Reading(offset < 10 ? "a" : "b", offset, 25, sequenceId: "before"));
    }

    [Fact]
    public async Task A_database_that_is_restored_is_noticed_though_it_lacks_nothing_that_is_remembered()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([Message(0)]);
        await StoredAsync(consumer, 1);

        await Postgres.ReplaceAsync(Database, await Postgres.BackUpAsync(Database));
        consumer.Tick();

        Assert.IsType<LaneEvent.ClaimAgain>(await consumer.NewsAsync(Timeout));

        static LogMessage Message(int offset) => new(0, offset, LaneHarness.Reading("a", offset, 25, sequenceId: "q"));
    }

    [Fact]
    public async Task A_database_that_is_made_anew_gets_the_whole_log_under_keys_of_its_own()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Enumerable.Range(0, 10).Select(Message));
        await StoredAsync(consumer, 10);

        await Postgres.ReplaceAsync(Database, backup: null);
        await Database.RowsAsync(
            """
            INSERT INTO consumers (consumer_id) VALUES ('another');
            INSERT INTO logs (log_id) VALUES ('another');
            INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, sequence_id) VALUES ('b', 'temperature', '°C', 'q'), ('a', 'temperature', '°C', 'q')
            """,
            Timeout);
        consumer.Post([Message(10)]);
        Assert.IsType<LaneEvent.ClaimAgain>(await consumer.NewsAsync(Timeout));
        Assert.Equal(0, (await consumer.ClaimAsync(0, Timeout)).ReplayUntil);
        consumer.Post(Enumerable.Range(0, 11).Select(Message));
        await StoredAsync(consumer, 11);

        Assert.Equal(
            [["a", "c1", LaneHarness.LogId, 6L], ["b", "c1", LaneHarness.LogId, 5L]],
            await Database.RowsAsync("SELECT sensor_id, processed_by_consumer, log_id, count(*) FROM sensor_readings GROUP BY 1, 2, 3 ORDER BY 1", Timeout));
        Assert.Equal([], await Database.RowsAsync("SELECT * FROM ledger_violations", Timeout));

        static LogMessage Message(int offset) => new(0, offset, LaneHarness.Reading(offset % 2 == 0 ? "a" : "b", offset / 2, 25, sequenceId: "q"));
    }

    private Task<object?> AcknowledgeAsync(string sensor, string sequenceId, long first, long last, long maxOffset) => Database.ScalarAsync<object>(
        """
        INSERT INTO acknowledgements (producer_id, sensor_id, sequence_id, log_key, kafka_partition, first_count, last_count, max_offset)
        SELECT 'p', $1, $2, log_key, 0, $3, $4, $5 FROM partition_offsets
        """,
        Timeout, sensor, sequenceId, first, last, maxOffset);

    private async Task StoredAsync(LaneHarness consumer, long next)
    {
        await consumer.SettledAsync(Timeout);
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets WHERE kafka_partition = 0", Timeout) == next);
    }

    private Task SettledAsync(LaneHarness consumer) => EventuallyAsync(async () =>
    {
        consumer.Tick();
        await consumer.SettledAsync(Timeout);
        return await Database.ScalarAsync<long>("SELECT count(*) FROM acknowledgements", Timeout) == 0;
    });
}
