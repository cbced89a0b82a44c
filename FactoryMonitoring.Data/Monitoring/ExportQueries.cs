using System.Runtime.CompilerServices;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Selects the rows to export.</summary>
/// <param name="From">The start of the window, inclusive, by the time at which a row was stored.</param>
/// <param name="To">The end of the window, exclusive.</param>
/// <param name="SensorId">Only this sensor; null for all.</param>
public sealed record ExportFilter(DateTimeOffset From, DateTimeOffset To, string? SensorId);

/// <summary>Reads whole windows of stored data, one time slice after another, so that neither side holds more than one slice.</summary>
public sealed class ExportQueries(NpgsqlDataSource dataSource)
{
    private static readonly TimeSpan Slice = TimeSpan.FromMinutes(10);

    // The readings of one message have one offset: they were stored in their order.
    private const string Readings = """
        SELECT r."timestamp", d.sensor_id, d.sensor_type, r.value, d.unit, (ARRAY['normal', 'warning', 'critical'])[r.alert_level + 1] AS alert_level, r.quality,
               d.factory_section, d.machine_id, d.zone, r.reading_count, d.sequence_id, c.consumer_id AS processed_by_consumer,
               r.processing_timestamp, l.log_id, r.kafka_partition, r.kafka_offset, d.backfill
        FROM readings r JOIN sensor_descriptions d USING (sensor_key) JOIN consumers c USING (consumer_key) JOIN logs l USING (log_key)
        WHERE r.processing_timestamp >= $1 AND r.processing_timestamp < $2 AND ($3 IS NULL OR d.sensor_id = $3)
        ORDER BY r.processing_timestamp, r.log_key, r.kafka_partition, r.kafka_offset, r.ctid
        """;

    private const string Alerts = """
        SELECT a."timestamp", a.alert_id, a.sensor_id, a.sensor_type, a.anomaly_type, a.severity, a.sensor_value, a.sensor_unit, a.description, a.detected_by, a.reading_timestamp,
               a.factory_section, a.machine_id, a.zone, a.sensor_alert_level, a.occurrences, a.peak_value, a.updated_at, a.resolved_at, a.resolved_because,
               l.log_id, a.kafka_partition, a.kafka_offset, a.backfill
        FROM alerts a LEFT JOIN logs l USING (log_key)
        WHERE a."timestamp" >= $1 AND a."timestamp" < $2 AND ($3 IS NULL OR a.sensor_id = $3)
        ORDER BY a."timestamp", a.alert_id
        """;

    private const string Rebalances = """
        SELECT e."timestamp", e.event_type, e.consumer_id, e.partition_number AS kafka_partition, e.generation, e.reason, e.written_by, e.stall_ms, l.log_id
        FROM rebalancing_events e LEFT JOIN logs l USING (log_key)
        WHERE e."timestamp" >= $1 AND e."timestamp" < $2 AND $3 IS NULL
        ORDER BY e."timestamp", e.id
        """;

    // The ledger, entry by entry: every offset is in a batch, rejected, or skipped.
    private const string Ledger = """
        SELECT * FROM (
            SELECT b.processing_timestamp AS at, 'batch' AS entry, l.log_id, b.kafka_partition, b.first_offset, b.next_offset - 1 AS last_offset,
                   COALESCE(b.messages, b.stored) AS messages, b.stored AS readings, c.consumer_id, NULL AS reason, NULL AS sensor_id, NULL::bigint AS first_count, NULL::bigint AS last_count
            FROM reading_batches b JOIN logs l USING (log_key) JOIN consumers c USING (consumer_key)
            WHERE b.processing_timestamp >= $1 AND b.processing_timestamp < $2 AND $3 IS NULL
            UNION ALL
            SELECT m.rejected_at, 'rejected', l.log_id, m.kafka_partition, m.kafka_offset, m.kafka_offset, 1, 0, m.consumer_id, m.reason, m.sensor_id, m.reading_count, m.reading_count
            FROM rejected_messages m JOIN logs l USING (log_key)
            WHERE m.rejected_at >= $1 AND m.rejected_at < $2 AND ($3 IS NULL OR m.sensor_id = $3)
            UNION ALL
            SELECT v.noticed_at, v.kind, l.log_id, v.kafka_partition, v.kafka_offset, v.kafka_offset, 0, 0, v.consumer_id, NULL, v.sensor_id, v.first_count, v.last_count
            FROM ledger_violations v LEFT JOIN logs l USING (log_key)
            WHERE v.noticed_at >= $1 AND v.noticed_at < $2 AND ($3 IS NULL OR v.sensor_id = $3)
        ) entries
        ORDER BY at, log_id, kafka_partition, first_offset
        """;

    private const string Audit = """
        SELECT at, who, role, address, act, done, result FROM audit_log WHERE at >= $1 AND at < $2 AND $3 IS NULL ORDER BY at, id
        """;

    private static readonly Dictionary<string, string> Statements =
        new() { ["readings"] = Readings, ["alerts"] = Alerts, ["rebalances"] = Rebalances, ["ledger"] = Ledger, ["audit"] = Audit };

    /// <summary>The kinds of data that can be exported.</summary>
    public static IReadOnlyCollection<string> Kinds => Statements.Keys;

    /// <summary>Reads the rows of the window by the time at which they were stored, with one reader per slice; every reader has the same columns.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async IAsyncEnumerable<NpgsqlDataReader> ReadAsync(string kind, ExportFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        for (var from = filter.From; from < filter.To; from += Slice)
        {
            var to = from + Slice < filter.To ? from + Slice : filter.To;

            // The caller decides how long to wait.
            await using var command = new NpgsqlCommand(Statements[kind], connection)
            {
                CommandTimeout = 0,
                Parameters = { Parameters.Timestamp(from), Parameters.Timestamp(to), Parameters.Text(filter.SensorId) },
            };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            yield return reader;
        }
    }
}
