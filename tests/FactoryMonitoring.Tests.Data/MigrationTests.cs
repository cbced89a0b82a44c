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

        Assert.Equal(["001_schema.sql", "002_experiments.sql", "003_uncounted.sql", "004_undo.sql"], applied.SelectMany(names => names));
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
