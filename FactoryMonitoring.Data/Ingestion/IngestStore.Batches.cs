using FactoryMonitoring.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    // Rows are locked in partition order, before anything is written: the transaction of a lost session has then either been committed, and is visible
    // here, or been rolled back.
    private const string Move = """
        WITH moves AS (
            SELECT * FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[], $9::int[], $10::int[], $11::bool[], $12::int[], $13::int[], $15::int[])
                m(kafka_partition, epoch, expected, next, stored, rejected, redelivered, duplicated, recovered, uncounted, leader_epoch, messages)
        ), held AS MATERIALIZED (
            SELECT m.* FROM partition_offsets o JOIN moves m USING (kafka_partition)
            WHERE o.log_key = $1 AND o.topic = $2 AND o.epoch = m.epoch AND o.next_offset = m.expected
            ORDER BY o.kafka_partition FOR UPDATE OF o
        ), batches AS (
            INSERT INTO reading_batches (first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key)
            SELECT m.expected, m.next, m.stored, m.messages, m.kafka_partition, $14, $1 FROM held m WHERE m.stored > 0
        )
        UPDATE partition_offsets o SET
            next_offset = m.next,
            last_commit_at = CASE WHEN m.next > m.expected THEN clock_timestamp() ELSE o.last_commit_at END,
            recovered_at = CASE WHEN m.recovered THEN COALESCE(o.recovered_at, clock_timestamp()) ELSE o.recovered_at END,
            stored_in_epoch = o.stored_in_epoch + m.stored,
            stored = o.stored + m.stored,
            messages = o.messages + m.messages,
            rejected = o.rejected + m.rejected,
            redelivered = o.redelivered + m.redelivered,
            duplicated = o.duplicated + m.duplicated,
            uncounted = o.uncounted + m.uncounted,
            leader_epoch = COALESCE(m.leader_epoch, o.leader_epoch),
            marked_offset = CASE WHEN o.marked_at > clock_timestamp() - interval '1 min' THEN o.marked_offset ELSE m.next END,
            marked_at = CASE WHEN o.marked_at > clock_timestamp() - interval '1 min' THEN o.marked_at ELSE clock_timestamp() END,
            overdue_offset = CASE WHEN o.marked_at > clock_timestamp() - interval '1 min' THEN o.overdue_offset ELSE o.marked_offset END
        FROM held m
        WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = m.kafka_partition AND o.epoch = m.epoch AND o.next_offset = m.expected
        """;

    private const string CountTotals = """
        INSERT INTO ingest_totals AS t (consumer_key, log_key, kafka_partition, stored)
        SELECT $2, $1, u.p, u.stored FROM unnest($3::int[], $4::int[]) u(p, stored) WHERE u.stored > 0 ORDER BY u.p
        ON CONFLICT (consumer_key, log_key, kafka_partition) DO UPDATE SET stored = t.stored + excluded.stored
        """;

    private const string CountBuckets = """
        INSERT INTO ingest_buckets AS b (bucket, consumer_key, log_key, kafka_partition, stored)
        SELECT date_bin('10 s', clock_timestamp(), '2000-01-01'), $2, $1, u.p, u.stored FROM unnest($3::int[], $4::int[]) u(p, stored) WHERE u.stored > 0 ORDER BY u.p
        ON CONFLICT (bucket, consumer_key, log_key, kafka_partition) DO UPDATE SET stored = b.stored + excluded.stored
        """;

    private const string RecordRecovery = """
        UPDATE partition_ownership p SET recovered_at = o.recovered_at
        FROM unnest($3::int[]) u(p) JOIN partition_offsets o ON o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = u.p
        WHERE (p.log_key, p.topic, p.kafka_partition, p.epoch) = (o.log_key, o.topic, o.kafka_partition, o.epoch)
        """;

    private const string RecordStall = """
        UPDATE rebalancing_events e
        SET stall_ms = LEAST(GREATEST(extract(epoch FROM o.recovered_at - u.ended_at) * 1000, 0), 2147483647)::int
        FROM unnest($3::int[], $4::bigint[], $5::timestamptz[]) u(p, id, ended_at)
        JOIN partition_offsets o ON o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = u.p
        WHERE e.id = u.id AND e.stall_ms IS NULL
        """;

    private const string InsertRejected = """
        INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, sensor_id, sequence_id, reading_count, consumer_id)
        SELECT $1, u.*, $2 FROM unnest($3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[]) u
        """;

    private const string InsertAlerts = $"""
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, sensor_value, sensor_unit, description, "timestamp", reading_timestamp,
            factory_section, machine_id, zone, sensor_alert_level, kafka_partition, kafka_offset, trace_id, span_id, occurrences, peak_value, resolved_at,
            resolved_because, backfill, log_key, detected_by)
        SELECT u.alert_id, u.sensor_id, u.sensor_type, u.anomaly_type, u.severity, u.sensor_value, u.sensor_unit, u.description, u.raised_at, u.reading_timestamp,
            u.factory_section, u.machine_id, u.zone, u.sensor_alert_level, u.kafka_partition, u.kafka_offset, u.trace_id, u.span_id, u.occurrences, u.peak_value,
            CASE WHEN u.resolved OR u.backfill THEN CURRENT_TIMESTAMP END, CASE WHEN u.backfill THEN '{AlertEnds.Backfill}' END, u.backfill, $1, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[],
            $13::text[], $14::text[], $15::text[], $16::text[], $17::int[], $18::bigint[], $19::text[], $20::text[], $21::bigint[], $22::float8[], $23::bool[], $24::bool[])
            u(alert_id, sensor_id, sensor_type, anomaly_type, severity, sensor_value, sensor_unit, description, raised_at, reading_timestamp,
                factory_section, machine_id, zone, sensor_alert_level, kafka_partition, kafka_offset, trace_id, span_id, occurrences, peak_value, resolved, backfill)
        ON CONFLICT (alert_id) DO NOTHING
        """;

    private const string InsertAnnouncements = """
        INSERT INTO outbox (topic, key, value, header_names, header_values, source_log_key, source_partition, source_offset, alert_id)
        SELECT u.topic, u.key, u.value, CASE WHEN u.parent IS NULL THEN '{}' ELSE ARRAY['traceparent'] END, CASE WHEN u.parent IS NULL THEN '{}' ELSE ARRAY[u.parent] END,
            $1, u.source_partition, u.source_offset, u.alert_id
        FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::int[], $7::bigint[], $8::uuid[])
            u(topic, key, value, parent, source_partition, source_offset, alert_id)
        """;

    private const string UpdateEpisodes = """
        UPDATE alerts a SET occurrences = u.occurrences, peak_value = u.peak_value, updated_at = CURRENT_TIMESTAMP,
            resolved_at = CASE WHEN u.resolved THEN COALESCE(a.resolved_at, CURRENT_TIMESTAMP) ELSE a.resolved_at END,
            resolved_because = CASE WHEN u.resolved AND a.resolved_at IS NULL THEN u.because ELSE a.resolved_because END
        FROM unnest($1::uuid[], $2::bigint[], $3::float8[], $4::bool[], $5::text[]) u(alert_id, occurrences, peak_value, resolved, because)
        WHERE a.alert_id = u.alert_id
        """;

    private const string CloseForgotten = $"""
        UPDATE alerts a SET resolved_at = CURRENT_TIMESTAMP, updated_at = CURRENT_TIMESTAMP, resolved_because = '{AlertEnds.MemoryLost}'
        FROM unnest($2::int[], $3::bigint[]) u(kafka_partition, before)
        WHERE a.resolved_at IS NULL AND a.log_key = $1 AND a.kafka_partition = u.kafka_partition AND a.kafka_offset < u.before
        """;

    // One statement per row: unnest would flatten the arrays of headers.
    private const string InsertDeadLetter = """
        INSERT INTO outbox (topic, key, value, header_names, header_values, source_log_key, source_partition, source_offset, value_at_source)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """;

    private const string InsertViolations = """
        INSERT INTO ledger_violations (kind, sensor_id, producer_id, first_count, last_count, kafka_partition, kafka_offset, log_key, consumer_id)
        SELECT u.*, $1, $2 FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::int[], $9::bigint[]) u
        """;

    private const string UpsertSnapshots = """
        INSERT INTO detector_snapshots (log_key, topic, kafka_partition, snapshot_offset, state)
        SELECT $1, $2, u.* FROM unnest($3::int[], $4::bigint[], $5::bytea[]) u
        ON CONFLICT (log_key, topic, kafka_partition) DO UPDATE
        SET snapshot_offset = excluded.snapshot_offset, state = excluded.state, written_at = excluded.written_at
        """;

    private const string DeleteChanges = "DELETE FROM detector_changes WHERE log_key = $1 AND topic = $2 AND kafka_partition = ANY ($3)";

    private const string InsertChanges = """
        WITH changes AS (
            SELECT * FROM unnest($3::int[], $4::bigint[], $5::bytea[]) u(kafka_partition, at, state)
        ), incomplete AS (
            DELETE FROM detector_changes d USING detector_snapshots s, changes c
            WHERE d.log_key = $1 AND d.topic = $2 AND d.kafka_partition = c.kafka_partition AND s.log_key = $1 AND s.topic = $2 AND s.kafka_partition = c.kafka_partition
                AND d.id > s.last_change
        ), added AS (
            INSERT INTO detector_changes (log_key, topic, kafka_partition, state) SELECT $1, $2, kafka_partition, state FROM changes RETURNING kafka_partition, id
        )
        UPDATE detector_snapshots s SET snapshot_offset = c.at, last_change = a.id, written_at = statement_timestamp()
        FROM changes c JOIN added a USING (kafka_partition)
        WHERE s.log_key = $1 AND s.topic = $2 AND s.kafka_partition = c.kafka_partition
        """;

    private const string Stays =
        "(l.home_log_key = excluded.log_key AND l.home_seen_at > CURRENT_TIMESTAMP - greatest(interval '1 min', 20 * excluded.interval_ms * interval '1 ms'))";

    // A sensor whose readings arrive in several partitions is judged in one of them, its home, until none has arrived there for a while. Returns the rows
    // that are not at home.
    private const string UpsertLatest = $"""
        WITH written AS (
            INSERT INTO sensor_latest AS l (log_key, home_log_key, sensor_id, sensor_key, value, alert_level, warning_threshold, critical_threshold, reading_count, "timestamp",
                kafka_partition, kafka_offset, interval_ms, clock_offset_ms, rule_warning, rule_critical, rule_unit, home_partition, home_seen_at)
            SELECT $1, $1, id, key, value, level, warning, critical, count, at, kafka_partition, kafka_offset, interval_ms,
                (extract(epoch FROM at) * 1000 - least(produced_ms, extract(epoch FROM CURRENT_TIMESTAMP) * 1000))::bigint, rule_warning, rule_critical, rule_unit, kafka_partition, CURRENT_TIMESTAMP
            FROM unnest($2::text[], $3::int[], $4::float8[], $5::smallint[], $6::float8[], $7::float8[], $8::bigint[], $9::timestamptz[],
                $10::int[], $11::bigint[], $12::bigint[], $13::bigint[], $14::float8[], $15::float8[], $16::text[]) u(id, key, value, level, warning, critical, count, at, kafka_partition, kafka_offset, interval_ms, produced_ms, rule_warning, rule_critical, rule_unit)
            ON CONFLICT (sensor_id) DO UPDATE
            SET (sensor_key, value, alert_level, warning_threshold, critical_threshold, reading_count, "timestamp", processing_timestamp, log_key, kafka_partition, kafka_offset,
                    interval_ms, clock_offset_ms, rule_warning, rule_critical, rule_unit, home_log_key, home_partition, home_seen_at, other_seen_at)
                = (excluded.sensor_key, excluded.value, excluded.alert_level, excluded.warning_threshold, excluded.critical_threshold, excluded.reading_count,
                    excluded."timestamp", excluded.processing_timestamp, excluded.log_key, excluded.kafka_partition, excluded.kafka_offset,
                    excluded.interval_ms, excluded.clock_offset_ms, excluded.rule_warning, excluded.rule_critical, excluded.rule_unit, excluded.log_key,
                    CASE WHEN {Stays} THEN l.home_partition ELSE excluded.kafka_partition END,
                    CASE WHEN {Stays} AND l.home_partition <> excluded.kafka_partition THEN l.home_seen_at ELSE CURRENT_TIMESTAMP END,
                    CASE WHEN {Stays} AND l.home_partition <> excluded.kafka_partition THEN CURRENT_TIMESTAMP ELSE l.other_seen_at END)
            RETURNING sensor_id, kafka_partition, home_partition
        )
        SELECT sensor_id AS judged_elsewhere, kafka_partition FROM written WHERE kafka_partition <> home_partition
        """;

    private const string UpsertBackfilled = """
        INSERT INTO backfilled_sensors AS b (sensor_id, sensor_key, warning_threshold, critical_threshold, first_timestamp, last_timestamp, log_key, kafka_partition, kafka_offset)
        SELECT id, key, warning, critical, first, last, $1, p, at
        FROM unnest($2::text[], $3::int[], $4::float8[], $5::float8[], $6::timestamptz[], $7::timestamptz[], $8::int[], $9::bigint[]) u(id, key, warning, critical, first, last, p, at)
        ON CONFLICT (sensor_id) DO UPDATE SET
            (sensor_key, warning_threshold, critical_threshold, stored_at, log_key, kafka_partition, kafka_offset)
                = (excluded.sensor_key, excluded.warning_threshold, excluded.critical_threshold, excluded.stored_at, excluded.log_key, excluded.kafka_partition, excluded.kafka_offset),
            first_timestamp = LEAST(b.first_timestamp, excluded.first_timestamp),
            last_timestamp = GREATEST(b.last_timestamp, excluded.last_timestamp)
        """;

    private const string Announce = $"SELECT pg_notify('{ResourceNames.ChangeChannel}', '{ChangeKinds.Commit}')";

    /// <summary>
    /// Stores a whole batch, or nothing if a partition is not in the state that we left. The caller may retry the same batch after any exception; if it had
    /// been committed, the result is <see cref="StoreOutcome.Fenced"/>, and an inspection shows it.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or its answer to COMMIT did not arrive.</exception>
    /// <exception cref="PostgresException">The database refuses the batch; <see cref="DatabaseFaults"/> classifies the reason.</exception>
    /// <exception cref="TimeoutException">It took more than 3 s.</exception>
    public Task<StoreOutcome> StoreAsync(IngestWrite write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return InTransactionAsync(
            write.Log,
            [.. write.Moves.Select(move => (move.Partition, move.Epoch))],
            async (connection, token) =>
            {
                if (!await WriteCountersAsync(connection, write, token))
                {
                    return (false, StoreOutcome.Fenced);
                }

                if (write.Rows.Count > 0)
                {
                    await write.Rows.CopyAsync(connection, token);
                }

                return (true, StoreOutcome.Stored);
            },
            cancellationToken);
    }

    /// <summary>
    /// Claims a nonexistent partition, stores a reading in it, and rolls back both. What is slow the first time (connecting, preparing statements, compiling
    /// code) is then done before the group hands over partitions, which stall meanwhile.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or is not ready.</exception>
    public Task WarmUpAsync(LogTopic log, CancellationToken cancellationToken)
    {
        // A random partition: consumers that warm up at the same time would otherwise wait for the same row and terminate each other's sessions.
        var none = Random.Shared.Next(int.MinValue, 0);
        return InTransactionAsync(
            log,
            [],
            async (connection, token) =>
            {
                var claimed = await ClaimAsync(connection, log, [new PartitionClaim(none, 0, 0, true, null, false)], endsEarlierLogs: false, token);
                var write = new IngestWrite { Log = log, Rows = new ReadingRows(1) };
                write.Rows.Add(0, 0, 0, 0, ConsumerKey, none, 1, log.LogKey, AlertLevel.Normal, 0);
                write.Moves.Add(new PartitionMove(none, claimed[0].Epoch, 0, 1, 0, 1, 1, 0, 0, 0, 0, true, claimed[0].EventId, null));
                var isStored = await WriteCountersAsync(connection, write, token);
                await write.Rows.CopyAsync(connection, token);
                return (false, isStored);
            },
            cancellationToken);
    }

    private async Task<bool> WriteCountersAsync(NpgsqlConnection connection, IngestWrite write, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        var move = AddMove(batch, write);
        if (write.Rows.Count > 0)
        {
            AddCounters(batch, write);
        }

        AddRecoveries(batch, write);
        AddMemoryLosses(batch, write);
        AddRejected(batch, write);
        // An episode that begins and continues, or ends, within this transaction is written once.
        var states = write.Episodes.ToLookup(episode => episode.AlertId);
        var raised = write.Alerts.Select(alert => alert.AlertId).ToHashSet();
        AddAlerts(batch, write, states);
        AddEpisodes(batch, [.. write.Episodes.Where(episode => !raised.Contains(episode.AlertId))]);
        AddDeadLetters(batch, write);
        AddViolations(batch, write.Log, write.Violations);
        AddSnapshots(batch, write);
        AddLatest(batch, write);
        AddBackfilled(batch, write);
        if (write.Announce)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Announce));
        }

        await batch.PrepareAsync(cancellationToken);
        if (write.Latest.Count == 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        else
        {
            await ReadElsewhereAsync(batch, write, cancellationToken);
        }

        return move.RecordsAffected == write.Moves.Count;
    }

    private static async Task ReadElsewhereAsync(NpgsqlBatch batch, IngestWrite write, CancellationToken cancellationToken)
    {
        write.JudgedElsewhere.Clear();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.GetName(0) == "judged_elsewhere")
                {
                    write.JudgedElsewhere.Add((reader.GetString(0), reader.GetInt32(1)));
                }
            }
        }
        while (await reader.NextResultAsync(cancellationToken));
    }

    private NpgsqlBatchCommand AddMove(NpgsqlBatch batch, IngestWrite write)
    {
        var moves = write.Moves;
        var command = Add(batch, Move, write.Log);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. moves.Select(move => move.Epoch)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. moves.Select(move => move.Expected)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. moves.Select(move => move.Next)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Stored)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Rejected)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Redelivered)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Duplicated)] });
        command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. moves.Select(move => move.Recovered)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Uncounted)] });
        command.Parameters.Add(new NpgsqlParameter<int?[]> { TypedValue = [.. moves.Select(move => move.LeaderEpoch)] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = ConsumerKey });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Messages)] });
        return command;
    }

    private void AddCounters(NpgsqlBatch batch, IngestWrite write)
    {
        int[] partitions = [.. write.Moves.Select(move => move.Partition)];
        int[] stored = [.. write.Moves.Select(move => move.Stored)];
        foreach (var sql in new[] { CountTotals, CountBuckets })
        {
            var command = Add(batch, sql);
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = ConsumerKey });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = stored });
        }
    }

    private static void AddRecoveries(NpgsqlBatch batch, IngestWrite write)
    {
        var recovered = write.Moves.Where(move => move.Recovered).ToList();
        if (recovered.Count == 0)
        {
            return;
        }

        var ownership = Add(batch, RecordRecovery, write.Log);
        ownership.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. recovered.Select(move => move.Partition)] });
        var stalled = recovered.Where(move => move.PredecessorEndedAt is not null).ToList();
        if (stalled.Count > 0)
        {
            var stall = Add(batch, RecordStall, write.Log);
            stall.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. stalled.Select(move => move.Partition)] });
            stall.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. stalled.Select(move => move.EventId)] });
            stall.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. stalled.Select(move => move.PredecessorEndedAt!.Value)] });
        }
    }

    private void AddRejected(NpgsqlBatch batch, IngestWrite write)
    {
        var rejected = write.Rejected;
        if (rejected.Count == 0)
        {
            return;
        }

        var command = Add(batch, InsertRejected);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rejected.Select(row => row.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rejected.Select(row => row.Offset)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rejected.Select(row => row.Reason)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rejected.Select(row => row.Detail)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. rejected.Select(row => row.SensorId)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. rejected.Select(row => row.SequenceId)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. rejected.Select(row => row.ReadingCount)] });
    }

    private void AddAlerts(NpgsqlBatch batch, IngestWrite write, ILookup<Guid, EpisodeRow> states)
    {
        var alerts = write.Alerts;
        if (alerts.Count == 0)
        {
            return;
        }

        var command = Add(batch, InsertAlerts);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. alerts.Select(alert => alert.AlertId)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.SensorId)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.SensorType)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.AnomalyType)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.Severity)] });
        command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. alerts.Select(alert => alert.Value)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.Unit)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.Description)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. alerts.Select(alert => alert.RaisedAt)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. alerts.Select(alert => alert.ReadingTimestamp)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. alerts.Select(alert => alert.FactorySection)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. alerts.Select(alert => alert.MachineId)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. alerts.Select(alert => alert.Zone)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.AlertLevel)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. alerts.Select(alert => alert.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. alerts.Select(alert => alert.Offset)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. alerts.Select(alert => alert.TraceId)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. alerts.Select(alert => alert.SpanId)] });
        var episodes = alerts.ConvertAll(alert => states[alert.AlertId].LastOrDefault() ?? new EpisodeRow(alert.Partition, alert.AlertId, 1, alert.Value, Resolved: false));
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. episodes.Select(episode => episode.Occurrences)] });
        command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. episodes.Select(episode => episode.PeakValue)] });
        command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. episodes.Select(episode => episode.Resolved)] });
        command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. alerts.Select(alert => alert.Announcement is null)] });
        AddAnnouncements(batch, write.Log, [.. alerts.Where(alert => alert.Announcement is not null)]);
    }

    private static void AddAnnouncements(NpgsqlBatch batch, LogTopic log, List<AlertRow> alerts)
    {
        if (alerts.Count == 0)
        {
            return;
        }

        var outbox = Add(batch, InsertAnnouncements);
        outbox.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
        outbox.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alerts.Select(alert => alert.Announcement!.Topic)] });
        outbox.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. alerts.Select(alert => alert.Announcement!.Key)] });
        outbox.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. alerts.Select(alert => alert.Announcement!.Value)] });
        outbox.Parameters.Add(new NpgsqlParameter<byte[]?[]> { TypedValue = [.. alerts.Select(alert => alert.Announcement!.TraceParent)] });
        outbox.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. alerts.Select(alert => alert.Partition)] });
        outbox.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. alerts.Select(alert => alert.Offset)] });
        outbox.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. alerts.Select(alert => alert.AlertId)] });
    }

    private static void AddEpisodes(NpgsqlBatch batch, List<EpisodeRow> episodes)
    {
        if (episodes.Count > 0)
        {
            var command = Add(batch, UpdateEpisodes);
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. episodes.Select(episode => episode.AlertId)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. episodes.Select(episode => episode.Occurrences)] });
            command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. episodes.Select(episode => episode.PeakValue)] });
            command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. episodes.Select(episode => episode.Resolved)] });
            command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. episodes.Select(episode => episode.Because)] });
        }
    }

    private static void AddMemoryLosses(NpgsqlBatch batch, IngestWrite write)
    {
        if (write.MemoryLosses.Count > 0)
        {
            var command = Add(batch, CloseForgotten);
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. write.MemoryLosses.Select(loss => loss.Partition)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. write.MemoryLosses.Select(loss => loss.Before)] });
        }
    }

    private static void AddDeadLetters(NpgsqlBatch batch, IngestWrite write)
    {
        foreach (var row in write.DeadLetters)
        {
            var command = Add(batch, InsertDeadLetter);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = row.Topic });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)row.Key ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)row.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = row.HeaderNames });
            command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = row.HeaderValues });
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = row.SourcePartition });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = row.SourceOffset });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = row.ValueAtSource });
        }
    }

    private void AddViolations(NpgsqlBatch batch, LogTopic log, List<ViolationRow> violations)
    {
        if (violations.Count == 0)
        {
            return;
        }

        var command = Add(batch, InsertViolations);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. violations.Select(violation => violation.Kind)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. violations.Select(violation => violation.SensorId)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. violations.Select(violation => violation.ProducerId)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. violations.Select(violation => violation.FirstCount)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. violations.Select(violation => violation.LastCount)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. violations.Select(violation => violation.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. violations.Select(violation => violation.Offset)] });
    }

    private static void AddSnapshots(NpgsqlBatch batch, IngestWrite write)
    {
        foreach (var snapshots in write.Snapshots.GroupBy(snapshot => snapshot.IsChange))
        {
            int[] partitions = [.. snapshots.Select(snapshot => snapshot.Partition)];
            if (!snapshots.Key)
            {
                Add(batch, DeleteChanges, write.Log).Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            }

            var command = Add(batch, snapshots.Key ? InsertChanges : UpsertSnapshots, write.Log);
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. snapshots.Select(snapshot => snapshot.Offset)] });
            command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. snapshots.Select(snapshot => snapshot.State)] });
        }
    }

    private static void AddLatest(NpgsqlBatch batch, IngestWrite write)
    {
        // A statement writes a row once, and a sensor whose messages have no key may be in several partitions.
        foreach (var latest in write.Latest.Where(row => row.SensorKey != 0).GroupBy(row => row.SensorId).SelectMany(rows => rows.Index()).GroupBy(row => row.Index, row => row.Item))
        {
            AddLatest(batch, write, [.. latest]);
        }
    }

    private static void AddLatest(NpgsqlBatch batch, IngestWrite write, List<LatestRow> latest)
    {
        var command = Add(batch, UpsertLatest);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. latest.Select(row => row.SensorId)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. latest.Select(row => row.SensorKey)] });
        command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. latest.Select(row => row.Value)] });
        command.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. latest.Select(row => row.AlertLevel)] });
        command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. latest.Select(row => row.WarningThreshold)] });
        command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. latest.Select(row => row.CriticalThreshold)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. latest.Select(row => row.ReadingCount)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. latest.Select(row => row.Timestamp)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. latest.Select(row => row.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. latest.Select(row => row.Offset)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. latest.Select(row => row.IntervalMs)] });
        command.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. latest.Select(row => row.ProducedAtMs)] });
        command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. latest.Select(row => row.RuleWarning)] });
        command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. latest.Select(row => row.RuleCritical)] });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. latest.Select(row => row.RuleUnit)] });
    }

    private static void AddBackfilled(NpgsqlBatch batch, IngestWrite write)
    {
        // As in AddLatest: a sensor may be in several partitions.
        foreach (var rows in write.Backfilled.Where(row => row.SensorKey != 0).GroupBy(row => row.SensorId).SelectMany(rows => rows.Index()).GroupBy(row => row.Index, row => row.Item))
        {
            var command = Add(batch, UpsertBackfilled);
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rows.Select(row => row.SensorId)] });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(row => row.SensorKey)] });
            command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. rows.Select(row => row.WarningThreshold)] });
            command.Parameters.Add(new NpgsqlParameter<double?[]> { TypedValue = [.. rows.Select(row => row.CriticalThreshold)] });
            command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. rows.Select(row => row.FirstTimestamp)] });
            command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. rows.Select(row => row.LastTimestamp)] });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(row => row.Partition)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Offset)] });
        }
    }

    private static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command;
    }

    private static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql, LogTopic log)
    {
        var command = Add(batch, sql);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = log.Topic });
        return command;
    }
}
