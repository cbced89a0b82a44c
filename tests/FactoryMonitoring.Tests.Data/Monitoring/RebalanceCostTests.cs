using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Tests.Data.Ingestion;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>What a rebalance costs in readings: those that were in the log when the new owner claimed the partition, and that it has stored.</summary>
[Trait("Loop", "quick")]
public sealed class RebalanceCostTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private const short Log = 1;

    private DateTime ClaimedAt => Now.AddMinutes(-10);

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a'), ('log-b')");
        await ExecuteAsync("INSERT INTO consumers (consumer_id) VALUES ('c1'), ('c2')");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ('s', 'temperature', '°C')");
    }

    [Fact]
    public async Task It_is_the_readings_of_the_log_as_it_was_at_the_claim_that_the_new_owner_stored()
    {
        var id = await ClaimAsync(epoch: 2, from: 1_000, logEnd: 1_100, nextOffset: 1_400);
        await StoreAsync(ClaimedAt.AddSeconds(-1), 900, 1_000); // by the owner before
        await StoreAsync(ClaimedAt.AddSeconds(1), 1_000, 1_040, readings: 70); // messages with several readings
        await StoreAsync(ClaimedAt.AddSeconds(2), 1_040, 1_060, readings: 15); // five messages were rejected
        // The last batch has messages that came after the claim; of those from before it, one was rejected, and one holds two readings.
        await StoreAsync(ClaimedAt.AddSeconds(3), 1_060, 1_150, readings: 90, messages: 89);
        await ExecuteAsync("""
            INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT $1, $1, o, 1, 1, 1, 0, 1, 1, 0 FROM generate_series(1060, 1149) o WHERE o <> 1070 UNION ALL SELECT $1, $1, 1080, 2, 1, 1, 0, 1, 1, 0
            """, ClaimedAt.AddSeconds(3));
        await StoreAsync(ClaimedAt.AddSeconds(4), 1_150, 1_400); // all of it came after the claim
        await StoreAsync(ClaimedAt.AddSeconds(2), 1_000, 1_100, partition: 1);
        await StoreAsync(ClaimedAt.AddSeconds(2), 1_000, 1_100, log: 2);

        Assert.Equal((70 + 15 + 40, null), await CostAsync(id));
    }

    [Fact]
    public async Task A_reading_that_waits_through_two_rebalances_is_counted_once()
    {
        var first = await ClaimAsync(epoch: 2, from: 0, logEnd: 100, nextOffset: 30);
        await StoreAsync(ClaimedAt.AddSeconds(1), 0, 30);
        var second = await ClaimAsync(epoch: 3, from: 30, logEnd: 120, nextOffset: 200, after: TimeSpan.FromSeconds(5));
        // Each offset of the batch that crosses the end of the log is one reading: the rows themselves are not needed.
        await StoreAsync(ClaimedAt.AddSeconds(6), 30, 110);
        await StoreAsync(ClaimedAt.AddSeconds(7), 110, 200);

        Assert.Equal(((30, null), (90, null)), (await CostAsync(first), await CostAsync(second)));
    }

    [Fact]
    public async Task It_is_not_known_before_all_of_them_are_stored()
    {
        var id = await ClaimAsync(epoch: 2, from: 0, logEnd: 100, nextOffset: 60);
        await StoreAsync(ClaimedAt.AddSeconds(1), 0, 60);
        var api = await StartServingApiAsync();
        Assert.Equal((null, DelayedUnknown.NotYet), Cost(Assert.Single((await api.GetAsync("/api/rebalancing-events", Timeout)).Json.AsArray())!));

        await StoreAsync(ClaimedAt.AddSeconds(2), 60, 100);
        await ExecuteAsync("UPDATE partition_offsets SET next_offset = 100");

        await EventuallyAsync(async () => Cost((await api.GetAsync("/api/rebalancing-events", Timeout)).Json[0]!) == (100, null));
        Assert.Equal((100, null), Cost((await api.GetAsync("/api/rebalances?window=1h", Timeout)).Json[0]!));
        Assert.Equal((100, null), Cost((await api.GetAsync("/api/snapshot", Timeout)).Json["rebalances"]![0]!));
        Assert.Equal((100, null), await CostAsync(id));
    }

    [Fact]
    public async Task It_is_not_known_where_the_end_of_the_log_is_not_recorded_or_lies_before_the_claim() =>
        Assert.Equal(
            ((null, DelayedUnknown.NotRecorded), (null, DelayedUnknown.NotRecorded)),
            (await CostAsync(await ClaimAsync(epoch: 2, from: 0, logEnd: null, nextOffset: 60)), await CostAsync(await ClaimAsync(epoch: 3, from: 60, logEnd: 50, nextOffset: 60))));

    [Fact]
    public async Task It_is_not_known_past_the_retention()
    {
        var id = await ClaimAsync(epoch: 2, from: 0, logEnd: 100, nextOffset: 100);
        await ExecuteAsync("UPDATE partition_ownership SET claimed_at = claimed_at - (SELECT keep FROM retention)");

        Assert.Equal((null, DelayedUnknown.Expired), await CostAsync(id));
    }

    [Fact]
    public async Task The_cost_of_the_question_has_a_bound()
    {
        var id = await ClaimAsync(epoch: 2, from: 0, logEnd: 10_001, nextOffset: 20_000);
        await ExecuteAsync("""
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
            SELECT $1, o, o + 1, 1, 0, 1, 1 FROM generate_series(0, 19999) o
            """, ClaimedAt.AddSeconds(1));
        Assert.Equal((null, DelayedUnknown.TooMany), await CostAsync(id));

        await ExecuteAsync("UPDATE partition_ownership SET log_end = 10000");
        await ExecuteAsync("ANALYZE reading_batches");
        Assert.Equal((10_000, null), await CostAsync(id));

        // Spans are found by their index, however many there are. The first call in a session reads the catalog as well.
        const string delayed = "SELECT delayed_readings(1::smallint, 0, 0, 100, now() - interval '1 hour', 'infinity')";
        Assert.Equal(100L, await Database.ScalarAsync<long>(delayed, Timeout));
        var pages = await Database.ScalarAsync<long>("SELECT sum(pg_relation_size(relid) / 8192)::bigint FROM pg_partition_tree('reading_batches') WHERE isleaf", Timeout);
        var plan = string.Join('\n', (await Database.RowsAsync($"EXPLAIN (ANALYZE, BUFFERS) {delayed}", Timeout)).Select(row => row[0]));
        Assert.InRange(int.Parse(Regex.Match(plan, @"Buffers: shared hit=(\d+)").Groups[1].Value, CultureInfo.InvariantCulture), 1, (int)pages / 2);
    }

    [Fact]
    public async Task Consumers_record_what_it_takes()
    {
        await using (var dead = await LaneHarness.StartAsync(Database.Ingest, "dead", Timeout))
        {
            await dead.ClaimAsync(0, Timeout);
            dead.Post([Message(0), Message(1)]);
            await dead.SettledAsync(Timeout);
        }

        await using var successor = await LaneHarness.StartAsync(Database.Ingest, "successor", Timeout);
        // Three messages wait; one more comes before the first is stored.
        var claimed = Assert.IsType<LaneEvent.Claimed>(await successor.TryClaimAsync(0, Timeout, high: 5));
        successor.Post([.. Enumerable.Range((int)claimed.From, 4 - (int)claimed.From).Select(offset => Message(offset))]);
        successor.Post([Message(4), Message(5)]);
        await successor.SettledAsync(Timeout);

        Assert.Equal(
            [[0L, null], [2L, 5L]],
            await Database.RowsAsync("SELECT claimed_from, log_end FROM partition_ownership ORDER BY epoch", Timeout));
        var id = await Database.ScalarAsync<long>("SELECT id FROM rebalancing_events WHERE event_type = 'assigned' AND consumer_id = 'successor'", Timeout);
        Assert.Equal((3, null), await CostAsync(id));
    }

    private static LogMessage Message(long offset) => new(0, offset, LaneHarness.Reading("s", offset, 25));

    private static (long? Count, string? Unknown) Cost(JsonNode @event) => ((long?)@event["delayed_readings"], (string?)@event["delayed_unknown"]);

    private async Task<(long? Count, string? Unknown)> CostAsync(long id)
    {
        var cost = (await new RebalanceQueries(Database.Monitor).DelayedAsync([id], "sensor-data", Timeout))[id];
        return (cost.Count, cost.Unknown);
    }

    /// <summary>Claims partition 0 ten minutes ago; the partition stood still for 6 s before.</summary>
    /// <returns>The id of the event.</returns>
    private async Task<long> ClaimAsync(long epoch, long from, long? logEnd, long nextOffset, TimeSpan after = default)
    {
        var at = ClaimedAt + after;
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at) VALUES (1, 'sensor-data', 0, 'c1', $1, $2, 0, $3)
            ON CONFLICT (log_key, topic, kafka_partition) DO UPDATE SET epoch = excluded.epoch, next_offset = excluded.next_offset
            """, epoch, nextOffset, at);
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, claimed_from, log_end)
            VALUES (1, 'sensor-data', 0, $1, 'c1', $2, $3, NULLIF($4, -1))
            """, epoch, at, from, logEnd ?? -1);
        return await Database.ScalarAsync<long>("""
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason, stall_ms) VALUES ('c1', 'assigned', 0, $1, 1, $2, 'claimed', 6000)
            RETURNING id
            """, Timeout, at, epoch);
    }

    private Task StoreAsync(DateTime at, long first, long next, int? readings = null, int? messages = null, int partition = 0, short log = Log) => ExecuteAsync("""
        INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key) VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
        """, at, first, next, readings ?? (int)(next - first), messages ?? Math.Min(readings ?? int.MaxValue, (int)(next - first)), partition, log);
}
