using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>
/// Sums up the samples of each second by the minute, so that a curve of days costs no more than one of an hour. Several API processes may do it: each minute
/// is stored once.
/// </summary>
public sealed class MinuteStore(NpgsqlDataSource dataSource)
{
    // Samples are written in the second that they are about; a minute is over for good a little later. An hour at once, so that no statement takes long.
    private const string Select = """
        SELECT since, LEAST(since + interval '1 hour', last), last
        FROM (
            SELECT COALESCE($1, (SELECT max(at) + interval '1 min' FROM pipeline_minutes), date_bin('1 min', LEAST(
                (SELECT min(at) FROM consumer_samples), (SELECT min(at) FROM producer_samples), (SELECT min(at) FROM lag_samples)), 'epoch')) AS since,
                date_bin('1 min', CURRENT_TIMESTAMP - interval '20 s', 'epoch') AS last
        ) next
        WHERE since < last
        """;

    private const string InsertPipeline = """
        WITH stored AS (
            SELECT date_bin('1 min', at, 'epoch') AS at, sum(stored) AS stored FROM consumer_samples WHERE at >= $1 AND at < $2 GROUP BY 1
        ), latencies AS (
            SELECT at, array_agg(n ORDER BY bucket) AS histogram
            FROM (
                SELECT date_bin('1 min', s.at, 'epoch') AS at, u.bucket, sum(u.n)::integer AS n
                FROM consumer_samples s, unnest(s.latency_histogram) WITH ORDINALITY u(n, bucket)
                WHERE s.at >= $1 AND s.at < $2
                GROUP BY 1, 2
            ) counts
            GROUP BY at
        ), acknowledged AS (
            SELECT date_bin('1 min', at, 'epoch') AS at, sum(acknowledged) AS acknowledged FROM producer_samples WHERE at >= $1 AND at < $2 GROUP BY 1
        ), lags AS (
            SELECT date_bin('1 min', at, 'epoch') AS at, max(lag) AS lag, max(lag_seconds) AS seconds FROM lag_samples WHERE at >= $1 AND at < $2 GROUP BY 1
        )
        INSERT INTO pipeline_minutes (at, acknowledged, stored, latency_histogram, lag, lag_seconds)
        SELECT at, COALESCE(a.acknowledged, 0), COALESCE(s.stored, 0), COALESCE(l.histogram, '{}'), g.lag, g.seconds
        FROM stored s FULL JOIN latencies l USING (at) FULL JOIN acknowledged a USING (at) FULL JOIN lags g USING (at)
        ORDER BY at
        ON CONFLICT DO NOTHING
        """;

    private const string InsertConsumers = """
        INSERT INTO consumer_minutes (at, consumer_id, stored)
        SELECT date_bin('1 min', at, 'epoch'), consumer_id, sum(stored) FROM consumer_samples WHERE at >= $1 AND at < $2 GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Sums up the next minutes, an hour of them at most.</summary>
    /// <param name="from">Where the last call ended; null for the first call.</param>
    /// <returns>Where the next call begins, and whether more is to be done now.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<(DateTimeOffset? From, bool IsMore)> SumUpAsync(DateTimeOffset? from, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        (DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset Last)[] next;
        await using (var select = new NpgsqlCommand(Select, connection) { Parameters = { Parameters.Timestamp(from) } })
        await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
        {
            next = [.. await reader.RowsAsync(row => (row.Timestamp(0), row.Timestamp(1), row.Timestamp(2)), cancellationToken)];
        }

        if (next is not [var (since, until, last)])
        {
            return (from, false);
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var sql in (string[])[InsertPipeline, InsertConsumers])
        {
            batch.BatchCommands.Add(new(sql) { Parameters = { Parameters.Timestamp(since), Parameters.Timestamp(until) } });
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (until, until < last);
    }
}
