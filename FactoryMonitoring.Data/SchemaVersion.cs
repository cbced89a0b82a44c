using System.Reflection;
using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>The database's schema is newer than this service.</summary>
public sealed class NewerSchemaException(string unknown) : Exception(
    $"The database has the migration {unknown}, which this service does not know: its schema is newer than this service. Start the version that made it, or a newer one.");

/// <summary>Compares the migrations in this assembly with those applied to a database.</summary>
public static class SchemaVersion
{
    private const string SelectApplied = "SELECT name FROM schema_migrations ORDER BY name";

    /// <summary>The names of the migrations, in order.</summary>
    public static IReadOnlyList<string> Known { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <exception cref="NewerSchemaException">An applied migration is unknown here.</exception>
    public static void Check(IEnumerable<string> applied)
    {
        if (applied.FirstOrDefault(name => !Known.Contains(name)) is { } unknown)
        {
            throw new NewerSchemaException(unknown);
        }
    }

    /// <summary>Reads the applied migrations; empty if the database has no schema yet.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public static async Task<IReadOnlyList<string>> AppliedAsync(NpgsqlConnection connection)
    {
        try
        {
            await using var command = new NpgsqlCommand(SelectApplied, connection);
            await using var reader = await command.ExecuteReaderAsync();
            var applied = new List<string>();
            while (await reader.ReadAsync())
            {
                applied.Add(reader.GetString(0));
            }

            return applied;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return [];
        }
    }
}
