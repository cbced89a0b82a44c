using FactoryMonitoring.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Provisioner.Checks;

/// <summary>Checks whether the database can be reached with the settings, and grants the services the rights that they need.</summary>
internal sealed class DatabaseCheck(NpgsqlDataSource dataSource, IOptions<ProvisionerOptions> options)
{
    private const string Subject = "database";
    private const int LeastVersion = 150000;

    private const string SelectSession = """
        SELECT current_user, current_database(), current_schema(), current_setting('server_version'), current_setting('server_version_num')::int,
            COALESCE((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'not encrypted'),
            current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),
            (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('schema_migrations')),
            (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('schema_migrations')),
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
            current_setting('transaction_read_only')::boolean,
            (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user),
            current_setting('server_encoding')
        """;

    private const string Lacks = """
        SELECT privilege, name FROM unnest($1::text[], $2::text[]) g(name, privilege)
        WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name), privilege)
        UNION ALL
        SELECT 'EXECUTE', 'function ' || name FROM unnest($3::text[]) f(name)
        WHERE to_regprocedure(name) IS NOT NULL AND NOT has_function_privilege(to_regprocedure(name), 'EXECUTE')
        """;

    private const string Exists = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";

    private static readonly (string Service, string Role)[] Roles =
    [
        (CheckCommand.Consumers, DatabaseRoles.Ingest), (CheckCommand.Sensors, DatabaseRoles.Sensor), (CheckCommand.MonitoringApi, DatabaseRoles.Monitor),
        (CheckCommand.MonitoringWeb, DatabaseRoles.Audit),
    ];

    private const int Attempts = 3;

    public async Task<IReadOnlyList<Finding>> ExamineAsync(IReadOnlySet<string> services, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await ExamineOnceAsync(services, cancellationToken);
            }
            catch (Exception exception) when (attempt < Attempts && (exception is TimeoutException or NpgsqlException { IsTransient: true }))
            {
                // On a busy machine the first connection can take some time.
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
            {
                return [new(false, Subject, Describe(exception, new NpgsqlConnectionStringBuilder(dataSource.ConnectionString)))];
            }
        }
    }

    private async Task<IReadOnlyList<Finding>> ExamineOnceAsync(IReadOnlySet<string> services, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(SelectSession);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (role, name, version) = (reader.GetString(0), reader.GetString(1), reader.GetString(3));
        var schema = await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2);
        var owner = await reader.IsDBNullAsync(7, cancellationToken) ? null : reader.GetString(7);
        var (mayCreate, mayOwn, isSuperuser) = (reader.GetBoolean(6), !await reader.IsDBNullAsync(8, cancellationToken) && reader.GetBoolean(8), reader.GetBoolean(9));
        var (versionNumber, encryption, isReadOnly, mayCreateRoles) = (reader.GetInt32(4), reader.GetString(5), reader.GetBoolean(10), reader.GetBoolean(11));
        var encoding = reader.GetString(12);
        await reader.CloseAsync();
        var creates = services.Contains(CheckCommand.Provisioner);
        var problems = new List<string>();
        if (versionNumber < LeastVersion)
        {
            problems.Add($"PostgreSQL {version} is too old: 15 or newer is needed");
        }

        if (encoding != "UTF8")
        {
            problems.Add($"Database {name} has the encoding {encoding}: it must be UTF8, or it refuses ids of sensors; create another: CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        }

        if (isReadOnly)
        {
            problems.Add($"Database {name} is read-only: it is a standby, or default_transaction_read_only is on; name the primary, or turn it off: ALTER DATABASE {name} RESET default_transaction_read_only");
        }

        if (schema is null)
        {
            problems.Add($"Role {role} may use no schema of its search_path; grant it: GRANT USAGE, CREATE ON SCHEMA public TO {role}");
        }
        else if (creates && !mayCreate)
        {
            problems.Add($"Role {role} may not create tables in schema {schema}; grant it: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}");
        }

        if (creates && options.Value.RolePasswords is not null && !mayCreateRoles)
        {
            problems.Add(new RolesRefusedException(role).Message);
        }

        if (creates && owner is not null && !mayOwn)
        {
            problems.Add($"The tables belong to {owner}, and only their owner changes the schema; grant it: GRANT {owner} TO {role}");
        }
        else if (!creates && owner is null)
        {
            problems.Add("The schema is missing: the provisioner creates it");
        }
        else if (owner is not null)
        {
            foreach (var (_, wanted) in Roles.Where(each => services.Contains(each.Service)))
            {
                if (await LackingAsync(wanted, cancellationToken) is [var first, ..] lacking)
                {
                    problems.Add($"Role {role} lacks {first.Privilege} on {first.On}{(lacking.Count > 1 ? $" and {lacking.Count - 1} more" : "")}; {await RemedyAsync(role, wanted, lacking, cancellationToken)}");
                }
            }
        }

        return problems.Count > 0
            ? [.. problems.Select(problem => new Finding(false, Subject, problem))]
            : [new(true, Subject, $"PostgreSQL {version}, database {name} as role {role}{(isSuperuser ? " (a superuser: docs/external.md has roles with fewer rights)" : "")}, {encryption}")];
    }

    /// <summary>Returns the privileges that a role of the services has and the connected user lacks.</summary>
    private async Task<IReadOnlyList<(string Privilege, string On)>> LackingAsync(string wanted, CancellationToken cancellationToken)
    {
        var privileges = DatabaseRoles.Grants.SelectMany(grant => grant.Of(wanted).Select(privilege => (grant.Table, Privilege: privilege))).ToArray();
        await using var command = dataSource.CreateCommand(Lacks);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. privileges.Select(each => each.Table)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. privileges.Select(each => each.Privilege)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = wanted == DatabaseRoles.Ingest ? [.. DatabaseRoles.IngestFunctions] : [] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var lacking = new List<(string, string)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            lacking.Add((reader.GetString(0), reader.GetString(1)));
        }

        return lacking;
    }

    private async Task<string> RemedyAsync(string role, string wanted, IReadOnlyList<(string Privilege, string On)> lacking, CancellationToken cancellationToken)
    {
        if (role == wanted)
        {
            return "the provisioner grants it: run it again";
        }

        await using var command = dataSource.CreateCommand(Exists);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = wanted });
        return await command.ExecuteScalarAsync(cancellationToken) is true
            ? $"grant it: GRANT {wanted} TO {role}"
            : $"grant it: {string.Join("; ", lacking.GroupBy(each => each.On, each => each.Privilege).Select(each => $"GRANT {string.Join(", ", each)} ON {each.Key} TO {role}"))}";
    }

    /// <summary>Returns what is wrong and what to do.</summary>
    public static string Describe(Exception exception, NpgsqlConnectionStringBuilder connection)
    {
        var text = exception.InnerException is { } inner ? $"{exception.Message}: {inner.Message}" : exception.Message;
        return (exception as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.InvalidCatalogName => $"{text}; create it: CREATE DATABASE {connection.Database} OWNER {connection.Username}",
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => $"{text}; check the user, the password and the server's pg_hba.conf",
            PostgresErrorCodes.InsufficientPrivilege => $"{text}; grant it: GRANT CONNECT ON DATABASE {connection.Database} TO {connection.Username}",
            _ => $"{SeveralHosts.Describe(connection)}: {text}",
        };
    }
}
