using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// Sensors whose messages have no key, so that they arrive in several partitions; and what is known of any sensor besides its newest reading.
/// </summary>
[Trait("Loop", "quick")]
public sealed class SeveralPartitionsTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task One_partition_judges_and_alerts_of_the_others_end()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(1, Timeout);
        // Each partition opens an alert before it can know of the other's.
        consumer.Post([Critical(0, 0)]);
        await consumer.SettledAsync(Timeout);
        consumer.Post([Critical(1, 0)]);
        var offset = 1L;
        await FeedUntilAsync([0, 1], "SELECT count(*) = 1 FROM alerts WHERE anomaly_type = 'critical_threshold_violation' AND resolved_because = 'other_partition'");

        Assert.Equal(
            [[true, true]],
            await Database.RowsAsync(
                """
                SELECT s.other_seen_at IS NOT NULL, a.kafka_partition = s.home_partition FROM sensors s JOIN alerts a USING (sensor_id)
                WHERE a.anomaly_type = 'critical_threshold_violation' AND a.resolved_at IS NULL
                """,
                Timeout));

        // No readings arrive in the home partition any more: after a while the other partition becomes the home.
        var other = 1 - await Database.ScalarAsync<int>("SELECT home_partition FROM sensors", Timeout);
        await Database.RowsAsync("UPDATE sensor_latest SET home_seen_at = home_seen_at - interval '2 min'", Timeout);
        await FeedUntilAsync(
            [other], $"SELECT count(*) = 1 FROM alerts WHERE anomaly_type = 'critical_threshold_violation' AND resolved_at IS NULL AND kafka_partition = {other}");

        async Task FeedUntilAsync(int[] partitions, string isSo) => await EventuallyAsync(async () =>
        {
            consumer.Post(partitions.Select(partition => Critical(partition, offset)));
            offset++;
            await consumer.SettledAsync(Timeout);
            consumer.Tick();
            await consumer.SettledAsync(Timeout);
            return await Database.ScalarAsync<bool>(isSo, Timeout);
        });
    }

    [Fact]
    public async Task Interval_clock_and_rules_of_a_sensor_stand_beside_its_newest_reading()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        consumer.Post(
        [
            Reading("ahead", 0, DateTime.UtcNow.AddHours(9), now - 5_000), Reading("ahead", 1, DateTime.UtcNow.AddHours(9), now),
            Reading("of-1970", 2, DateTime.UnixEpoch, now), Reading("right", 3, DateTime.UtcNow, now), Reading("future", 4, DateTime.UtcNow.AddDays(1), now + 86_400_000),
            Reading("fahrenheit", 5, DateTime.UtcNow, now, "°F"), Reading("volt", 6, DateTime.UtcNow, now, "V"),
        ]);
        await consumer.SettledAsync(Timeout);
        await EventuallyAsync(async () =>
        {
            consumer.Tick();
            await consumer.SettledAsync(Timeout);
            return await Database.ScalarAsync<bool>("SELECT count(*) = 6 FROM sensors", Timeout);
        });

        Assert.Equal(
            [
                ["ahead", 5000L, 9.0, 35.0, null], ["fahrenheit", null, 0.0, 95.0, null], ["future", null, 24.0, 35.0, null],
                ["of-1970", null, -(double)Math.Round(now / 3_600_000.0), 35.0, null], ["right", null, 0.0, 35.0, null], ["volt", null, 0.0, null, "°C"],
            ],
            await Database.RowsAsync(
                "SELECT sensor_id, interval_ms, round(clock_offset_ms / 3600000.0)::float8, round(rule_warning::numeric, 3)::float8, rule_unit FROM sensors ORDER BY 1", Timeout));
    }

    private static LogMessage Reading(string sensor, long offset, DateTime own, long producedAt, string unit = "°C") =>
        new(0, offset, LaneHarness.Reading(sensor, offset, 25, unit: unit, time: own.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture)), producedAt);

    private static LogMessage Critical(int partition, long offset) => new(partition, offset, LaneHarness.Reading("s", (offset * 2) + partition, 45));
}
