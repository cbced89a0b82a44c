using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

[Trait("Loop", "quick")]
public sealed class AlertStorageTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenSnapshots = new() { SnapshotInterval = TimeSpan.FromMilliseconds(100), SnapshotReadings = 7 };

    private static readonly LogMessage[] Log = [.. MakeLog()];

    [Fact]
    public async Task An_episode_is_one_alert_from_its_first_reading_to_its_end()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post([.. new[] { 41.0, 42, 43, 38 }.Select((value, i) => new LogMessage(0, i, LaneHarness.Reading("s", i, value)))]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal(
            [
                ["consecutive_high_alerts", "high", 43.0, 2L, 2L, 43.0, false],
                ["critical_threshold_violation", "high", 41.0, 0L, 3L, 43.0, true],
            ],
            await RowsAsync("SELECT anomaly_type, severity, sensor_value, kafka_offset, occurrences, peak_value, resolved_at IS NOT NULL FROM alerts ORDER BY 1"));
        Assert.Equal([["alerts", 2L, 2L]], await RowsAsync("SELECT topic, count(*), count(alert_id) FROM outbox GROUP BY 1"));
    }

    /// <summary>A device without a clock sends the zero time of .NET and Go.</summary>
    [Fact]
    public async Task The_first_and_the_last_time_there_is_are_stored_as_any_other()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenSnapshots);
        await consumer.ClaimAsync(0, Timeout);

        consumer.Post(
        [
            new(0, 0, LaneHarness.Reading("first", 0, 41, time: "0001-01-01T00:00:00Z")),
            new(0, 1, LaneHarness.Reading("last", 0, 41, time: "9999-12-31T23:59:59.999999Z")),
            new(0, 2, LaneHarness.Reading("neighbour", 0, 25)),
        ]);
        await consumer.ReleaseAsync(Timeout, 0);

        Assert.Equal(
            [["first", "0001-01-01"], ["last", "9999-12-31"], ["neighbour", "2025-09-16"]],
            await RowsAsync("SELECT sensor_id, to_char(\"timestamp\" AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM sensor_latest WHERE isfinite(\"timestamp\") ORDER BY 1"));
        Assert.Equal([["first", true], ["last", true]], await RowsAsync("SELECT sensor_id, isfinite(\"timestamp\") FROM alerts ORDER BY 1"));
        Assert.Equal([[1L]], await RowsAsync("SELECT count(*) FROM detector_snapshots"));
        Assert.Equal([[0L]], await RowsAsync("SELECT count(*) FROM rejected_messages"));
    }

    [Fact]
    public async Task However_often_the_partition_moves_the_alerts_are_those_of_an_undisturbed_consumer()
    {
        await using (var alone = await LaneHarness.StartAsync(Database.Ingest, "alone", Timeout, OftenSnapshots))
        {
            await alone.ClaimAsync(0, Timeout);
            alone.Post(Log);
            await alone.ReleaseAsync(Timeout, 0);
        }

        var undisturbed = await AlertsAsync();
        await Database.ScalarAsync<object>("TRUNCATE alerts, readings, reading_batches, partition_offsets, detector_snapshots, outbox, partition_ownership, rebalancing_events CASCADE", Timeout);
        var random = new Random(20260101);
        long next = 0;
        while (next < Log.Length)
        {
            // Each consumer is killed at a random point, sometimes within a batch that it has not stored.
            await using var mortal = await LaneHarness.StartAsync(Database.Ingest, $"c{random.Next(3)}", Timeout, OftenSnapshots);
            var claimed = await mortal.ClaimAsync(0, Timeout);
            var until = Math.Min(Log.Length, claimed.ReplayUntil + random.Next(1, 60));
            for (var at = claimed.From; at < until;)
            {
                var batch = Math.Min(random.Next(1, 25), until - at);
                mortal.Post(Log[(int)at..(int)(at + batch)]);
                await mortal.SettledAsync(Timeout);
                at += batch;
            }

            if (random.Next(3) == 0)
            {
                await mortal.ReleaseAsync(Timeout, 0);
            }

            next = until;
        }

        await using (var last = await LaneHarness.StartAsync(Database.Ingest, "last", Timeout, OftenSnapshots))
        {
            var claimed = await last.ClaimAsync(0, Timeout);
            last.Post(Log[(int)claimed.From..]);
            await last.ReleaseAsync(Timeout, 0);
        }

        Assert.NotEmpty(undisturbed);
        Assert.Equal(undisturbed, await AlertsAsync());
        Assert.Equal([[(long)Log.Length, (long)Log.Length]], await RowsAsync("SELECT count(*), count(DISTINCT kafka_offset) FROM readings"));
        Assert.Equal([[(long)undisturbed.Count]], await RowsAsync("SELECT count(*) FROM outbox"));
    }

    [Fact]
    public async Task Episodes_that_go_on_are_found_by_index_though_there_were_no_alerts_when_their_statement_was_first_planned()
    {
        const int Batches = 100;
        const int Sensors = 40;
        const int Lasting = 30;
        const int Planned = 10;
        await using (var consumer = await LaneHarness.StartAsync(Database.DataSource, "c1", Timeout))
        {
            await consumer.ClaimAsync(0, Timeout);
            long offset = 0;
            for (var batch = 0; batch < Batches; batch++)
            {
                // Some episodes last through all batches; others begin once the statement has its final plan, which a prepared statement gets after six
                // executions.
                consumer.Post([
                    .. Enumerable.Range(0, Lasting).Select(i => new LogMessage(0, offset++, LaneHarness.Reading($"on-{i}", batch, 41 + batch))),
                    .. Enumerable.Range(0, batch < Planned ? 0 : Sensors).Select(i => new LogMessage(0, offset++, LaneHarness.Reading($"s-{batch}-{i}", 0, 41))),
                ]);
                await consumer.SettledAsync(Timeout);
            }

            await consumer.ReleaseAsync(Timeout, 0);
        }

        // Sessions report their read statistics when they end.
        Database.DataSource.Clear();
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'alerts'", Timeout) > (Batches - Planned) * Sensors);

        Assert.Equal([[(long)Batches * Lasting]], await RowsAsync("SELECT sum(occurrences)::bigint FROM alerts WHERE sensor_id LIKE 'on-%' AND anomaly_type = 'critical_threshold_violation'"));
        Assert.Equal(0, await Database.ScalarAsync<long>("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'alerts'", Timeout));
    }

    private static IEnumerable<LogMessage> MakeLog()
    {
        var random = new Random(7);
        for (var offset = 0; offset < 900; offset++)
        {
            var value = Math.Round(27 + (13 * Math.Sin(offset / 31.0)) + (random.NextDouble() * 6), 2);
            yield return new LogMessage(0, offset, LaneHarness.Reading($"s-{offset % 4}", offset / 4, value));
        }
    }

    private Task<List<object?[]>> AlertsAsync() => RowsAsync("""
        SELECT alert_id, sensor_id, anomaly_type, severity, sensor_value, description, kafka_offset, occurrences, peak_value, resolved_at IS NULL FROM alerts ORDER BY kafka_offset, 1
        """);

    private Task<List<object?[]>> RowsAsync(string sql) => Database.RowsAsync(sql, Timeout);
}
