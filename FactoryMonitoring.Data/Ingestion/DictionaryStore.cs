using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>A sensor as its messages describe it.</summary>
public sealed record SensorDescriptionRow(string SensorId, string SensorType, string Unit, string? FactorySection, string? MachineId, string? Zone);

/// <summary>The small integers that stand for logs, consumers and sensors. Each is made once, in a commit of its own.</summary>
public sealed class DictionaryStore(NpgsqlDataSource dataSource)
{
    private const string InsertLog = "INSERT INTO logs (log_id) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM logs WHERE log_id = $1) ON CONFLICT DO NOTHING";

    private const string SelectLog = "SELECT log_key FROM logs WHERE log_id = $1";

    private const string InsertConsumer =
        "INSERT INTO consumers (consumer_id) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM consumers WHERE consumer_id = $1) ON CONFLICT DO NOTHING";

    private const string SelectConsumer = "SELECT consumer_key FROM consumers WHERE consumer_id = $1";

    private const string Digest = "sensor_digest(d.sensor_type, d.unit, d.factory_section, d.machine_id, d.zone)";

    private const string WantedDigest = "sensor_digest(u.sensor_type, u.unit, u.factory_section, u.machine_id, u.zone)";

    // Sorted, so that two consumers that meet the same new sensors wait for each other and never in a circle.
    private const string InsertSensors = $"""
        INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, factory_section, machine_id, zone)
        SELECT u.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) u(sensor_id, sensor_type, unit, factory_section, machine_id, zone)
        WHERE NOT EXISTS (SELECT 1 FROM sensor_descriptions d WHERE d.sensor_id = u.sensor_id AND {Digest} = {WantedDigest})
        ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT DO NOTHING
        """;

    private const string SelectSensors = $"""
        SELECT u.n, d.sensor_key
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            WITH ORDINALITY u(sensor_id, sensor_type, unit, factory_section, machine_id, zone, n)
        JOIN sensor_descriptions d ON d.sensor_id = u.sensor_id AND {Digest} = {WantedDigest}
        """;

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<short> LogKeyAsync(string logId, CancellationToken cancellationToken) =>
        (short)(await EnsureAsync(InsertLog, SelectLog, logId, cancellationToken))!;

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<int> ConsumerKeyAsync(string consumerId, CancellationToken cancellationToken) =>
        (int)(await EnsureAsync(InsertConsumer, SelectConsumer, consumerId, cancellationToken))!;

    /// <returns>A key for each row, in the same order.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<int[]> SensorKeysAsync(IReadOnlyList<SensorDescriptionRow> sensors, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var insert = Command(InsertSensors, connection, sensors))
        {
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        var keys = new int[sensors.Count];
        await using var select = Command(SelectSensors, connection, sensors);
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            keys[reader.GetInt64(0) - 1] = reader.GetInt32(1);
        }

        return keys;
    }

    private async Task<object?> EnsureAsync(string insert, string select, string id, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var insertCommand = new NpgsqlCommand(insert, connection) { Parameters = { new() { Value = id } } };
        await insertCommand.ExecuteNonQueryAsync(cancellationToken);
        await using var selectCommand = new NpgsqlCommand(select, connection) { Parameters = { new() { Value = id } } };
        return await selectCommand.ExecuteScalarAsync(cancellationToken);
    }

    private static NpgsqlCommand Command(string sql, NpgsqlConnection connection, IReadOnlyList<SensorDescriptionRow> sensors) => new(sql, connection)
    {
        Parameters =
        {
            new NpgsqlParameter<string[]> { TypedValue = [.. sensors.Select(sensor => sensor.SensorId)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. sensors.Select(sensor => sensor.SensorType)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. sensors.Select(sensor => sensor.Unit)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. sensors.Select(sensor => sensor.FactorySection)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. sensors.Select(sensor => sensor.MachineId)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. sensors.Select(sensor => sensor.Zone)] },
        },
    };
}
