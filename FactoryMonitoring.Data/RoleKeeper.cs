using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>The connected user may not create the roles for which passwords are set.</summary>
public sealed class RolesRefusedException(string user) : Exception(
    $"Role {user} may not create roles, and passwords for {string.Join(", ", DatabaseRoles.Services)} are set (DATABASE_INGEST_PASSWORD, …): grant it: ALTER ROLE {user} CREATEROLE; "
    + "or have an administrator create the roles and leave these settings out (docs/external.md)");

/// <summary>Creates the roles of <see cref="DatabaseRoles"/> and grants their privileges, within the transaction that updates the schema.</summary>
internal static class RoleKeeper
{
    private const string SelectUser = """
        SELECT current_user, rolsuper, rolcreaterole, current_schema(),
            (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('schema_migrations'))
        FROM pg_roles WHERE rolname = current_user
        """;

    private const string Plain = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

    // Before the roles existed, the superuser that all services signed in as created the tables and therefore owns them.
    private static readonly string TakeOver = $"""
        DO $do$
        DECLARE
            former oid := (SELECT relowner FROM pg_class WHERE oid = to_regclass('schema_migrations'));
            change text;
        BEGIN
            IF (SELECT datdba <> '{DatabaseRoles.Owner}'::regrole FROM pg_database WHERE datname = current_database()) THEN
                EXECUTE format('ALTER DATABASE %I OWNER TO {DatabaseRoles.Owner}', current_database());
            END IF;
            IF (SELECT nspowner NOT IN ('{DatabaseRoles.Owner}'::regrole, 'pg_database_owner'::regrole) FROM pg_namespace WHERE nspname = current_schema()) THEN
                EXECUTE format('ALTER SCHEMA %I OWNER TO {DatabaseRoles.Owner}', current_schema());
            END IF;
            IF former <> '{DatabaseRoles.Owner}'::regrole THEN
                FOR change IN
                    SELECT format('%s %s', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass)
                    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relowner = former AND relkind IN ('r', 'p', 'v')
                    UNION ALL
                    SELECT format('FUNCTION %s', p.oid::regprocedure) FROM pg_proc p
                    WHERE pronamespace = current_schema()::regnamespace AND proowner = former
                      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
                LOOP
                    EXECUTE format('ALTER %s OWNER TO {DatabaseRoles.Owner}', change);
                END LOOP;
            END IF;
            -- Also in a copy of the database, which belongs to whoever made it.
            EXECUTE format('GRANT ALL ON SCHEMA %I TO {DatabaseRoles.Owner}', current_schema());
            EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO {string.Join(", ", DatabaseRoles.Services)}', current_database());
            EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
        END $do$
        """;

    private const string SelectRoles = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1)";

    private const string SelectGranted = """
        SELECT c.relname::text, pg_get_userbyid(a.grantee)::text, array_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = current_schema()::regnamespace AND a.grantee <> 0 AND pg_get_userbyid(a.grantee) = ANY ($1)
        GROUP BY 1, 2
        """;

    /// <summary>
    /// Creates the roles if their passwords are given. A superuser transfers what it owned to <see cref="DatabaseRoles.Owner"/> and acts as that role until the
    /// end of the transaction; a user who may only create roles remains the owner.
    /// </summary>
    public static async Task PrepareAsync(NpgsqlConnection connection, RolePasswords? passwords, CancellationToken cancellationToken)
    {
        string user;
        string? owner;
        bool isSuperuser, createsRoles;
        await using (var look = new NpgsqlCommand(SelectUser, connection))
        await using (var reader = await look.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            (user, isSuperuser, createsRoles) = (reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2));
            // The statement that creates the first table reports a missing schema.
            if (await reader.IsDBNullAsync(3, cancellationToken))
            {
                return;
            }

            owner = await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetString(4);
        }

        if (passwords is not null)
        {
            if (!isSuperuser && !createsRoles)
            {
                throw new RolesRefusedException(user);
            }

            foreach (var role in DatabaseRoles.Services)
            {
                await MakeAsync(role, $"LOGIN {(isSuperuser ? Plain : "")} PASSWORD '{RolePasswords.Verifier(passwords.Of(role))}'");
            }

            if (isSuperuser)
            {
                await MakeAsync(DatabaseRoles.Owner, $"NOLOGIN {Plain}");
                await ExecuteAsync(connection, TakeOver, cancellationToken);
                owner = DatabaseRoles.Owner;
            }
        }

        if (owner == DatabaseRoles.Owner)
        {
            await ExecuteAsync(connection, $"SELECT set_config('search_path', quote_ident(current_schema()), true); SET LOCAL ROLE {DatabaseRoles.Owner}", cancellationToken);
        }

        // Another database of the same server may be creating the role at this moment.
        Task MakeAsync(string role, string attributes) => ExecuteAsync(
            connection,
            $"DO $do$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$; ALTER ROLE {role} {attributes}",
            cancellationToken);
    }

    /// <summary>Grants the existing roles the privileges in <see cref="DatabaseRoles.Grants"/>, and revokes all others.</summary>
    public static async Task GrantAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var roles = new List<string>();
        await using (var select = new NpgsqlCommand(SelectRoles, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. DatabaseRoles.Services] } } })
        await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                roles.Add(reader.GetString(0));
            }
        }

        if (roles.Count == 0)
        {
            return;
        }

        var granted = new Dictionary<(string, string), string[]>();
        await using (var select = new NpgsqlCommand(SelectGranted, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. roles] } } })
        await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                granted[(reader.GetString(0), reader.GetString(1))] = reader.GetFieldValue<string[]>(2);
            }
        }

        var statements = new List<string>();
        foreach (var role in roles)
        {
            statements.Add($"DO $do$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {role}', current_schema()); END $do$");
            foreach (var grant in DatabaseRoles.Grants)
            {
                var wanted = grant.Of(role);
                if (!wanted.ToHashSet().SetEquals(granted.GetValueOrDefault((grant.Table, role), [])))
                {
                    statements.Add($"REVOKE ALL ON {grant.Table} FROM {role}");
                    if (wanted.Count > 0)
                    {
                        statements.Add($"GRANT {string.Join(", ", wanted)} ON {grant.Table} TO {role}");
                    }
                }
            }
        }

        if (roles.Contains(DatabaseRoles.Ingest))
        {
            statements.AddRange(DatabaseRoles.IngestFunctions.Select(function => $"GRANT EXECUTE ON FUNCTION {function} TO {DatabaseRoles.Ingest}"));
        }

        await ExecuteAsync(connection, string.Join(";\n", statements), cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // It may wait for sessions that use a table.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
