using Npgsql;

namespace FactoryMonitoring.Data.Sensors;

/// <summary>Where in its file a replay is.</summary>
/// <param name="File">Its name without its folder.</param>
/// <param name="Row">Of the file's rows of values, from 1 on; 0 before the first.</param>
/// <param name="Played">Rows that were replayed.</param>
/// <param name="Rows">All rows of the file.</param>
/// <param name="SourceTimestamp">The row's time as it stands in the file; null where the file has none.</param>
/// <param name="IsOver">The file has come to its end.</param>
public sealed record ReplayProgress(string File, long Row, long Played, long Rows, string? SourceTimestamp, bool IsOver);

/// <summary>Writes where in its file each replay is, one row for each producer.</summary>
public sealed class ReplayStore(NpgsqlDataSource dataSource)
{
    private const string Upsert = """
        INSERT INTO replays (producer_id, sensor_ids, file, row_number, played, row_count, source_timestamp, is_over)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (producer_id) DO UPDATE SET
            sensor_ids = EXCLUDED.sensor_ids, file = EXCLUDED.file, row_number = EXCLUDED.row_number, played = EXCLUDED.played, row_count = EXCLUDED.row_count,
            source_timestamp = EXCLUDED.source_timestamp, is_over = EXCLUDED.is_over, updated_at = clock_timestamp()
        """;

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
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
