using Npgsql;

namespace FactoryMonitoring.Data.Sensors;

/// <summary>Where in its file a replay is.</summary>
/// <param name="File">Its name without its folder.</param>
/// <param name="Row">Of the file's rows of values, from 1 on; 0 before the first.</param>
/// <param name="Played">Rows that were replayed.</param>
/// <param name="Rows">All rows of the file.</param>
/// <param name="SourceTimestamp">The row's time as it stands in the file; null where the file has none.</param>
/// <param name="IsOver">The file has come to its end; of a backfill: and all of it is stored.</param>
/// <param name="Readings">All readings of the file.</param>
/// <param name="Backfill">Null where the rows are replayed.</param>
public sealed record ReplayProgress(
    string File, long Row, long Played, long Rows, string? SourceTimestamp, bool IsOver, long Readings, BackfillProgress? Backfill = null);

/// <summary>How far a backfill is.</summary>
/// <param name="Stored">Readings that consumers have stored.</param>
/// <param name="RowsPerSecond">Stored, over the last 10 s; null before the first.</param>
/// <param name="SecondsLeft">At that rate; null while nothing is being stored.</param>
public sealed record BackfillProgress(long Stored, double? RowsPerSecond, double? SecondsLeft);

/// <summary>Writes where in its file each replay is, one row for each producer.</summary>
public sealed class ReplayStore(NpgsqlDataSource dataSource)
{
    private const string Upsert = """
        INSERT INTO replays (producer_id, sensor_ids, file, row_number, played, row_count, source_timestamp, is_over, readings, is_backfill, stored,
            rows_per_second, seconds_left)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (producer_id) DO UPDATE SET
            sensor_ids = EXCLUDED.sensor_ids, file = EXCLUDED.file, row_number = EXCLUDED.row_number, played = EXCLUDED.played, row_count = EXCLUDED.row_count,
            source_timestamp = EXCLUDED.source_timestamp, is_over = EXCLUDED.is_over, readings = EXCLUDED.readings, is_backfill = EXCLUDED.is_backfill,
            stored = EXCLUDED.stored, rows_per_second = EXCLUDED.rows_per_second, seconds_left = EXCLUDED.seconds_left, updated_at = clock_timestamp()
        """;

    private const string SelectStored =
        "SELECT o.kafka_partition, o.next_offset FROM partition_offsets o JOIN logs l USING (log_key) WHERE o.topic = $1 AND l.log_id = $2";

    /// <summary>Up to where consumers have stored a log.</summary>
    /// <returns>By partition, one past the last offset that is stored; without those that no consumer has ever owned.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<(int Partition, long Next)>> StoredUpToAsync(string topic, string logId, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(SelectStored);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = logId });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var next = new List<(int, long)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            next.Add((reader.GetInt32(0), reader.GetInt64(1)));
        }

        return next;
    }

    private const string SelectBackfilled = """
        SELECT updated_at FROM replays
        WHERE producer_id = $1 AND is_backfill AND is_over AND stored = readings AND sensor_ids = $2 AND file = $3 AND row_count = $4 AND readings = $5
        """;

    /// <summary>When a producer has backfilled a file to its end.</summary>
    /// <returns>Null where the last one that it wrote down is another file, or has not come to its end.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<DateTimeOffset?> BackfilledAtAsync(
        string producerId, string[] sensorIds, string file, long rows, long readings, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(SelectBackfilled);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = producerId });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = sensorIds });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = rows });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = readings });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? await reader.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken) : null;
    }

    /// <summary>Writes it over what the producer wrote before.</summary>
    /// <param name="producerId">The producer that replays.</param>
    /// <param name="sensorIds">The sensors that the file's columns are.</param>
    /// <param name="progress">Where it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses.</exception>
    public async Task WriteAsync(string producerId, string[] sensorIds, ReplayProgress progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        await using var command = dataSource.CreateCommand(Upsert);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = producerId });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = sensorIds });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = progress.File });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Row });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Played });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Rows });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.SourceTimestamp ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = progress.IsOver });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Readings });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = progress.Backfill is not null });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.Backfill?.Stored ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.Backfill?.RowsPerSecond ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Double });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.Backfill?.SecondsLeft ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Double });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
