using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>One step of the audit.</summary>
/// <param name="Batches">Batches counted; 0 if there is nothing to count yet, or another process is counting.</param>
/// <param name="Readings">Readings expected by the batches' spans.</param>
/// <param name="Wrong">Batches whose contents differ.</param>
public sealed record AuditStep(long Batches, long Readings, long Wrong);

/// <summary>
/// Counts the readings of each batch against its span in <c>reading_batches</c>: the expected number of readings, from the expected number of messages
/// (distinct offsets), and none outside the span. Differences become violations in the ledger. Any process may run it at any time; only one at a time does.
/// </summary>
public sealed class ReadingAudit(NpgsqlDataSource dataSource)
{
    // Batches at least a minute old: every transaction that began before them has ended and is visible. All batches with the same time belong to one
    // transaction.
    private const string Step = """
        WITH audit AS (
            SELECT audited_until, GREATEST(audited_until, clock_timestamp() - $2) AS horizon FROM reading_audit FOR UPDATE SKIP LOCKED
        ), next AS (
            SELECT b.*, sum(b.stored) OVER (ORDER BY b.processing_timestamp) AS running, min(b.processing_timestamp) OVER () AS first_time
            FROM (
                SELECT b.* FROM reading_batches b
                WHERE b.processing_timestamp > (SELECT audited_until FROM audit) AND b.processing_timestamp <= (SELECT horizon FROM audit)
                ORDER BY b.processing_timestamp FETCH FIRST 2000 ROWS WITH TIES
            ) b
        ), batches AS MATERIALIZED (
            SELECT * FROM next WHERE running <= $1 OR processing_timestamp = first_time
        ), bound AS MATERIALIZED (
            SELECT audited_until AS since,
                   CASE WHEN (SELECT count(*) FROM next) IN (0, (SELECT count(*) FROM batches)) AND (SELECT count(*) FROM next) < 2000
                        THEN horizon ELSE (SELECT max(processing_timestamp) FROM batches) END AS until
            FROM audit
        ), counted AS (
            SELECT r.log_key, r.kafka_partition, r.processing_timestamp,
                   count(*) AS rows, count(DISTINCT r.kafka_offset) AS offsets, min(r.kafka_offset) AS lowest, max(r.kafka_offset) AS highest
            FROM readings r
            WHERE r.processing_timestamp > (SELECT since FROM bound) AND r.processing_timestamp <= (SELECT until FROM bound)
            GROUP BY 1, 2, 3
        ), wrong AS (
            SELECT COALESCE(b.log_key, c.log_key) AS log_key, COALESCE(b.kafka_partition, c.kafka_partition) AS kafka_partition,
                   COALESCE(b.first_offset, c.lowest) AS kafka_offset, b.consumer_key
            FROM batches b FULL JOIN counted c USING (log_key, kafka_partition, processing_timestamp)
            WHERE b.stored IS DISTINCT FROM c.rows OR c.offsets <> COALESCE(b.messages, b.stored) OR c.lowest < b.first_offset OR c.highest >= b.next_offset
        ), violations AS (
            INSERT INTO ledger_violations (kind, log_key, kafka_partition, kafka_offset, consumer_id)
            SELECT 'miscounted', w.log_key, w.kafka_partition, w.kafka_offset, c.consumer_id FROM wrong w LEFT JOIN consumers c USING (consumer_key)
        ), totals AS (
            SELECT count(*) AS batches, COALESCE(sum(stored), 0)::bigint AS readings, (SELECT count(*) FROM wrong) AS wrong FROM batches
        ), moved AS (
            UPDATE reading_audit a SET audited_until = b.until, batches = a.batches + t.batches, readings = a.readings + t.readings, wrong = a.wrong + t.wrong,
                audited_at = clock_timestamp()
            FROM totals t, bound b
        )
        SELECT batches, readings, wrong FROM totals
        """;

    /// <summary>Counts the next batches.</summary>
    /// <param name="readings">The approximate maximum number of readings.</param>
    /// <param name="age">Younger batches wait: no transaction may stay open that long.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or is not ready.</exception>
    public async Task<AuditStep> StepAsync(int readings, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Step);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = readings });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new AuditStep(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }
}
