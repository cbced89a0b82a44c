using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;

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

    /// <param name="sent">The offset at which the same reading was sent before; null if it is new.</param>
    private static LogMessage Message(long offset, string sensor, long count, double value, long? sent = null) =>
        new(0, offset, LaneHarness.Reading(sensor, count, value, time: $"2025-09-16T21:41:41.{(sent ?? offset) * 10:0000000}Z"));

    private Task<long> ChangesAsync() => Database.ScalarAsync<long>("SELECT count(*) FROM detector_changes", Timeout);
}
