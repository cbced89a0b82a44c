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

        Assert.Equal(["001_schema.sql", "002_experiments.sql", "003_uncounted.sql", "004_undo.sql", "005_log_id.sql", "006_refused.sql", "007_retention.sql"], applied.SelectMany(names => names));
    }

    [Fact]
    public async Task A_log_of_before_keeps_its_key_and_loses_the_clusters_id_alone()
    {
        await Database.ScalarAsync<object>("""
            DELETE FROM schema_migrations WHERE name = '005_log_id.sql';
            INSERT INTO logs (log_id) VALUES ('iGus0dXULBxg5OIQW6RX3A:UeX234NzTzu-Rm8QK936SA'), ('5f7c5e8a-embedded'), ('a:b')
            """, Timeout);

        Assert.Equal(["005_log_id.sql"], await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout));

        Assert.Equal(
            [[(short)1, "UeX234NzTzu-Rm8QK936SA"], [(short)2, "5f7c5e8a-embedded"], [(short)3, "a:b"]],
            await Database.RowsAsync("SELECT log_key, log_id FROM logs ORDER BY log_key", Timeout));
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
