using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Data.Experiments;

/// <summary>Reads what has happened since the start of an experiment.</summary>
public sealed class ExperimentQueries(NpgsqlDataSource dataSource)
{
    private const string Current = "(SELECT log_key FROM partition_offsets WHERE topic = $1 ORDER BY claimed_at DESC NULLS LAST, log_key DESC LIMIT 1)";

    private const string Exits = "SELECT component_id, at, exit_code, cause, asked_by FROM component_exits WHERE at >= $1 ORDER BY at LIMIT 200";

    private const string StatusChanges =
        "SELECT component_kind, component_id, status, reason, at FROM status_changes WHERE at >= $1 ORDER BY at, id LIMIT 200";

    private const string Alerts =
        """SELECT sensor_id, anomaly_type, "timestamp" FROM alerts WHERE "timestamp" >= $1 AND sensor_type = 'system' ORDER BY "timestamp" LIMIT 200""";

    private const string Rebalances = """
        SELECT event_type, consumer_id, partition_number, "timestamp", id, generation, reason, stall_ms
        FROM rebalancing_events WHERE "timestamp" >= $1 ORDER BY "timestamp", id LIMIT 1000
        """;

    private const string Claims = $"""
        SELECT p.kafka_partition, p.epoch, p.consumer_id, p.claimed_at, COALESCE(p.recovered_at, o.recovered_at), p.ended_at, p.ended_by
        FROM partition_ownership p
        LEFT JOIN partition_offsets o ON o.log_key = p.log_key AND o.topic = p.topic AND o.kafka_partition = p.kafka_partition AND o.epoch = p.epoch
        WHERE p.topic = $1 AND p.log_key = {Current} AND (p.ended_at IS NULL OR p.ended_at >= $2)
        ORDER BY p.kafka_partition, p.epoch
        LIMIT 2000
        """;

    private const string LastCommits =
        $"SELECT kafka_partition, last_commit_at FROM partition_offsets WHERE topic = $1 AND log_key = {Current} AND last_commit_at IS NOT NULL";

    private const string Totals = """
        SELECT COALESCE(sum(stored), 0)::bigint, COALESCE(sum(rejected), 0)::bigint, COALESCE((SELECT sum(missing) FROM ledger), 0)::bigint,
               COALESCE(sum(duplicated), 0)::bigint
        FROM partition_offsets WHERE topic = $1
        """;

    private const string AcknowledgementWait =
        "SELECT max(longest_wait_ms) FROM producer_samples WHERE at >= date_trunc('second', $1) AND $1 IS NOT NULL";

    private const string Unsettled =
        $"SELECT count(*) FROM acknowledgements WHERE log_key = {Current} AND acknowledged_at <= $2";

    private const string DatabaseStart = "SELECT pg_postmaster_start_time()";

    private const string Offsets = $"SELECT log_key, kafka_partition, next_offset FROM partition_offsets WHERE topic = $1 AND log_key = {Current}";

    // Selects by the time of storing, and of these rows the run's own by their offsets. Readings of a replayed file have timestamps of years ago, which say
    // nothing about a delay.
    private const string Window = """
        WITH stored AS MATERIALIZED (
            SELECT r.kafka_partition AS p, r.processing_timestamp AS committed, r."timestamp" AS happened, r.sensor_key
            FROM unnest($2::int[], $3::bigint[]) u(p, first)
            JOIN readings r ON r.log_key = $1 AND r.kafka_partition = u.p AND r.kafka_offset >= u.first
            WHERE r.processing_timestamp >= $4
        )
        """;

    private const string Stored = $"""
        {Window}
        SELECT count(*), count(*) FILTER (WHERE happened >= $4 AND committed - happened > $5),
               (max(extract(epoch FROM committed - happened) * 1000) FILTER (WHERE happened >= $4))::integer,
               count(*) FILTER (WHERE sensor_key IN (SELECT sensor_key FROM sensor_descriptions WHERE sensor_id LIKE 'load-sensor-%'))
        FROM stored
        """;

    private const string Gaps = $"""
        {Window}
        SELECT DISTINCT ON (p) p, committed, next FROM (
            SELECT p, committed, lead(committed) OVER (PARTITION BY p ORDER BY committed) AS next FROM (SELECT DISTINCT p, committed FROM stored) d
        ) g
        WHERE next > $5 AND committed < $6
        ORDER BY p, next - committed DESC
        """;

    /// <summary>Reads everything in one round trip.</summary>
    /// <param name="topic">The topic of the readings.</param>
    /// <param name="since">The start of the run.</param>
    /// <param name="fault">When the fault struck; null before it.</param>
    /// <param name="settledUntil">Acknowledgements written until then and not settled are counted as unsettled.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ExperimentRows> ReadAsync(
        string topic, DateTimeOffset since, DateTimeOffset? fault, DateTimeOffset settledUntil, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(Exits, Parameters.Timestamp(since)),
                Command(StatusChanges, Parameters.Timestamp(since)),
                Command(Alerts, Parameters.Timestamp(since)),
                Command(Rebalances, Parameters.Timestamp(since)),
                Command(Claims, Parameters.Text(topic), Parameters.Timestamp(since)),
                Command(LastCommits, Parameters.Text(topic)),
                Command(Totals, Parameters.Text(topic)),
                Command(AcknowledgementWait, Parameters.Timestamp(fault)),
                Command(Unsettled, Parameters.Text(topic), Parameters.Timestamp(settledUntil)),
                Command(DatabaseStart),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var exits = await reader.RowsAsync(OwnershipQueries.Exit, cancellationToken);
        var changes = await reader.RowsAsync(OwnershipQueries.StatusChange, cancellationToken);
        var alerts = await reader.RowsAsync(row => new SystemAlertRow(row.GetString(0), row.GetString(1), row.Timestamp(2)), cancellationToken);
        var rebalances = await reader.RowsAsync(MonitoringQueries.Event, cancellationToken);
        var claims = await reader.RowsAsync(
            row => new ClaimRow(
                row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.Timestamp(3), row.Value<DateTimeOffset>(4), row.Value<DateTimeOffset>(5), row.Text(6)),
            cancellationToken);
        var commits = await reader.RowsAsync(row => (Partition: row.GetInt32(0), At: row.Timestamp(1)), cancellationToken);
        var totals = await reader.RowsAsync(
            row => new ExperimentTotals(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)), cancellationToken);
        var wait = await reader.RowsAsync(row => row.Value<int>(0), cancellationToken);
        var unsettled = await reader.RowsAsync(row => row.GetInt64(0), cancellationToken);
        var started = await reader.RowsAsync(row => row.Timestamp(0), cancellationToken);
        return new(
            exits,
            changes,
            alerts,
            rebalances,
            claims,
            commits.ToDictionary(commit => commit.Partition, commit => commit.At),
            totals[0],
            wait[0],
            unsettled[0],
            started[0]);
    }

    /// <summary>Reads the offsets of the current log's partitions; null if none was ever claimed.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ExperimentOffsets?> OffsetsAsync(string topic, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Offsets);
        command.Parameters.Add(Parameters.Text(topic));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = await reader.RowsAsync(row => (LogKey: row.GetInt16(0), Partition: row.GetInt32(1), Next: row.GetInt64(2)), cancellationToken);
        return rows is [] ? null : new(rows[0].LogKey, rows.ToDictionary(row => row.Partition, row => row.Next));
    }

    /// <summary>Evaluates the readings stored from the given offsets on.</summary>
    /// <param name="from">The partitions' offsets at the start of the run.</param>
    /// <param name="since">The start of the run.</param>
    /// <param name="fault">When the fault struck.</param>
    /// <param name="undone">When the undoing began: a silence that begins later is caused by the recovery, not by the fault.</param>
    /// <param name="delayedAfter">A reading that takes longer from event to commit counts as delayed.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<StoredReadings> StoredAsync(
        ExperimentOffsets from, DateTimeOffset since, DateTimeOffset fault, DateTimeOffset undone, TimeSpan delayedAfter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(from);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Of(Stored, new NpgsqlParameter<TimeSpan> { TypedValue = delayedAfter }),
                Of(Gaps, Parameters.Timestamp(fault), Parameters.Timestamp(undone)),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var stored = await reader.RowsAsync(
            row => (Count: row.GetInt64(0), Delayed: row.GetInt64(1), Longest: row.Value<int>(2), OfLoad: row.GetInt64(3)), cancellationToken);
        var gaps = await reader.RowsAsync(row => new CommitGap(row.GetInt32(0), row.Timestamp(1), row.Timestamp(2)), cancellationToken);
        return new(stored[0].Count, stored[0].Delayed, stored[0].Longest, stored[0].OfLoad, gaps);

        NpgsqlBatchCommand Of(string sql, params NpgsqlParameter[] others) => Command(
            sql,
            [
                new NpgsqlParameter<short> { TypedValue = from.LogKey },
                new NpgsqlParameter<int[]> { TypedValue = [.. from.Next.Keys] },
                new NpgsqlParameter<long[]> { TypedValue = [.. from.Next.Values] },
                Parameters.Timestamp(since),
                .. others,
            ]);
    }

    private static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        Array.ForEach(parameters, parameter => command.Parameters.Add(parameter));
        return command;
    }
}
