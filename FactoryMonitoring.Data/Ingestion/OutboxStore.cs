using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <param name="SourceLogId">With partition and offset: the message whose headers this one bears on.</param>
/// <param name="ValueAtSource">Key and value are to be taken from that message, too.</param>
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

/// <summary>The trace of the reading that raised an alert, in hexadecimal.</summary>
public sealed record AlertTrace(Guid AlertId, string TraceId, string SpanId);

/// <summary>Messages that belong to what is already committed, and still have to be sent. Several relays at once take different ones.</summary>
public sealed class OutboxStore(NpgsqlDataSource dataSource)
{
    // A crash of the database may bring back what was sent already: it is sent again then, as after any death in between.
    private const string Relaxed = "SET LOCAL synchronous_commit = off";

    private const string Take = """
        SELECT o.outbox_id, o.topic, o.key, o.value, o.header_names, o.header_values, l.log_id, o.source_partition, o.source_offset, o.alert_id, o.value_at_source
        FROM outbox o LEFT JOIN logs l ON l.log_key = o.source_log_key
        ORDER BY o.outbox_id LIMIT $1 FOR UPDATE OF o SKIP LOCKED
        """;

    private const string Delete = "DELETE FROM outbox WHERE outbox_id = ANY ($1)";

    private const string SetTraces = """
        UPDATE alerts a SET trace_id = u.trace_id, span_id = u.span_id
        FROM unnest($1::uuid[], $2::text[], $3::text[]) u(alert_id, trace_id, span_id) WHERE a.alert_id = u.alert_id
        """;

    /// <summary>Hands the oldest messages to <paramref name="send"/> and removes those it says are sent, in one transaction.</summary>
    /// <param name="send">Answers with the ids of what was sent, and the traces it came across.</param>
    /// <returns>How many were there to be sent, and how many were.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached: what was sent will be sent again.</exception>
    public async Task<(int Taken, int Sent)> RelayAsync(
        int limit,
        Func<IReadOnlyList<OutgoingMessage>, CancellationToken, Task<(IReadOnlyList<long> Sent, IReadOnlyList<AlertTrace> Traces)>> send,
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
        await using (var take = new NpgsqlCommand(Take, connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = limit } } })
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

        var (sent, traces) = await send(messages, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Delete) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. sent] } } });
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

        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (messages.Count, sent.Count);
    }
}
