using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>The proof that no offset is stored twice: a span for each batch, and the row count compared with it.</summary>
[Trait("Loop", "quick")]
public sealed class ReadingBatchTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static IEnumerable<LogMessage> Log(int partition, long from, int count) =>
        Enumerable.Range(0, count).Select(i => new LogMessage(partition, from + i, LaneHarness.Reading($"s-{i % 3}", from + i, 25)));

    [Fact]
    public async Task Each_batch_of_a_partition_has_a_span_and_its_readings_have_its_time()
    {
        await StoreAsync();

        Assert.Equal(
            [[0, 0L, 20L, 20], [0, 20L, 50L, 30], [1, 7L, 17L, 10]],
            await RowsAsync("SELECT kafka_partition, first_offset, next_offset, stored FROM reading_batches ORDER BY 1, 2"));
        Assert.Equal(
            [[60L]],
            await RowsAsync("""
                SELECT count(*) FROM readings r JOIN reading_batches b USING (log_key, kafka_partition, processing_timestamp)
                WHERE r.kafka_offset >= b.first_offset AND r.kafka_offset < b.next_offset
                """));
        Assert.Equal([[25L]], await RowsAsync("""
            SELECT count(*) FROM readings, reading_times(1::smallint, 0, 25, 49) t WHERE kafka_partition = 0 AND kafka_offset BETWEEN 25 AND 49
                AND processing_timestamp BETWEEN t.first_time AND t.last_time
            """));
    }

    [Theory]
    [InlineData(0, 19, 20)]
    [InlineData(0, 0, 100)]
    [InlineData(0, 49, 60)]
    [InlineData(1, 16, 17)]
    public async Task The_database_refuses_a_span_that_overlaps_another(int partition, long first, long next)
    {
        await StoreAsync();

        var refused = await Assert.ThrowsAsync<PostgresException>(() => InsertAsync(partition, first, next));

        Assert.Equal(PostgresErrorCodes.ExclusionViolation, refused.SqlState);
    }

    [Theory]
    [InlineData(0, 50, 51)]
    [InlineData(1, 0, 7)]
    [InlineData(2, 0, 50)]
    [InlineData(int.MaxValue, 0, long.MaxValue)]
    [InlineData(int.MinValue, 0, long.MaxValue)]
    public async Task And_takes_one_beside_it_or_of_another_partition(int partition, long first, long next)
    {
        await StoreAsync();
        await InsertAsync(partition, first, next);
        Assert.Equal([[4L]], await RowsAsync("SELECT count(*) FROM reading_batches"));
    }

    [Fact]
    public async Task It_does_not_refuse_the_same_span_on_another_day_where_the_fence_alone_prevents_it()
    {
        await StoreAsync();

        await RowsAsync(
            """
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key)
            SELECT processing_timestamp + interval '1 day', first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key FROM reading_batches
            """);

        Assert.Equal([[6L]], await RowsAsync("SELECT count(*) FROM reading_batches"));
    }

    [Fact]
    public async Task What_was_counted_is_not_counted_again()
    {
        await StoreAsync();
        var audit = new ReadingAudit(Database.Ingest);

        Assert.Equal(new AuditStep(0, 0, 0), await audit.StepAsync(1_000, TimeSpan.FromMinutes(1), Timeout));
        Assert.Equal(new AuditStep(2, 30, 0), await audit.StepAsync(30, TimeSpan.Zero, Timeout));
        Assert.Equal(new AuditStep(1, 30, 0), await audit.StepAsync(1, TimeSpan.Zero, Timeout));
        Assert.Equal(new AuditStep(0, 0, 0), await audit.StepAsync(1_000, TimeSpan.Zero, Timeout));
        Assert.Equal([[3L, 60L, 0L]], await RowsAsync("SELECT batches, readings, wrong FROM reading_audit"));
        Assert.Empty(await RowsAsync("SELECT * FROM ledger_violations"));
    }

    [Theory]
    [InlineData("DELETE FROM readings WHERE kafka_partition = 0 AND kafka_offset = 3", 1, 0L)]
    [InlineData("INSERT INTO readings SELECT * FROM readings WHERE kafka_partition = 0 AND kafka_offset = 33", 1, 20L)]
    [InlineData("UPDATE readings SET kafka_offset = 32 WHERE kafka_partition = 0 AND kafka_offset = 33", 1, 20L)]
    [InlineData("UPDATE readings SET kafka_offset = 6 WHERE kafka_partition = 1 AND kafka_offset = 7", 1, 7L)]
    [InlineData("UPDATE readings SET kafka_partition = 9 WHERE kafka_partition = 1 AND kafka_offset = 16", 2, 7L)]
    [InlineData("DELETE FROM reading_batches WHERE kafka_partition = 0 AND first_offset = 20", 1, 20L)]
    [InlineData("DELETE FROM readings WHERE kafka_partition = 1", 1, 7L)]
    public async Task A_row_too_many_or_too_few_is_a_violation(string sql, long wrong, long first)
    {
        await StoreAsync();
        await RowsAsync(sql);

        var step = await new ReadingAudit(Database.Ingest).StepAsync(1_000, TimeSpan.Zero, Timeout);

        Assert.Equal(wrong, step.Wrong);
        Assert.Equal([["miscounted", first]], await RowsAsync("SELECT kind, min(kafka_offset) FROM ledger_violations GROUP BY 1"));
        Assert.Equal([[wrong]], await RowsAsync("SELECT wrong FROM reading_audit"));
    }

    [Fact]
    public async Task A_batch_that_takes_longer_to_move_than_a_command_may_is_moved()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Log(0, 0, 20));
            await first.SettledAsync(Timeout);
        }

        await RowsAsync("CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$");
        await RowsAsync("CREATE TRIGGER slowly BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION slowly()");
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        var claiming = second.TryClaimAsync(0, Timeout, high: 6, doubts: 3);
        await TickUntilAsync(second, () => Task.FromResult(claiming.IsCompleted));

        // The brokers are asked again, because it has taken long.
        Assert.IsType<LaneEvent.ClaimAgain>(await claiming);
        Assert.Equal([[6L, 14L]], await RowsAsync("SELECT min(next_offset), sum(stored) FILTER (WHERE first_offset = 6)::bigint FROM partition_offsets"));
        Assert.Equal([[2L]], await RowsAsync("SELECT last_value FROM logs_log_key_seq"));
    }

    [Theory]
    [InlineData(500, 6)]
    [InlineData(3, 3)]
    public async Task A_long_tail_is_moved_in_parts_which_stay_moved_when_another_consumer_claims_the_partition(long high, long end)
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            for (var batch = 0; batch < 10; batch++)
            {
                var messages = Log(0, batch * 10, 10);
                first.Post(batch == 7 ? messages.Select(message => message.Offset % 4 == 0 ? message with { Value = "{"u8.ToArray() } : message) : messages);
                await first.SettledAsync(Timeout);
            }
        }

        await RowsAsync("CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.04); RETURN NEW; END $$");
        await RowsAsync("CREATE TRIGGER slowly BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION slowly()");
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        var claiming = second.TryClaimAsync(0, Timeout, high: 6, doubts: 3);
        await TickUntilAsync(second, () => Database.ScalarAsync<bool>("SELECT min(next_offset) < 70 FROM partition_offsets", Timeout));
        Assert.InRange(await AgreesAsync(), 20, 69);

        // Its log has grown meanwhile, or been cut again.
        await using var third = await LaneHarness.StartAsync(Database.Ingest, "c3", Timeout);
        var claimingToo = third.TryClaimAsync(0, Timeout, high: high, doubts: 3);
        await TickUntilAsync(third, () => Task.FromResult(claimingToo.IsCompleted));
        await TickUntilAsync(second, () => Task.FromResult(claiming.IsCompleted));
        Assert.IsType<LaneEvent.Fenced>(await claiming);
        Assert.IsType<LaneEvent.ClaimAgain>(await claimingToo);
        Assert.Equal(end, await AgreesAsync());
        await RowsAsync("DROP TRIGGER slowly ON readings");
        Assert.IsType<LaneEvent.Claimed>(await third.TryClaimAsync(0, Timeout, high: 500));
        third.Post(Log(0, end, 3));
        await third.SettledAsync(Timeout);

        Assert.Equal(end + 3, await AgreesAsync());
        Assert.Equal([["cluster:topic"], ["cluster:topic#0@2"]], await RowsAsync("SELECT log_id FROM logs ORDER BY 1"));
        Assert.Equal([[end, 100L, 100 - end]], await RowsAsync("SELECT first_offset, next_offset, messages + rejected FROM partition_offsets WHERE first_offset > 0"));
        Assert.Equal(
            end == 6 ? [["skipped", 6L]] : [["skipped", 6L], ["skipped", 3L]],
            await RowsAsync("SELECT kind, kafka_offset FROM ledger_violations ORDER BY id"));
        Assert.Equal(0, (await new ReadingAudit(Database.Ingest).StepAsync(1_000, TimeSpan.Zero, Timeout)).Wrong);
    }

    /// <summary>Checks that offsets, counters, spans and rows agree in both logs, and that none of the hundred messages is missing or there twice.</summary>
    /// <returns>The next offset of the log that is read.</returns>
    private async Task<long> AgreesAsync()
    {
        Assert.Equal([[0L]], await RowsAsync(
            """
            SELECT count(*) FROM partition_offsets o, LATERAL (
                SELECT count(*) AS stored, count(DISTINCT r.kafka_offset) AS messages, min(r.kafka_offset) AS low, max(r.kafka_offset) AS high FROM readings r WHERE r.log_key = o.log_key
            ) r
            WHERE o.messages + o.rejected <> o.next_offset - o.first_offset OR r.stored <> o.stored OR r.messages <> o.messages OR r.low < o.first_offset OR r.high >= o.next_offset
                OR o.rejected <> (SELECT count(*) FROM rejected_messages m WHERE m.log_key = o.log_key AND m.kafka_offset >= o.first_offset AND m.kafka_offset < o.next_offset)
            """));
        Assert.Equal([[0L]], await RowsAsync(
            """
            SELECT count(*) FROM reading_batches b WHERE stored <> (
                SELECT count(*) FROM readings r
                WHERE r.log_key = b.log_key AND r.processing_timestamp = b.processing_timestamp AND r.kafka_offset >= b.first_offset AND r.kafka_offset < b.next_offset)
            """));
        Assert.True(await Database.ScalarAsync<bool>("SELECT sum(messages + rejected) >= 100 FROM partition_offsets", Timeout));
        return await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets WHERE first_offset = 0", Timeout);
    }

    private Task TickUntilAsync(LaneHarness consumer, Func<Task<bool>> condition) => EventuallyAsync(async () =>
    {
        consumer.Tick();
        await consumer.SettledAsync(Timeout);
        return await condition();
    });

    [Fact]
    public async Task The_spans_of_what_the_brokers_have_lost_are_cut_where_the_log_was()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Log(0, 0, 10));
            await first.SettledAsync(Timeout);
            first.Post(Log(0, 10, 10));
            await first.SettledAsync(Timeout);
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        await second.TryClaimAsync(0, Timeout, high: 6, doubts: 3);
        second.Post(Log(0, 6, 3));
        await second.SettledAsync(Timeout);

        Assert.Equal(
            [["cluster:topic", 0L, 6L, 6], ["cluster:topic", 6L, 9L, 3], ["cluster:topic#0@2", 6L, 10L, 4], ["cluster:topic#0@2", 10L, 20L, 10]],
            await RowsAsync("SELECT log_id, first_offset, next_offset, stored FROM reading_batches JOIN logs USING (log_key) ORDER BY 1, 2"));
        Assert.Equal(new AuditStep(4, 23, 0), await new ReadingAudit(Database.Ingest).StepAsync(1_000, TimeSpan.Zero, Timeout));
    }

    [Fact]
    public async Task Days_of_before_get_the_spans_of_what_they_hold()
    {
        await StoreAsync();
        // As before the migration.
        await RowsAsync("""
            DELETE FROM schema_migrations WHERE name IN ('016_reading_batches.sql', '017_messages.sql');
            ALTER TABLE partition_offsets DROP messages;
            DROP TABLE reading_batches, reading_audit;
            DROP FUNCTION offset_span, reading_times, ensure_reading_day;
            DO $do$ DECLARE leaf text; BEGIN
                FOR leaf IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'readings'::regclass LOOP
                    EXECUTE format('DROP INDEX %I', leaf || '_time');
                    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (log_key, kafka_partition, kafka_offset)', leaf || '_offset', leaf);
                END LOOP;
            END $do$
            """);

        await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout);

        Assert.Equal(
            [[0, 0L, 20L, 20], [0, 20L, 50L, 30], [1, 7L, 17L, 10]],
            await RowsAsync("SELECT kafka_partition, first_offset, next_offset, stored FROM reading_batches ORDER BY 1, 2"));
        Assert.Equal([["brin", true]], await RowsAsync("""
            SELECT DISTINCT a.amname::text, i.relname LIKE 'readings\_%\_time' FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am a ON a.oid = i.relam
            WHERE x.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'readings'::regclass)
            """));
        Assert.Equal([[0, 50L, 50L], [1, 10L, 10L]], await RowsAsync("SELECT kafka_partition, stored, messages FROM partition_offsets ORDER BY 1"));
        // Rows that are stored from now on are proven as well.
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Log(0, 50, 5));
        await consumer.SettledAsync(Timeout);
        Assert.Equal(new AuditStep(1, 5, 0), await new ReadingAudit(Database.Ingest).StepAsync(1_000, TimeSpan.Zero, Timeout));
    }

    private async Task StoreAsync()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(1, Timeout, low: 7);
        consumer.Post([.. Log(0, 0, 20), .. Log(1, 7, 10)]);
        await consumer.SettledAsync(Timeout);
        consumer.Post(Log(0, 20, 30));
        await consumer.SettledAsync(Timeout);
    }

    private Task<List<object?[]>> InsertAsync(int partition, long first, long next) => RowsAsync(
        $"INSERT INTO reading_batches (first_offset, next_offset, stored, kafka_partition, consumer_key, log_key) VALUES ({first}, {next}, 1, {partition}, 1, 1) RETURNING 1");

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
