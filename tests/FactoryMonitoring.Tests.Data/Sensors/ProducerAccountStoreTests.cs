using FactoryMonitoring.Data.Sensors;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Sensors;

public sealed class ProducerAccountStoreTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly DateTimeOffset At = new(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);

    private static readonly ProducerHeartbeat Heartbeat = new(
        "temperature-sensor", "temperature", "active", "connected", null, 17, At, At, Guid.NewGuid(), 42, "host", 24, 3, 1 << 20);

    private ProducerAccountStore Store => new(Database.Sensor);

    [Fact]
    public async Task What_the_database_had_of_an_instance_before_tells_whether_it_has_lost_accounts()
    {
        ProducerAccount account = new([], [], 0);

        Assert.Equal(0, await WriteAsync(account, number: 1));
        Assert.Equal(1, await WriteAsync(account, number: 2));
        Assert.Null(await WriteAsync(account, number: 2));
        await Database.ScalarAsync<object>("UPDATE producer_health SET account_number = 1", Timeout);
        Assert.Equal(1, await WriteAsync(account, number: 3));
        await Database.ScalarAsync<object>("DELETE FROM producer_health", Timeout);
        Assert.Equal(0, await WriteAsync(account, number: 4));
        // A rival that started later has lost none of this producer's acknowledgements.
        await Database.ScalarAsync<object>("UPDATE producer_health SET instance_id = gen_random_uuid(), started_at = started_at + interval '1 min'", Timeout);
        Assert.Equal(4, await WriteAsync(account, number: 5));
    }

    [Fact]
    public async Task Heartbeat_ranges_and_samples_are_written_together()
    {
        var account = new ProducerAccount(
            [new("a", "log-1", 0, 1, 5, 50), new("b", "log-2", 3, 9, 9, 0)],
            [new(At, 6, 12), new(At.AddSeconds(1), 0, null)],
            FailedDeliveries: 2);

        await WriteAsync(account, number: 1);

        Assert.Equal(
            [["temperature-sensor", "temperature", "active", "connected", null, 17, 6L, 2L, 24, 3]],
            await Database.RowsAsync(
                "SELECT producer_id, sensor_type, status, connection, condition, messages_sent_last_minute, total_messages_sent, failed_deliveries, sensor_count, queued FROM producer_health",
                Timeout));
        Assert.Equal(
            [["a", "log-1", 0, 1L, 5L, 50L], ["b", "log-2", 3, 9L, 9L, 0L]],
            await Database.RowsAsync(
                "SELECT sensor_id, log_id, kafka_partition, first_count, last_count, max_offset FROM acknowledgements JOIN logs USING (log_key) ORDER BY 1", Timeout));
        Assert.Equal(
            [[At.UtcDateTime, 6, 12], [At.UtcDateTime.AddSeconds(1), 0, null]],
            await Database.RowsAsync("SELECT at, acknowledged, longest_wait_ms FROM producer_samples ORDER BY at", Timeout));
    }

    [Fact]
    public async Task Totals_go_on_over_a_restart()
    {
        await WriteAsync(new ProducerAccount([new("a", "log", 0, 1, 5, 50)], [new(At, 5, 12)], 1), number: 9);
        await Store.WriteAsync(
            Heartbeat with { InstanceId = Guid.NewGuid(), LastAcknowledged = null, Status = "inactive" },
            new ProducerAccount([new("a", "log", 0, 1001, 1002, 52)], [new(At, 2, 3)], 0),
            number: 1,
            mayBeWritten: false,
            Timeout);

        Assert.Equal(
            [[7L, 1L, At.UtcDateTime, "inactive"]],
            await Database.RowsAsync("SELECT total_messages_sent, failed_deliveries, last_acknowledged, status FROM producer_health", Timeout));
        Assert.Equal([[7, 12]], await Database.RowsAsync("SELECT acknowledged, longest_wait_ms FROM producer_samples", Timeout));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM logs", Timeout));
    }

    [Fact]
    public async Task A_known_log_uses_up_no_number_of_its_small_sequence()
    {
        for (var i = 0; i < 5; i++)
        {
            await WriteAsync(new ProducerAccount([new("a", "log", 0, i, i, i)], [], 0), number: i + 1);
        }

        await WriteAsync(new ProducerAccount([new("a", "other", 0, 6, 6, 6)], [], 0), number: 6);
        Assert.Equal([[(short)1], [(short)2]], await Database.RowsAsync("SELECT log_key FROM logs ORDER BY 1", Timeout));
    }

    [Fact]
    public async Task An_account_whose_COMMIT_was_not_answered_is_written_once_whatever_came_of_it()
    {
        await WriteAsync(OneReading(1), number: 1);
        await WriteAsync(OneReading(1), number: 1, mayBeWritten: true);
        Assert.Equal(1L, await TotalAsync());

        await WriteAsync(OneReading(2), number: 2, mayBeWritten: true);
        Assert.Equal(2L, await TotalAsync());
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(*) FROM acknowledgements", Timeout));
    }

    [Fact]
    public async Task An_account_that_is_still_being_committed_is_waited_for()
    {
        await WriteAsync(OneReading(1), number: 1);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using var transaction = await connection.BeginTransactionAsync(Timeout);
        await using var first = new NpgsqlCommand("UPDATE producer_health SET account_number = 2, total_messages_sent = total_messages_sent + 1", connection);
        await first.ExecuteNonQueryAsync(Timeout);

        var again = WriteAsync(OneReading(2), number: 2, mayBeWritten: true);
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted", Timeout) == 1);
        await transaction.CommitAsync(Timeout);
        await again;

        Assert.Equal(2L, await TotalAsync());
    }

    [Fact]
    public async Task An_account_that_may_be_written_is_not_written_over_that_of_another_instance()
    {
        await Store.WriteAsync(Heartbeat with { InstanceId = Guid.NewGuid() }, OneReading(1), number: 1, mayBeWritten: false, Timeout);

        await WriteAsync(OneReading(2), number: 2, mayBeWritten: true);

        Assert.Equal(1L, await TotalAsync());
    }

    [Fact]
    public async Task An_account_survives_a_crash_of_the_database()
    {
        await WriteAsync(OneReading(1), number: 1);
        await Postgres.KillAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => WriteAsync(OneReading(2), number: 2));
        await Postgres.StartAsync();
        Database.Clear();

        await WriteAsync(OneReading(1), number: 1, mayBeWritten: true);
        await WriteAsync(OneReading(2), number: 2, mayBeWritten: true);

        Assert.Equal(2L, await TotalAsync());
    }

    [Fact]
    public async Task A_frozen_database_is_given_up_within_seconds()
    {
        await WriteAsync(OneReading(1), number: 1);
        await Postgres.FreezeAsync();
        try
        {
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => WriteAsync(OneReading(2), number: 2));
        }
        finally
        {
            await Postgres.ThawAsync();
        }
    }

    private static ProducerAccount OneReading(long count) => new([new("a", "log", 0, count, count, count)], [], 0);

    private Task<long?> WriteAsync(ProducerAccount account, long number, bool mayBeWritten = false) =>
        Store.WriteAsync(Heartbeat, account, number, mayBeWritten, Timeout);

    private Task<long> TotalAsync() => Database.ScalarAsync<long>("SELECT total_messages_sent FROM producer_health", Timeout);
}
