using System.Globalization;
using System.Text.RegularExpressions;
using FactoryMonitoring.Consumers.Maintenance;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Data;

[Trait("Loop", "quick")]
public sealed class RetentionTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    // Two rows each: one past any retention, and a current one. The old log has been followed by another.
    private const string OldAndNew = """
        INSERT INTO logs (log_id, first_seen) VALUES ('old', now() - interval '30 days'), ('new', now());
        INSERT INTO partition_offsets (log_key, topic, kafka_partition, next_offset, first_offset, claimed_at, last_commit_at, stored)
            VALUES (1, 'sensor-data', 0, 10, 0, now() - interval '30 days', now() - interval '29 days', 10), (2, 'sensor-data', 0, 10, 0, now(), now(), 10);
        INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, ended_at)
            VALUES (1, 'sensor-data', 0, 1, 'gone', now() - interval '30 days', now() - interval '29 days'), (2, 'sensor-data', 0, 1, 'here', now(), now());
        INSERT INTO detector_snapshots (log_key, topic, kafka_partition, snapshot_offset, state) VALUES (1, 'sensor-data', 0, 0, ''), (2, 'sensor-data', 0, 0, '');
        INSERT INTO detector_changes (log_key, topic, kafka_partition, state) VALUES (1, 'sensor-data', 0, ''), (2, 'sensor-data', 0, '');
        INSERT INTO consumers (consumer_id, first_seen) VALUES ('gone', now() - interval '30 days'), ('here', now() - interval '30 days');
        INSERT INTO consumer_health (consumer_id, status, last_heartbeat) VALUES ('gone', 'inactive', now() - interval '29 days'), ('here', 'active', now());
        INSERT INTO producer_health (producer_id, sensor_type, status, last_heartbeat) VALUES ('gone', 't', 'inactive', now() - interval '29 days'), ('here', 't', 'active', now());
        INSERT INTO ingest_totals (consumer_key, log_key, kafka_partition, stored) VALUES (1, 1, 0, 10), (2, 2, 0, 10);
        INSERT INTO ingest_buckets (bucket, consumer_key, log_key, kafka_partition, stored) VALUES (now() - interval '29 days', 1, 1, 0, 10), (now(), 2, 2, 0, 10);
        INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, last_used) VALUES ('gone', 't', 'u', now() - interval '29 days'), ('here', 't', 'u', now()), ('used', 't', 'u', now() - interval '29 days');
        INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", processing_timestamp, log_key, kafka_partition, kafka_offset)
            VALUES ('gone', 1, 1, 0, now(), now() - interval '29 days', 1, 0, 0), ('here', 2, 1, 0, now(), now(), 2, 0, 0), ('used', 3, 1, 0, now(), now(), 2, 0, 0);
        INSERT INTO sensor_sequences (sensor_id, next_count, reserved_at) VALUES ('gone', 1, now() - interval '29 days'), ('here', 1, now());
        INSERT INTO backfilled_sensors (sensor_id, sensor_key, first_timestamp, last_timestamp, stored_at, log_key, kafka_partition, kafka_offset)
            SELECT name, (SELECT sensor_key FROM sensor_descriptions d WHERE d.sensor_id = name), '2004-03-10', '2004-03-11', at, 1, 0, 0 FROM (VALUES ('gone', now() - interval '29 days'), ('here', now())) b(name, at);
        INSERT INTO replays (producer_id, sensor_ids, file, row_number, played, row_count, is_over, updated_at) VALUES ('gone', '{}', 'f', 1, 1, 1, true, now() - interval '29 days'), ('here', '{}', 'f', 1, 1, 1, true, now());
        INSERT INTO unread_members (sensor_id, names, seen_at) VALUES ('gone', 'a', now() - interval '29 days'), ('here', 'a', now());
        INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id, rejected_at)
            VALUES (1, 0, 0, 'empty', '', 'gone', now() - interval '29 days'), (2, 0, 0, 'empty', '', 'here', now());
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, "timestamp", resolved_at)
            VALUES (gen_random_uuid(), 'gone', 't', 'r', 'low', '', 'gone', now() - interval '29 days', now()), (gen_random_uuid(), 'here', 't', 'r', 'low', '', 'here', now(), now());
        INSERT INTO outbox (topic, parked_at) VALUES ('dead', now() - interval '29 days'), ('dead', now());
        INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram) VALUES (now() - interval '29 days', 'gone', 1, '{}'), (now(), 'here', 1, '{}');
        INSERT INTO producer_samples (at, producer_id, acknowledged) VALUES (now() - interval '29 days', 'gone', 1), (now(), 'here', 1);
        INSERT INTO lag_samples (at, lag) VALUES (now() - interval '29 days', 0), (now(), 0);
        INSERT INTO pipeline_minutes (at, acknowledged, stored, latency_histogram) VALUES (now() - interval '29 days', 1, 1, '{}'), (now(), 1, 1, '{}');
        INSERT INTO consumer_minutes (at, consumer_id, stored) VALUES (now() - interval '29 days', 'gone', 1), (now(), 'here', 1);
        INSERT INTO rebalancing_events (consumer_id, event_type, "timestamp", log_key) VALUES ('gone', 'assigned', now() - interval '29 days', 1), ('here', 'assigned', now(), 2);
        DELETE FROM status_changes;
        INSERT INTO status_changes (component_kind, component_id, status, at) VALUES ('consumer', 'gone', 'active', now() - interval '29 days'), ('consumer', 'here', 'active', now());
        INSERT INTO cluster_changes (kind, component_id, status, at) VALUES ('replicas', 'kafka1', 'out of sync', now() - interval '30 days'), ('replicas', 'kafka1', 'in sync', now() - interval '29 days');
        INSERT INTO backfills (fingerprint, file, updated_at) VALUES ('gone', 'a.csv', now() - interval '29 days'), ('here', 'b.csv', now());
        INSERT INTO component_exits (component_id, at, cause) VALUES ('gone', now() - interval '29 days', 'died'), ('here', now(), 'died');
        INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset, acknowledged_at)
            VALUES ('gone', 'gone', 1, 0, 1, 5, 20, now() - interval '29 days'), ('here', 'here', 2, 0, 1, 5, 20, now());
        INSERT INTO ledger (producer_id, log_key, kafka_partition, acknowledged, stored) VALUES ('gone', 1, 0, 0, 0), ('here', 2, 0, 0, 0);
        INSERT INTO ledger_violations (kind, noticed_at) VALUES ('skipped', now() - interval '29 days'), ('skipped', now());
        INSERT INTO audit_log (at, who, act, done, result) VALUES (now() - interval '400 days', 'gone', '', true, ''), (now(), 'here', '', true, '');
        INSERT INTO experiment_runs (name, started_at, verdict) SELECT 'x', now() - interval '29 days', 'PASS' FROM generate_series(1, 25);
        """;

    [Fact]
    public async Task Every_table_has_a_bound()
    {
        var tables = await Database.RowsAsync(
            """
            SELECT relname::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1
            """,
            Timeout);

        Assert.Equal(tables.Select(row => (string)row[0]!), RetentionStore.Bounds.Select(bound => bound.Table).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Days_past_the_retention_are_dropped_though_there_is_no_room_for_new_ones()
    {
        var days = new ReadingPartitions(Database.DataSource);
        await days.EnsureAsync(DateOnly.FromDateTime(DateTime.UtcNow).AddDays(-20), 1, Timeout);
        await Database.ScalarAsync<object>("""
            CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
            CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION no_room()
            """, Timeout);
        using var worker = new RetentionWorker(days, new RetentionStore(Database.Ingest), TimeProvider.System, NullLogger<RetentionWorker>.Instance);

        await worker.StartAsync(Timeout);
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 0 FROM pg_class WHERE relkind = 'r' AND relname = to_char(now() - interval '20 days', '\"readings_\"YYYYMMDD')", Timeout));
        await worker.StopAsync(Timeout);
    }

    [Fact]
    public async Task What_is_past_the_retention_goes_with_all_that_belongs_to_it_and_the_rest_stays()
    {
        await Database.RowsAsync(OldAndNew, Timeout);

        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);
        // Rows that an acknowledgement has kept are pruned the next time.
        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);

        foreach (var table in RetentionStore.Bounds.Select(bound => bound.Table).Except(["readings", "reading_batches", "throughput_record", "schema_migrations", "experiment_runs", "sensor_descriptions", "sensor_latest"]))
        {
            Assert.Equal((table, 1L), (table, await Database.ScalarAsync<long>($"SELECT count(*) FROM {table}", Timeout)));
        }

        Assert.Equal([["here"], ["used"]], await Database.RowsAsync("SELECT sensor_id FROM sensor_descriptions ORDER BY 1", Timeout));
        Assert.Equal([["here"], ["used"]], await Database.RowsAsync("SELECT sensor_id FROM sensor_latest ORDER BY 1", Timeout));
        Assert.Equal(20L, await Database.ScalarAsync<long>("SELECT count(*) FROM experiment_runs", Timeout));
        Assert.Equal([["new"]], await Database.RowsAsync("SELECT log_id FROM logs", Timeout));
    }

    [Fact]
    public async Task The_newest_state_of_a_broker_stays_however_old_it_is()
    {
        await Database.RowsAsync("""
            INSERT INTO status_changes (component_kind, component_id, status, at)
            VALUES ('broker', 'kafka1', 'down', now() - interval '30 days'), ('broker', 'kafka1', 'up', now() - interval '29 days'), ('consumer', 'gone', 'active', now() - interval '29 days')
            """, Timeout);

        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);

        Assert.Equal([["kafka1", "up"]], await Database.RowsAsync("SELECT component_id, status FROM status_changes", Timeout));
    }

    [Fact]
    public async Task What_nobody_can_read_any_more_stays_in_the_account_as_long_as_its_log()
    {
        await Database.RowsAsync(OldAndNew, Timeout);
        await Database.RowsAsync("UPDATE partition_offsets SET last_commit_at = now()", Timeout);
        // Read before the log ended, and never compared.
        await Database.RowsAsync(
            """
            INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset, acknowledged_at)
                VALUES ('gone', 'gone', 1, 0, 6, 8, 5, now() - interval '29 days')
            """,
            Timeout);
        var before = await LedgerAsync();

        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);

        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM acknowledgements", Timeout));
        Assert.Equal((3L, 5L, 5L), before);
        Assert.Equal(before, await LedgerAsync());
    }

    [Fact]
    public async Task The_account_reads_nothing_of_what_waits()
    {
        await Database.RowsAsync(OldAndNew, Timeout);
        await Database.RowsAsync(
            """
            INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset)
            SELECT 'here', 'here', 2, 0, n, n, n FROM generate_series(100, 50099) n;
            ANALYZE;
            """,
            Timeout);

        var (_, inFlight, _) = await LedgerAsync();
        var plan = string.Join('\n', (await Database.RowsAsync($"EXPLAIN (ANALYZE, BUFFERS) {LedgerQueries.Producers.Replace("$1", "'sensor-data'", StringComparison.Ordinal)}", Timeout)).Select(row => row[0]));

        Assert.Equal(50_005L, inFlight);
        // Pages; the ranges alone occupy about 500.
        Assert.InRange(int.Parse(Regex.Match(plan, @"Buffers: shared hit=(\d+)").Groups[1].Value, CultureInfo.InvariantCulture), 1, 200);
    }

    private async Task<(long Stored, long InFlight, long Unreachable)> LedgerAsync()
    {
        var row = (await Database.RowsAsync($"SELECT sum(stored)::bigint, sum(in_flight)::bigint, sum(unreachable)::bigint FROM ({LedgerQueries.Producers.Replace("$1", "'sensor-data'", StringComparison.Ordinal)}) l(id, stored, rejected, in_flight, missing, unreachable)", Timeout))[0];
        return ((long)row[0]!, (long)row[1]!, (long)row[2]!);
    }
}
