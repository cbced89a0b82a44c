namespace FactoryMonitoring.Tests.Data.Ingestion;

[Trait("Loop", "quick")]
public sealed class OwnershipTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static LogMessage Message(long offset) => new(0, offset, LaneHarness.Reading("s", offset, 25));

    [Fact]
    public async Task Giving_up_and_taking_over_are_recorded_with_the_stall_between_them()
    {
        await using var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        await first.ClaimAsync(0, Timeout);
        first.Post([Message(0)]);
        await first.ReleaseAsync(Timeout, 0);
        await second.ClaimAsync(0, Timeout);
        second.Post([Message(1)]);
        await second.SettledAsync(Timeout);

        Assert.Equal(
            [["c1", "assigned", 0, 1L, null], ["c1", "revoked", 0, 1L, "c1"], ["c2", "assigned", 0, 2L, "c2"]],
            await RowsAsync("SELECT consumer_id, event_type, partition_number, generation, CASE WHEN generation = 1 AND event_type = 'assigned' THEN NULL ELSE written_by END FROM rebalancing_events ORDER BY id"));
        Assert.Equal([[true]], await RowsAsync("""
            SELECT e.stall_ms = (extract(epoch FROM o.recovered_at - p.ended_at) * 1000)::int
            FROM rebalancing_events e, partition_offsets o, partition_ownership p
            WHERE e.generation = 2 AND p.epoch = 1
            """));
        Assert.Equal(
            [["c1", "revoked", 1L, true], ["c2", null, null, false]],
            await RowsAsync("SELECT consumer_id, ended_by, stored, ended_at IS NOT NULL FROM partition_ownership ORDER BY epoch"));
    }

    [Fact]
    public async Task A_partition_that_one_consumer_claims_twice_is_held_once_by_the_later_claim()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, new() { SnapshotInterval = TimeSpan.FromMilliseconds(1) });
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Post([Message(0), Message(1)]);
        consumer.Tick();
        consumer.Post([Message(2)]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[2L, 3L, 3L]], await RowsAsync("SELECT epoch, next_offset, stored FROM partition_offsets"));
    }

    [Fact]
    public async Task What_a_dead_owner_could_not_say_its_successor_says()
    {
        await using (var dead = await LaneHarness.StartAsync(Database.Ingest, "dead", Timeout))
        {
            await dead.ClaimAsync(0, Timeout);
            dead.Post([Message(0), Message(1)]);
            await dead.SettledAsync(Timeout);
        }

        await Database.ScalarAsync<object>("INSERT INTO consumer_health (consumer_id, status, last_heartbeat) VALUES ('dead', 'active', now() - interval '7 s')", Timeout);
        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "successor", Timeout);
        await successor.ClaimAsync(0, Timeout);

        Assert.Equal(
            [["dead", "lost", "session expired", "successor", 1L], ["successor", "assigned", "session expired", "successor", 2L]],
            await RowsAsync("SELECT consumer_id, event_type, reason, written_by, generation FROM rebalancing_events WHERE written_by = 'successor' ORDER BY id"));
        Assert.Equal(
            [["lost", 2L, true]],
            await RowsAsync("SELECT ended_by, stored, ended_at = last_commit_at FROM partition_ownership WHERE epoch = 1"));
    }

    [Fact]
    public async Task An_owner_at_the_end_of_the_log_has_recovered_without_a_reading()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);
        consumer.Partition(0).IsAtEnd = true;
        consumer.Tick();
        await consumer.SettledAsync(Timeout);

        Assert.Equal([[true, true, 0L]], await RowsAsync("""
            SELECT o.recovered_at IS NOT NULL, p.recovered_at IS NOT NULL, o.next_offset FROM partition_offsets o JOIN partition_ownership p USING (kafka_partition, epoch)
            """));
    }

    [Fact]
    public async Task A_released_partition_takes_its_memory_along()
    {
        await using var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await first.ClaimAsync(0, Timeout);
        first.Post([Message(0), Message(1), Message(2)]);
        await first.ReleaseAsync(Timeout, 0);

        await using var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout);
        var claimed = await second.ClaimAsync(0, Timeout);

        Assert.Equal((3L, 3L), (claimed.From, claimed.ReplayUntil));
        second.Post([new LogMessage(0, 3, LaneHarness.Reading("s", 2, 25))]);
        await second.SettledAsync(Timeout);
        Assert.Equal(
            [["duplicated", "s", 2L, 3L, "c2"]],
            await RowsAsync("SELECT kind, sensor_id, first_count, kafka_offset, consumer_id FROM ledger_violations"));
        Assert.Equal([[4L, 1L]], await RowsAsync("SELECT stored, duplicated FROM partition_offsets"));
    }

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
