using System.Globalization;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The factory's database, on a server of any kind.</summary>
/// <param name="Resource">The resource to wait for; its connection string is that of the administrator, who creates the roles.</param>
/// <param name="User">The administrator.</param>
/// <param name="Port">The server's port for clients.</param>
internal sealed record FactoryDatabase(
    IResourceBuilder<IResourceWithConnectionString> Resource, string Name, string User, ParameterResource Password, int Port)
{
    /// <summary>The host of a server that the AppHost starts.</summary>
    public const string Loopback = "127.0.0.1";

    public string Host { get; init; } = Loopback;

    /// <summary>Whether the server is external, so that the AppHost neither starts nor stops it.</summary>
    public bool IsExternal { get; init; }

    /// <summary>The passwords of the services' roles; empty if all clients of an external database sign in as one user.</summary>
    public IReadOnlyDictionary<string, ParameterResource> RolePasswords { get; init; } = new Dictionary<string, ParameterResource>();

    /// <summary>The password of the sensors' role, for a sensor that is started by hand; empty if the database is external.</summary>
    public string SensorPassword { get; init; } = "";

    /// <summary>For an external database, the connection string of each role that has a password.</summary>
    public IReadOnlyDictionary<string, ReferenceExpression> RoleConnections { get; init; } = new Dictionary<string, ReferenceExpression>();

    /// <summary>The administrator's connection string.</summary>
    public ReferenceExpression ConnectionString => IsExternal ? Resource.Resource.ConnectionStringExpression : At(Port, User, Password);

    /// <summary>Returns the connection string of a role of <see cref="DatabaseRoles"/>.</summary>
    /// <param name="port">Another port on loopback through which a server that the AppHost starts can be reached; null for the server's own port.</param>
    public ReferenceExpression As(string role, int? port = null)
    {
        if (IsExternal) return RoleConnections.GetValueOrDefault(role, ConnectionString);
        return RolePasswords.TryGetValue(role, out var password) ? At(port ?? Port, role, password) : At(port ?? Port, User, Password);
    }

    private ReferenceExpression At(int port, string user, ParameterResource password) => ReferenceExpression.Create(
        $"Host={Loopback};Port={port.ToString(CultureInfo.InvariantCulture)};Username={user};Password={password};Database={Name}");
}

/// <summary>How services reach the database: directly, or over the link.</summary>
/// <param name="Way">The database, or the link.</param>
/// <param name="LinkPort">The port of the link; null if there is none.</param>
internal sealed record DatabaseAccess(FactoryDatabase Database, IResourceBuilder<IResource> Way, int? LinkPort)
{
    public DatabaseLogin As(string role) => new(Way, Database.As(role, LinkPort));
}

/// <summary>How a service signs in to the database.</summary>
internal sealed record DatabaseLogin(IResourceBuilder<IResource> Way, ReferenceExpression ConnectionString);

/// <summary>A database of a server that is not a container: a process on loopback, or an external server.</summary>
internal sealed class PostgresServerDatabase(string name, ReferenceExpression connectionString)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public ReferenceExpression ConnectionStringExpression => connectionString;
}
