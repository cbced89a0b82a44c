using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <param name="SourceLogId">With partition and offset: the source message whose headers this message carries.</param>
/// <param name="ValueAtSource">Key and value must also be read from that message.</param>
public sealed record OutgoingMessage(
    long OutboxId,
    string Topic,
    byte[]? Key,
    byte[]? Value,
    string[] HeaderNames,
    byte[][] HeaderValues,
    string? SourceLogId,
    int? SourcePartition,
    long? SourceOffset,
    Guid? AlertId,
    bool ValueAtSource);

/// <summary>The trace context of the reading that raised an alert, in hexadecimal.</summary>
public sealed record AlertTrace(Guid AlertId, string TraceId, string SpanId);

/// <summary>The result of an attempt to send messages; messages in neither list are retried.</summary>
/// <param name="Sent">By outbox_id.</param>
/// <param name="Parked">Messages that can never be sent, and why.</param>
/// <param name="Traces">For alerts that were stored without a trace context.</param>
public sealed record RelayOutcome(IReadOnlyList<long> Sent, IReadOnlyList<(long OutboxId, string Reason)> Parked, IReadOnlyList<AlertTrace> Traces);

/// <summary>Messages that belong to committed data and must still be sent. Concurrent relays take different messages.</summary>
public sealed class OutboxStore(NpgsqlDataSource dataSource)
{
    // A database crash may bring back messages that were already sent: they are sent again, as after any crash between sending and deleting. PostgreSQL's
    // statistics on the number of waiting messages are always stale: the oldest are found in index order, not by sorting all of them.
    private const string Relaxed = """
        SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
            set_config('jit', 'off', true)
        """;

    private const string Columns = "outbox_id, alert_id IS NULL AS is_letter, COALESCE(octet_length(value), 0) + COALESCE(octet_length(key), 0) AS bytes";

    // Alerts and dead letters, those never tried and those put back, take turns: whatever cannot be sent, none of the others waits for it. Alerts and dead letters
    // each have all the bytes, because a few dead letters can fill them.
    private const string Take = $"""
        WITH alerts AS MATERIALIZED (
            SELECT {Columns} FROM outbox WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NOT NULL ORDER BY outbox_id LIMIT $1 FOR UPDATE SKIP LOCKED
        ), letters AS MATERIALIZED (
            SELECT {Columns} FROM outbox WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NULL ORDER BY outbox_id LIMIT $1 FOR UPDATE SKIP LOCKED
        ), alerts_again AS MATERIALIZED (
            SELECT {Columns}, retry_at FROM outbox WHERE parked_at IS NULL AND retry_at <= statement_timestamp() AND alert_id IS NOT NULL
            ORDER BY retry_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), letters_again AS MATERIALIZED (
            SELECT {Columns}, retry_at FROM outbox WHERE parked_at IS NULL AND retry_at <= statement_timestamp() AND alert_id IS NULL
            ORDER BY retry_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), candidates AS (
            SELECT outbox_id, is_letter, bytes, row_number() OVER (ORDER BY outbox_id) AS turn, 1 AS place FROM alerts
            UNION ALL SELECT outbox_id, is_letter, bytes, row_number() OVER (ORDER BY outbox_id), 2 FROM letters
            UNION ALL SELECT outbox_id, is_letter, bytes, row_number() OVER (ORDER BY retry_at, outbox_id), 3 FROM alerts_again
            UNION ALL SELECT outbox_id, is_letter, bytes, row_number() OVER (ORDER BY retry_at, outbox_id), 4 FROM letters_again
        ), fitting AS (
            SELECT outbox_id, turn, place FROM (
                SELECT *, sum(bytes) OVER (PARTITION BY is_letter ORDER BY turn, place) - bytes AS before FROM candidates
            ) c
            WHERE before < $2
        ), taken AS (
            SELECT outbox_id FROM fitting ORDER BY turn, place LIMIT $1
        )
        SELECT o.outbox_id, o.topic, o.key, o.value, o.header_names, o.header_values, l.log_id, o.source_partition, o.source_offset, o.alert_id, o.value_at_source
        FROM taken t JOIN outbox o USING (outbox_id) LEFT JOIN logs l ON l.log_key = o.source_log_key
        ORDER BY o.outbox_id
        """;

    private const string PutBack = """
        UPDATE outbox SET attempts = attempts + 1, retry_at = clock_timestamp() + LEAST(power(2, LEAST(attempts, 10)), 10) * interval '1 s' WHERE outbox_id = ANY ($1)
        """;

    private const string Park = """
        UPDATE outbox o SET parked_at = clock_timestamp(), parked_reason = u.reason FROM unnest($1::bigint[], $2::text[]) u(id, reason) WHERE o.outbox_id = u.id
        """;

    private const string Delete = "DELETE FROM outbox WHERE outbox_id = ANY ($1)";

    private const string SetTraces = """
        UPDATE alerts a SET trace_id = u.trace_id, span_id = u.span_id
        FROM unnest($1::uuid[], $2::text[], $3::text[]) u(alert_id, trace_id, span_id) WHERE a.alert_id = u.alert_id
        """;

    /// <summary>
    /// Passes the oldest messages of each kind to <paramref name="send"/>, in one transaction: deletes those that it reports as sent, parks those that can never be sent,
    /// and postpones the rest for a while, longer each time, 10 s at most.
    /// </summary>
    /// <param name="limit">The maximum number of messages.</param>
    /// <param name="bytes">Stops taking alerts, and dead letters, once their keys and values reach this size in bytes.</param>
    /// <param name="send">Returns the result for each message.</param>
    /// <returns>The number of messages taken, and the number sent.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached: messages already sent will be sent again.</exception>
    public async Task<(int Taken, int Sent)> RelayAsync(
        int limit,
        long bytes,
        Func<IReadOnlyList<OutgoingMessage>, CancellationToken, Task<RelayOutcome>> send,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(send);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var relaxed = new NpgsqlCommand(Relaxed, connection))
        {
            await relaxed.ExecuteNonQueryAsync(cancellationToken);
        }

        var messages = new List<OutgoingMessage>();
        await using (var take = new NpgsqlCommand(Take, connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = limit }, new NpgsqlParameter<long> { TypedValue = bytes } } })
        {
            await using var reader = await take.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                messages.Add(new OutgoingMessage(
                    reader.GetInt64(0),
                    reader.GetString(1),
                    await reader.IsDBNullAsync(2, cancellationToken) ? null : await reader.GetFieldValueAsync<byte[]>(2, cancellationToken),
                    await reader.IsDBNullAsync(3, cancellationToken) ? null : await reader.GetFieldValueAsync<byte[]>(3, cancellationToken),
                    await reader.GetFieldValueAsync<string[]>(4, cancellationToken),
                    await reader.GetFieldValueAsync<byte[][]>(5, cancellationToken),
                    await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetString(6),
                    await reader.IsDBNullAsync(7, cancellationToken) ? null : reader.GetInt32(7),
                    await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetInt64(8),
                    await reader.IsDBNullAsync(9, cancellationToken) ? null : reader.GetGuid(9),
                    reader.GetBoolean(10)));
            }
        }

        if (messages.Count == 0)
        {
            return (0, 0);
        }

        var (sent, parked, traces) = await send(messages, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Deletion(sent));
        var done = sent.Concat(parked.Select(each => each.OutboxId)).ToHashSet();
        long[] failed = [.. messages.Select(message => message.OutboxId).Where(id => !done.Contains(id))];
        if (failed.Length > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(PutBack) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = failed } } });
        }

        if (parked.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Park)
            {
                Parameters =
                {
                    new NpgsqlParameter<long[]> { TypedValue = [.. parked.Select(each => each.OutboxId)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. parked.Select(each => each.Reason)] },
                },
            });
        }

        if (traces.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(SetTraces)
            {
                Parameters =
                {
                    new NpgsqlParameter<Guid[]> { TypedValue = [.. traces.Select(trace => trace.AlertId)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. traces.Select(trace => trace.TraceId)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. traces.Select(trace => trace.SpanId)] },
                },
            });
        }

        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException exception) when (sent.Count > 0 && DatabaseFaults.IsNoRoom(exception))
        {
            // Messages that were sent must not be sent again and again while the rest cannot be written. The client has closed the session.
            await using var delete = dataSource.CreateBatch();
            delete.BatchCommands.Add(Deletion(sent));
            await delete.ExecuteNonQueryAsync(cancellationToken);
        }

        return (messages.Count, sent.Count);
    }

    private static NpgsqlBatchCommand Deletion(IReadOnlyList<long> sent) =>
        new(Delete) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. sent] } } };
}
