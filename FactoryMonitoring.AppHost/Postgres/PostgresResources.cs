using System.Globalization;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The factory's database, whatever its server runs as.</summary>
/// <param name="Resource">What is waited for; its connection string is the administrator's, who makes the roles.</param>
/// <param name="User">The administrator.</param>
/// <param name="Port">Where clients reach the server.</param>
internal sealed record FactoryDatabase(
    IResourceBuilder<IResourceWithConnectionString> Resource, string Name, string User, ParameterResource Password, int Port)
{
    /// <summary>Of a server of our own.</summary>
    public const string Loopback = "127.0.0.1";

    public string Host { get; init; } = Loopback;

    /// <summary>Whether it is neither started nor stopped here.</summary>
    public bool IsExternal { get; init; }

    /// <summary>The passwords of the services' roles; empty where all of an external database's clients sign in as one user.</summary>
    public IReadOnlyDictionary<string, ParameterResource> RolePasswords { get; init; } = new Dictionary<string, ParameterResource>();

    /// <summary>That of the sensors' role, for a sensor that is started by hand; empty where the database is external.</summary>
    public string SensorPassword { get; init; } = "";

    /// <summary>External, the connection string of each role that has a password.</summary>
    public IReadOnlyDictionary<string, ReferenceExpression> RoleConnections { get; init; } = new Dictionary<string, ReferenceExpression>();

    /// <summary>The administrator's.</summary>
    public ReferenceExpression ConnectionString => IsExternal ? Resource.Resource.ConnectionStringExpression : At(Port, User, Password);

    /// <summary>The connection string of a role of <see cref="DatabaseRoles"/>.</summary>
    /// <param name="port">Of loopback, behind which a server of our own can be reached, too; null for its own.</param>
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
/// <param name="LinkPort">Of the link; null where there is none.</param>
internal sealed record DatabaseAccess(FactoryDatabase Database, IResourceBuilder<IResource> Way, int? LinkPort)
{
    public DatabaseLogin As(string role) => new(Way, Database.As(role, LinkPort));
}

/// <summary>How a service signs in to the database.</summary>
internal sealed record DatabaseLogin(IResourceBuilder<IResource> Way, ReferenceExpression ConnectionString);

/// <summary>A database of a server that is no container: a process on loopback, or somebody else's.</summary>
internal sealed class PostgresServerDatabase(string name, ReferenceExpression connectionString)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public ReferenceExpression ConnectionStringExpression => connectionString;
}
