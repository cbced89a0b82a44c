using System.Globalization;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The factory's database, whatever its server runs as.</summary>
/// <param name="Resource">What services reference and wait for.</param>
/// <param name="Port">Where clients reach the server.</param>
internal sealed record FactoryDatabase(
    IResourceBuilder<IResourceWithConnectionString> Resource, string Name, string User, ParameterResource Password, int Port)
{
    /// <summary>Of a server of our own.</summary>
    public const string Loopback = "127.0.0.1";

    public string Host { get; init; } = Loopback;

    /// <summary>Whether it is neither started nor stopped here.</summary>
    public bool IsExternal { get; init; }

    public ReferenceExpression ConnectionString => IsExternal ? Resource.Resource.ConnectionStringExpression : At(Port);

    /// <summary>The connection string for a port of loopback behind which a server of our own can be reached, too.</summary>
    public ReferenceExpression At(int port) => ReferenceExpression.Create(
        $"Host={Loopback};Port={port.ToString(CultureInfo.InvariantCulture)};Username={User};Password={Password};Database={Name}");
}

/// <summary>A database of a server that is no container: a process on loopback, or somebody else's.</summary>
internal sealed class PostgresServerDatabase(string name, ReferenceExpression connectionString)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public ReferenceExpression ConnectionStringExpression => connectionString;
}
