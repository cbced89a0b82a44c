using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>Alerts whose conditions no consumer will see clear.</summary>
[Trait("Loop", "quick")]
public sealed class AlertEndTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const string Ends = "SELECT DISTINCT sensor_id, resolved_at IS NOT NULL, resolved_because FROM alerts ORDER BY 3, 1";

    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task Of_a_sensor_that_sends_nothing_any_more()
    {
        await using var consumer = await LaneHarness.StartAsync(
            Database.Ingest, "c1", Timeout, OftenDue, new DetectionOptions { NoDataAfter = TimeSpan.FromSeconds(1) });
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([Critical(0, "silent"), Critical(1, "alive")]);
        await TickUntilAsync(
            consumer,
            "SELECT count(*) = 1 FROM alerts WHERE resolved_at IS NOT NULL",
            offset => Critical(offset, "alive"));

        Assert.Equal([["silent", true, "no_data"], ["alive", false, null]], await Database.RowsAsync(Ends, Timeout));
    }

    [Fact]
    public async Task Of_a_partition_whose_memory_is_lost()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post([Critical(0, "s"), Critical(1, "s"), Critical(2, "t")]);
            await first.SettledAsync(Timeout);
        }

        await Database.RowsAsync("UPDATE detector_snapshots SET state = 'x'", Timeout);
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue);
        // The messages that the detector's memory was built from are no longer in the log.
        await second.ClaimAsync(0, Timeout, low: 3);
        second.Post([Critical(3, "u")]);
        await TickUntilAsync(second, "SELECT count(*) = 2 FROM alerts WHERE resolved_at IS NOT NULL");

        Assert.Equal([["s", true, "memory_lost"], ["t", true, "memory_lost"], ["u", false, null]], await Database.RowsAsync(Ends, Timeout));
    }

    [Fact]
    public async Task Of_a_log_that_has_ended()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(1, Timeout);
        consumer.Post([Critical(0, "s"), Critical(0, "other", partition: 1)]);
        await consumer.SettledAsync(Timeout);

        consumer.BeginLog("another");
        await consumer.ClaimAsync(0, Timeout);

        // Nobody may ever claim partition 1 of the new log: it can have fewer partitions.
        Assert.Equal(
            [["other", true, "log_ended"], ["s", true, "log_ended"]],
            await Database.RowsAsync("SELECT DISTINCT sensor_id, resolved_at IS NOT NULL, resolved_because FROM alerts ORDER BY 1", Timeout));
        Assert.Equal(
            [[0, null, true], [1, null, true]],
            await Database.RowsAsync(
                """
                SELECT o.kafka_partition, o.owner, p.ended_at IS NOT NULL FROM partition_offsets o JOIN partition_ownership p USING (log_key, topic, kafka_partition, epoch)
                WHERE o.log_key < (SELECT max(log_key) FROM logs) ORDER BY 1
                """,
                Timeout));
    }

    [Theory]
    [InlineData("sensor-data", true, true)]
    [InlineData("earlier-name", false, true)]
    [InlineData("earlier-name", true, false)]
    public async Task Of_all_partitions_of_earlier_logs_that_no_living_consumer_reads(string topic, bool isAlive, bool ends)
    {
        await using var before = await LaneHarness.StartAsync(Database.Ingest, "before", Timeout, OftenDue);
        await before.ClaimAsync(4, Timeout);
        before.Post([Critical(0, "s", partition: 4)]);
        await before.SettledAsync(Timeout);
        await Database.RowsAsync($"UPDATE partition_offsets SET topic = '{topic}'", Timeout);
        await Database.RowsAsync($"INSERT INTO consumer_health (consumer_id, status, last_heartbeat) VALUES ('before', 'active', now() - interval '{(isAlive ? 0 : 60)} s')", Timeout);

        await using var after = await LaneHarness.StartAsync(Database.Ingest, "after", Timeout, OftenDue);
        after.BeginLog("another");
        await after.ClaimAsync(0, Timeout);

        Assert.Equal([[ends]], await Database.RowsAsync("SELECT bool_and(resolved_at IS NOT NULL AND resolved_because = 'log_ended') IS TRUE FROM alerts", Timeout));
    }

    [Fact]
    public async Task Claims_in_a_later_log_do_not_wait_for_the_one_that_ends_the_alerts_of_the_earlier()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([Critical(0, "s")]);
        await consumer.SettledAsync(Timeout);
        await using var other = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using var transaction = await other.BeginTransactionAsync(Timeout);
        await using var end = new Npgsql.NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('factory_monitoring.earlier_logs')); UPDATE alerts SET updated_at = now()", other);
        await end.ExecuteNonQueryAsync(Timeout);

        consumer.BeginLog("another");
        await consumer.ClaimAsync(0, Timeout);

        Assert.Equal(
            [["another", "c1"], [LaneHarness.LogId, null]],
            await Database.RowsAsync("SELECT log_id, owner FROM partition_offsets JOIN logs USING (log_key) ORDER BY 1", Timeout));
        await transaction.RollbackAsync(Timeout);
        await consumer.ClaimAsync(1, Timeout);
        Assert.True(await Database.ScalarAsync<bool>("SELECT bool_and(resolved_at IS NOT NULL) FROM alerts", Timeout));
    }

    private static LogMessage Critical(long offset, string sensor, int partition = 0) => new(partition, offset, LaneHarness.Reading(sensor, offset, 45));

    private async Task TickUntilAsync(LaneHarness consumer, string condition, Func<long, LogMessage>? next = null)
    {
        var offset = 2L;
        await EventuallyAsync(async () =>
        {
            if (next is not null)
            {
                consumer.Post([next(offset++)]);
            }

            consumer.Tick();
            await consumer.SettledAsync(Timeout);
            return await Database.ScalarAsync<bool>(condition, Timeout);
        });
    }
}
