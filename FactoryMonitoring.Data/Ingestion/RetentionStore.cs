using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>What keeps a table from growing without limit.</summary>
/// <param name="Delete">
/// Deletes rows past the retention, at most $1 at once, and returns their number; null if another statement deletes them, or they are few.
/// </param>
/// <param name="Bound">The limit, in words.</param>
public sealed record TableBound(string Table, string? Delete, string Bound);

/// <summary>
/// Deletes rows past the retention, by the database's clock, from the small tables; <see cref="ReadingPartitions"/> drops the daily partitions of readings.
/// </summary>
public sealed class RetentionStore(NpgsqlDataSource dataSource)
{
    private const int RowsAtOnce = 10_000;

    private const string Expired = "(statement_timestamp() - (SELECT keep FROM retention))";

    // Readings are dropped a day at a time: until then they need the rows that describe them.
    private const string NoReadingLeft = "(statement_timestamp() - (SELECT keep FROM retention) - interval '2 days')";

    private const string Current = "SELECT DISTINCT ON (topic) log_key FROM partition_offsets ORDER BY topic, claimed_at DESC NULLS LAST, log_key DESC";

    // The last runs of each experiment are kept regardless of age: there may be no others.
    private const string DeleteRuns = $"""
        WITH gone AS (
            DELETE FROM experiment_runs WHERE id = ANY (ARRAY(
                SELECT id FROM (SELECT id, started_at, row_number() OVER (PARTITION BY name ORDER BY id DESC) AS n FROM experiment_runs) run
                WHERE n > 20 AND started_at < {Expired} LIMIT $1))
            RETURNING 1
        )
        SELECT count(*)::int FROM gone
        """;

    // They remain in the ledger as totals: ranges that a consumer had passed count as stored, as they do until compared, and the rest as unreachable.
    private const string DeleteUnreachable = $"""
        WITH gone AS (
            DELETE FROM acknowledgements WHERE ctid = ANY (ARRAY(
                SELECT a.ctid FROM acknowledgements a
                WHERE a.acknowledged_at < {Expired} AND a.log_key NOT IN ({Current})
                LIMIT $1))
            RETURNING producer_id, log_key, kafka_partition, last_count - first_count + 1 AS count, max_offset
        ), counted AS (
            INSERT INTO ledger AS l (producer_id, log_key, kafka_partition, acknowledged, stored, unreachable)
            SELECT producer_id, log_key, kafka_partition, sum(passed), sum(passed), sum(count - passed)
            FROM (
                SELECT g.*, CASE WHEN EXISTS (
                    SELECT 1 FROM partition_offsets o
                    WHERE o.log_key = g.log_key AND o.kafka_partition = g.kafka_partition AND g.max_offset < o.next_offset) THEN count ELSE 0 END AS passed
                FROM gone g
            ) each
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            ON CONFLICT (producer_id, log_key, kafka_partition) DO UPDATE SET
                acknowledged = l.acknowledged + excluded.acknowledged, stored = l.stored + excluded.stored, unreachable = l.unreachable + excluded.unreachable
        )
        SELECT count(*)::int FROM gone
        """;

    private const string DeleteAudit = "SELECT drop_old_audit($1)";

    private const string DeleteDescriptions = $"""
        WITH gone AS (
            DELETE FROM sensor_descriptions WHERE sensor_key = ANY (ARRAY(
                SELECT d.sensor_key FROM sensor_descriptions d
                WHERE d.last_used < {NoReadingLeft}::date AND NOT EXISTS (SELECT 1 FROM sensor_latest l WHERE l.sensor_key = d.sensor_key)
                    AND NOT EXISTS (SELECT 1 FROM backfilled_sensors b WHERE b.sensor_key = d.sensor_key)
                LIMIT $1))
            RETURNING 1
        )
        SELECT count(*)::int FROM gone
        """;

    // Consumers that never lived long enough for a heartbeat count from their first row on.
    private const string GoneConsumers = $"""
        SELECT c.consumer_key::int FROM consumers c LEFT JOIN consumer_health h USING (consumer_id)
        WHERE c.first_seen < {NoReadingLeft} AND COALESCE(h.last_heartbeat < {NoReadingLeft}, true)
          AND NOT EXISTS (SELECT 1 FROM ingest_buckets b WHERE b.consumer_key = c.consumer_key)
        """;

    private const string EndedLogs = $"""
        SELECT log_key::int FROM logs l
        WHERE first_seen < {NoReadingLeft} AND log_key NOT IN ({Current})
          AND NOT EXISTS (SELECT 1 FROM partition_offsets o WHERE o.log_key = l.log_key AND GREATEST(o.claimed_at, o.last_commit_at, o.released_at) >= {NoReadingLeft})
          AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.log_key = l.log_key)
          AND NOT EXISTS (SELECT 1 FROM rejected_messages r WHERE r.log_key = l.log_key)
          AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.source_log_key = l.log_key)
        """;

    private static readonly string[] DeleteConsumers =
    [
        "DELETE FROM consumer_health h USING consumers c WHERE c.consumer_id = h.consumer_id AND c.consumer_key = ANY ($1)",
        "DELETE FROM ingest_totals WHERE consumer_key = ANY ($1)",
        "DELETE FROM consumers WHERE consumer_key = ANY ($1)",
    ];

    private static readonly string[] DeleteLogs =
    [
        .. new[]
        {
            "rebalancing_events", "ledger_violations", "partition_ownership", "detector_snapshots", "ingest_totals", "ledger", "acknowledged_totals",
            "partition_offsets", "logs",
        }.Select(table => $"DELETE FROM {table} WHERE log_key = ANY ($1)"),
    ];

    /// <summary>Every table of the schema, except the daily partitions of readings.</summary>
    public static IReadOnlyList<TableBound> Bounds { get; } =
    [
        Aged("ingest_buckets", "bucket"),
        Aged("consumer_samples", "at"),
        Aged("producer_samples", "at"),
        Aged("lag_samples", "at"),
        Aged("pipeline_minutes", "at"),
        Aged("consumer_minutes", "at"),
        Aged("rejected_messages", "rejected_at"),
        Aged("alerts", "\"timestamp\"", "AND resolved_at IS NOT NULL"),
        Aged("rebalancing_events", "\"timestamp\""),
        // The newest of a broker stays: by it the monitor knows that nothing has changed since.
        Aged("status_changes", "at", """
            AND (component_kind IN ('consumer', 'producer') OR EXISTS (
                SELECT 1 FROM status_changes n WHERE n.component_kind = status_changes.component_kind AND n.component_id = status_changes.component_id AND n.id > status_changes.id))
            """),
        Aged("cluster_changes", "at", """
            AND EXISTS (SELECT 1 FROM cluster_changes n WHERE n.kind = cluster_changes.kind AND n.component_id = cluster_changes.component_id AND n.id > cluster_changes.id)
            """),
        Aged("component_exits", "at"),
        Aged("partition_ownership", "ended_at"),
        Aged("ledger_violations", "noticed_at"),
        Aged("outbox", "parked_at"),
        Aged("producer_health", "last_heartbeat"),
        Aged("replays", "updated_at"),
        Aged("unread_members", "seen_at"),
        Aged("backfills", "updated_at"),
        Aged("sensor_sequences", "reserved_at"),
        Aged("sensor_latest", "processing_timestamp"),
        Aged("backfilled_sensors", "stored_at"),
        new("audit_log", DeleteAudit, "a year"),
        new("experiment_runs", DeleteRuns, "the retention, and the last 20 of each experiment"),
        new("acknowledgements", DeleteUnreachable, "settled by consumers; the retention, for logs that have ended"),
        new("sensor_descriptions", DeleteDescriptions, "as long as readings may need them"),
        new("consumer_health", null, "with its row in consumers"),
        new("consumers", null, "as long as readings may need them"),
        new("ingest_totals", null, "with its row in consumers or logs"),
        new("logs", null, "as long as readings may need them, and the newest of each topic"),
        new("partition_offsets", null, "with its row in logs"),
        new("detector_snapshots", null, "with its row in logs; one row a partition"),
        new("detector_changes", null, "with its row in detector_snapshots; 100 changes a partition, and the parts of two memories"),
        new("ledger", null, "with its row in logs"),
        new("acknowledged_totals", null, "with its row in logs"),
        new("readings", null, "days past the retention are dropped"),
        new("reading_batches", null, "with their readings' days"),
        new("reading_audit", null, "one row"),
        new("retention", null, "one row"),
        new("throughput_record", null, "one row"),
        new("database_identity", null, "one row"),
        new("schema_migrations", null, "one row a migration"),
    ];

    private const string Keep = """
        INSERT INTO retention (keep) VALUES ($1) ON CONFLICT (only_row) DO UPDATE SET keep = excluded.keep, set_at = excluded.set_at
        """;

    /// <summary>Sets the retention for all processes that prune.</summary>
    /// <param name="keep">At least one day.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses.</exception>
    public async Task KeepAsync(TimeSpan keep, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Keep);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = keep });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <exception cref="NpgsqlException">The database cannot be reached; rows deleted so far stay deleted.</exception>
    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        foreach (var sql in Bounds.Select(bound => bound.Delete).OfType<string>())
        {
            int deleted;
            do
            {
                await using var command = dataSource.CreateCommand(sql);
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = RowsAtOnce });
                deleted = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
            }
            while (deleted == RowsAtOnce);
        }

        await DeleteOwnersAsync(GoneConsumers, DeleteConsumers, cancellationToken);
        await DeleteOwnersAsync(EndedLogs, DeleteLogs, cancellationToken);
    }

    private static TableBound Aged(string table, string column, string condition = "") => new(
        table,
        $"""
        WITH gone AS (
            DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < {Expired} {condition} LIMIT $1)) RETURNING 1
        )
        SELECT count(*)::int FROM gone
        """,
        "the retention");

    /// <summary>Deletes rows that other rows reference, together with those.</summary>
    /// <param name="select">The keys of the rows.</param>
    private async Task DeleteOwnersAsync(string select, IReadOnlyList<string> deletes, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var keys = new List<int>();
        await using (var command = new NpgsqlCommand(select, connection, transaction))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                keys.Add(reader.GetInt32(0));
            }
        }

        if (keys.Count > 0)
        {
            await using var batch = new NpgsqlBatch(connection, transaction);
            foreach (var sql in deletes)
            {
                batch.BatchCommands.Add(new(sql) { Parameters = { new NpgsqlParameter<int[]> { TypedValue = [.. keys] } } });
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }
}
