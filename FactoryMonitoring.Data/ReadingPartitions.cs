using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// The days of the tables <c>readings</c> and <c>reading_batches</c>. They are made ahead by CREATE … LIKE and ATTACH, and dropped past the
/// retention by DETACH … CONCURRENTLY and DROP, so that no open COPY and no reader is waited for. Safe to run from several processes at once.
/// </summary>
public sealed class ReadingPartitions(NpgsqlDataSource dataSource)
{
    private const string EnsureDay = "SELECT ensure_reading_day($1)";

    // By name: one whose process died between DETACH and DROP, or in the middle of DETACH, is no or half a partition.
    private const string SelectExpired = """
        SELECT c.relname, i.inhrelid IS NOT NULL, COALESCE(i.inhdetachpending, false), regexp_replace(c.relname, '_[0-9]{8}$', '')
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'readings'::regclass) AND c.relkind = 'r'
            AND c.relname ~ '^(readings|reading_batches)_[0-9]{8}$'
            AND right(c.relname, 8) < to_char((SELECT clock_timestamp() - keep FROM retention) AT TIME ZONE 'UTC', 'YYYYMMDD')
        ORDER BY right(c.relname, 8), 1
        """;

    private const string TryLock = "SELECT pg_try_advisory_lock(hashtext('factory_monitoring.retention'))";

    private const string Unlock = "SELECT pg_advisory_unlock(hashtext('factory_monitoring.retention'))";

    private const string SelectToday = "SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date";

    /// <summary>Makes the day before today, today, and days ahead of it, by the database's clock, where they do not exist.</summary>
    /// <returns>The first and the last of them.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<(DateOnly First, DateOnly Last)> EnsureAroundTodayAsync(int ahead, CancellationToken cancellationToken)
    {
        await using var select = dataSource.CreateCommand(SelectToday);
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var first = reader.GetFieldValue<DateOnly>(0).AddDays(-1);
        await reader.CloseAsync();
        await EnsureAsync(first, ahead + 2, cancellationToken);
        return (first, first.AddDays(ahead + 1));
    }

    /// <summary>Makes the days from <paramref name="first"/> on, where they do not exist.</summary>
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
    /// Drops the days that are past the retention, by what the database has stored of it and by its clock: nobody can ask for more. Does nothing
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

        var expired = new List<(string Leaf, bool IsAttached, bool IsHalfDetached, string Table)>();
        await using (var select = new NpgsqlCommand(SelectExpired, connection))
        await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                expired.Add((reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetString(3)));
            }
        }

        foreach (var (leaf, isAttached, isHalfDetached, table) in expired)
        {
            if (isAttached)
            {
                // DETACH … CONCURRENTLY waits for those who use the table.
                var how = isHalfDetached ? "FINALIZE" : "CONCURRENTLY";
                await using var detach = new NpgsqlCommand($"ALTER TABLE {table} DETACH PARTITION \"{leaf}\" {how}", connection) { CommandTimeout = 0 };
                await detach.ExecuteNonQueryAsync(cancellationToken);
            }

            await using var drop = new NpgsqlCommand($"DROP TABLE \"{leaf}\"", connection) { CommandTimeout = 0 };
            await drop.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var unlock = new NpgsqlCommand(Unlock, connection);
        await unlock.ExecuteNonQueryAsync(cancellationToken);
        return [.. expired.Select(each => each.Leaf)];
    }
}
