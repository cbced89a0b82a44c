using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>More sensors than a memory can be written down for each time, and more than fit into it.</summary>
public sealed class ManySensorsTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const int Sensors = 500;

    private static readonly ConsumersOptions AlwaysDue = new() { SnapshotInterval = TimeSpan.Zero };

    [Fact]
    public async Task What_has_changed_of_a_memory_is_stored_and_a_successor_knows_all_of_it()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, AlwaysDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Enumerable.Range(0, Sensors).Select(n => Message(n, $"s{n}", 1, 25)));
            await first.SettledAsync(Timeout);
            Assert.Equal(0, await ChangesAsync());

            var whole = await Database.ScalarAsync<int>("SELECT length(state) FROM detector_snapshots", Timeout);
            await EventuallyAsync(async () =>
            {
                var offset = await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets", Timeout);
                first.Post([Message(offset, "s7", offset, 45)]);
                await first.SettledAsync(Timeout);
                return await ChangesAsync() >= 3;
            });
            Assert.Equal(whole, await Database.ScalarAsync<int>("SELECT length(state) FROM detector_snapshots", Timeout));
        }

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, AlwaysDue);
        var claimed = await second.ClaimAsync(0, Timeout);
        var next = await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets", Timeout);
        Assert.Equal((next, next), (claimed.From, claimed.ReplayUntil));
        second.Post([Message(next, "s7", next, 46), Message(next + 1, "s8", 1, 25, sent: 8), Message(next + 2, "s7", next - 1, 45, sent: next - 1)]);
        await second.SettledAsync(Timeout);

        Assert.Equal([["s8"], ["s7"]], await Database.RowsAsync("SELECT sensor_id FROM ledger_violations WHERE kind = 'duplicated' ORDER BY kafka_offset", Timeout));
        Assert.Equal(
            [["s7", false]],
            await Database.RowsAsync("SELECT sensor_id, resolved_at IS NOT NULL FROM alerts WHERE anomaly_type = 'critical_threshold_violation'", Timeout));
    }

    [Fact]
    public async Task A_memory_that_all_sensors_change_is_stored_as_a_whole_again()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, AlwaysDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Enumerable.Range(0, Sensors).Select(n => Message(n, $"s{n}", 1, 25)));
        await consumer.SettledAsync(Timeout);
        await EventuallyAsync(async () =>
        {
            var offset = await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets", Timeout);
            consumer.Post([Message(offset, "s7", offset, 25)]);
            await consumer.SettledAsync(Timeout);
            return await ChangesAsync() > 0;
        });
        await EventuallyAsync(async () =>
        {
            var offset = await Database.ScalarAsync<long>("SELECT next_offset FROM partition_offsets", Timeout);
            consumer.Post(Enumerable.Range(0, Sensors).Select(n => Message(offset + n, $"s{n}", offset + n, 25)));
            await consumer.SettledAsync(Timeout);
            return await ChangesAsync() == 0;
        });
    }

    [Fact]
    public async Task Readings_of_sensors_beyond_the_limit_are_stored_and_the_consumer_says_that_they_are_not_judged()
    {
        await using var consumer = await LaneHarness.StartAsync(
            Database.Ingest, "c1", Timeout, AlwaysDue, new DetectionOptions { MaxSensorsPerPartition = 2 });
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post(Enumerable.Range(0, 5).Select(n => Message(n, $"s{n}", 1, 45)));
        await consumer.SettledAsync(Timeout);

        Assert.Equal(5L, await Database.ScalarAsync<long>("SELECT count(*) FROM readings WHERE alert_level = 2", Timeout));
        Assert.Equal([["s0"], ["s1"]], await Database.RowsAsync("SELECT sensor_id FROM alerts ORDER BY 1", Timeout));
        Assert.Equal(
            "stores readings of more than 2 sensors of a partition, and judges those of 2 (Detection:MaxSensorsPerPartition)",
            consumer.Status.Condition);
    }

    [Fact]
    public async Task A_memory_that_takes_longer_to_store_than_a_command_may_is_stored_in_parts_and_no_reading_waits_for_it()
    {
        await StoreSlowlyAsync();
        await using var impatient = Impatient();
        long next = Large.Length;
        await using (var first = await LaneHarness.StartAsync(impatient, "c1", Timeout, AlwaysDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Large);
            await first.SettledAsync(Timeout);
            await EventuallyAsync(async () =>
            {
                first.Post([Message(next, "other", next++, 25)]);
                await first.SettledAsync(Timeout);
                return await Database.ScalarAsync<long>("SELECT snapshot_offset FROM detector_snapshots", Timeout) > 0;
            });
            // Readings were stored all the time, and what has changed since follows.
            Assert.InRange(next, Large.Length + 50, long.MaxValue);
            await EventuallyAsync(async () =>
            {
                first.Post([Message(next, "other", next++, 25)]);
                await first.SettledAsync(Timeout);
                return await Database.ScalarAsync<long>("SELECT snapshot_offset FROM detector_snapshots", Timeout) > Large.Length;
            });
        }

        await AssertKnownAsync(next, least: Large.Length + 1);
    }

    [Fact]
    public async Task Parts_of_a_memory_that_its_owner_did_not_complete_are_not_taken_for_its_successors()
    {
        await StoreSlowlyAsync();
        await using var impatient = Impatient();
        await using (var first = await LaneHarness.StartAsync(impatient, "c1", Timeout, AlwaysDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Large);
            await EventuallyAsync(async () =>
            {
                first.Tick();
                await first.SettledAsync(Timeout);
                return await ChangesAsync() > 0;
            });
        }

        Assert.Equal([[0L, 0L]], await Database.RowsAsync("SELECT snapshot_offset, last_change FROM detector_snapshots", Timeout));
        await Database.RowsAsync("DROP FUNCTION slowly() CASCADE", Timeout);
        await using (var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, AlwaysDue))
        {
            var claimed = await second.ClaimAsync(0, Timeout);
            Assert.Equal((0L, (long)Large.Length), (claimed.From, claimed.ReplayUntil));
            second.Post(Large);
            await EventuallyAsync(async () =>
            {
                second.Tick();
                await second.SettledAsync(Timeout);
                return await Database.ScalarAsync<long>("SELECT snapshot_offset FROM detector_snapshots", Timeout) == Large.Length;
            });
        }

        Assert.Equal([[0L]], await Database.RowsAsync(
            "SELECT count(*) FROM detector_changes c, detector_snapshots s WHERE NOT c.id BETWEEN s.first_change AND s.last_change", Timeout));
        await AssertKnownAsync(Large.Length, least: Large.Length);
    }

    [Fact]
    public async Task A_part_of_a_memory_whose_COMMIT_is_not_answered_is_in_it_once()
    {
        await StoreSlowlyAsync();
        await using var proxy = new InterferingProxy(Postgres.Port);
        await using var dataSource = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { Port = proxy.Port }.ConnectionString);
        await using (var first = await LaneHarness.StartAsync(dataSource, "c1", Timeout, AlwaysDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Large);
            // The second part is being stored.
            await EventuallyAsync(() =>
            {
                first.Tick();
                return Database.ScalarAsync<bool>(
                    """
                    SELECT count(*) > 0 FROM pg_stat_activity a, detector_changes
                    WHERE a.state = 'active' AND query LIKE 'INSERT INTO detector_changes%' AND wait_event = 'PgSleep'
                    """,
                    Timeout);
            });
            proxy.EatNextCommit();
            await EventuallyAsync(async () =>
            {
                first.Tick();
                await first.SettledAsync(Timeout);
                return await Database.ScalarAsync<long>("SELECT snapshot_offset FROM detector_snapshots", Timeout) == Large.Length;
            });
        }

        Assert.Equal(1, proxy.Eaten);
        await AssertKnownAsync(Large.Length, least: Large.Length);
    }

    [Fact]
    public async Task A_partition_that_is_released_takes_a_large_memory_along()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, new() { SnapshotInterval = TimeSpan.FromMinutes(1), SnapshotReadings = 1_000_000 }))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Large);
            await first.SettledAsync(Timeout);
            await first.ReleaseAsync(Timeout, 0);
        }

        await AssertKnownAsync(Large.Length, least: Large.Length);
    }

    /// <summary>Readings whose counts have gaps: 350 KB of memory in one batch.</summary>
    private static LogMessage[] Large { get; } = [.. Enumerable.Range(0, 19_500).Select(n => Message(n, $"s{n % 300}", n / 300 * 2, 25))];

    /// <summary>Checks that a successor begins with a memory that knows each reading once.</summary>
    private async Task AssertKnownAsync(long next, long least)
    {
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "successor", Timeout, AlwaysDue);
        var claimed = await successor.ClaimAsync(0, Timeout);
        Assert.InRange(claimed.From, least, next);
        Assert.Equal(next, claimed.ReplayUntil);
        successor.Post(Enumerable.Range((int)claimed.From, (int)(next - claimed.From)).Select(offset => Message(offset, "other", offset, 25)));
        await successor.SettledAsync(Timeout);
        // Two that are known, and one in a gap.
        successor.Post([Message(next, "s7", 2, 25, sent: 307), Message(next + 1, "s299", 128, 25, sent: 19_499), Message(next + 2, "s7", 3, 25, sent: 400)]);
        await successor.SettledAsync(Timeout);

        Assert.Equal(
            [["s7", 2L], ["s299", 128L]],
            await Database.RowsAsync("SELECT sensor_id, first_count FROM ledger_violations WHERE kind = 'duplicated' ORDER BY kafka_offset", Timeout));
        Assert.Equal([[next + 3, 2L]], await Database.RowsAsync("SELECT stored, duplicated FROM partition_offsets", Timeout));
    }

    /// <summary>Makes the database store 200,000 bytes of memory a second.</summary>
    private Task<List<object?[]>> StoreSlowlyAsync() => Database.RowsAsync(
        """
        CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(octet_length(NEW.state) / 200000.0); RETURN NEW; END $$;
        CREATE TRIGGER slowly BEFORE INSERT OR UPDATE OF state ON detector_snapshots FOR EACH ROW EXECUTE FUNCTION slowly();
        CREATE TRIGGER slowly BEFORE INSERT ON detector_changes FOR EACH ROW EXECUTE FUNCTION slowly()
        """,
        Timeout);

    /// <summary>The consumers' data source, whose commands may take a second.</summary>
    private NpgsqlDataSource Impatient() =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Database.ConnectionStringOf(DatabaseRoles.Ingest)) { CommandTimeout = 1 }.ConnectionString);

    /// <param name="sent">The offset at which the same reading was sent before; null if it is new.</param>
    private static LogMessage Message(long offset, string sensor, long count, double value, long? sent = null) =>
        new(0, offset, LaneHarness.Reading(sensor, count, value, time: $"2025-09-16T21:41:41.{(sent ?? offset) * 10:0000000}Z"));

    private Task<long> ChangesAsync() => Database.ScalarAsync<long>("SELECT count(*) FROM detector_changes", Timeout);
}
