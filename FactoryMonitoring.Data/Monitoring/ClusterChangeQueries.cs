using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Reads what changed among the brokers.</summary>
public sealed class ClusterChangeQueries(NpgsqlDataSource dataSource)
{
    private const string Newest = """
        SELECT at, kind, component_id, status, detail FROM (
            SELECT at, id, kind, component_id, status, detail FROM cluster_changes
            UNION ALL
            SELECT at, id, component_kind, component_id, status, reason FROM status_changes WHERE component_kind = 'broker'
        ) changes
        WHERE at > CURRENT_TIMESTAMP - interval '24 h'
        ORDER BY at DESC, kind, id DESC
        LIMIT 200
        """;

    /// <summary>Of the last 24 hours, newest first, at most 200.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<ClusterChangeBody>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Newest);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(row => new ClusterChangeBody(row.Timestamp(0), row.GetString(1), row.GetString(2), row.GetString(3), row.Text(4)), cancellationToken);
    }
}
