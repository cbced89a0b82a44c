using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Reads what changed among the brokers.</summary>
public sealed class ClusterChangeQueries(NpgsqlDataSource dataSource)
{
    private static readonly string Newest = $"""
        SELECT at, kind, component_id, status, detail FROM (
            SELECT at, id, kind, component_id, status, detail FROM cluster_changes
            UNION ALL
            SELECT at, id, component_kind, component_id, status, reason FROM status_changes WHERE component_kind = 'broker'
        ) changes
        WHERE at >= {StoredRange.Since(1)} AND at <= {StoredRange.Until(1)}
        ORDER BY at DESC, kind, id DESC
        LIMIT 200
        """;

    /// <summary>Returns at most 200, newest first.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<ClusterChangeBody>> ReadAsync(StoredRange range, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Newest);
        range.AddTo(command.Parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(row => new ClusterChangeBody(row.Timestamp(0), row.GetString(1), row.GetString(2), row.GetString(3), row.Text(4)), cancellationToken);
    }
}
