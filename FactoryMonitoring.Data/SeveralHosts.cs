using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// A connection string that names several hosts, <c>Host=a,b:5433</c>: a primary and its standbys. Services use the one that takes writes, and find
/// the next one when that dies.
/// </summary>
public static class SeveralHosts
{
    /// <summary>Npgsql remembers for this long that a host was down or a standby. Its own 10 s are longer than a promotion takes.</summary>
    private const int RecheckSeconds = 2;

    private const int NpgsqlRecheckSeconds = 10;

    /// <summary>Whether it names more than one host.</summary>
    public static bool In(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return connection.Host?.Contains(',', StringComparison.Ordinal) == true;
    }

    /// <summary>
    /// Takes <c>Target Session Attributes</c> out of the connection string, for Npgsql's data sources refuse it there, and shortens <c>Host Recheck
    /// Seconds</c>, unless that is set.
    /// </summary>
    /// <returns>What was taken out; primary where it was not set.</returns>
    /// <exception cref="FormatException">It asks for another host than one that takes writes; the message says what is allowed.</exception>
    public static TargetSessionAttributes Prepare(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var target = connection.TargetSessionAttributes switch
        {
            null or "primary" => TargetSessionAttributes.Primary,
            "read-write" => TargetSessionAttributes.ReadWrite,
            var other => throw new FormatException($"Target Session Attributes = {other}: every service writes; must be primary or read-write"),
        };
        connection.TargetSessionAttributes = null;
        if (In(connection) && connection.HostRecheckSeconds == NpgsqlRecheckSeconds)
        {
            connection.HostRecheckSeconds = RecheckSeconds;
        }

        return target;
    }

    /// <summary>Has the connection string itself ask for the host that takes writes, for those who open connections without a data source.</summary>
    /// <exception cref="FormatException">As <see cref="Prepare"/>.</exception>
    public static void Aim(NpgsqlConnectionStringBuilder connection)
    {
        var target = Prepare(connection);
        if (In(connection))
        {
            connection.TargetSessionAttributes = target == TargetSessionAttributes.ReadWrite ? "read-write" : "primary";
        }
    }

    /// <summary>A data source that connects to the host that takes writes.</summary>
    /// <exception cref="FormatException">As <see cref="Prepare"/>.</exception>
    public static NpgsqlDataSource CreateDataSource(NpgsqlConnectionStringBuilder connection)
    {
        var target = Prepare(connection);
        var all = NpgsqlDataSource.Create(connection);
        return all is NpgsqlMultiHostDataSource several ? several.WithTargetSession(target) : all;
    }

    /// <summary>Where it leads, for messages: <c>a:5432</c>, or the list as it was given.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return In(connection) ? connection.Host! : $"{connection.Host}:{connection.Port}";
    }
}
