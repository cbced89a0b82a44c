using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>
/// Computes the ledger from its counters: what is acknowledged, what is settled, and the ranges below next_offset that are not settled yet. Such a range counts as
/// stored until the partition's owner has had a minute for it, and then as unsettled until it is compared; a range at or past next_offset is in flight. An earlier
/// log's ranges count as stored if they were passed: no consumer settles them any more.
/// </summary>
internal static class LedgerQueries
{
    internal static readonly LedgerBody None = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, [], [], []);

    private const string Current = "(SELECT log_key FROM partition_offsets WHERE topic = $1 ORDER BY claimed_at DESC NULLS LAST, log_key DESC LIMIT 1)";

    private const string IsAwaited = $"(log_key = {Current} OR claimed.at IS NULL AND NOT acknowledged_at < COALESCE((SELECT max(claimed_at) FROM partition_offsets WHERE topic = $1), '-infinity'))";

    // "waiting" is what no consumer has passed yet. In an earlier log it stays in flight forever, so it counts as unreachable and not in the sum.
    // The query reads only the total of what waits, because that can be millions of ranges.
    internal const string Producers = $"""
        WITH account AS (
            SELECT producer_id, COALESCE(l.stored, 0) + COALESCE(p.passed, 0) AS stored, COALESCE(l.rejected, 0) AS rejected, COALESCE(l.missing, 0) AS missing,
                   COALESCE(l.unreachable, 0) AS unreachable, {IsAwaited} AS is_awaited,
                   CASE WHEN log_key = {Current} THEN COALESCE(p.overdue, 0) ELSE 0 END AS overdue, CASE WHEN log_key = {Current} THEN p.oldest END AS oldest,
                   GREATEST(COALESCE(t.acknowledged, 0) - COALESCE(l.acknowledged, 0) - COALESCE(l.unreachable, 0) - COALESCE(p.passed, 0), 0) AS waiting
            FROM acknowledged_totals t
            FULL JOIN ledger l USING (producer_id, log_key, kafka_partition)
            LEFT JOIN passed_acknowledgements($1) p USING (producer_id, log_key, kafka_partition)
            LEFT JOIN (SELECT log_key, kafka_partition, next_offset AS at FROM partition_offsets WHERE topic = $1) claimed USING (log_key, kafka_partition)
        )
        SELECT producer_id, (sum(stored) - sum(overdue))::bigint, sum(rejected)::bigint, COALESCE(sum(waiting) FILTER (WHERE is_awaited), 0)::bigint, sum(missing)::bigint,
               (sum(unreachable) + COALESCE(sum(waiting) FILTER (WHERE NOT is_awaited), 0))::bigint,
               sum(overdue)::bigint, min(oldest)
        FROM account
        GROUP BY producer_id
        ORDER BY producer_id
        """;

    private const string Totals = """
        SELECT COALESCE(sum(stored), 0)::bigint, COALESCE(sum(redelivered), 0)::bigint, COALESCE(sum(duplicated), 0)::bigint,
               COALESCE(sum(uncounted), 0)::bigint, COALESCE(sum(rejected), 0)::bigint
        FROM partition_offsets WHERE topic = $1
        """;

    private const string Partitions = $"""
        SELECT o.kafka_partition, l.log_id, o.stored, o.redelivered, o.rejected, o.duplicated, o.skipped, o.first_offset, o.next_offset, o.messages
        FROM partition_offsets o JOIN logs l USING (log_key)
        WHERE o.topic = $1 AND o.log_key = {Current}
        ORDER BY o.kafka_partition
        """;

    private const string Violations = """
        SELECT kind, noticed_at, sensor_id, producer_id, first_count, last_count, kafka_partition, kafka_offset, consumer_id
        FROM ledger_violations
        ORDER BY id DESC
        LIMIT 20
        """;

    // A snapshot is written before what it knows is settled.
    private const string Settled = $"SELECT min(written_at) FROM detector_snapshots WHERE topic = $1 AND log_key = {Current}";

    private const string Audit = "SELECT audited_until, batches, readings, wrong FROM reading_audit";

    /// <summary>Adds the statements whose results <see cref="ReadAsync"/> reads, in its order.</summary>
    internal static void Add(NpgsqlBatch batch, string topic)
    {
        foreach (var sql in (string[])[Producers, Totals, Partitions, Settled])
        {
            batch.BatchCommands.Add(new(sql) { Parameters = { Parameters.Text(topic) } });
        }

        batch.BatchCommands.Add(new(Violations));
        batch.BatchCommands.Add(new(Audit));
    }

    internal static async Task<LedgerBody> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var producers = await reader.RowsAsync(
            row => (Body: Producer(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(6)), Unreachable: row.GetInt64(5), Oldest: row.Value<DateTimeOffset>(7)),
            cancellationToken);
        var totals = await reader.RowsAsync(row => (Stored: row.GetInt64(0), Redelivered: row.GetInt64(1), Duplicated: row.GetInt64(2), Uncounted: row.GetInt64(3), Rejected: row.GetInt64(4)), cancellationToken);
        var partitions = await reader.RowsAsync(
            row => new PartitionLedger(
                row.GetInt32(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8),
                row.GetInt64(9)),
            cancellationToken);
        var settled = await reader.RowsAsync(row => row.Value<DateTimeOffset>(0), cancellationToken);
        var violations = await reader.RowsAsync(
            row => new LedgerViolation(
                row.GetString(0), row.Timestamp(1), row.Text(2), row.Text(3), row.Value<long>(4), row.Value<long>(5), row.Value<int>(6), row.Value<long>(7), row.Text(8)),
            cancellationToken);

        var audits = await reader.RowsAsync(row => new LedgerAudit(row.Timestamp(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)), cancellationToken);

        var unsettled = producers.Sum(producer => producer.Body.Unsettled);
        var oldest = producers.Min(producer => producer.Oldest);
        var storedAcknowledged = producers.Sum(producer => producer.Body.StoredAcknowledged);
        return new(
            producers.Sum(producer => producer.Body.Acknowledged),
            totals[0].Stored,
            storedAcknowledged,
            totals[0].Redelivered,
            totals[0].Rejected,
            producers.Sum(producer => producer.Body.Rejected),
            producers.Sum(producer => producer.Body.InFlight),
            producers.Sum(producer => producer.Body.Missing),
            totals[0].Duplicated,
            Math.Max(0, totals[0].Stored - totals[0].Uncounted - storedAcknowledged - unsettled),
            totals[0].Uncounted,
            producers.Sum(producer => producer.Unreachable),
            [.. producers.Select(producer => producer.Body)],
            partitions,
            violations,
            oldest < settled[0] ? oldest : settled[0],
            audits is [var audit, ..] ? audit : null,
            Unsettled: unsettled);
    }

    private static ProducerLedger Producer(string id, long stored, long rejected, long inFlight, long missing, long unsettled) =>
        new(id, stored + rejected + inFlight + missing + unsettled, stored, rejected, inFlight, missing, unsettled);
}
