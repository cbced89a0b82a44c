using System.Reflection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// Applies the forward-only migrations embedded in this assembly, each once and in numerical order, all in one transaction. Concurrent runs are
/// safe: an advisory lock lets one work while the others wait. The same transaction grants the services' roles their privileges.
/// </summary>
public sealed partial class MigrationRunner(NpgsqlDataSource dataSource, ILogger<MigrationRunner> logger)
{
    private const string Lock = "SELECT pg_advisory_xact_lock(hashtext('factory_monitoring.migrations'))";

    private const string CreateHistory =
        "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP)";

    private const string SelectApplied = "SELECT name FROM schema_migrations";

    private const string InsertApplied = "INSERT INTO schema_migrations (name) VALUES ($1)";

    /// <summary>Updates the schema, and grants the services' roles that exist their privileges.</summary>
    /// <param name="passwords">The roles are created, or given these passwords; null creates and changes no roles.</param>
    /// <returns>The names of the applied migrations; empty if there were none to apply.</returns>
    /// <exception cref="NewerSchemaException">The schema is newer than this assembly.</exception>
    /// <exception cref="RolesRefusedException">The connected user may not create roles.</exception>
    /// <exception cref="NpgsqlException">The database cannot be reached, or a migration failed; everything is rolled back.</exception>
    public async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken cancellationToken, RolePasswords? passwords = null)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, Lock, cancellationToken);
        await RoleKeeper.PrepareAsync(connection, passwords, cancellationToken);
        await ExecuteAsync(connection, CreateHistory, cancellationToken);

        var applied = new HashSet<string>();
        await using (var command = new NpgsqlCommand(SelectApplied, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                applied.Add(reader.GetString(0));
            }
        }

        SchemaVersion.Check(applied);
        var pending = SchemaVersion.Known.Where(name => !applied.Contains(name)).ToList();
        foreach (var name in pending)
        {
            await ExecuteAsync(connection, await ReadAsync(name, cancellationToken), cancellationToken);
            await using var insert = new NpgsqlCommand(InsertApplied, connection) { Parameters = { new() { Value = name } } };
            await insert.ExecuteNonQueryAsync(cancellationToken);
            Log.Applied(logger, name);
        }

        await RoleKeeper.GrantAsync(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return pending;
    }

    private static async Task<string> ReadAsync(string name, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // No timeout: a migration may wait for a concurrent run, and may rewrite a table.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Migration {Name} applied")]
        public static partial void Applied(ILogger logger, string name);
    }
}
