using Npgsql;

namespace FactoryMonitoring.Provisioner.Checks;

/// <summary>Whether the database can be reached with the settings, and lets the services do what they do there.</summary>
internal sealed class DatabaseCheck(NpgsqlDataSource dataSource)
{
    private const string Subject = "database";
    private const int LeastVersion = 150000;

    private const string Look = """
        SELECT current_user, current_database(), current_schema(), current_setting('server_version'), current_setting('server_version_num')::int,
            COALESCE((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'not encrypted'),
            current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),
            (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('schema_migrations')),
            (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('schema_migrations')),
            ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND NOT (has_table_privilege(oid, 'SELECT')
                AND (relkind = 'v' OR has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))) ORDER BY 1)
        """;

    private const int Attempts = 3;

    public async Task<IReadOnlyList<Finding>> ExamineAsync(IReadOnlySet<string> services, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await LookAsync(services, cancellationToken);
            }
            catch (Exception exception) when (attempt < Attempts && (exception is TimeoutException or NpgsqlException { IsTransient: true }))
            {
                // On a busy machine the first connection takes its time.
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
            {
                return [new(false, Subject, Describe(exception, new NpgsqlConnectionStringBuilder(dataSource.ConnectionString)))];
            }
        }
    }

    private async Task<IReadOnlyList<Finding>> LookAsync(IReadOnlySet<string> services, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Look);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (role, name, version) = (reader.GetString(0), reader.GetString(1), reader.GetString(3));
        var schema = await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2);
        var owner = await reader.IsDBNullAsync(7, cancellationToken) ? null : reader.GetString(7);
        var creates = services.Contains(CheckCommand.Provisioner) || services.Contains(CheckCommand.Consumers);
        var problems = new List<string>();
        if (reader.GetInt32(4) < LeastVersion)
        {
            problems.Add($"PostgreSQL {version} is too old: 15 or newer is needed");
        }

        if (schema is null)
        {
            problems.Add($"Role {role} may use no schema of its search_path; grant it: GRANT USAGE, CREATE ON SCHEMA public TO {role}");
        }
        else if (creates && !reader.GetBoolean(6))
        {
            problems.Add($"Role {role} may not create tables in schema {schema}; grant it: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}");
        }

        if (creates && owner is not null && !reader.GetBoolean(8))
        {
            problems.Add($"The tables belong to {owner}, and only their owner makes and drops the days of readings; grant it: GRANT {owner} TO {role}");
        }
        else if (!creates && owner is null)
        {
            problems.Add("The schema is missing: the provisioner creates it");
        }
        else if (!creates && reader.GetFieldValue<string[]>(9) is { Length: > 0 } closed)
        {
            problems.Add(
                $"Role {role} lacks SELECT, INSERT, UPDATE or DELETE on {closed[0]}{(closed.Length > 1 ? $" and {closed.Length - 1} more" : "")}; "
                + $"grant it: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}");
        }

        return problems.Count > 0
            ? [.. problems.Select(problem => new Finding(false, Subject, problem))]
            : [new(true, Subject, $"PostgreSQL {version}, database {name} as role {role}, {reader.GetString(5)}")];
    }

    /// <summary>Says what is wrong and what to do.</summary>
    public static string Describe(Exception exception, NpgsqlConnectionStringBuilder connection)
    {
        var text = exception.InnerException is { } inner ? $"{exception.Message}: {inner.Message}" : exception.Message;
        return (exception as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.InvalidCatalogName => $"{text}; create it: CREATE DATABASE {connection.Database} OWNER {connection.Username}",
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => $"{text}; check the user, the password and the server's pg_hba.conf",
            PostgresErrorCodes.InsufficientPrivilege => $"{text}; grant it: GRANT CONNECT ON DATABASE {connection.Database} TO {connection.Username}",
            _ => $"{connection.Host}:{connection.Port}: {text}",
        };
    }
}
