using System.Globalization;
using System.Text;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>Backfilled readings are stored at their own times and exactly once, and live readings continue as if there were no backfill.</summary>
public sealed class BackfillTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const string LiveAlerts = """
        SELECT alert_id, sensor_id, anomaly_type, severity, sensor_value, description, kafka_offset, occurrences, peak_value, resolved_at IS NULL
        FROM alerts WHERE NOT backfill ORDER BY kafka_offset, 1
        """;

    private const string Everything = "alerts, readings, reading_batches, partition_offsets, detector_snapshots, outbox, partition_ownership, rebalancing_events, sensor_latest, backfilled_sensors";

    private static readonly ConsumersOptions OftenSnapshots = new() { SnapshotInterval = TimeSpan.FromMilliseconds(50), SnapshotReadings = 7 };

    [Fact]
    public async Task They_are_stored_at_their_own_times_apart_from_the_live_ones_of_the_same_sensor()
    {
        var now = DateTimeOffset.UtcNow;
        await using var consumer = await OwnerAsync();
        consumer.Post(
        [
            Live(0, "s", 1, 25, now),
            Backfilled(1, "s", 1, 50, "2004-03-10T18:00:00Z"),
            Live(2, "s", 2, 25.5, now),
            Backfilled(3, "s", 2, 51, "2004-03-10T19:00:00Z"),
            Backfilled(4, "old", 1, 20, "1899-12-31T23:59:59.123456Z"),
        ]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal(
            [
                ["old", true, new DateTime(1899, 12, 31, 23, 59, 59, DateTimeKind.Utc).AddMicroseconds(123_456)],
                ["s", true, new DateTime(2004, 3, 10, 18, 0, 0, DateTimeKind.Utc)], ["s", true, new DateTime(2004, 3, 10, 19, 0, 0, DateTimeKind.Utc)],
            ],
            await RowsAsync("SELECT sensor_id, backfill, \"timestamp\" FROM sensor_readings WHERE backfill ORDER BY 1, 3"));
        Assert.Equal([[0L, 5L, 5L, 0L]], await RowsAsync("SELECT first_offset, next_offset, stored, duplicated FROM partition_offsets"));

        // Only live readings are the sensor's current state.
        Assert.Equal([["s", 25.5, 2L, true]], await RowsAsync("SELECT sensor_id, value, reading_count, abs(clock_offset_ms) < 60000 FROM sensor_latest"));
        Assert.Equal(
            [
                ["old", new DateTime(1899, 12, 31, 23, 59, 59, DateTimeKind.Utc).AddMicroseconds(123_456), true, 4L],
                ["s", new DateTime(2004, 3, 10, 18, 0, 0, DateTimeKind.Utc), false, 3L],
            ],
            await RowsAsync("SELECT sensor_id, first_timestamp, first_timestamp = last_timestamp, kafka_offset FROM backfilled_sensors ORDER BY 1"));

        // They count for the throughput but not for the latency.
        var sample = consumer.Status.EndSecond().Sample;
        Assert.Equal((5, 2), (sample.Stored, sample.LatencyCounts.Sum()));
        Assert.Equal(0, (await new ReadingAudit(Database.Ingest).StepAsync(1_000_000, TimeSpan.Zero, Timeout)).Wrong);
    }

    [Fact]
    public async Task Their_alerts_are_marked_never_open_and_told_to_nobody()
    {
        var now = DateTimeOffset.UtcNow;
        await using var consumer = await OwnerAsync(OftenSnapshots);
        consumer.Post([Live(0, "s", 1, 25, now), Backfilled(1, "s", 1, 30, "2004-03-10T18:00:00Z"), Backfilled(2, "s", 2, 50, "2004-03-10T19:00:00Z")]);
        consumer.Post([Backfilled(3, "s", 3, 55, "2004-03-10T20:00:00Z"), Live(4, "s", 2, 25, now)]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal(
            [["critical_threshold_violation", true, "backfill", 2L, 55.0, new DateTime(2004, 3, 10, 19, 0, 0, DateTimeKind.Utc)]],
            await RowsAsync("SELECT anomaly_type, resolved_at IS NOT NULL, resolved_because, occurrences, peak_value, reading_timestamp FROM alerts WHERE anomaly_type LIKE 'critical%'"));
        Assert.Equal([[true, 0L]], await RowsAsync("SELECT bool_and(backfill), count(*) FILTER (WHERE resolved_at IS NULL) FROM alerts"));
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM outbox"));

        var alerts = new AlertQueries(Database.Monitor);
        var filter = new AlertFilter(null, null, null, null, null, null, null);
        Assert.Empty(await alerts.ListAsync(filter, null, 10, Timeout));
        var backfilled = await alerts.ListAsync(filter with { Backfill = true }, null, 10, Timeout);
        Assert.NotEmpty(backfilled);
        Assert.All(backfilled, alert => Assert.True(alert.Backfill));
        var critical = await alerts.FindAsync(backfilled.Single(alert => alert.AnomalyType.StartsWith("critical", StringComparison.Ordinal)).AlertId, Timeout);
        Assert.Equal([30.0, 50, 55], critical!.Around.Select(reading => reading.Value));

        var sensors = new SensorQueries(Database.Monitor);
        var detail = (await sensors.FindAsync("s", Timeout))!;
        Assert.Equal([25.0, 25], detail.Readings.Select(reading => reading.Value));
        Assert.Empty(detail.Alerts);
        Assert.Equal([30.0, 50, 55], detail.Backfill!.Readings.Select(reading => reading.Value));
        Assert.Equal(backfilled.Count, detail.Backfill.Alerts.Count);
        Assert.Equal(40, detail.Backfill.Sensor.CriticalThreshold);
        Assert.Equal(["s"], (await sensors.BackfilledAsync(10, Timeout)).Select(sensor => sensor.SensorId));
    }

    [Fact]
    public async Task A_sensor_that_has_nothing_live_is_found_and_is_neither_silent_nor_counted()
    {
        await using var consumer = await OwnerAsync();
        consumer.Post([Backfilled(0, "past", 1, 20, "2004-03-10T18:00:00Z")]);
        await consumer.ReleaseAsync(Timeout, 0);

        var sensors = new SensorQueries(Database.Monitor);
        var detail = (await sensors.FindAsync("past", Timeout))!;
        Assert.Null(detail.Sensor);
        Assert.Equal([new DateTimeOffset(2004, 3, 10, 18, 0, 0, TimeSpan.Zero)], detail.Backfill!.Readings.Select(reading => reading.Timestamp));
        Assert.Equal(0, (await sensors.CountAsync(new SensorFilter(null, null, null), Timeout)).Sensors);
    }

    [Fact]
    public async Task However_often_consumers_die_live_alerts_are_those_without_the_backfill_and_each_reading_is_stored_once()
    {
        var log = MakeLog();
        await using (var alone = await LaneHarness.StartAsync(Database.Ingest, "alone", Timeout, OftenSnapshots))
        {
            await alone.ClaimAsync(0, Timeout);
            alone.Post(log.Where(message => !Encoding.UTF8.GetString(message.Value).Contains("backfill", StringComparison.Ordinal)));
            await alone.ReleaseAsync(Timeout, 0);
        }

        var live = await RowsAsync(LiveAlerts);
        Assert.NotEmpty(live);
        await Database.ScalarAsync<object>($"TRUNCATE {Everything} CASCADE", Timeout);
        await LaneHarness.ReadWithKillsAsync(Database.Ingest, log, new Random(20040310), OftenSnapshots, Timeout);

        await using (var last = await LaneHarness.StartAsync(Database.Ingest, "last", Timeout, OftenSnapshots))
        {
            var claimed = await last.ClaimAsync(0, Timeout);
            last.Post(log[(int)claimed.From..]);
            await last.ReleaseAsync(Timeout, 0);
        }

        Assert.Equal(live, await RowsAsync(LiveAlerts));
        Assert.Equal([[(long)log.Length, (long)log.Length, 0L]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset), (SELECT sum(duplicated)::bigint FROM partition_offsets) FROM readings"));
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM alerts WHERE backfill AND (resolved_at IS NULL OR alert_id IN (SELECT alert_id FROM outbox))"));
        Assert.NotEqual(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE backfill", Timeout));
        Assert.Equal(0, (await new ReadingAudit(Database.Ingest).StepAsync(1_000_000, TimeSpan.Zero, Timeout)).Wrong);
    }

    [Fact]
    public async Task They_are_kept_for_the_retention_from_their_storing_on_however_old_they_are()
    {
        await using var consumer = await OwnerAsync();
        consumer.Post([Backfilled(0, "past", 1, 50, "2004-03-10T18:00:00Z")]);
        await consumer.ReleaseAsync(Timeout, 0);

        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);
        await new ReadingPartitions(Database.Ingest).DropExpiredAsync(Timeout);

        Assert.Equal([[1L, 1L, true]], await RowsAsync("SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM backfilled_sensors), count(*) > 0 FROM alerts WHERE backfill"));
    }

    [Theory]
    [InlineData("""{"timestamp":"2004-03-10T18:00:00Z","sensor_id":"s","sensor_type":"temperature","value":20,"unit":"°C","metadata":{"backfill":true}}""", true)]
    [InlineData("""{"timestamp":"2004-03-10T18:00:00Z","sensor_id":"s","sensor_type":"temperature","value":20,"unit":"°C","metadata":{"backfill":false}}""", false)]
    [InlineData("""{"timestamp":"2004-03-10T18:00:00Z","sensor_id":"s","sensor_type":"temperature","value":20,"unit":"°C","metadata":{"backfill":null}}""", false)]
    [InlineData("""{"ts":"2004-03-10 18:00","device":"s","sensor_type":"temperature","value":"20","metadata":{"backfill":"True"}}""", true)]
    [InlineData("""[{"ts":1078941600,"device":"s","sensor_type":"temperature","value":20,"metadata":{"backfill":1}}]""", true)]
    [InlineData("""{"timestamp":"2004-03-10T18:00:00Z","sensor_id":"s","sensor_type":"temperature","value":20,"unit":"°C","metadata":{"backfill":"yes"}}""", null)]
    public async Task Messages_of_other_producers_say_it_in_metadata(string message, bool? isBackfill)
    {
        await using var consumer = await OwnerAsync();
        consumer.Post([new LogMessage(0, 0, Encoding.UTF8.GetBytes(message))]);
        await consumer.SettledAsync(Timeout);

        Assert.Equal(isBackfill is { } known ? [[known]] : [], await RowsAsync("SELECT backfill FROM sensor_readings"));
        Assert.Equal(
            isBackfill is null ? [["wrong_type", "Cannot read the mark of a backfill \"yes\": it must be true or false. Where another member holds it, name that in Consumers:Messages:Mapping:Backfill"]] : [],
            await RowsAsync("SELECT reason, detail FROM rejected_messages"));
    }

    /// <summary>A consumer that owns partition 0.</summary>
    private async Task<LaneHarness> OwnerAsync(ConsumersOptions? options = null)
    {
        var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, options);
        await consumer.ClaimAsync(0, Timeout);
        return consumer;
    }

    private static LogMessage[] MakeLog()
    {
        var random = new Random(5);
        var (live, past) = (0L, 0L);
        var now = DateTimeOffset.UtcNow;
        var start = new DateTime(2004, 3, 10, 18, 0, 0, DateTimeKind.Utc);
        return [.. Enumerable.Range(0, 400).Select(offset => random.Next(3) > 0
            ? Backfilled(offset, "s", ++past, random.Next(20, 60), start.AddHours(past).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
            : Live(offset, "s", ++live, random.Next(20, 60), now))];
    }

    private static LogMessage Live(long offset, string sensor, long count, double value, DateTimeOffset at) =>
        new(0, offset, LaneHarness.Reading(sensor, count, value, sequenceId: "live", time: at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)), at.ToUnixTimeMilliseconds());

    private static LogMessage Backfilled(long offset, string sensor, long count, double value, string time)
    {
        var message = Encoding.UTF8.GetString(LaneHarness.Reading(sensor, count, value, sequenceId: "past", time: time));
        return new(0, offset, Encoding.UTF8.GetBytes(message.Replace("\"metadata\":{", "\"metadata\":{\"backfill\":true,", StringComparison.Ordinal)), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
