using Npgsql;

namespace FactoryMonitoring.Data.Sensors;

/// <summary>The position of a replay in its file.</summary>
/// <param name="File">The file's name without its folder.</param>
/// <param name="Row">The row of values in the file, counted from 1; 0 before the first.</param>
/// <param name="Played">Rows that were replayed.</param>
/// <param name="Rows">All rows of the file.</param>
/// <param name="SourceTimestamp">The row's time as written in the file; null if the file has none.</param>
/// <param name="IsOver">The file is at its end; for a backfill, all of it is stored as well.</param>
/// <param name="Readings">All readings of the file.</param>
/// <param name="Backfill">Null if the rows are replayed.</param>
public sealed record ReplayProgress(
    string File, long Row, long Played, long Rows, string? SourceTimestamp, bool IsOver, long Readings, BackfillProgress? Backfill = null);

/// <summary>The progress of a backfill.</summary>
/// <param name="Stored">Readings that consumers have stored.</param>
/// <param name="RowsPerSecond">Rows stored per second, over the last 10 s; null before the first.</param>
/// <param name="SecondsLeft">The time left at that rate; null while nothing is being stored.</param>
public sealed record BackfillProgress(long Stored, double? RowsPerSecond, double? SecondsLeft);

/// <summary>A backfill that has started.</summary>
/// <param name="DoneAt">When all of it was stored.</param>
/// <param name="IsNew">No reading of it can be stored yet.</param>
public sealed record BegunBackfill(DateTimeOffset StartedAt, DateTimeOffset? DoneAt, bool IsNew);

/// <summary>Records the position of each replay, one row for each producer, and the files that were backfilled.</summary>
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

    /// <summary>Reads the offsets up to which consumers have stored a log.</summary>
    /// <returns>By partition, one past the last stored offset; without partitions that no consumer has ever owned.</returns>
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

    private const string Begin = """
        INSERT INTO backfills AS b (fingerprint, file) VALUES ($1, $2)
        ON CONFLICT (fingerprint) DO UPDATE SET
            started_at = CASE WHEN $3 THEN excluded.started_at ELSE b.started_at END, done_at = CASE WHEN $3 THEN NULL ELSE b.done_at END, updated_at = excluded.updated_at
        RETURNING started_at, done_at, started_at = updated_at
        """;

    private const string GoOn = "UPDATE backfills SET updated_at = clock_timestamp(), done_at = CASE WHEN $2 THEN clock_timestamp() END WHERE fingerprint = $1";

    private const string SelectStoredOf = """
        WITH stored AS MATERIALIZED (
            SELECT d.sensor_id, count(*) AS readings, max(r.processing_timestamp) AS newest
            FROM readings r JOIN sensor_descriptions d USING (sensor_key)
            WHERE d.sensor_id = ANY ($1) AND d.backfill AND r.processing_timestamp >= $2
            GROUP BY 1
        )
        SELECT s.sensor_id, s.readings, (
            SELECT r."timestamp" FROM readings r JOIN sensor_descriptions d USING (sensor_key)
            WHERE d.sensor_id = s.sensor_id AND d.backfill AND r.processing_timestamp = s.newest ORDER BY r.kafka_offset DESC LIMIT 1)
        FROM stored s
        """;

    /// <summary>Starts the backfill of a file, or returns the record of the one that started before.</summary>
    /// <param name="again">Starts it anew regardless of earlier records.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<BegunBackfill> BeginBackfillAsync(string fingerprint, string file, bool again, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Begin);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fingerprint });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = again });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(
            reader.GetFieldValue<DateTimeOffset>(0),
            await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetFieldValue<DateTimeOffset>(1),
            reader.GetBoolean(2));
    }

    /// <summary>Reads what is stored of a backfill: by sensor, the number of readings and the timestamp of the one stored last.</summary>
    /// <param name="since">When the backfill started.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<string, (long Readings, DateTime Last)>> StoredOfBackfillAsync(
        string[] sensorIds, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(SelectStoredOf);
        // Counts everything stored since then.
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = sensorIds });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = since.UtcDateTime });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stored = new Dictionary<string, (long, DateTime)>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            stored[reader.GetString(0)] = (reader.GetInt64(1), reader.GetFieldValue<DateTime>(2));
        }

        return stored;
    }

    /// <summary>Records that the backfill of a file continues, or that all of it is stored.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task NoteBackfillAsync(string fingerprint, bool isDone, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(GoOn);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fingerprint });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isDone });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Overwrites the producer's previous position.</summary>
    /// <param name="producerId">The producer that replays.</param>
    /// <param name="sensorIds">The sensors of the file's columns.</param>
    /// <param name="progress">The position.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
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
