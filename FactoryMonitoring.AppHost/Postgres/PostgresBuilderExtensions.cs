using System.Globalization;
using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>Adds PostgreSQL to the model.</summary>
internal static class PostgresBuilderExtensions
{
    // For many small transactions and a few large COPY commands from a handful of processes, on a machine shared with everything else.
    private static readonly (string Name, string Value)[] Settings =
    [
        ("max_connections", "200"),
        ("shared_buffers", "256MB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("wal_compression", "on"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "10min"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("log_min_duration_statement", "1s"),
        ("log_checkpoints", "off"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
    ];

    private static readonly Dictionary<string, string> PasswordSettings = new()
    {
        [DatabaseRoles.Ingest] = EnvironmentNames.DatabaseIngestPassword,
        [DatabaseRoles.Sensor] = EnvironmentNames.DatabaseSensorPassword,
        [DatabaseRoles.Monitor] = EnvironmentNames.DatabaseMonitorPassword,
        [DatabaseRoles.Audit] = EnvironmentNames.DatabaseAuditPassword,
    };

    private static readonly (string Name, string Value)[] ProcessSettings =
    [
        ("listen_addresses", FactoryDatabase.Loopback),
        // No Unix socket: its path would have to be short, and its directory open to all users.
        ("unix_socket_directories", ""),
    ];

    /// <summary>
    /// Adds the chosen server <c>postgres</c>, and below it the database, which exists once the resource is healthy. For an external server it adds only the
    /// database, and the provisioner reports problems with it.
    /// </summary>
    public static FactoryDatabase AddPostgresDatabase(
        this IDistributedApplicationBuilder builder, string name, string databaseName, PostgresChoice choice, string user, int port)
    {
        const string Server = ResourceNames.Postgres;
        if (choice.Connection is { } connection) return builder.AddExternal(name, connection);
        var password = builder.AddParameter($"{Server}-password", choice.Password, secret: true)
            .WithDescription("Password of the database's administrator, as whom the provisioner makes the roles. It is kept beside the data.");
        var database = choice is { Image: { } image, Volume: { } volume }
            ? builder.AddContainer(Server, image, volume, choice.PasswordFile!, name, databaseName, user, password, port)
            : builder.AddProcess(Server, choice.Installation!, choice.Directory!, choice.PasswordFile!, name, databaseName, user, password, port);
        // The passwords are new at each start: the provisioner sets them before any service signs in.
        var passwords = DatabaseRoles.Services.ToDictionary(role => role, _ => RandomNumberGenerator.GetHexString(32, lowercase: true));
        return database with { RolePasswords = builder.AddRolePasswords(passwords), SensorPassword = passwords[DatabaseRoles.Sensor] };
    }

    /// <summary>Gives the provisioner the passwords of the roles that it creates.</summary>
    public static IResourceBuilder<T> WithRolePasswords<T>(this IResourceBuilder<T> builder, FactoryDatabase database) where T : IResourceWithEnvironment
    {
        foreach (var (role, password) in database.RolePasswords) builder.WithEnvironment(PasswordSettings[role], password);
        return builder;
    }

    private static Dictionary<string, ParameterResource> AddRolePasswords(this IDistributedApplicationBuilder builder, IReadOnlyDictionary<string, string> passwords) =>
        passwords.ToDictionary(pair => pair.Key, pair => builder.AddParameter(pair.Key.Replace('_', '-') + "-password", pair.Value, secret: true)
            .WithDescription($"Password of the database's role {pair.Key}.").Resource);

    private static FactoryDatabase AddContainer(
        this IDistributedApplicationBuilder builder, string server, ContainerImage image, string volume, string passwordFile,
        string name, string databaseName, string user, IResourceBuilder<ParameterResource> password, int port)
    {
        const string Data = "/var/lib/postgresql/data";
        const string Secret = "/run/secrets/postgres-password";
        var userName = builder.AddParameter($"{server}-user", user).WithDescription("Administrator of the database.");
        var database = builder.AddPostgres(server, userName, password)
            .WithImage(image)
            .WithVolume(volume, Data)
            // In a file, because everyone who may use the engine can see the environment that a container is created with.
            .WithEnvironment(context => context.EnvironmentVariables.Remove("POSTGRES_PASSWORD"))
            .WithBindMount(passwordFile, Secret, isReadOnly: true)
            .WithEntrypoint("sh")
            .WithArgs("-c", $"POSTGRES_PASSWORD=$(cat {Secret}) exec docker-entrypoint.sh \"$@\"", "sh")
            .WithArgs(["postgres", .. Settings.SelectMany(setting => new[] { "-c", $"{setting.Name}={setting.Value}" })])
            // The root directory of a volume need not be empty, but PostgreSQL requires an empty one.
            .WithEnvironment("PGDATA", $"{Data}/pgdata")
            // `make psql` connects over the container's Unix socket, without a password.
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=trust")
            // Not behind Aspire's proxy, which accepts connections even if the server is dead.
            .WithEndpoint("tcp", endpoint => (endpoint.Port, endpoint.IsProxied) = (port, false))
            .WithContainerKill(image.Engine)
            .AddDatabase(name, databaseName);
        return new(database, databaseName, user, password.Resource, port);
    }

    private static FactoryDatabase AddProcess(
        this IDistributedApplicationBuilder builder, string server, PostgresInstallation installation, PostgresDirectory directory, string passwordFile,
        string name, string databaseName, string user, IResourceBuilder<ParameterResource> password, int port)
    {
        // The directory can belong to another user and need not exist yet: the script creates it.
        var script = Path.Combine(AppContext.BaseDirectory, "Postgres", "postgres.sh");
        var process = builder.AddExecutable(server, "bash", AppContext.BaseDirectory)
            .WithArgs(script, installation.Bin, directory.Path, directory.User ?? Environment.UserName)
            .WithArgs("-c", $"port={port.ToString(CultureInfo.InvariantCulture)}")
            .WithArgs([.. ProcessSettings.Concat(Settings).SelectMany(setting => new[] { "-c", $"{setting.Name}={setting.Value}" })])
            .WithEnvironment("POSTGRES_USER", user)
            .WithEnvironment("POSTGRES_PASSWORD_FILE", passwordFile)
            .WithEnvironment("POSTGRES_DB", databaseName)
            .WithEndpoint(port: port, scheme: "tcp", name: "tcp", isProxied: false)
            .WithIconName("DatabaseMultiple")
            .WithDataDirectory(directory.Path)
            .WithHealthCheck(name)
            .WithKill(_ => directory.Postmaster());
        var connectionString = ReferenceExpression.Create(
            $"Host={FactoryDatabase.Loopback};Port={port.ToString(CultureInfo.InvariantCulture)};Username={user};Password={password};Database={databaseName}");
        var resource = builder.AddServerDatabase(name, connectionString)
            .WithParentRelationship(process)
            .WithHealthCheck(name);
        FactoryDatabase factory = new(resource, databaseName, user, password.Resource, port);
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(name, _ => new PostgresProbe(factory), null, null));
        return factory;
    }

    private static FactoryDatabase AddExternal(this IDistributedApplicationBuilder builder, string name, string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        var parameter = builder.AddParameter($"{name}-connection", connectionString, secret: true).WithDescription("Of the database that is there already.");
        var resource = builder.AddServerDatabase(name, ReferenceExpression.Create($"{parameter}"));
        FactoryDatabase factory = new(resource, connection.Database!, connection.Username ?? "", parameter.Resource, connection.Port) { Host = connection.Host!, IsExternal = true };
        var passwords = PasswordSettings.ToDictionary(pair => pair.Key, pair => builder.Configuration[pair.Value] ?? "");
        if (passwords.Values.Any(password => password.Length == 0)) return factory;
        return factory with
        {
            RolePasswords = builder.AddRolePasswords(passwords),
            RoleConnections = passwords.ToDictionary(pair => pair.Key, pair => ReferenceExpression.Create(
                $"{builder.AddParameter(pair.Key.Replace('_', '-') + "-connection", As(connection, pair.Key, pair.Value), secret: true)}")),
        };
    }

    // A password can contain any character: the builder quotes it.
    private static string As(NpgsqlConnectionStringBuilder connection, string role, string password) =>
        new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Username = role, Password = password }.ConnectionString;

    private static IResourceBuilder<PostgresServerDatabase> AddServerDatabase(this IDistributedApplicationBuilder builder, string name, ReferenceExpression connectionString) =>
        builder.AddResource(new PostgresServerDatabase(name, connectionString))
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "PostgresDatabase", Properties = [], State = KnownResourceStates.NotStarted })
            .WithIconName("Database")
            .OnInitializeResource(async (database, started, cancellationToken) =>
            {
                await started.Eventing.PublishAsync(new ConnectionStringAvailableEvent(database, started.Services), cancellationToken);
                await started.Notifications.PublishUpdateAsync(database, snapshot => snapshot with { State = KnownResourceStates.Running });
            });
}
