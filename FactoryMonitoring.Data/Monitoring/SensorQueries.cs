using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Reads sensors: all with their newest value, and one with its last readings, alerts and dead letters.</summary>
public sealed class SensorQueries(NpgsqlDataSource dataSource)
{
    private const string Columns = """
        SELECT s.sensor_id, s.sensor_type, s.unit, s.factory_section, s.machine_id, s.zone, s.last_value, s.alert_level, s.warning_threshold, s.critical_threshold,
               s.reading_count, s.last_timestamp, s.last_processed, s.kafka_partition, s.kafka_offset
        """;

    private const string All = $"""
        {Columns}, COALESCE(a.open, 0)::integer
        FROM sensors s
        LEFT JOIN (SELECT sensor_id, count(*) AS open FROM alerts WHERE resolved_at IS NULL GROUP BY sensor_id) a USING (sensor_id)
        ORDER BY s.sensor_id
        """;

    private const string One = $"""
        {Columns}, (SELECT count(*) FROM alerts a WHERE a.sensor_id = s.sensor_id AND a.resolved_at IS NULL)::integer
        FROM sensors s WHERE s.sensor_id = $1
        """;

    // Backwards through its partition's log from a little past the newest that is noted, a bounded way.
    private const string Readings = $"""
        SELECT * FROM (
            {ReadingColumns.Select}
            JOIN sensor_latest l ON l.sensor_id = $1 AND r.log_key = l.log_key AND r.kafka_partition = l.kafka_partition
              AND r.kafka_offset BETWEEN l.kafka_offset - 20000 AND l.kafka_offset + 20000
            WHERE d.sensor_id = $1 AND r.processing_timestamp BETWEEN (SELECT processing_timestamp FROM sensor_latest WHERE sensor_id = $1) - interval '1 day'
              AND (SELECT processing_timestamp FROM sensor_latest WHERE sensor_id = $1) + interval '1 day'
            ORDER BY r.kafka_offset DESC LIMIT 200
        ) newest
        ORDER BY kafka_offset
        """;

    private const string Alerts = $"""{AlertQueries.Columns} FROM alerts WHERE sensor_id = $1 ORDER BY "timestamp" DESC LIMIT 50""";

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<SensorBody>> ListAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(All);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(Sensor, cancellationToken);
    }

    /// <returns>Null where no reading of it was ever stored and none is rejected; without a sensor where all were rejected.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<SensorDetailBody?> FindAsync(string sensorId, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        foreach (var sql in (string[])[One, Readings, Alerts, DeadLetterQueries.OfSensor])
        {
            batch.BatchCommands.Add(new(sql) { Parameters = { Parameters.Text(sensorId) } });
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var sensors = await reader.RowsAsync(Sensor, cancellationToken);
        var detail = new SensorDetailBody(
            sensors is [var sensor] ? sensor : null,
            await reader.RowsAsync(ReadingColumns.Read, cancellationToken),
            await reader.RowsAsync(AlertQueries.Alert, cancellationToken),
            await reader.RowsAsync(DeadLetterQueries.DeadLetter, cancellationToken));
        return detail is { Sensor: null, DeadLetters: [] } ? null : detail;
    }

    private static SensorBody Sensor(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.Text(3), row.Text(4), row.Text(5), row.GetDouble(6), row.GetString(7), row.Value<double>(8),
        row.Value<double>(9), row.Value<long>(10), row.Timestamp(11), row.Timestamp(12), row.GetInt32(13), row.GetInt64(14), row.GetInt32(15));
}
