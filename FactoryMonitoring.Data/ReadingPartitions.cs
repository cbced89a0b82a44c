using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// The daily partitions of the tables <c>readings</c> and <c>reading_batches</c>. They are created in advance by CREATE … LIKE and ATTACH, which wait for no
/// other session, and dropped past the retention, which waits at most 0.3 s at a time for the sessions that use the table. Functions of the owner do this, so
/// that their callers own nothing. Safe to run from several processes at once.
/// </summary>
public sealed class ReadingPartitions(NpgsqlDataSource dataSource)
{
    private const int SecondsToMake = 15;
    private const int MostAttempts = 50;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private const string ProvideDays = "SELECT first_day, last_day FROM provide_reading_days($1)";

    private const string DropDay = "SELECT drop_expired_day($1)";

    private const string EnsureDay = "SELECT ensure_reading_day($1)";

    // By name: after an interrupted drop, a day may no longer be a partition.
    private const string SelectExpired = """
        SELECT c.relname::text
        FROM pg_class c
        WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'readings'::regclass) AND c.relkind = 'r'
            AND c.relname ~ '^(readings|reading_batches)_[0-9]{8}$'
            AND right(c.relname, 8) < to_char((SELECT clock_timestamp() - keep FROM retention) AT TIME ZONE 'UTC', 'YYYYMMDD')
        ORDER BY right(c.relname, 8), 1
        """;

    private const string TryLock = "SELECT pg_try_advisory_lock(hashtext('factory_monitoring.retention'))";

    private const string Unlock = "SELECT pg_advisory_unlock(hashtext('factory_monitoring.retention'))";

    /// <summary>Creates the partitions of yesterday, today and the given number of days ahead, by the database's clock, unless they exist.</summary>
    /// <returns>The first and the last of these days.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<(DateOnly First, DateOnly Last)> EnsureAroundTodayAsync(int ahead, CancellationToken cancellationToken)
    {
        await using var provide = dataSource.CreateCommand(ProvideDays);
        provide.CommandTimeout = SecondsToMake;
        provide.Parameters.Add(new NpgsqlParameter<int> { TypedValue = ahead });
        await using var reader = await provide.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetFieldValue<DateOnly>(0), reader.GetFieldValue<DateOnly>(1));
    }

    /// <summary>Creates the days from <paramref name="first"/> on, unless they exist; for the owner of the tables.</summary>
    public async Task EnsureAsync(DateOnly first, int days, CancellationToken cancellationToken)
    {
        for (var i = 0; i < days; i++)
        {
            await using var command = dataSource.CreateCommand(EnsureDay);
            command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = first.AddDays(i) });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Drops the days past the retention, by the retention stored in the database and by its clock: no caller can drop more. Does nothing
    /// while another process does the same.
    /// </summary>
    /// <returns>The names of the dropped tables.</returns>
    public async Task<IReadOnlyList<string>> DropExpiredAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var tryLock = new NpgsqlCommand(TryLock, connection);
        if (await tryLock.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return [];
        }

        var expired = new List<string>();
        await using (var select = new NpgsqlCommand(SelectExpired, connection))
        await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                expired.Add(reader.GetString(0));
            }
        }

        foreach (var leaf in expired)
        {
            await DropAsync(connection, leaf, cancellationToken);
        }

        await using var unlock = new NpgsqlCommand(Unlock, connection);
        await unlock.ExecuteNonQueryAsync(cancellationToken);
        return expired;
    }

    private static async Task DropAsync(NpgsqlConnection connection, string leaf, CancellationToken cancellationToken)
    {
        // A day of readings consists of many files.
        await using var drop = new NpgsqlCommand(DropDay, connection) { CommandTimeout = 0, Parameters = { new NpgsqlParameter<string> { TypedValue = leaf } } };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await drop.ExecuteNonQueryAsync(cancellationToken);
                return;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable && attempt < MostAttempts)
            {
                // Another session reads or writes: sessions that waited behind this one go first.
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }
}
