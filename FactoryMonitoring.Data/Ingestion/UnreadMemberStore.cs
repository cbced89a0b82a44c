using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>Records the numbers in a sensor's messages that are not read, one row for each sensor.</summary>
public sealed class UnreadMemberStore(NpgsqlDataSource dataSource)
{
    private const string Upsert = """
        INSERT INTO unread_members (sensor_id, names) SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1
        ON CONFLICT (sensor_id) DO UPDATE SET names = excluded.names, seen_at = excluded.seen_at
        """;

    /// <param name="names">By sensor, the names in its last messages, separated by commas.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses.</exception>
    public async Task WriteAsync(IReadOnlyDictionary<string, string> names, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(names);
        await using var command = dataSource.CreateCommand(Upsert);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. names.Keys] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. names.Values] });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
