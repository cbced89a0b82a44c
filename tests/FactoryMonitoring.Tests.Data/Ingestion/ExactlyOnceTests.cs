using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

public sealed class ExactlyOnceTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static IEnumerable<LogMessage> Log(int partition, long from, int count) =>
        Enumerable.Range(0, count).Select(i => new LogMessage(partition, from + i, LaneHarness.Reading($"s-{i % 3}", from + i, 25)));

    [Fact]
    public async Task A_batch_stores_readings_counters_and_offset_together()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(4, Timeout, low: 100);

        consumer.Post(Log(4, 100, 30));
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[30L, 30L, 100L, 129L]], await RowsAsync("SELECT count(*), count(DISTINCT reading_count), min(kafka_offset), max(kafka_offset) FROM sensor_readings"));
        Assert.Equal(
            [["s-0", "temperature", new DateTime(2025, 9, 16, 21, 41, 41, 500, DateTimeKind.Utc), 25.0, "°C", "normal", 1f, null, null, null, 100L, "c1", 4, 100L]],
            await RowsAsync("""
                SELECT sensor_id, sensor_type, timestamp, value, unit, alert_level, quality, factory_section, machine_id, zone, reading_count, processed_by_consumer,
                    kafka_partition, kafka_offset FROM sensor_readings WHERE kafka_offset = 100
                """));
        Assert.Equal([["c1", 1L, 130L, 100L, 30L, 30L]], await RowsAsync("SELECT owner, epoch, next_offset, first_offset, stored, stored_in_epoch FROM partition_offsets"));
        Assert.Equal([[30L]], await RowsAsync("SELECT stored FROM ingest_totals"));
        Assert.Equal([[30L]], await RowsAsync("SELECT sum(stored)::bigint FROM ingest_buckets"));
    }

    [Fact]
    public async Task Replayed_offsets_store_nothing_twice()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Log(0, 0, 50));
            await first.SettledAsync(Timeout);
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        var claimed = await second.ClaimAsync(0, Timeout);
        // The first consumer died before its first snapshot: the detector begins where the account of the partition begins.
        Assert.Equal((0L, 50L), (claimed.From, claimed.ReplayUntil));
        second.Post(Log(0, 0, 80));
        await second.SettledAsync(Timeout);

        Assert.Equal([[80L, 80L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
        Assert.Equal([[80L, 0L, 0L]], await RowsAsync("SELECT stored, duplicated, redelivered FROM partition_offsets"));
    }

    [Fact]
    public async Task A_batch_with_offsets_of_an_assignment_that_is_over_and_of_the_next_stores_them_once()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Log(0, 0, 10));
        await consumer.SettledAsync(Timeout);
        consumer.Fill(Log(0, 10, 20));
        consumer.Partition(0).Abandon();
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post(Log(0, 0, 40));
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[40L, 40L, 0L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset), (SELECT count(*) FROM rejected_messages) FROM readings"));
        Assert.Equal([[40L, 40L, 0L]], await RowsAsync("SELECT next_offset, stored, rejected FROM partition_offsets"));
    }

    [Fact]
    public async Task Whoever_has_been_claimed_from_can_store_nothing_and_is_told()
    {
        await using var old = await LaneHarness.StartAsync(Database.Ingest, "old", Timeout);
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "new", Timeout);
        await old.ClaimAsync(0, Timeout);
        old.Post(Log(0, 0, 10));
        await old.SettledAsync(Timeout);
        await successor.ClaimAsync(0, Timeout);

        old.Post(Log(0, 10, 10));

        Assert.IsType<LaneEvent.Fenced>(await old.NewsAsync(Timeout));
        Assert.Equal([[10L]], await RowsAsync("SELECT count(*) FROM readings"));
        successor.Post(Log(0, 0, 20));
        await successor.SettledAsync(Timeout);
        Assert.Equal([[20L, 20L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
    }

    [Fact]
    public async Task Losing_one_partition_of_a_batch_does_not_lose_the_others()
    {
        await using var old = await LaneHarness.StartAsync(Database.Ingest, "old", Timeout);
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "new", Timeout);
        await old.ClaimAsync(0, Timeout);
        await old.ClaimAsync(2, Timeout);
        await successor.ClaimAsync(0, Timeout);

        old.Post([.. Log(0, 0, 10), .. Log(2, 0, 10)]);
        await old.SettledAsync(Timeout);

        Assert.Equal([[2, 10L]], await RowsAsync("SELECT kafka_partition, count(*) FROM readings GROUP BY 1"));
        Assert.Equal([[0, 0L], [2, 10L]], await RowsAsync("SELECT kafka_partition, next_offset FROM partition_offsets ORDER BY 1"));
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_recognised()
    {
        await using var proxy = new InterferingProxy(Postgres.Port);
        var connectionString = new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { Port = proxy.Port }.ConnectionString;
        await using var dataSource = NpgsqlDataSource.Create(connectionString);
        await using var consumer = await LaneHarness.StartAsync(dataSource, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Log(0, 0, 10));
        await consumer.SettledAsync(Timeout);

        proxy.EatNextCommit();
        consumer.Post(Log(0, 10, 10));
        consumer.Post(Log(0, 20, 10));
        await consumer.SettledAsync(Timeout);

        Assert.Equal(1, proxy.Eaten);
        Assert.Equal([[30L, 30L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
        Assert.Equal([["c1", 1L, 30L, 30L]], await RowsAsync("SELECT owner, epoch, next_offset, stored FROM partition_offsets"));
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_recognised_though_one_of_its_partitions_is_another_consumers_by_then()
    {
        await using var proxy = new InterferingProxy(Postgres.Port);
        await using var dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { Port = proxy.Port }.ConnectionString);
        await using var consumer = await LaneHarness.StartAsync(dataSource, "c1", Timeout);
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(2, Timeout);
        consumer.Post([.. Log(0, 0, 10), .. Log(2, 0, 10)]);
        await consumer.SettledAsync(Timeout);

        var committed = proxy.EatNextCommitAndHoldAsync();
        consumer.Post([.. Log(0, 10, 10), .. Log(2, 10, 10)]);
        await committed.WaitAsync(Timeout);
        await successor.ClaimAsync(0, Timeout);
        proxy.Thaw();

        Assert.IsType<LaneEvent.Fenced>(await consumer.NewsAsync(Timeout));
        consumer.Post([.. Log(0, 20, 10), .. Log(2, 20, 10)]);
        await consumer.SettledAsync(Timeout);
        Assert.Equal([[0, 20L, 2L], [2, 30L, 1L]], await RowsAsync("SELECT kafka_partition, next_offset, epoch FROM partition_offsets ORDER BY 1"));
        Assert.Equal([[50L, 50L]], await RowsAsync("SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset)) FROM readings"));
    }

    [Fact]
    public async Task A_session_that_is_no_consumers_is_waited_for()
    {
        await using var lane = await LaneHarness.StartAsync(Database.Ingest, "c", Timeout);
        await lane.ClaimAsync(0, Timeout);
        await using var operatorsSession = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using (var begun = new NpgsqlCommand("BEGIN; LOCK TABLE partition_offsets IN ACCESS EXCLUSIVE MODE", operatorsSession))
        {
            await begun.ExecuteNonQueryAsync(Timeout);
        }

        lane.Post(Log(0, 0, 10));
        // Longer than any timeout of a lane.
        await Task.Delay(TimeSpan.FromSeconds(2.5), Timeout);
        await using (var ended = new NpgsqlCommand("COMMIT", operatorsSession))
        {
            await ended.ExecuteNonQueryAsync(Timeout);
        }

        await lane.SettledAsync(Timeout);
        Assert.Equal([[10L]], await RowsAsync("SELECT count(*) FROM readings"));
    }

    [Fact]
    public async Task An_owner_frozen_inside_its_COPY_does_not_hold_its_successor_up_for_3_s_and_stores_nothing_when_it_wakes_up()
    {
        await using var proxy = new InterferingProxy(Postgres.Port);
        await using var dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { Port = proxy.Port }.ConnectionString);
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "new", Timeout);
        await using var old = await LaneHarness.StartAsync(dataSource, "old", Timeout);
        await old.ClaimAsync(0, Timeout);
        old.Post(Log(0, 0, 10));
        await old.SettledAsync(Timeout);

        var frozen = proxy.FreezeInNextCopyAsync();
        old.Post(Log(0, 10, 10));
        await frozen.WaitAsync(Timeout);
        var started = TimeProvider.System.GetTimestamp();
        await successor.ClaimAsync(0, Timeout);
        var waited = TimeProvider.System.GetElapsedTime(started);
        successor.Post(Log(0, 10, 5));
        await successor.SettledAsync(Timeout);
        proxy.Thaw();
        await old.SettledAsync(Timeout);

        Assert.InRange(waited, TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(3));
        Assert.IsType<LaneEvent.Fenced>(await old.NewsAsync(Timeout));
        Assert.Equal([[15L, 15L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
        Assert.Equal([["new", 2L, 15L, 15L]], await RowsAsync("SELECT owner, epoch, next_offset, stored FROM partition_offsets"));
    }

    [Fact]
    public async Task A_batch_survives_a_database_that_is_killed_and_comes_back()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Log(0, 0, 10));
        await consumer.SettledAsync(Timeout);

        await Postgres.KillAsync();
        consumer.Post(Log(0, 10, 10));
        await EventuallyAsync(() => Task.FromResult(consumer.Status.DatabaseAway));
        await Postgres.StartAsync();
        await consumer.SettledAsync(Timeout);

        Assert.False(consumer.Status.DatabaseAway);
        Assert.Equal([[20L, 20L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
    }

    [Fact]
    public async Task A_batch_survives_a_database_that_freezes_for_longer_than_its_limits()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Log(0, 0, 10));
        await consumer.SettledAsync(Timeout);

        await Postgres.FreezeAsync();
        consumer.Post(Log(0, 10, 10));
        await EventuallyAsync(() => Task.FromResult(consumer.Status.DatabaseAway));
        await Postgres.ThawAsync();
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[20L, 20L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
    }

    [Fact]
    public async Task A_day_that_nobody_has_made_yet_is_made_when_it_is_needed()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>("DO $$ DECLARE leaf regclass; BEGIN FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'readings'::regclass LOOP EXECUTE 'DROP TABLE ' || leaf; END LOOP; END $$", Timeout);

        consumer.Post(Log(0, 0, 10));
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[10L]], await RowsAsync("SELECT count(*) FROM readings"));
    }

    [Fact]
    public async Task Days_are_made_and_dropped_while_batches_are_stored()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        var days = new FactoryMonitoring.Data.ReadingPartitions(Database.DataSource);
        await days.EnsureAsync(new DateOnly(2020, 1, 1), 3, Timeout);
        await consumer.ClaimAsync(0, Timeout);

        var maintenance = Task.Run(async () =>
        {
            await days.EnsureAsync(new DateOnly(2040, 1, 1), 10, Timeout);
            return await days.DropExpiredAsync(Timeout);
        });
        long offset = 0;
        while (!maintenance.IsCompleted)
        {
            consumer.Post(Log(0, offset, 100));
            offset += 100;
            await consumer.SettledAsync(Timeout);
        }

        Assert.Equal(
            ["reading_batches_20200101", "readings_20200101", "reading_batches_20200102", "readings_20200102", "reading_batches_20200103", "readings_20200103"],
            await maintenance);
        Assert.Equal([[offset]], await RowsAsync("SELECT count(*) FROM readings"));
    }

    [Fact]
    public async Task Days_whose_dropping_was_interrupted_are_dropped_after_all()
    {
        var days = new FactoryMonitoring.Data.ReadingPartitions(Database.DataSource);
        await days.EnsureAsync(new DateOnly(2020, 1, 1), 3, Timeout);
        await Database.ScalarAsync<object>("ALTER TABLE readings DETACH PARTITION readings_20200101", Timeout);
        await using (var reader = await Database.DataSource.OpenConnectionAsync(Timeout))
        await using (var reading = new NpgsqlCommand("BEGIN; SELECT count(*) FROM readings_20200102", reader))
        {
            await reading.ExecuteNonQueryAsync(Timeout);
            // Waits for the reading session, and is cancelled in the middle.
            await using var interrupted = await Database.DataSource.OpenConnectionAsync(Timeout);
            await using var limit = new NpgsqlCommand("SET statement_timeout = 500", interrupted);
            await limit.ExecuteNonQueryAsync(Timeout);
            await using var detach = new NpgsqlCommand("ALTER TABLE readings DETACH PARTITION readings_20200102 CONCURRENTLY", interrupted);
            await Assert.ThrowsAsync<PostgresException>(() => detach.ExecuteNonQueryAsync(Timeout));
        }

        Assert.Equal([[true]], await RowsAsync("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'readings_20200102'::regclass"));
        Assert.Equal(
            ["reading_batches_20200101", "readings_20200101", "reading_batches_20200102", "readings_20200102", "reading_batches_20200103", "readings_20200103"],
            await days.DropExpiredAsync(Timeout));
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM pg_class WHERE relname ~ '^reading.*_2020'"));
    }

    [Fact]
    public async Task The_retention_is_what_the_database_has_whoever_asks()
    {
        var days = new FactoryMonitoring.Data.ReadingPartitions(Database.DataSource);
        var today = DateOnly.FromDateTime(DateTime.UtcNow);
        await days.EnsureAsync(today.AddDays(-20), 20, Timeout);

        await new FactoryMonitoring.Data.Ingestion.RetentionStore(Database.DataSource).KeepAsync(TimeSpan.FromDays(12), Timeout);

        Assert.Equal(
            [.. Enumerable.Range(0, 8).SelectMany(n => new[] { $"reading_batches_{today.AddDays(n - 20):yyyyMMdd}", $"readings_{today.AddDays(n - 20):yyyyMMdd}" })],
            await days.DropExpiredAsync(Timeout));
        Assert.Empty(await days.DropExpiredAsync(Timeout));
    }

    [Fact]
    public async Task Messages_that_are_no_readings_cost_themselves_alone()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post([.. Log(0, 0, 2), new LogMessage(0, 2, "poison"u8.ToArray()), new LogMessage(0, 3, []), new LogMessage(0, 4, new byte[70_000]), .. Log(0, 5, 2)]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[4L]], await RowsAsync("SELECT count(*) FROM readings"));
        Assert.Equal([[2L, "malformed_json"], [3L, "empty"], [4L, "oversized"]], await RowsAsync("SELECT kafka_offset, reason FROM rejected_messages ORDER BY 1"));
        Assert.Equal([[7L, 4L, 3L]], await RowsAsync("SELECT next_offset, stored, rejected FROM partition_offsets"));
        Assert.Equal([["dead", 6], ["dead", 0], ["dead", 65_536]], await RowsAsync("SELECT topic, octet_length(value) FROM outbox ORDER BY source_offset"));
    }

    [Fact]
    public async Task What_another_producer_sends_is_stored_counted_and_judged_as_our_own()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        // Three values in a row above the threshold raise an alert, whoever records them.
        byte[][] messages =
        [
            LaneHarness.Reading("s-1", 1, 36, time: "2026-01-31T12:00:00Z"),
            """{"timestamp":"2026-01-31 13:00:01+0100","sensorId":"s-1","sensor_type":"temperature","value":"36.5","quality":"Good","metadata":{"reading_count":"2"}}"""u8.ToArray(),
            """{"specversion":"1.0","id":"1","type":"t","source":"s-1","time":"2026-01-31T12:00:02Z","data":{"sensor_type":"temperature","value":37,"metadata":{"reading_count":3}}}"""u8.ToArray(),
            """{"schema":null,"payload":{"ts":1769860803000,"sensor_id":"s-1","sensor_type":"temperature","value":NaN,"metadata":{"reading_count":4}}}"""u8.ToArray(),
            """{"schema":null,"payload":{"ts":1769860802000,"sensor_id":"s-1","sensor_type":"temperature","value":37,"metadata":{"reading_count":3}}}"""u8.ToArray(),
        ];
        consumer.Post(messages.Select((message, offset) => new LogMessage(0, offset, message)));
        await consumer.SettledAsync(Timeout);

        Assert.Equal(
            [[0L, 36.0, 1L, 1f, 0], [1L, 36.5, 2L, 1f, 1], [2L, 37.0, 3L, 1f, 2], [4L, 37.0, 3L, 1f, 2]],
            await RowsAsync("""SELECT kafka_offset, value, reading_count, quality, extract(epoch FROM "timestamp" - '2026-01-31T12:00:00Z')::int FROM readings ORDER BY 1"""));
        Assert.Equal([[1L]], await RowsAsync("SELECT count(*) FROM sensor_descriptions"));
        Assert.Equal([["no_value", "s-1", 4L]], await RowsAsync("SELECT reason, sensor_id, reading_count FROM rejected_messages"));
        Assert.Equal([[5L, 4L, 0L, 1L, 1L]], await RowsAsync("SELECT next_offset, stored, uncounted, rejected, duplicated FROM partition_offsets"));
        Assert.Equal([["consecutive_high_alerts", 2L]], await RowsAsync("SELECT anomaly_type, kafka_offset FROM alerts"));
    }

    [Fact]
    public async Task Offsets_that_the_log_has_dropped_are_counted_and_named()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Log(0, 0, 10));
            await first.SettledAsync(Timeout);
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        var claimed = await second.ClaimAsync(0, Timeout, low: 25);

        Assert.Equal((25L, 25L), (claimed.From, claimed.ReplayUntil));
        Assert.Equal([[25L, 15L]], await RowsAsync("SELECT next_offset, skipped FROM partition_offsets"));
        Assert.Equal([["skipped", 0, 10L, "c2"]], await RowsAsync("SELECT kind, kafka_partition, kafka_offset, consumer_id FROM ledger_violations"));
    }

    [Fact]
    public async Task What_the_brokers_have_lost_is_kept_and_its_offsets_can_be_used_again()
    {
        await using var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await first.ClaimAsync(0, Timeout);
        first.Post(Log(0, 0, 10));
        await first.ReleaseAsync(Timeout, 0);

        // The end offset of a new leader can lag for a moment: at first it is only doubted.
        Assert.IsType<LaneEvent.ClaimAgain>(await first.TryClaimAsync(0, Timeout, high: 6));
        Assert.Equal([[10L, 1L]], await RowsAsync("SELECT next_offset, epoch FROM partition_offsets"));
        var claimed = Assert.IsType<LaneEvent.Claimed>(await first.TryClaimAsync(0, Timeout, high: 6, doubts: 3));
        Assert.Equal((6L, 6L), (claimed.From, claimed.ReplayUntil));
        first.Post(Enumerable.Range(0, 3).Select(i => new LogMessage(0, 6 + i, LaneHarness.Reading("s-9", i, 25))));
        await first.SettledAsync(Timeout);

        Assert.Equal(
            [["cluster:topic", 9L, 9L, 9L], ["cluster:topic#0@2", 4L, 10L, 4L]],
            await RowsAsync("SELECT log_id, count(*), o.next_offset, o.stored FROM readings JOIN logs USING (log_key) JOIN partition_offsets o USING (log_key) GROUP BY 1, 3, 4 ORDER BY 1"));
        Assert.Equal([["skipped", 6L]], await RowsAsync("SELECT kind, kafka_offset FROM ledger_violations"));

        // Retention deletes the log of what was lost long before the log itself: the database is still the same.
        await RowsAsync("UPDATE logs SET log_id = 'deleted' WHERE log_id LIKE '%#%'");
        await RowsAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, 'ingest of ')");
        first.Post([new LogMessage(0, 9, LaneHarness.Reading("s-9", 3, 25))]);
        await first.SettledAsync(Timeout);
        Assert.Equal([[10L]], await RowsAsync("SELECT next_offset FROM partition_offsets WHERE owner = 'c1'"));
    }

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
