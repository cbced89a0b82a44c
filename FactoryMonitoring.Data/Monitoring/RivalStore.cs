using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>The process that last wrote the row of a component.</summary>
public sealed record RowWriter(Guid InstanceId, string Host, int ProcessId, DateTime StartedAt, DateTime WrittenAt);

/// <summary>
/// Reads which process writes the heartbeat of a component: two processes with the same name are two stacks that share a database by mistake.
/// </summary>
/// <param name="table">consumer_health or producer_health.</param>
/// <param name="key">The column of the component's name.</param>
public sealed class RivalStore(NpgsqlDataSource dataSource, string table, string key)
{
    /// <returns>The time by the database's clock, and the writer; null if there is no row yet.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<(DateTime Now, RowWriter? Writer)> ReadAsync(string id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"SELECT clock_timestamp(), instance_id, host, process_id, started_at, last_heartbeat FROM (VALUES ($1)) v(id) LEFT JOIN {table} h ON h.{key} = v.id");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var writer = await reader.IsDBNullAsync(1, cancellationToken)
            ? null
            : new RowWriter(reader.GetGuid(1), reader.GetString(2), reader.GetInt32(3), reader.GetDateTime(4), reader.GetDateTime(5));
        return (reader.GetDateTime(0), writer);
    }
}
