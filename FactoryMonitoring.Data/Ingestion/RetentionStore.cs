using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>Deletes what is past the retention, by the database's clock, from the small tables; the days of readings are dropped by <see cref="ReadingPartitions"/>.</summary>
public sealed class RetentionStore(NpgsqlDataSource dataSource)
{
    private const int RowsAtOnce = 10_000;

    // Each by the index that its schema justifies; a few rows at a time, so that nobody waits for long.
    private static readonly string[] Deletes =
    [
        "DELETE FROM ingest_buckets WHERE ctid = ANY (ARRAY(SELECT ctid FROM ingest_buckets WHERE bucket < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM consumer_samples WHERE ctid = ANY (ARRAY(SELECT ctid FROM consumer_samples WHERE at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM producer_samples WHERE ctid = ANY (ARRAY(SELECT ctid FROM producer_samples WHERE at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM lag_samples WHERE ctid = ANY (ARRAY(SELECT ctid FROM lag_samples WHERE at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM rejected_messages WHERE ctid = ANY (ARRAY(SELECT ctid FROM rejected_messages WHERE rejected_at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM alerts WHERE ctid = ANY (ARRAY(SELECT ctid FROM alerts WHERE \"timestamp\" < statement_timestamp() - (SELECT keep FROM retention) AND resolved_at IS NOT NULL LIMIT $1))",
        "DELETE FROM rebalancing_events WHERE ctid = ANY (ARRAY(SELECT ctid FROM rebalancing_events WHERE \"timestamp\" < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM status_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM status_changes WHERE at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM component_exits WHERE ctid = ANY (ARRAY(SELECT ctid FROM component_exits WHERE at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
        "DELETE FROM partition_ownership WHERE ctid = ANY (ARRAY(SELECT ctid FROM partition_ownership WHERE ended_at < statement_timestamp() - (SELECT keep FROM retention) LIMIT $1))",
    ];

    private const string Keep = """
        INSERT INTO retention (keep) VALUES ($1) ON CONFLICT (only_row) DO UPDATE SET keep = excluded.keep, set_at = excluded.set_at
        """;

    /// <summary>From now on this much is kept, whoever prunes.</summary>
    /// <param name="keep">A day at least.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses.</exception>
    public async Task KeepAsync(TimeSpan keep, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Keep);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = keep });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <exception cref="NpgsqlException">The database cannot be reached; what was deleted so far stays deleted.</exception>
    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        foreach (var sql in Deletes)
        {
            int deleted;
            do
            {
                await using var command = dataSource.CreateCommand(sql);
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = RowsAtOnce });
                deleted = await command.ExecuteNonQueryAsync(cancellationToken);
            }
            while (deleted == RowsAtOnce);
        }
    }
}
