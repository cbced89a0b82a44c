using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Selects sensors; null members match all.</summary>
/// <param name="Search">A part of the id, case-insensitive.</param>
public sealed record SensorFilter(string? Search, string? SensorType, string? AlertLevel);

/// <summary>Reads sensors: pages of them with their newest value, their number, and one with its last readings, alerts and dead letters.</summary>
public sealed class SensorQueries(NpgsqlDataSource dataSource)
{
    private const string Columns = """
        SELECT s.sensor_id, s.sensor_type, s.unit, s.factory_section, s.machine_id, s.zone, s.last_value, s.alert_level, s.warning_threshold, s.critical_threshold,
               s.reading_count, s.last_timestamp, s.last_processed, s.kafka_partition, s.kafka_offset, s.interval_ms, s.clock_offset_ms, s.home_partition, s.other_seen_at,
               s.rule_warning, s.rule_critical, s.rule_unit
        """;

    // An unprepared statement is planned with its parameters' values: null parameters cost nothing.
    private const string Where = """
        WHERE ($1 IS NULL OR strpos(lower(s.sensor_id), lower($1)) > 0) AND ($2 IS NULL OR s.sensor_type = $2) AND ($3 IS NULL OR s.alert_level = $3)
        """;

    private const string OpenAlerts = "(SELECT count(*) FROM alerts a WHERE a.sensor_id = s.sensor_id AND a.resolved_at IS NULL)::integer";

    private const string Counts = $"""
        SELECT s.sensor_type, s.alert_level, count(*)::integer FROM sensors s {Where} GROUP BY 1, 2 ORDER BY 1, 2
        """;

    // Starts from the few sensors with open alerts if these come first or last.
    private static readonly Dictionary<string, string> Orders = new()
    {
        ["id"] = "s.sensor_id",
        ["-id"] = "s.sensor_id DESC",
        ["level"] = $"{Badness}, s.sensor_id",
        ["-level"] = $"{Badness} DESC, s.sensor_id",
        ["alerts"] = "COALESCE(o.open, 0), s.sensor_id",
        ["-alerts"] = "COALESCE(o.open, 0) DESC, s.sensor_id",
        ["read"] = "s.last_processed, s.sensor_id",
        ["-read"] = "s.last_processed DESC, s.sensor_id",
    };

    private const string Badness = "array_position(ARRAY['normal', 'warning', 'critical'], s.alert_level)";

    private static string PageIn(string order) => $"""
        {Columns}, {OpenAlerts}
        FROM sensors s
        {(order.EndsWith("alerts", StringComparison.Ordinal) ? "LEFT JOIN (SELECT sensor_id, count(*) AS open FROM alerts WHERE resolved_at IS NULL GROUP BY sensor_id) o USING (sensor_id)" : "")}
        {Where}
        ORDER BY {Orders[order]}
        LIMIT $4 OFFSET $5
        """;

    private const string One = $"""
        {Columns}, {OpenAlerts}
        FROM sensors s WHERE s.sensor_id = $1
        """;

    private static readonly string Readings = NewestBy("processing_timestamp FROM sensor_latest", "false", "r.processing_timestamp, r.\"timestamp\", r.kafka_partition, r.kafka_offset");
    private static readonly string BackfilledReadings = NewestBy("stored_at FROM backfilled_sensors", "true", "r.\"timestamp\", r.kafka_partition, r.kafka_offset");

    private const string BackfilledColumns = """
        SELECT b.sensor_id, d.sensor_type, d.unit, d.factory_section, d.machine_id, d.zone, b.first_timestamp, b.last_timestamp, b.stored_at,
               b.warning_threshold, b.critical_threshold, b.kafka_partition, b.kafka_offset
        FROM backfilled_sensors b JOIN sensor_descriptions d USING (sensor_key)
        """;

    private const string OneBackfilled = $"{BackfilledColumns} WHERE b.sensor_id = $1";

    private const string Backfilled = $"{BackfilledColumns} ORDER BY b.stored_at DESC, b.sensor_id LIMIT $1";

    private const string Alerts = $"""{AlertQueries.Columns} FROM alerts WHERE sensor_id = $1 AND NOT backfill ORDER BY "timestamp" DESC LIMIT 50""";

    private const string BackfilledAlerts = $"""{AlertQueries.Columns} FROM alerts WHERE sensor_id = $1 AND backfill ORDER BY "timestamp" DESC LIMIT 50""";

    // One row for each producer that has replayed a file.
    private const string Replay = """
        SELECT producer_id, file, row_number, played, row_count, source_timestamp, is_over, updated_at, is_backfill, stored, readings, rows_per_second, seconds_left
        FROM replays WHERE $1 = ANY (sensor_ids) ORDER BY updated_at DESC LIMIT 1
        """;

    // A consumer writes it once an hour while it applies.
    private const string Unread = """
        SELECT u.names FROM unread_members u JOIN sensor_latest l USING (sensor_id) WHERE u.sensor_id = $1 AND u.seen_at > l.processing_timestamp - interval '2 hours'
        """;

    /// <summary>The sort orders of a page; a leading - reverses the order.</summary>
    public static IReadOnlyCollection<string> Sorts => Orders.Keys;

    /// <summary>Reads a page of sensors.</summary>
    /// <param name="sort">One of <see cref="Sorts"/>; sensors with equal values are ordered by id.</param>
    /// <param name="skip">The number of sensors before the page.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<SensorBody>> ListAsync(SensorFilter filter, string sort, int skip, int limit, CancellationToken cancellationToken)
    {
        await using var command = Filtered(PageIn(sort), filter);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = skip });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(Sensor, cancellationToken);
    }

    /// <summary>Counts the sensors.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<SensorCountsBody> CountAsync(SensorFilter filter, CancellationToken cancellationToken)
    {
        await using var command = Filtered(Counts, filter);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var counts = await reader.RowsAsync(row => new SensorCount(row.GetString(0), row.GetString(1), row.GetInt32(2)), cancellationToken);
        return new(counts.Sum(count => count.Sensors), counts);
    }

    /// <summary>Reads the sensors with backfilled readings, newest first.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<BackfilledSensorBody>> BackfilledAsync(int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Backfilled);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(BackfilledSensor, cancellationToken);
    }

    /// <returns>Null if no reading of the sensor was ever stored or rejected; without a sensor if all were rejected.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<SensorDetailBody?> FindAsync(string sensorId, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        foreach (var sql in (string[])[One, Readings, Alerts, DeadLetterQueries.OfSensor, Replay, Unread, OneBackfilled, BackfilledReadings, BackfilledAlerts])
        {
            batch.BatchCommands.Add(new(sql) { Parameters = { Parameters.Text(sensorId) } });
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var sensors = await reader.RowsAsync(Sensor, cancellationToken);
        var detail = new SensorDetailBody(
            sensors is [var sensor] ? sensor : null,
            await reader.RowsAsync(ReadingColumns.Read, cancellationToken),
            await reader.RowsAsync(AlertQueries.Alert, cancellationToken),
            await reader.RowsAsync(DeadLetterQueries.DeadLetter, cancellationToken),
            await reader.RowsAsync(ReplayOf, cancellationToken) is [var replay] ? replay : null,
            Unread: await reader.RowsAsync(row => row.GetString(0), cancellationToken) is [var unread] ? unread : null,
            Backfill: await reader.RowsAsync(BackfilledSensor, cancellationToken) is [var backfilled]
                ? new(backfilled, await reader.RowsAsync(ReadingColumns.Read, cancellationToken), await reader.RowsAsync(AlertQueries.Alert, cancellationToken)) : null);
        return detail is { Sensor: null, Backfill: null, DeadLetters: [] } ? null : detail;
    }

    /// <summary>
    /// The newest readings of a sensor, in all partitions. Consumers record a sensor's newest reading shortly after they store it: the search begins 15 s
    /// after the recorded one.
    /// </summary>
    private static string NewestBy(string noted, string isBackfill, string order) => $"""
        {ReadingColumns.Columns}
        FROM newest_readings($1, {isBackfill}, (SELECT {noted} WHERE sensor_id = $1) + interval '15 s', 200) r
        {ReadingColumns.Joins}
        ORDER BY {order}
        """;

    private NpgsqlCommand Filtered(string sql, SensorFilter filter)
    {
        var command = dataSource.CreateCommand(sql);
        command.Parameters.AddRange((NpgsqlParameter[])[Parameters.Text(filter.Search), Parameters.Text(filter.SensorType), Parameters.Text(filter.AlertLevel)]);
        return command;
    }

    private static ReplayBody ReplayOf(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.Text(5), row.GetBoolean(6), row.Timestamp(7), row.GetBoolean(8),
        row.Value<long>(9), row.Value<long>(10), row.Value<double>(11), row.Value<double>(12));

    private static BackfilledSensorBody BackfilledSensor(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.Text(3), row.Text(4), row.Text(5), row.Timestamp(6), row.Timestamp(7), row.Timestamp(8),
        row.Value<double>(9), row.Value<double>(10), row.GetInt32(11), row.GetInt64(12));

    private static SensorBody Sensor(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.Text(3), row.Text(4), row.Text(5), row.GetDouble(6), row.GetString(7), row.Value<double>(8),
        row.Value<double>(9), row.Value<long>(10), row.Timestamp(11), row.Timestamp(12), row.GetInt32(13), row.GetInt64(14), row.GetInt32(22), row.Value<long>(15), row.Value<long>(16), row.Value<int>(17), row.Value<DateTimeOffset>(18),
        row.Value<double>(19), row.Value<double>(20), row.Text(21));
}
