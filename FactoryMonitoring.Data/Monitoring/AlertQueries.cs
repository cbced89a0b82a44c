using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Selects alerts; null members match all.</summary>
/// <param name="Rule">anomaly_type.</param>
/// <param name="Open">Whether the episode is open.</param>
/// <param name="Backfill">Alerts for backfilled readings instead of live ones.</param>
public sealed record AlertFilter(
    string? Severity, string? SensorType, string? Rule, string? SensorId, DateTimeOffset? From, DateTimeOffset? To, bool? Open, bool Backfill = false);

/// <summary>Reads alerts: a page of them, their rate, and one with the readings around it.</summary>
public sealed class AlertQueries(NpgsqlDataSource dataSource)
{
    /// <summary>The columns that <see cref="Alert"/> reads.</summary>
    internal const string Columns = """
        SELECT alert_id, sensor_id, sensor_type, anomaly_type, severity, sensor_value, sensor_unit, description, detected_by, "timestamp",
               reading_timestamp, factory_section, machine_id, zone, sensor_alert_level, occurrences, peak_value, updated_at, resolved_at,
               kafka_partition, kafka_offset, trace_id, span_id, resolved_because, backfill
        """;

    // An unprepared statement is planned with its parameters' values: null parameters cost nothing.
    private const string Where = """
        WHERE ($1 IS NULL OR severity = $1) AND ($2 IS NULL OR sensor_type = $2) AND ($3 IS NULL OR anomaly_type = $3) AND ($4 IS NULL OR sensor_id = $4)
          AND ($5 IS NULL OR "timestamp" >= $5) AND ($6 IS NULL OR "timestamp" < $6) AND ($7 IS NULL OR (resolved_at IS NULL) = $7)
          AND backfill = $8
        """;

    private const string List = $"""
        {Columns}
        FROM alerts
        {Where} AND ($9 IS NULL OR ("timestamp", alert_id) < (SELECT a."timestamp", a.alert_id FROM alerts a WHERE a.alert_id = $9))
        ORDER BY "timestamp" DESC, alert_id DESC
        LIMIT $10
        """;

    private const string Rate = $"""
        SELECT date_bin($9, "timestamp", 'epoch'), sensor_type, anomaly_type, severity, count(*)::integer
        FROM alerts
        {Where}
        GROUP BY 1, 2, 3, 4
        ORDER BY 1, 2, 3, 4
        LIMIT 10000
        """;

    private const string Find = $"{Columns}, log_key FROM alerts WHERE alert_id = $1";

    // The message may hold several readings, even several of the alert's sensor: the one with the alert's time and value is chosen.
    private const string FindReading = $"""
        {ReadingColumns.Select}
        WHERE r.log_key = $1 AND r.kafka_partition = $2 AND r.kafka_offset = $3
          AND r.processing_timestamp BETWEEN (SELECT first_time FROM reading_times($1, $2, $3, $3)) AND (SELECT last_time FROM reading_times($1, $2, $3, $3))
          AND r.sensor_key IN (SELECT sensor_key FROM sensor_descriptions WHERE sensor_id = $4)
        ORDER BY r."timestamp" IS NOT DISTINCT FROM $5 DESC, r.value IS NOT DISTINCT FROM $6 DESC
        LIMIT 1
        """;

    // The neighbours in the log, within a limited distance on either side.
    private const string ReadingsAround = $"""
        SELECT * FROM (
            ({ReadingColumns.Select}
            WHERE r.log_key = $1 AND r.kafka_partition = $2 AND r.kafka_offset BETWEEN $3 - 5000 AND $3
              AND r.processing_timestamp BETWEEN (SELECT first_time FROM reading_times($1, $2, $3 - 5000, $3)) AND (SELECT last_time FROM reading_times($1, $2, $3 - 5000, $3))
              AND r.sensor_key IN (SELECT sensor_key FROM sensor_descriptions WHERE sensor_id = $4 AND backfill = $5)
            ORDER BY r.kafka_offset DESC, r."timestamp" DESC LIMIT 20)
            UNION ALL
            ({ReadingColumns.Select}
            WHERE r.log_key = $1 AND r.kafka_partition = $2 AND r.kafka_offset BETWEEN $3 + 1 AND $3 + 5000
              AND r.processing_timestamp BETWEEN (SELECT first_time FROM reading_times($1, $2, $3 + 1, $3 + 5000)) AND (SELECT last_time FROM reading_times($1, $2, $3 + 1, $3 + 5000))
              AND r.sensor_key IN (SELECT sensor_key FROM sensor_descriptions WHERE sensor_id = $4 AND backfill = $5)
            ORDER BY r.kafka_offset, r."timestamp" LIMIT 20)
        ) around
        ORDER BY kafka_offset, "timestamp"
        """;

    /// <summary>Reads a page of alerts, newest first.</summary>
    /// <param name="before">The last alert of the previous page.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<AlertBody>> ListAsync(AlertFilter filter, Guid? before, int limit, CancellationToken cancellationToken)
    {
        await using var command = Filtered(List, filter);
        command.Parameters.Add(Parameters.Id(before));
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(Alert, cancellationToken);
    }

    /// <summary>Counts the alerts raised per <paramref name="bucket"/>, oldest first.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<AlertRatePoint>> RateAsync(AlertFilter filter, TimeSpan bucket, CancellationToken cancellationToken)
    {
        await using var command = Filtered(Rate, filter);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = bucket });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(
            row => new AlertRatePoint(row.Timestamp(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt32(4)), cancellationToken);
    }

    /// <returns>Null if there is no such alert.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<AlertDetailBody?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        AlertBody alert;
        short? logKey;
        await using (var find = new NpgsqlCommand(Find, connection) { Parameters = { Parameters.Id(id) } })
        await using (var reader = await find.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            alert = Alert(reader);
            logKey = reader.Value<short>(25);
        }

        if (logKey is not { } log || alert is not { KafkaPartition: { } partition, KafkaOffset: { } offset })
        {
            return new(alert, null, []);
        }

        NpgsqlParameter[] Place() =>
        [
            new NpgsqlParameter<short> { TypedValue = log },
            new NpgsqlParameter<int> { TypedValue = partition },
            new NpgsqlParameter<long> { TypedValue = offset },
        ];

        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new(FindReading), new(ReadingsAround) } };
        Array.ForEach(Place(), parameter => batch.BatchCommands[0].Parameters.Add(parameter));
        Array.ForEach(Place(), parameter => batch.BatchCommands[1].Parameters.Add(parameter));
        batch.BatchCommands[0].Parameters.Add(Parameters.Text(alert.SensorId));
        batch.BatchCommands[0].Parameters.Add(Parameters.Timestamp(alert.ReadingTimestamp));
        batch.BatchCommands[0].Parameters.Add(Parameters.Number(alert.SensorValue));
        batch.BatchCommands[1].Parameters.Add(Parameters.Text(alert.SensorId));
        batch.BatchCommands[1].Parameters.Add(Parameters.Flag(alert.Backfill));
        await using var readings = await batch.ExecuteReaderAsync(cancellationToken);
        var reading = await readings.RowsAsync(ReadingColumns.Read, cancellationToken);
        return new(alert, reading is [var stored, ..] ? stored : null, await readings.RowsAsync(ReadingColumns.Read, cancellationToken));
    }

    internal static AlertBody Alert(NpgsqlDataReader row)
    {
        var location = new SensorLocation(row.Text(11), row.Text(12), row.Text(13));
        return new(
            row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Value<double>(5), row.Text(6), row.GetString(7),
            row.GetString(8), row.Timestamp(9), row.Value<DateTimeOffset>(10), location is { FactorySection: null, MachineId: null, Zone: null } ? null : location,
            row.Text(14), row.GetInt64(15), row.Value<double>(16), row.Timestamp(17), row.Value<DateTimeOffset>(18), row.Value<int>(19), row.Value<long>(20),
            row.Text(21), row.Text(22), row.Text(23), row.GetBoolean(24));
    }

    private NpgsqlCommand Filtered(string sql, AlertFilter filter)
    {
        var command = dataSource.CreateCommand(sql);
        command.Parameters.Add(Parameters.Text(filter.Severity));
        command.Parameters.Add(Parameters.Text(filter.SensorType));
        command.Parameters.Add(Parameters.Text(filter.Rule));
        command.Parameters.Add(Parameters.Text(filter.SensorId));
        command.Parameters.Add(Parameters.Timestamp(filter.From));
        command.Parameters.Add(Parameters.Timestamp(filter.To));
        command.Parameters.Add(Parameters.Flag(filter.Open));
        command.Parameters.Add(Parameters.Flag(filter.Backfill));
        return command;
    }
}
