using System.Globalization;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The factory's database, whatever its server runs as.</summary>
/// <param name="Resource">What services reference and wait for.</param>
/// <param name="Port">Where clients reach the server on loopback.</param>
internal sealed record FactoryDatabase(
    IResourceBuilder<IResourceWithConnectionString> Resource, string Name, string User, ParameterResource Password, int Port)
{
    public const string Host = "127.0.0.1";

    /// <summary>The connection string for a port of loopback behind which the server can be reached, too.</summary>
    public ReferenceExpression At(int port) => ReferenceExpression.Create(
        $"Host={Host};Port={port.ToString(CultureInfo.InvariantCulture)};Username={User};Password={Password};Database={Name}");
}

/// <summary>A database of a server that is a process, on loopback.</summary>
internal sealed class PostgresProcessDatabase(string name, ReferenceExpression connectionString)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public ReferenceExpression ConnectionStringExpression => connectionString;
}
