using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace FactoryMonitoring.Tests.Data;

/// <summary>The exact rights of the services' roles. All other tests of this project show that these rights are sufficient: they run as these roles.</summary>
public sealed class RoleTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly RolePasswords Passwords = new("ingest-secret", "sensor-secret", "monitor-secret", "audit-secret");

    public static TheoryData<string> Roles => [.. DatabaseRoles.Services];

    [Fact]
    public async Task Each_table_is_in_the_matrix_and_each_role_has_what_stands_there_and_nothing_else()
    {
        // The partitions of readings, and PUBLIC, have no rights of their own: any way in which a role has a right on a table counts.
        var rows = await Database.RowsAsync(
            $"""
            SELECT c.relname::text, r.role, COALESCE(string_agg(p.privilege, ', ' ORDER BY p.n) FILTER (WHERE has_table_privilege(r.role, c.oid, p.privilege)), '')
            FROM pg_class c CROSS JOIN unnest(ARRAY['{string.Join("','", DatabaseRoles.Services)}']) r(role)
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) WITH ORDINALITY p(privilege, n)
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (c.relkind <> 'S' OR has_sequence_privilege(r.role, c.oid, 'USAGE, UPDATE'))
            GROUP BY 1, 2
            """,
            Timeout);
        var days = rows.Where(row => ((string)row[0]!).Any(char.IsAsciiDigit)).ToList();

        Assert.Equal(
            DatabaseRoles.Grants.SelectMany(grant => DatabaseRoles.Services.Select(role => $"{grant.Table} {role}: {string.Join(", ", grant.Of(role))}")).Order(StringComparer.Ordinal),
            rows.Except(days).Select(row => $"{row[0]} {row[1]}: {row[2]}").Order(StringComparer.Ordinal));
        Assert.NotEmpty(days);
        Assert.All(days, row => Assert.Equal("", row[2]));
    }

    [Fact]
    public async Task The_matrix_of_the_functions_is_that_of_the_database()
    {
        var rows = await Database.RowsAsync(
            $"""
            SELECT p.oid::regprocedure::text, r.role FROM pg_proc p CROSS JOIN unnest(ARRAY['{string.Join("','", DatabaseRoles.Services)}']) r(role)
            WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege(r.role, p.oid, 'EXECUTE') ORDER BY 1
            """,
            Timeout);

        Assert.Equal(DatabaseRoles.IngestFunctions.Order(StringComparer.Ordinal).Select(function => (function, DatabaseRoles.Ingest)), rows.Select(row => ((string)row[0]!, (string)row[1]!)));
        // The caller of a function does not decide which tables it refers to.
        Assert.Equal([[true]], await Database.RowsAsync("SELECT bool_and(array_to_string(proconfig, ' ') LIKE '%search_path=public, pg_temp%') FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace", Timeout));
    }

    [Fact]
    public async Task Nobody_signs_in_as_the_owner_of_everything_and_no_role_of_a_service_is_more_than_it_seems()
    {
        Assert.Equal(
            [[DatabaseRoles.Owner]],
            await Database.RowsAsync("""
                SELECT DISTINCT pg_get_userbyid(owner)::text FROM (
                    SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace
                    UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace) o(owner)
                """, Timeout));
        Assert.Equal(
            [[DatabaseRoles.Audit, true, false], [DatabaseRoles.Ingest, true, false], [DatabaseRoles.Monitor, true, false], [DatabaseRoles.Owner, false, false], [DatabaseRoles.Sensor, true, false]],
            await Database.RowsAsync("""
                SELECT rolname::text, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
                    OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
                FROM pg_roles r WHERE rolname LIKE 'factory\_%' AND rolname <> 'factory_user' ORDER BY 1
                """, Timeout));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_role_of_a_service_runs_no_program_reads_no_file_and_becomes_nobody_else(string role)
    {
        await using var dataSource = NpgsqlDataSource.Create(Database.ConnectionStringOf(role));
        foreach (var sql in (string[])
            [
                "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'", "COPY retention TO PROGRAM 'cat >/dev/null'", "COPY schema_migrations FROM PROGRAM 'echo x'", "COPY (SELECT 1) TO '/tmp/x'",
                "SELECT pg_read_file('PG_VERSION')", "SELECT lo_import('/etc/passwd')", "CREATE TABLE mine (n integer)", "CREATE SCHEMA mine", "CREATE ROLE mine",
                $"SET ROLE {DatabaseRoles.Owner}", "DROP TABLE readings", "TRUNCATE readings", "ALTER TABLE audit_log DISABLE TRIGGER ALL", "ALTER SYSTEM SET ssl = off",
                "SELECT ensure_reading_day('2040-01-01')", "UPDATE retention SET keep = '1 day'", "SELECT rolpassword FROM pg_authid",
            ])
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(async () =>
            {
                await using var command = dataSource.CreateCommand(sql);
                await command.ExecuteNonQueryAsync(Timeout);
            });
            Assert.Equal((sql, PostgresErrorCodes.InsufficientPrivilege), (sql, refused.SqlState));
        }
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task No_role_of_a_service_changes_the_audit_log(string role)
    {
        await Database.ScalarAsync<object>("INSERT INTO audit_log (at, who, act, done, result) VALUES (now() - interval '2 years', 'ada', 'kill', true, '')", Timeout);
        await using var dataSource = NpgsqlDataSource.Create(Database.ConnectionStringOf(role));
        foreach (var sql in (string[])["UPDATE audit_log SET who = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"])
        {
            await using var command = dataSource.CreateCommand(sql);
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Timeout))).SqlState);
        }
    }

    [Fact]
    public async Task A_consumer_drops_no_day_before_its_time_and_no_other_table()
    {
        await using var dataSource = NpgsqlDataSource.Create(Database.ConnectionStringOf(DatabaseRoles.Ingest));
        foreach (var leaf in (string[])[$"readings_{DateTime.UtcNow:yyyyMMdd}", "alerts", "readings", "readings_20200101; DROP TABLE alerts"])
        {
            await using var command = dataSource.CreateCommand("SELECT drop_expired_day($1)");
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = leaf });
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Timeout))).SqlState);
        }
    }

    [Fact]
    public async Task Nobody_waits_long_behind_a_day_that_cannot_be_dropped_yet()
    {
        await new ReadingPartitions(Database.DataSource).EnsureAsync(new DateOnly(2020, 1, 1), 1, Timeout);
        await using var reading = await Database.Monitor.OpenConnectionAsync(Timeout);
        await using var transaction = await reading.BeginTransactionAsync(Timeout);
        await using (var read = new NpgsqlCommand("SELECT count(*) FROM readings", reading, transaction))
        {
            await read.ExecuteNonQueryAsync(Timeout);
        }

        await using (var drop = Database.Ingest.CreateCommand("SELECT drop_expired_day('readings_20200101')"))
        {
            Assert.Equal(PostgresErrorCodes.LockNotAvailable, (await Assert.ThrowsAsync<PostgresException>(() => drop.ExecuteNonQueryAsync(Timeout))).SqlState);
        }

        var dropped = new ReadingPartitions(Database.Ingest).DropExpiredAsync(Timeout);
        await Task.Delay(TimeSpan.FromSeconds(1), Timeout);
        await transaction.CommitAsync(Timeout);

        Assert.Equal(["reading_batches_20200101", "readings_20200101"], await dropped);
    }

    [Fact]
    public async Task A_database_of_before_whose_superuser_had_everything_is_handed_over_with_its_rows()
    {
        // Everything belongs to the superuser, as in earlier versions, days included; a foreign table keeps its owner.
        await Database.ScalarAsync<object>("DROP SCHEMA public CASCADE; CREATE SCHEMA public", Timeout);
        await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout);
        await new ReadingPartitions(Database.DataSource).EnsureAroundTodayAsync(1, Timeout);
        await Database.ScalarAsync<object>("INSERT INTO logs (log_id) VALUES ('old'); CREATE TABLE others (n integer); ALTER TABLE others OWNER TO pg_monitor", Timeout);
        Assert.Equal("factory_user", await Database.ScalarAsync<string>("SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'readings'::regclass", Timeout));

        for (var time = 0; time < 2; time++)
        {
            Assert.Empty(await new MigrationRunner(Database.DataSource, NullLogger<MigrationRunner>.Instance).ApplyAsync(Timeout, Passwords));
        }

        await Nobody_signs_in_as_the_owner_of_everything_except("others");
        await Each_table_is_in_the_matrix_except("others");
        Assert.Equal("pg_monitor", await Database.ScalarAsync<string>("SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'others'::regclass", Timeout));
        await using var names = Database.Ingest.CreateCommand("SELECT log_id FROM logs");
        Assert.Equal("old", await names.ExecuteScalarAsync(Timeout));
        Assert.Equal(
            [[4L]],
            await Database.RowsAsync("SELECT count(*) FROM pg_authid WHERE rolname IN ('factory_ingest', 'factory_sensor', 'factory_monitor', 'factory_audit') AND rolpassword LIKE 'SCRAM-SHA-256$4096:%'", Timeout));

        async Task Nobody_signs_in_as_the_owner_of_everything_except(string other) => Assert.Equal(
            [[DatabaseRoles.Owner]],
            await Database.RowsAsync($"SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname <> '{other}'", Timeout));

        async Task Each_table_is_in_the_matrix_except(string other) => Assert.Equal(
            DatabaseRoles.Grants.Select(grant => grant.Table).Order(StringComparer.Ordinal),
            (await Database.RowsAsync($"SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND relname <> '{other}'", Timeout))
                .Select(row => (string)row[0]!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Who_may_not_create_roles_is_told_so_in_one_line_and_works_without_them()
    {
        const string Single = "plant_single";
        await Database.ScalarAsync<object>($"DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP ROLE IF EXISTS {Single}; CREATE ROLE {Single} LOGIN; GRANT ALL ON SCHEMA public TO {Single}; GRANT USAGE ON SCHEMA public TO PUBLIC", Timeout);
        await using var dataSource = NpgsqlDataSource.Create(Database.ConnectionStringOf(Single));
        var runner = new MigrationRunner(dataSource, NullLogger<MigrationRunner>.Instance);

        var refused = await Assert.ThrowsAsync<RolesRefusedException>(() => runner.ApplyAsync(Timeout, Passwords));
        Assert.Equal(
            $"Role {Single} may not create roles, and passwords for factory_ingest, factory_sensor, factory_monitor, factory_audit are set (DATABASE_INGEST_PASSWORD, …): grant it: ALTER ROLE {Single} CREATEROLE; "
            + "or have an administrator create the roles and leave these settings out (docs/external.md)",
            refused.Message);

        Assert.Equal(SchemaVersion.Known, await runner.ApplyAsync(Timeout));
        await new ReadingPartitions(dataSource).EnsureAroundTodayAsync(1, Timeout);
        await using var own = dataSource.CreateCommand("INSERT INTO logs (log_id) VALUES ('single')");
        await own.ExecuteNonQueryAsync(Timeout);
        // Roles that an administrator created get their rights from the owner of the tables.
        await using var theirs = Database.Monitor.CreateCommand("SELECT log_id FROM logs");
        Assert.Equal("single", await theirs.ExecuteScalarAsync(Timeout));
        await Database.ScalarAsync<object>($"DROP SCHEMA public CASCADE; DROP ROLE {Single}", Timeout);
    }

    [Fact]
    public async Task A_missing_right_is_named_with_the_command_that_grants_it()
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        await Database.ScalarAsync<object>("REVOKE INSERT ON audit_log FROM factory_monitor", Timeout);

        Assert.Contains("lacks INSERT on audit_log; the provisioner grants it: run it again", await CheckAsync(DatabaseRoles.Monitor, "monitoring-api"), StringComparison.Ordinal);
        Assert.Contains($"as role {DatabaseRoles.Ingest}, not encrypted", await CheckAsync(DatabaseRoles.Ingest, "consumers"), StringComparison.Ordinal);
        Assert.Contains($"grant it: GRANT {DatabaseRoles.Ingest} TO {DatabaseRoles.Sensor}", await CheckAsync(DatabaseRoles.Sensor, "consumers"), StringComparison.Ordinal);

        const string Maker = "plant_maker";
        await Database.ScalarAsync<object>($"DROP ROLE IF EXISTS {Maker}; CREATE ROLE {Maker} LOGIN IN ROLE {DatabaseRoles.Owner}", Timeout);
        var makes = new Dictionary<string, string>
        {
            [EnvironmentNames.DatabaseIngestPassword] = "a", [EnvironmentNames.DatabaseSensorPassword] = "b", [EnvironmentNames.DatabaseMonitorPassword] = "c", [EnvironmentNames.DatabaseAuditPassword] = "d",
        };
        Assert.Contains($"grant it: ALTER ROLE {Maker} CREATEROLE", await CheckAsync(Maker, "provisioner", makes), StringComparison.Ordinal);
        await Database.ScalarAsync<object>($"ALTER ROLE {Maker} CREATEROLE", Timeout);
        Assert.DoesNotContain("CREATEROLE", await CheckAsync(Maker, "provisioner", makes), StringComparison.Ordinal);
        await Database.ScalarAsync<object>($"DROP ROLE {Maker}", Timeout);

        async Task<string> CheckAsync(string role, string service, Dictionary<string, string>? settings = null)
        {
            await using var check = ServiceProcess.Start(
                "FactoryMonitoring.Provisioner", new(settings ?? []) { ["DATABASE_URL"] = Database.UrlOf(role), ["KAFKA_BROKERS"] = brokers.BootstrapServers }, "check", service);
            await check.WaitAsync(Timeout);
            return check.Output;
        }
    }
}
