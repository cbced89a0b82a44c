using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>Adds PostgreSQL to the model.</summary>
internal static class PostgresBuilderExtensions
{
    // For many small transactions and a few large COPYs from a handful of processes, on a machine shared with everything else.
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

    private static readonly (string Name, string Value)[] ProcessSettings =
    [
        ("listen_addresses", PostgresDatabaseResource.Host),
        // No socket: its path would have to be short, and its directory open to all users.
        ("unix_socket_directories", ""),
    ];

    /// <summary>Adds the server as it was chosen, and the database that it makes on its first start. Health is a query on it.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> AddPostgresDatabase(
        this IDistributedApplicationBuilder builder, string name, string databaseName, PostgresChoice choice, string user, int port)
    {
        const string Server = ResourceNames.Postgres;
        var secret = builder.AddParameter($"{Server}-password", choice.Password, secret: true);
        return choice is { Image: { } image, Volume: { } volume }
            ? builder.AddContainer(Server, image, volume, user, secret, port).AddDatabase(name, databaseName)
            : builder.AddProcess(Server, choice.Installation!, choice.Directory!, user, secret, port).AddDatabase(name, databaseName);
    }

    private static IResourceBuilder<PostgresContainerResource> AddContainer(
        this IDistributedApplicationBuilder builder, string name, ContainerImage image, string volume,
        string user, IResourceBuilder<ParameterResource> secret, int port)
    {
        const string Data = "/var/lib/postgresql/data";
        return builder.AddResource(new PostgresContainerResource(name, user, secret.Resource, port))
            .WithImage(image.Reference)
            .WithVolume(volume, Data)
            .WithArgs(["postgres", .. Settings.SelectMany(setting => new[] { "-c", $"{setting.Name}={setting.Value}" })])
            .WithEnvironment("POSTGRES_USER", user)
            .WithEnvironment("POSTGRES_PASSWORD", secret)
            // A volume's own folder need not be empty, and PostgreSQL wants an empty one.
            .WithEnvironment("PGDATA", $"{Data}/pgdata")
            .WithEndpoint(port: port, targetPort: 5432, scheme: "tcp", name: "tcp", isProxied: false)
            .WithContainerKill(image.Engine);
    }

    private static IResourceBuilder<PostgresProcessResource> AddProcess(
        this IDistributedApplicationBuilder builder, string name, PostgresInstallation installation, PostgresDirectory directory,
        string user, IResourceBuilder<ParameterResource> secret, int port)
    {
        // The directory may belong to another user, and need not exist yet: the script makes it.
        var script = Path.Combine(AppContext.BaseDirectory, "Postgres", "postgres.sh");
        var server = new PostgresProcessResource(name, "bash", directory, user, secret.Resource, port);
        return builder.AddResource(server)
            .WithWorkingDirectory(AppContext.BaseDirectory)
            .WithArgs(script, installation.Bin, directory.Path, directory.User ?? Environment.UserName)
            .WithArgs("-c", $"port={port.ToString(CultureInfo.InvariantCulture)}")
            .WithArgs([.. ProcessSettings.Concat(Settings).SelectMany(setting => new[] { "-c", $"{setting.Name}={setting.Value}" })])
            .WithEnvironment("POSTGRES_USER", user)
            .WithEnvironment("POSTGRES_PASSWORD", secret)
            .WithEndpoint(port: port, scheme: "tcp", name: "tcp", isProxied: false)
            .WithKill(_ => Postmaster(directory));
    }

    private static IResourceBuilder<PostgresDatabaseResource> AddDatabase<T>(
        this IResourceBuilder<T> server, string name, string databaseName) where T : IPostgresServer
    {
        var builder = server.ApplicationBuilder;
        var database = new PostgresDatabaseResource(name, databaseName, server.Resource);
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(name, _ => new PostgresProbe(database), null, null));
        server.WithEnvironment("POSTGRES_DB", databaseName).WithHealthCheck(name);
        return builder.AddResource(database)
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "PostgresDatabase", Properties = [], State = KnownResourceStates.NotStarted })
            .WithHealthCheck(name)
            .OnInitializeResource(async (resource, started, cancellationToken) =>
            {
                await started.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, started.Services), cancellationToken);
                await started.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = KnownResourceStates.Running });
            });
    }

    // The first line of this file is the process id of the postmaster, whose parent is our script.
    private static int? Postmaster(PostgresDirectory directory)
    {
        var file = Path.Combine(directory.Data, "postmaster.pid");
        return File.Exists(file) && int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
    }
}
