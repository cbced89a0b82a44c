using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Reads which consumer owned which partition when, and what else happened meanwhile.</summary>
public sealed class OwnershipQueries(NpgsqlDataSource dataSource)
{
    private static readonly string Bounds = $"SELECT {StoredRange.Since(1)}, {StoredRange.Until(1)}";

    // If there are too many, the present owners and the newest ownerships are read.
    // The last ownership in a log that no longer exists is never closed: it ended with its last commit.
    private static readonly string Spans = $"""
        WITH present AS (
            SELECT log_key FROM partition_offsets WHERE topic = $1 ORDER BY claimed_at DESC NULLS LAST, log_key DESC LIMIT 1
        ), spans AS (
            SELECT p.kafka_partition, p.epoch, p.consumer_id, p.claimed_at, COALESCE(p.recovered_at, o.recovered_at) AS recovered_at,
                   COALESCE(p.last_commit_at, CASE WHEN o.last_commit_at >= p.claimed_at THEN o.last_commit_at END) AS last_commit_at,
                   COALESCE(p.ended_at, CASE WHEN p.log_key <> (SELECT log_key FROM present) THEN GREATEST(o.last_commit_at, p.claimed_at) END) AS ended_at,
                   COALESCE(p.ended_by, CASE WHEN p.log_key <> (SELECT log_key FROM present) THEN 'lost' END) AS ended_by,
                   COALESCE(p.stored, o.stored_in_epoch, 0) AS stored
            FROM partition_ownership p
            LEFT JOIN partition_offsets o ON o.log_key = p.log_key AND o.topic = p.topic AND o.kafka_partition = p.kafka_partition AND o.epoch = p.epoch
            WHERE p.topic = $1
        ), stalls AS (
            SELECT *, lag(ended_at) OVER (PARTITION BY kafka_partition ORDER BY claimed_at) AS predecessor_ended_at FROM spans
        )
        SELECT kafka_partition, epoch, consumer_id, claimed_at, recovered_at, last_commit_at, ended_at, ended_by, stored,
               (extract(epoch FROM recovered_at - predecessor_ended_at) * 1000)::integer
        FROM stalls
        WHERE (ended_at IS NULL OR ended_at >= {StoredRange.Since(2)}) AND claimed_at <= {StoredRange.Until(2)}
        ORDER BY ended_at DESC NULLS FIRST, claimed_at DESC
        LIMIT 5000
        """;

    private static readonly string StatusChanges = $"""
        SELECT component_kind, component_id, status, reason, at FROM status_changes
        WHERE at >= {StoredRange.Since(1)} AND at <= {StoredRange.Until(1)}
        ORDER BY at DESC, id DESC
        LIMIT 1000
        """;

    private static readonly string Exits = $"""
        SELECT component_id, at, exit_code, cause, asked_by FROM component_exits
        WHERE at >= {StoredRange.Since(1)} AND at <= {StoredRange.Until(1)}
        ORDER BY at DESC
        LIMIT 500
        """;

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<OwnershipBody> ReadAsync(string topic, StoredRange range, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(Bounds), new(Spans) { Parameters = { Parameters.Text(topic) } }, new(StatusChanges), new(Exits) },
        };
        foreach (NpgsqlBatchCommand command in batch.BatchCommands)
        {
            range.AddTo(command.Parameters);
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var bounds = await reader.RowsAsync(row => (From: row.Timestamp(0), To: row.Timestamp(1)), cancellationToken);
        var spans = await reader.RowsAsync(Span, cancellationToken);
        var changes = await reader.RowsAsync(StatusChange, cancellationToken);
        var exits = await reader.RowsAsync(Exit, cancellationToken);
        return new(bounds[0].From, bounds[0].To, [.. spans.OrderBy(span => span.Partition).ThenBy(span => span.ClaimedAt)], [.. changes.Select(Mark).Concat(exits.Select(Mark)).OfType<TimelineMark>().OrderBy(mark => mark.At)]);
    }

    internal static StatusChangeRow StatusChange(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.Text(3), row.Timestamp(4));

    internal static ComponentExitRow Exit(NpgsqlDataReader row) => new(row.GetString(0), row.Timestamp(1), row.Value<int>(2), WireName.Parse<ExitCause>(row.GetString(3)), row.Text(4));

    private static OwnershipSpan Span(NpgsqlDataReader row) => new(
        row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.Timestamp(3), row.Value<DateTimeOffset>(4), row.Value<DateTimeOffset>(5),
        row.Value<DateTimeOffset>(6), row.Text(7), row.GetInt64(8), row.Value<int>(9));

    private static TimelineMark? Mark(StatusChangeRow row) => (row.Kind, row.Status) switch
    {
        ("consumer" or "producer", "active") => new(row.At, "join", row.ComponentId, row.Reason),
        ("consumer" or "producer", _) => new(row.At, "leave", row.ComponentId, row.Reason),
        ("broker" or "database", "up" or "down") => new(row.At, $"{row.Kind}-{row.Status}", row.ComponentId, row.Reason),
        _ => null,
    };

    // A component that was asked to stop reports its own leave, and a component that has finished, such as the provisioner, is not an event.
    private static TimelineMark? Mark(ComponentExitRow row) => row.Cause == ExitCause.Stopped || row is { IsKill: false, ExitCode: 0 }
        ? null
        : new(row.At, row.IsKill ? "kill" : "exit", row.ComponentId, row.AskedBy is { } who ? $"by {who}" : row.ExitCode is { } code ? $"exit code {code}" : null);
}
