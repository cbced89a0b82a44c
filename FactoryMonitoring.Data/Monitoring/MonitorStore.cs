using FactoryMonitoring.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Monitoring;

/// <param name="Rule">anomaly_type.</param>
public sealed record SystemAlert(string Rule, string ComponentId, string Description);

/// <summary>An interval in which the database did not answer.</summary>
public sealed record DatabaseOutage(DateTimeOffset From, DateTimeOffset To);

/// <summary>The monitor's findings, to be stored.</summary>
/// <param name="MarkSilent">Whether components without heartbeats are to be marked; false if the heartbeats could not be read or written.</param>
/// <param name="Brokers">Brokers whose state was measured.</param>
/// <param name="Judged">The rules that could be evaluated; alerts of other rules stay unchanged.</param>
/// <param name="Alerts">All alerts that apply now.</param>
public sealed record MonitorFindings(
    bool MarkSilent,
    IReadOnlyList<(string Name, bool Up)> Brokers,
    DateTimeOffset? LagAt,
    long? Lag,
    double? LagSeconds,
    IReadOnlyList<string> Judged,
    IReadOnlyList<SystemAlert> Alerts,
    IReadOnlyList<DatabaseOutage> Outages)
{
    /// <summary>The current conditions of the cluster; changes are stored.</summary>
    public IReadOnlyList<ClusterCondition> Cluster { get; init; } = [];
}

/// <summary>The state of a broker's replicas, or the current controller: a row of cluster_changes without its time.</summary>
public sealed record ClusterCondition(string Kind, string ComponentId, string Status, string? Detail);

/// <summary>
/// Stores what only an observer can know: components that have fallen silent, brokers that went down and came up, lag, the highest rate, alerts about the
/// system itself. An advisory lock ensures that only one of several API processes does it.
/// </summary>
public sealed class MonitorStore(NpgsqlDataSource dataSource)
{
    private const string SilentIntervals = "5";

    private const string TryLock = "SELECT pg_try_advisory_xact_lock(hashtext('factory_monitoring.monitor'))";

    private static readonly string Reason = $"SELECT set_config('factory.status_reason', 'no heartbeat for {Liveness.HeartbeatLimitSeconds} s', true)";

    // A consumer that is writing its heartbeat holds the lock on its row: it is not silent.
    private static readonly string MarkConsumers = $$"""
        UPDATE consumer_health SET status = 'inactive', assigned_partitions = '{}'
        WHERE consumer_id IN (
            SELECT consumer_id FROM consumer_health
            WHERE status = 'active' AND last_heartbeat < clock_timestamp() - interval '{{Liveness.HeartbeatLimitSeconds}} s'
            ORDER BY consumer_id FOR UPDATE SKIP LOCKED)
        """;

    private static readonly string MarkProducers = $$"""
        UPDATE producer_health SET status = 'inactive'
        WHERE producer_id IN (
            SELECT producer_id FROM producer_health
            WHERE status = 'active' AND last_heartbeat < clock_timestamp() - interval '{{Liveness.HeartbeatLimitSeconds}} s'
            ORDER BY producer_id FOR UPDATE SKIP LOCKED)
        """;

    private const string InsertLag =
        "INSERT INTO lag_samples (at, lag, lag_seconds) VALUES (date_trunc('second', $1), $2, $3) ON CONFLICT DO NOTHING";

    private const string RaiseRecord = """
        INSERT INTO throughput_record AS t (stored_per_second, at)
        SELECT sum(stored), at FROM consumer_samples WHERE at > CURRENT_TIMESTAMP - interval '20 s' GROUP BY at HAVING sum(stored) > 0 ORDER BY 1 DESC LIMIT 1
        ON CONFLICT (only_row) DO UPDATE SET stored_per_second = excluded.stored_per_second, at = excluded.at
        WHERE excluded.stored_per_second > t.stored_per_second
        """;

    private const string RecordBrokers = """
        INSERT INTO status_changes (component_kind, component_id, status)
        SELECT 'broker', u.name, u.status FROM unnest($1::text[], $2::text[]) u(name, status)
        WHERE u.status IS DISTINCT FROM (
            SELECT c.status FROM status_changes c WHERE c.component_kind = 'broker' AND c.component_id = u.name ORDER BY c.at DESC, c.id DESC LIMIT 1)
        """;

    private const string RecordCluster = """
        INSERT INTO cluster_changes (kind, component_id, status, detail)
        SELECT u.kind, u.component, u.status, u.detail FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(kind, component, status, detail)
        WHERE NOT EXISTS (
            SELECT 1 FROM (SELECT status, detail FROM cluster_changes c WHERE c.kind = u.kind AND c.component_id = u.component ORDER BY id DESC LIMIT 1) newest
            WHERE newest.status = u.status AND newest.detail IS NOT DISTINCT FROM u.detail)
        """;

    // Every API process observed the outage; the first to write records it for all.
    private const string RecordOutage = $"""
        INSERT INTO status_changes (component_kind, component_id, status, at)
        SELECT 'database', '{ResourceNames.Postgres}', u.status, u.at FROM (VALUES ('down', $1), ('up', $2)) u(status, at)
        WHERE NOT EXISTS (
            SELECT 1 FROM status_changes c
            WHERE c.component_kind = 'database' AND c.component_id = '{ResourceNames.Postgres}' AND c.at > $1 - interval '5 s' AND c.status = 'down')
        """;

    private const string AlertOutage = $"""
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, "timestamp", updated_at, resolved_at)
        SELECT gen_random_uuid(), '{ResourceNames.Postgres}', 'system', 'database_down', 'critical', $3, '{ResourceNames.MonitoringApi}', $1, $2, $2
        WHERE NOT EXISTS (
            SELECT 1 FROM alerts WHERE sensor_id = '{ResourceNames.Postgres}' AND anomaly_type = 'database_down' AND "timestamp" > $1 - interval '5 s')
        """;

    private const string Raise = $"""
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by)
        SELECT gen_random_uuid(), u.component, 'system', u.rule, 'critical', u.description, '{ResourceNames.MonitoringApi}'
        FROM unnest($1::text[], $2::text[], $3::text[]) u(rule, component, description)
        WHERE NOT EXISTS (
            SELECT 1 FROM alerts a WHERE a.sensor_id = u.component AND a.anomaly_type = u.rule AND a.sensor_type = 'system' AND a.resolved_at IS NULL)
        """;

    private const string Resolve = """
        UPDATE alerts a SET resolved_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE a.resolved_at IS NULL AND a.sensor_type = 'system' AND a.anomaly_type = ANY ($3)
          AND NOT EXISTS (SELECT 1 FROM unnest($1::text[], $2::text[]) u(rule, component) WHERE u.rule = a.anomaly_type AND u.component = a.sensor_id)
        """;

    private const string RaiseSilent = $"""
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by)
        SELECT gen_random_uuid(), l.sensor_id, d.sensor_type, '{AnomalyTypes.Silent}', '{Severities.Medium}',
            format('Nothing has arrived since %s UTC', to_char(l.processing_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')), '{ResourceNames.MonitoringApi}'
        FROM sensor_latest l JOIN sensor_descriptions d USING (sensor_key)
        WHERE l.processing_timestamp < CURRENT_TIMESTAMP - greatest($1, {SilentIntervals} * l.interval_ms * interval '1 ms')
          AND NOT EXISTS (
            SELECT 1 FROM alerts a WHERE a.sensor_id = l.sensor_id AND a.anomaly_type = '{AnomalyTypes.Silent}' AND (a.resolved_at IS NULL OR a."timestamp" > l.processing_timestamp))
        """;

    private const string ResolveSilent = $"""
        UPDATE alerts a SET resolved_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE a.resolved_at IS NULL AND a.anomaly_type = '{AnomalyTypes.Silent}'
          AND NOT EXISTS (SELECT 1 FROM sensor_latest l WHERE l.sensor_id = a.sensor_id AND l.processing_timestamp <= a."timestamp")
        """;

    private const string AnnounceResolved = $"SELECT pg_notify('{ResourceNames.ChangeChannel}', '{ChangeKinds.Alert}') WHERE $1";

    /// <summary>Writes all findings, or none.</summary>
    /// <returns>False if another process is writing at this moment.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<bool> WriteAsync(MonitorFindings findings, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var tryLock = new NpgsqlCommand(TryLock, connection))
        {
            if (await tryLock.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return false;
            }
        }

        await using (var batch = new NpgsqlBatch(connection))
        {
            foreach (var outage in findings.Outages)
            {
                batch.BatchCommands.Add(new(RecordOutage) { Parameters = { Parameters.Timestamp(outage.From), Parameters.Timestamp(outage.To) } });
                batch.BatchCommands.Add(new(AlertOutage)
                {
                    Parameters =
                    {
                        Parameters.Timestamp(outage.From),
                        Parameters.Timestamp(outage.To),
                        Parameters.Text($"The database did not answer for {Math.Max(1, Math.Round((outage.To - outage.From).TotalSeconds))} s"),
                    },
                });
            }

            if (findings.MarkSilent)
            {
                batch.BatchCommands.Add(new(Reason));
                batch.BatchCommands.Add(new(MarkConsumers));
                batch.BatchCommands.Add(new(MarkProducers));
            }

            if (findings is { LagAt: { } at, Lag: { } lag })
            {
                batch.BatchCommands.Add(new(InsertLag)
                {
                    Parameters = { Parameters.Timestamp(at), new NpgsqlParameter<long> { TypedValue = lag }, Parameters.Number(findings.LagSeconds) },
                });
            }

            batch.BatchCommands.Add(new(RaiseRecord));
            if (findings.Brokers.Count > 0)
            {
                batch.BatchCommands.Add(new(RecordBrokers)
                {
                    Parameters = { Texts(findings.Brokers.Select(broker => broker.Name)), Texts(findings.Brokers.Select(broker => broker.Up ? "up" : "down")) },
                });
            }

            if (findings.Cluster.Count > 0)
            {
                batch.BatchCommands.Add(new(RecordCluster)
                {
                    Parameters =
                    {
                        Texts(findings.Cluster.Select(condition => condition.Kind)),
                        Texts(findings.Cluster.Select(condition => condition.ComponentId)),
                        Texts(findings.Cluster.Select(condition => condition.Status)),
                        Texts(findings.Cluster.Select(condition => condition.Detail)),
                    },
                });
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }

        await WriteAlertsAsync(connection, findings, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>
    /// Raises an alert for each sensor without a reading for the given time and for five of its intervals, and resolves the alerts of sensors that are back or
    /// forgotten.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task WriteSilencesAsync(TimeSpan after, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var tryLock = new NpgsqlCommand(TryLock, connection);
        if (await tryLock.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return;
        }

        await using var raise = new NpgsqlCommand(RaiseSilent, connection) { Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = after } } };
        var changed = await raise.ExecuteNonQueryAsync(cancellationToken);
        await using var resolve = new NpgsqlCommand(ResolveSilent, connection);
        changed += await resolve.ExecuteNonQueryAsync(cancellationToken);
        await using var announce = new NpgsqlCommand(AnnounceResolved, connection) { Parameters = { Parameters.Flag(changed > 0) } };
        await announce.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task WriteAlertsAsync(NpgsqlConnection connection, MonitorFindings findings, CancellationToken cancellationToken)
    {
        if (findings.Judged.Count == 0)
        {
            return;
        }

        var (rules, components) = (findings.Alerts.Select(alert => alert.Rule), findings.Alerts.Select(alert => alert.ComponentId));
        await using var raise = new NpgsqlCommand(Raise, connection)
        {
            Parameters = { Texts(rules), Texts(components), Texts(findings.Alerts.Select(alert => alert.Description)) },
        };
        await raise.ExecuteNonQueryAsync(cancellationToken);
        await using var resolve = new NpgsqlCommand(Resolve, connection) { Parameters = { Texts(rules), Texts(components), Texts(findings.Judged) } };
        var resolved = await resolve.ExecuteNonQueryAsync(cancellationToken) > 0;
        await using var announce = new NpgsqlCommand(AnnounceResolved, connection) { Parameters = { Parameters.Flag(resolved) } };
        await announce.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Texts(IEnumerable<string?> values) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}
