using System.Text.Json;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Ingestion;

[Trait("Loop", "quick")]
public sealed class LedgerTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task Acknowledged_ranges_below_the_snapshot_are_settled_and_those_beyond_it_wait()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await AcknowledgeAsync(consumer, "s", 1, 3, maxOffset: 2);
        await AcknowledgeAsync(consumer, "s", 4, 6, maxOffset: 5);

        consumer.Post(Enumerable.Range(0, 5).Select(i => new LogMessage(0, i, LaneHarness.Reading("s", i + 1, 25))));
        await TickUntilAsync(consumer, "SELECT count(*) = 1 FROM acknowledgements");

        Assert.Equal([["p", 3L, 3L, 0L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, rejected, missing FROM ledger"));
        Assert.Equal([[4L]], await RowsAsync("SELECT first_count FROM acknowledgements"));

        consumer.Post([new LogMessage(0, 5, LaneHarness.Reading("s", 6, 25))]);
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 6L, 6L, 0L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, rejected, missing FROM ledger"));
        Assert.Equal([], await RowsAsync("SELECT * FROM ledger_violations"));
    }

    [Fact]
    public async Task Acknowledged_and_neither_stored_nor_rejected_is_missing_and_named()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await AcknowledgeAsync(consumer, "s", 1, 8, maxOffset: 4);

        consumer.Post(
        [
            new LogMessage(0, 0, LaneHarness.Reading("s", 1, 25)),
            new LogMessage(0, 1, LaneHarness.Reading("s", 2, 25)),
            new LogMessage(0, 2, """{"sensor_id":"s","value":1e999,"metadata":{"reading_count":3}}"""u8.ToArray()),
            new LogMessage(0, 3, LaneHarness.Reading("s", 6, 25)),
            new LogMessage(0, 4, LaneHarness.Reading("s", 8, 25)),
        ]);
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 8L, 4L, 1L, 3L]], await RowsAsync("SELECT producer_id, acknowledged, stored, rejected, missing FROM ledger"));
        Assert.Equal(
            [["missing", "s", "p", 4L, 5L, 0, "c1"], ["missing", "s", "p", 7L, 7L, 0, "c1"]],
            await RowsAsync("SELECT kind, sensor_id, producer_id, first_count, last_count, kafka_partition, consumer_id FROM ledger_violations ORDER BY first_count"));
    }

    [Fact]
    public async Task What_memory_does_not_know_is_looked_for_before_it_is_called_missing()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Enumerable.Range(0, 5).Select(i => new LogMessage(0, i, LaneHarness.Reading("s", i, 25))));
            await first.SettledAsync(Timeout);
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue);
        // The log no longer reaches back to where the detector's memory began.
        await second.ClaimAsync(0, Timeout, low: 3);
        await AcknowledgeAsync(second, "s", 0, 4, maxOffset: 4);
        await TickUntilAsync(second, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 5L, 5L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
    }

    [Fact]
    public async Task A_lookup_that_fails_keeps_no_reading_and_no_other_range_waiting()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([.. Forgotten(), new LogMessage(0, 6, LaneHarness.Reading("t", 1, 25))]);
        await consumer.SettledAsync(Timeout);
        await using var other = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using (var transaction = await other.BeginTransactionAsync(Timeout))
        {
            await using var hold = new Npgsql.NpgsqlCommand("LOCK TABLE rejected_messages", other);
            await hold.ExecuteNonQueryAsync(Timeout);
            await AcknowledgeAsync(consumer, "s", 1, 1, maxOffset: 0, "own");
            await AcknowledgeAsync(consumer, "t", 1, 1, maxOffset: 6);

            await TickUntilAsync(consumer, "SELECT count(*) = 1 FROM acknowledgements");
            consumer.Post([new LogMessage(0, 7, LaneHarness.Reading("t", 2, 25))]);
            await TickUntilAsync(consumer, "SELECT next_offset = 8 FROM partition_offsets");
        }

        Assert.Equal([["p", 1L, 1L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");
        Assert.Equal([["p", 2L, 2L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
    }

    [Fact]
    public async Task What_memory_has_forgotten_is_found_and_what_is_missing_named_without_reading_the_readings_of_other_partitions()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        // Ten transactions of this partition, and between the last two of them half a million readings of another one.
        foreach (var message in Forgotten())
        {
            consumer.Post([message]);
            await consumer.SettledAsync(Timeout);
        }

        await Database.RowsAsync(
            $"""
            INSERT INTO readings (processing_timestamp, "timestamp", value, kafka_offset, reading_count, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT t, t, 1, n, n, 1, 1, 1, 1, {consumer.Log.LogKey}, 0
            FROM generate_series(1, 500000) n, (SELECT max(processing_timestamp) AS last FROM readings) r, LATERAL (SELECT last + n * interval '10 us' AS t) t
            """,
            Timeout);
        // The lookup near the range's highest offset must not reach them.
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT clock_timestamp() > max(processing_timestamp) + interval '9 s' FROM reading_batches", Timeout));
        consumer.Post([new LogMessage(0, 6, LaneHarness.Reading("t", 1, 25)), new LogMessage(0, 7, LaneHarness.Reading("t", 2, 25))]);
        await consumer.SettledAsync(Timeout);
        await Database.RowsAsync(
            "DO $$ DECLARE leaf regclass; BEGIN FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'readings'::regclass LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', leaf); END LOOP; END $$",
            Timeout);
        await Database.RowsAsync("SELECT brin_summarize_new_values(c.oid) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'brin' AND c.relname LIKE 'readings%'", Timeout);
        Database.Clear();
        var before = await PagesOfReadingsAsync();

        // Its highest offset is the newest: its readings were stored before the others'.
        await AcknowledgeAsync(consumer, "s", 1, 3, maxOffset: 7, "own");
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 3L, 2L, 1L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
        Assert.Equal([["missing", 3L, 3L]], await RowsAsync("SELECT kind, first_count, last_count FROM ledger_violations"));
        // A session reports what it has read with a statement that ends a second later or more.
        await Task.Delay(TimeSpan.FromSeconds(1.5), Timeout);
        await TickUntilAsync(consumer, "SELECT true");
        Database.Clear();
        await EventuallyAsync(async () => await PagesOfReadingsAsync() > before);
        Assert.InRange(await PagesOfReadingsAsync() - before, 1, 2_500);
    }

    [Fact]
    public async Task More_ranges_than_are_looked_up_at_once_keep_no_other_waiting()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await Database.ScalarAsync<object>(
            "INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset) SELECT 'p', 'nobody', $1, 0, n, n, 0 FROM generate_series(1, 300) n",
            Timeout,
            consumer.Log.LogKey);
        await AcknowledgeAsync(consumer, "s", 1, 1, maxOffset: 0);
        consumer.Post([new LogMessage(0, 0, LaneHarness.Reading("s", 1, 25))]);
        await TickUntilAsync(consumer, "SELECT sum(stored) = 1 FROM ledger");

        Assert.True(await Database.ScalarAsync<long>("SELECT count(*) FROM acknowledgements", Timeout) > 0);
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");
        Assert.Equal([["p", 301L, 1L, 300L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
    }

    [Fact]
    public async Task What_memory_has_forgotten_is_found_however_many_batches_have_followed()
    {
        await using var consumer = await SuccessorAsync(batches: 5_000, offsets: 10);

        await AcknowledgeAsync(consumer, "s", 1, 3, maxOffset: 50_007, "own");
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 3L, 2L, 1L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
        Assert.Equal([["missing", 3L, 3L]], await RowsAsync("SELECT kind, first_count, last_count FROM ledger_violations"));
    }

    [Fact]
    public async Task A_search_whose_steps_take_long_takes_a_tenth_of_the_time()
    {
        const int Steps = 6;
        var stepTime = TimeSpan.FromSeconds(0.2);
        await using var consumer = await SuccessorAsync(batches: 5_000, offsets: 10);
        await Database.RowsAsync(
            $"""
            CREATE SEQUENCE steps MINVALUE 0;
            GRANT USAGE ON steps TO PUBLIC;
            CREATE OR REPLACE FUNCTION offset_span(log_key smallint, kafka_partition integer, first_offset bigint, next_offset bigint) RETURNS numrange
            LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
            BEGIN
                IF current_query() LIKE 'SELECT processing\_timestamp, first\_offset FROM reading\_batches%' THEN
                    PERFORM nextval('steps'), pg_sleep({stepTime.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)});
                END IF;
                RETURN numrange(
                    (log_key * 4294967296::numeric + kafka_partition) * 9223372036854775808::numeric + first_offset,
                    (log_key * 4294967296::numeric + kafka_partition) * 9223372036854775808::numeric + next_offset);
            END $$
            """,
            Timeout);
        var started = TimeProvider.System.GetTimestamp();

        await AcknowledgeAsync(consumer, "s", 1, 3, maxOffset: 50_007, "own");
        await TickUntilAsync(consumer, $"SELECT last_value >= {Steps} FROM steps");

        // The first step and the last may be taken on credit.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), (Steps - 3) * stepTime * 9, TimeSpan.FromMinutes(2));
        Assert.Equal([[1L]], await RowsAsync("SELECT count(*) FROM acknowledgements"));
    }

    [Fact]
    public async Task A_range_is_searched_for_as_far_back_as_its_readings_reach()
    {
        await using var consumer = await SuccessorAsync(batches: 30, offsets: 10_000);
        await Database.RowsAsync(
            """
            INSERT INTO readings (processing_timestamp, "timestamp", value, kafka_offset, reading_count, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT b.processing_timestamp, b.processing_timestamp, 1, 140008, 3, d.sensor_key, b.consumer_key, 0, 1, b.log_key, 0
            FROM reading_batches b, sensor_descriptions d WHERE b.first_offset = 140008 AND d.sequence_id = 'own'
            """,
            Timeout);

        await AcknowledgeAsync(consumer, "s", 1, 3, maxOffset: 300_007, "own");
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");

        Assert.Equal([["p", 3L, 3L, 0L]], await RowsAsync("SELECT producer_id, acknowledged, stored, missing FROM ledger"));
    }

    [Fact]
    public async Task What_is_passed_and_not_compared_for_a_minute_is_not_said_to_be_stored()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([new LogMessage(0, 0, LaneHarness.Reading("s", 1, 25))]);
        await consumer.SettledAsync(Timeout);
        await AcknowledgeAsync(consumer, "s", 2, 2, maxOffset: 0);
        Assert.Equal((1L, 0L, 0L), await ComparedAsync(consumer));

        await Database.RowsAsync("UPDATE acknowledgements SET acknowledged_at = now() - interval '2 min'", Timeout);
        Assert.Equal((1L, 0L, 0L), await ComparedAsync(consumer));
        // An owner has a minute for what its predecessor has left.
        await Database.RowsAsync("UPDATE partition_offsets SET marked_at = now() - interval '2 min'", Timeout);
        Assert.Equal((1L, 0L, 0L), await ComparedAsync(consumer));
        await Database.RowsAsync("UPDATE partition_offsets SET claimed_at = now() - interval '2 min'", Timeout);
        Assert.Equal((0L, 0L, 1L), await ComparedAsync(consumer));
        // The next transactions keep where the partition stood, and one of them compares it.
        consumer.Post([new LogMessage(0, 1, LaneHarness.Reading("s", 3, 25))]);
        await consumer.SettledAsync(Timeout);
        Assert.Equal([[1L, 2L, true]], await RowsAsync("SELECT overdue_offset, marked_offset, marked_at > now() - interval '1 min' FROM partition_offsets"));
        await TickUntilAsync(consumer, "SELECT count(*) = 0 FROM acknowledgements");
        Assert.Equal((0L, 1L, 0L), await ComparedAsync(consumer));
    }

    [Fact]
    public async Task A_lease_that_ends_leaves_the_settlement_to_its_successor()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([new LogMessage(0, 0, LaneHarness.Reading("s", 1, 25))]);
        await consumer.SettledAsync(Timeout);
        await AcknowledgeAsync(consumer, "s", 1, 1, maxOffset: 0);

        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal([[1L]], await RowsAsync("SELECT count(*) FROM acknowledgements"));
        // Nobody is late with it, however long the partition has no owner.
        await Database.RowsAsync(
            "UPDATE partition_offsets SET claimed_at = claimed_at - interval '2 min', last_commit_at = last_commit_at - interval '2 min', marked_at = marked_at - interval '2 min'",
            Timeout);
        await Database.RowsAsync("UPDATE acknowledgements SET acknowledged_at = now() - interval '2 min'", Timeout);
        Assert.Equal((1L, 0L, 0L), await ComparedAsync(consumer));
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue);
        await successor.ClaimAsync(0, Timeout);
        await TickUntilAsync(successor, "SELECT count(*) = 0 FROM acknowledgements");
    }

    private async Task<(long Stored, long Missing, long Unsettled)> ComparedAsync(LaneHarness consumer)
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using var batch = new Npgsql.NpgsqlBatch(connection);
        LedgerQueries.Add(batch, consumer.Log.Topic);
        await using var reader = await batch.ExecuteReaderAsync(Timeout);
        var ledger = await LedgerQueries.ReadAsync(reader, Timeout);
        Assert.Equal(ledger.Acknowledged, ledger.StoredAcknowledged + ledger.RejectedAcknowledged + ledger.InFlight + ledger.Missing + ledger.Unsettled);
        Assert.True(ledger.Unsettled == 0 || ledger.SettledAt is null || ledger.SettledAt < DateTimeOffset.UtcNow.AddMinutes(-1));
        return (ledger.StoredAcknowledged, ledger.Missing, ledger.Unsettled);
    }

    /// <summary>Starts a consumer whose memory has forgotten two readings. Batches of other sensors' readings have followed them, a fifth of a second apart.</summary>
    private async Task<LaneHarness> SuccessorAsync(int batches, int offsets)
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post([.. Forgotten(), new LogMessage(0, 6, LaneHarness.Reading("t", 1, 25)), new LogMessage(0, 7, LaneHarness.Reading("t", 2, 25))]);
            await first.SettledAsync(Timeout);
            await first.ReleaseAsync(Timeout, 0);
        }

        await Database.RowsAsync(
            $"""
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key)
            SELECT b.last + n * interval '200 ms', 8 + n * {offsets}, 8 + (n + 1) * {offsets}, {offsets}, {offsets}, 0, 1, b.log_key
            FROM generate_series(0, {batches - 1}) n, (SELECT max(processing_timestamp) + interval '9 s' AS last, max(log_key) AS log_key FROM reading_batches) b
            """,
            Timeout);
        await Database.RowsAsync($"UPDATE partition_offsets SET next_offset = {8 + (batches * offsets)}", Timeout);
        await Database.RowsAsync($"UPDATE detector_snapshots SET snapshot_offset = {8 + (batches * offsets)}", Timeout);
        var consumer = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        return consumer;
    }

    /// <summary>Two readings of a sequence that the detector forgets, because four others of the same sensor follow.</summary>
    private static LogMessage[] Forgotten() =>
    [
        new(0, 0, LaneHarness.Reading("s", 1, 25, sequenceId: "own")), new(0, 1, LaneHarness.Reading("s", 2, 25, sequenceId: "own")),
        .. Enumerable.Range(2, 4).Select(i => new LogMessage(0, i, LaneHarness.Reading("s", 1, 25, sequenceId: $"other-{i}"))),
    ];

    private Task<long> PagesOfReadingsAsync() =>
        Database.ScalarAsync<long>("SELECT sum(heap_blks_read + heap_blks_hit)::bigint FROM pg_statio_user_tables WHERE relname ~ '^readings_[0-9]'", Timeout);

    [Fact]
    public async Task The_newest_reading_of_each_sensor_is_kept()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post([new LogMessage(0, 0, LaneHarness.Reading("a", 1, 20)), new LogMessage(0, 1, LaneHarness.Reading("b", 1, 36)), new LogMessage(0, 2, LaneHarness.Reading("a", 2, 41))]);
        await TickUntilAsync(consumer, "SELECT count(*) = 2 FROM sensor_latest");

        Assert.Equal(
            [["a", 41.0, "critical", 2L, 2L], ["b", 36.0, "warning", 1L, 1L]],
            await RowsAsync("SELECT sensor_id, last_value, alert_level, reading_count, kafka_offset FROM sensors ORDER BY 1"));
    }

    [Fact]
    public async Task The_account_is_read_at_the_same_cost_however_much_waits_to_be_settled()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await WaitAsync(consumer, 1, 3_000);
        var few = await PagesOfAccountAsync(consumer);
        for (var slice = 1; slice <= 10; slice++) await WaitAsync(consumer, slice * 30_000, (slice * 30_000) + 29_999);
        var many = await PagesOfAccountAsync(consumer);

        Assert.InRange(few, 1, 200);
        Assert.InRange(many, 1, few * 2);
    }

    /// <summary>Adds acknowledgements of one reading each, which no consumer has passed yet.</summary>
    private async Task WaitAsync(LaneHarness consumer, int first, int last)
    {
        await Database.ScalarAsync<object>(
            """
            INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset)
            SELECT 'p', 's', $1, 0, n, n, 1000000 + n FROM generate_series($2, $3) n
            """,
            Timeout,
            consumer.Log.LogKey,
            first,
            last);
        await Database.ScalarAsync<object>("ANALYZE acknowledgements", Timeout);
    }

    /// <summary>Returns how many pages the query of the producers' accounts reads.</summary>
    private async Task<long> PagesOfAccountAsync(LaneHarness consumer)
    {
        var sql = LedgerQueries.Producers.Replace("$1", $"'{consumer.Log.Topic}'", StringComparison.Ordinal);
        using var plan = JsonDocument.Parse((await Database.ScalarAsync<string>($"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", Timeout))!);
        var root = plan.RootElement[0].GetProperty("Plan");
        return root.GetProperty("Shared Hit Blocks").GetInt64() + root.GetProperty("Shared Read Blocks").GetInt64();
    }

    private Task<object?> AcknowledgeAsync(LaneHarness consumer, string sensor, long first, long last, long maxOffset, string sequenceId = "") => Database.ScalarAsync<object>(
        "INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset, sequence_id) VALUES ('p', $1, $2, 0, $3, $4, $5, nullif($6, ''))",
        Timeout,
        sensor,
        consumer.Log.LogKey,
        first,
        last,
        maxOffset,
        sequenceId);

    private Task TickUntilAsync(LaneHarness consumer, string condition) => EventuallyAsync(async () =>
    {
        consumer.Tick();
        await consumer.SettledAsync(Timeout);
        return await Database.ScalarAsync<bool>(condition, Timeout);
    });

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
