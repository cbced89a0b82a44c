using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Sensors;

/// <summary>COMMIT was sent and its answer was lost: the account may or may not be written.</summary>
public sealed class OutcomeUnknownException(Exception inner) : Exception($"the answer to COMMIT was lost: {inner.Message}", inner);

/// <summary>Writes a producer's delivery account and its heartbeat in one transaction.</summary>
public sealed class ProducerAccountStore(NpgsqlDataSource dataSource)
{
    // The row's number shows whether an account is already written, and its lock makes a retry wait for an account that is still being committed. A
    // transaction id is not sufficient: PostgreSQL may assign it again after a crash.
    private const string UpsertHealth = """
        INSERT INTO producer_health AS h (producer_id, sensor_type, status, connection, condition, messages_sent_last_minute, last_acknowledged,
            started_at, instance_id, process_id, host, sensor_count, queued, resident_bytes, total_messages_sent, failed_deliveries,
            account_number, last_heartbeat)
        VALUES ($1, $2, $3, $4, $5, $6, $7 + make_interval(secs => round(extract(epoch FROM clock_timestamp() - $19))), $8 + make_interval(secs => round(extract(epoch FROM clock_timestamp() - $19))), $9, $10, $11, $12, $13, $14, $15, $16, $17, clock_timestamp())
        ON CONFLICT (producer_id) DO UPDATE SET
            sensor_type = EXCLUDED.sensor_type, status = EXCLUDED.status, connection = EXCLUDED.connection, condition = EXCLUDED.condition,
            messages_sent_last_minute = EXCLUDED.messages_sent_last_minute, last_acknowledged = coalesce(EXCLUDED.last_acknowledged, h.last_acknowledged),
            started_at = CASE WHEN h.instance_id = EXCLUDED.instance_id THEN h.started_at ELSE EXCLUDED.started_at END, instance_id = EXCLUDED.instance_id, process_id = EXCLUDED.process_id, host = EXCLUDED.host,
            sensor_count = EXCLUDED.sensor_count, queued = EXCLUDED.queued, resident_bytes = EXCLUDED.resident_bytes,
            total_messages_sent = h.total_messages_sent + EXCLUDED.total_messages_sent,
            failed_deliveries = h.failed_deliveries + EXCLUDED.failed_deliveries,
            account_number = EXCLUDED.account_number,
            last_heartbeat = EXCLUDED.last_heartbeat
        WHERE CASE WHEN h.instance_id = EXCLUDED.instance_id THEN h.account_number < EXCLUDED.account_number ELSE NOT $18::boolean END
        RETURNING COALESCE( -- from the row as it was before
            (SELECT CASE WHEN p.instance_id = $9 THEN p.account_number WHEN p.started_at > h.started_at THEN $17 - 1 ELSE 0 END FROM producer_health p WHERE p.producer_id = $1), 0)
        """;

    private const string Beat = """
        UPDATE producer_health SET status = $3, connection = $4, condition = $5, messages_sent_last_minute = $6, queued = $7, last_heartbeat = clock_timestamp()
        WHERE producer_id = $1 AND instance_id = $2
        """;

    // Selects first: ON CONFLICT alone would consume a value of the smallint sequence each time.
    private const string InsertLogs = """
        INSERT INTO logs (log_id)
        SELECT DISTINCT id FROM unnest($1::text[]) id WHERE NOT EXISTS (SELECT FROM logs WHERE log_id = id)
        ON CONFLICT DO NOTHING
        """;

    private const string InsertRanges = """
        INSERT INTO acknowledgements (producer_id, sensor_id, sequence_id, log_key, kafka_partition, first_count, last_count, max_offset)
        SELECT $1, r.sensor_id, r.sequence_id, l.log_key, r.kafka_partition, r.first_count, r.last_count, r.max_offset
        FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
            r(sensor_id, log_id, kafka_partition, first_count, last_count, max_offset, sequence_id)
        JOIN logs l USING (log_id)
        """;

    private const string InsertSamples = """
        INSERT INTO producer_samples AS s (at, producer_id, acknowledged, longest_wait_ms)
        SELECT at + make_interval(secs => round(extract(epoch FROM clock_timestamp() - $5))), $1, acknowledged, longest_wait_ms FROM unnest($2::timestamptz[], $3::int[], $4::int[]) r(at, acknowledged, longest_wait_ms)
        ON CONFLICT (at, producer_id) DO UPDATE SET
            acknowledged = s.acknowledged + EXCLUDED.acknowledged, longest_wait_ms = greatest(s.longest_wait_ms, EXCLUDED.longest_wait_ms)
        """;

    /// <summary>Writes everything or nothing, and nothing if the account is already written.</summary>
    /// <param name="heartbeat">The producer's current state.</param>
    /// <param name="account">Everything since the last account.</param>
    /// <param name="number">The number of the instance's last account plus one.</param>
    /// <param name="mayBeWritten">
    /// The account with this number ended in <see cref="OutcomeUnknownException"/> before. If another instance has written since, the account is considered
    /// written: readings stored without a record are harmless, duplicate records are not.
    /// </param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <returns>
    /// The number of the instance's last account in the database before this one, 0 if there was none: less than <paramref name="number"/> - 1 if the database
    /// has lost committed accounts. Null if nothing was written.
    /// </returns>
    /// <exception cref="OutcomeUnknownException">The account may or may not be written: write it again, unchanged, under the same number.</exception>
    /// <exception cref="NpgsqlException">Nothing is written. The same holds for <see cref="TimeoutException"/>, which a slow first connect raises.</exception>
    public async Task<long?> WriteAsync(ProducerHeartbeat heartbeat, ProducerAccount account, long number, bool mayBeWritten, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Health(heartbeat, account, number, mayBeWritten) } };
        if (account.Ranges.Count > 0)
        {
            batch.BatchCommands.Add(Logs(account.Ranges));
            batch.BatchCommands.Add(Ranges(heartbeat.ProducerId, account.Ranges));
        }

        if (account.Samples.Count > 0)
        {
            batch.BatchCommands.Add(Samples(heartbeat.ProducerId, account.Samples));
        }

        var before = await ExecuteAsync(batch, cancellationToken);
        if (before is null)
        {
            await transaction.RollbackAsync(cancellationToken);
            return null;
        }

        try
        {
            await transaction.CommitAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            throw new OutcomeUnknownException(exception);
        }

        return before;
    }

    /// <summary>
    /// Writes only the heartbeat if the database has no space for an account: it reuses the space of the previous one. The account's number does not change.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or has no space for the heartbeat either.</exception>
    public async Task BeatAsync(ProducerHeartbeat heartbeat, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(heartbeat);
        await using var command = dataSource.CreateCommand(Beat);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = heartbeat.ProducerId });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = heartbeat.InstanceId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = heartbeat.Status });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = heartbeat.Connection });
        command.Parameters.Add(new NpgsqlParameter { Value = heartbeat.Condition ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = heartbeat.SentLastMinute });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = heartbeat.Queued });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // Reads every result: with an unread error of a later statement, COMMIT would silently roll back.
    private static async Task<long?> ExecuteAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        long? before = await reader.ReadAsync(cancellationToken) ? reader.GetInt64(0) : null;
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return before;
    }

    private static NpgsqlBatchCommand Health(ProducerHeartbeat heartbeat, ProducerAccount account, long number, bool mayBeWritten) => new(UpsertHealth)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = heartbeat.ProducerId },
            new NpgsqlParameter<string> { TypedValue = heartbeat.SensorType },
            new NpgsqlParameter<string> { TypedValue = heartbeat.Status },
            new NpgsqlParameter<string> { TypedValue = heartbeat.Connection },
            new NpgsqlParameter { Value = heartbeat.Condition ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            new NpgsqlParameter<int> { TypedValue = heartbeat.SentLastMinute },
            new NpgsqlParameter { Value = heartbeat.LastAcknowledged?.UtcDateTime ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            new NpgsqlParameter<DateTime> { TypedValue = heartbeat.StartedAt.UtcDateTime },
            new NpgsqlParameter<Guid> { TypedValue = heartbeat.InstanceId },
            new NpgsqlParameter<int> { TypedValue = heartbeat.ProcessId },
            new NpgsqlParameter<string> { TypedValue = heartbeat.Host },
            new NpgsqlParameter<int> { TypedValue = heartbeat.SensorCount },
            new NpgsqlParameter<int> { TypedValue = heartbeat.Queued },
            new NpgsqlParameter<long> { TypedValue = heartbeat.ResidentBytes },
            new NpgsqlParameter<long> { TypedValue = account.Acknowledged },
            new NpgsqlParameter<long> { TypedValue = account.FailedDeliveries },
            new NpgsqlParameter<long> { TypedValue = number },
            new NpgsqlParameter<bool> { TypedValue = mayBeWritten },
            Now(),
        },
    };

    private static NpgsqlBatchCommand Logs(IReadOnlyList<AcknowledgedRange> ranges) => new(InsertLogs)
    {
        Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. ranges.Select(range => range.LogId)] } },
    };

    private static NpgsqlBatchCommand Ranges(string producerId, IReadOnlyList<AcknowledgedRange> ranges) => new(InsertRanges)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = producerId },
            new NpgsqlParameter<string[]> { TypedValue = [.. ranges.Select(range => range.SensorId)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. ranges.Select(range => range.LogId)] },
            new NpgsqlParameter<int[]> { TypedValue = [.. ranges.Select(range => range.Partition)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. ranges.Select(range => range.FirstCount)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. ranges.Select(range => range.LastCount)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. ranges.Select(range => range.MaxOffset)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. ranges.Select(range => range.SequenceId)] },
        },
    };

    // Times are converted from the producer's clock to the database's when they are stored: the producer's clock may be days off.
    private static NpgsqlParameter<DateTime> Now() => new() { TypedValue = DateTime.UtcNow };

    private static NpgsqlBatchCommand Samples(string producerId, IReadOnlyList<ProducerSample> samples) => new(InsertSamples)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = producerId },
            new NpgsqlParameter<DateTime[]> { TypedValue = [.. samples.Select(sample => sample.At.UtcDateTime)] },
            new NpgsqlParameter<int[]> { TypedValue = [.. samples.Select(sample => sample.Acknowledged)] },
            new NpgsqlParameter<int?[]> { TypedValue = [.. samples.Select(sample => sample.LongestWaitMs)] },
            Now(),
        },
    };
}
