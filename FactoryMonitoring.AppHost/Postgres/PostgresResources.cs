namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>A PostgreSQL server, whatever it runs as. Its superuser is <see cref="User"/>.</summary>
internal interface IPostgresServer : IResourceWithConnectionString, IResourceWithEnvironment
{
    string User { get; }

    ParameterResource Password { get; }

    /// <summary>Where clients reach it, on loopback.</summary>
    int Port { get; }

    ReferenceExpression IResourceWithConnectionString.ConnectionStringExpression => At(Port);

    /// <summary>The connection string for a port of loopback behind which it can be reached, too.</summary>
    ReferenceExpression At(int port) => ReferenceExpression.Create(
        $"Host={PostgresDatabaseResource.Host};Port={port.ToString(System.Globalization.CultureInfo.InvariantCulture)};Username={User};Password={Password}");
}

/// <summary>A PostgreSQL server as a container with its data on a volume.</summary>
internal sealed class PostgresContainerResource(string name, string user, ParameterResource password, int port)
    : ContainerResource(name), IPostgresServer
{
    public string User => user;

    public ParameterResource Password => password;

    public int Port => port;
}

/// <summary>A PostgreSQL server as a process with a data directory of its own, on loopback.</summary>
/// <param name="command">Starts it.</param>
internal sealed class PostgresProcessResource(
    string name, string command, PostgresDirectory directory, string user, ParameterResource password, int port)
    : ExecutableResource(name, command, directory.Path), IPostgresServer
{
    public string User => user;

    public ParameterResource Password => password;

    public int Port => port;
}

/// <summary>A database of the server.</summary>
internal sealed class PostgresDatabaseResource(string name, string databaseName, IPostgresServer server)
    : Resource(name), IResourceWithConnectionString, IResourceWithParent<IPostgresServer>, IResourceWithWaitSupport
{
    public const string Host = "127.0.0.1";

    public string DatabaseName => databaseName;

    public IPostgresServer Parent => server;

    public ReferenceExpression ConnectionStringExpression => At(server.Port);

    /// <summary>The connection string for a port of loopback behind which the server can be reached, too.</summary>
    public ReferenceExpression At(int port) => ReferenceExpression.Create($"{server.At(port)};Database={databaseName}");
}
