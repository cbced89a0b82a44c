using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Data;

public sealed class MigrationTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    [Fact]
    public async Task Migrations_are_applied_once()
    {
        var runner = new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance);

        Assert.Empty(await runner.ApplyAsync(Timeout));
    }

    [Fact]
    public async Task Several_appliers_at_once_apply_each_migration_once()
    {
        await Database.ScalarAsync<object>("DROP SCHEMA public CASCADE; CREATE SCHEMA public", Timeout);

        var applied = await Task.WhenAll(Enumerable.Range(0, 4)
            .Select(_ => new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout)));

        Assert.Equal(["001_schema.sql", "002_experiments.sql", "003_uncounted.sql", "004_undo.sql", "005_log_id.sql", "006_refused.sql", "007_retention.sql", "008_log_id_form.sql", "009_outbox_parking.sql", "010_cut_logs.sql", "011_sequences.sql", "012_identity.sql", "013_bounds.sql", "014_alert_ends.sql", "015_detector_changes.sql", "016_reading_batches.sql", "017_messages.sql", "018_sensors_at_large.sql", "019_replays.sql", "020_backfill.sql", "021_newest_readings.sql", "022_backfills.sql", "023_audit_log.sql", "024_unread_members.sql", "025_roles.sql", "026_finer_latencies.sql", "027_cluster_changes.sql", "028_slowest_readings.sql", "029_outbox_turns.sql", "030_overdue.sql", "031_cut_at.sql", "032_snapshot_parts.sql", "033_time_ranges.sql"], applied.SelectMany(names => names));
    }

    [Fact]
    public async Task A_log_of_before_keeps_its_key_and_loses_the_clusters_id_alone()
    {
        await Database.ScalarAsync<object>("""
            DELETE FROM schema_migrations WHERE name = '005_log_id.sql';
            ALTER TABLE logs DROP CONSTRAINT logs_log_id_is_no_pair;
            INSERT INTO logs (log_id) VALUES ('iGus0dXULBxg5OIQW6RX3A:UeX234NzTzu-Rm8QK936SA'), ('5f7c5e8a-embedded'), ('a:b')
            """, Timeout);

        Assert.Equal(["005_log_id.sql"], await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout));

        Assert.Equal(
            [[(short)1, "UeX234NzTzu-Rm8QK936SA"], [(short)2, "5f7c5e8a-embedded"], [(short)3, "a:b"]],
            await Database.RowsAsync("SELECT log_key, log_id FROM logs ORDER BY log_key", Timeout));
    }

    [Fact]
    public async Task A_memory_of_before_stays_in_force_with_all_of_its_changes()
    {
        await Database.ScalarAsync<object>("""
            DELETE FROM schema_migrations WHERE name = '032_snapshot_parts.sql';
            ALTER TABLE detector_snapshots DROP first_change, DROP last_change;
            ALTER TABLE detector_changes DROP is_continued;
            INSERT INTO logs (log_id) VALUES ('log');
            INSERT INTO detector_snapshots (log_key, topic, kafka_partition, snapshot_offset, state) VALUES (1, 'sensor-data', 0, 9, 'x'), (1, 'sensor-data', 1, 9, 'x');
            INSERT INTO detector_changes (log_key, topic, kafka_partition, state) VALUES (1, 'sensor-data', 0, 'y'), (1, 'sensor-data', 0, 'z')
            """, Timeout);

        Assert.Equal(["032_snapshot_parts.sql"], await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout));

        Assert.Equal(
            [[0, 2L], [1, 0L]],
            await Database.RowsAsync(
                """
                SELECT s.kafka_partition, count(c.id) FROM detector_snapshots s LEFT JOIN detector_changes c
                    ON c.kafka_partition = s.kafka_partition AND c.id BETWEEN s.first_change AND s.last_change AND NOT c.is_continued
                GROUP BY 1 ORDER BY 1
                """,
                Timeout));
    }

    [Theory]
    [InlineData("Consumers")]
    [InlineData("Sensors")]
    [InlineData("Monitoring.Api")]
    [InlineData("FactoryMonitoring.Provisioner")]
    public async Task A_service_that_is_older_than_the_schema_stops_with_one_line_and_writes_nothing(string service)
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        await Database.ScalarAsync<object>("INSERT INTO schema_migrations (name) VALUES ('999_tomorrow.sql')", Timeout);

        await using var old = ServiceProcess.Start(service, new()
        {
            ["KAFKA_BROKERS"] = brokers.BootstrapServers, ["DATABASE_URL"] = Database.Url, ["SENSOR_TYPE"] = "temperature",
        });

        Assert.Equal(1, await old.WaitAsync(Timeout));
        Assert.Single(
            old.Output.Split('\n'),
            "The database has the migration 999_tomorrow.sql, which this service does not know: its schema is newer than this service. Start the version that made it, or a newer one.");
        Assert.Equal(
            [[0L, 0L, 0L, 0L]],
            await Database.RowsAsync("SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM consumers), (SELECT count(*) FROM consumer_health), (SELECT count(*) FROM producer_health)", Timeout));
    }

    [Fact]
    public async Task A_consumer_of_before_that_names_a_log_by_its_cluster_too_gets_no_key_for_it()
    {
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Database.ScalarAsync<object>(
            "INSERT INTO logs (log_id) VALUES ('iGus0dXULBxg5OIQW6RX3A:UeX234NzTzu-Rm8QK936SA')", Timeout));

        Assert.Equal("23514", refused.SqlState);
    }

    [Fact]
    public async Task A_day_of_readings_is_made_once_by_several_processes_at_once()
    {
        var day = new DateOnly(2031, 5, 17);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new ReadingPartitions(Database.DataSource).EnsureAsync(day, 2, Timeout)));

        Assert.Equal(2L, await Database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relname IN ('readings_20310517', 'readings_20310518')", Timeout));
    }
}
