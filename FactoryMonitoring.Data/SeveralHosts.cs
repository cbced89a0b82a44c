using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// A connection string with several hosts, <c>Host=a,b:5433</c>: a primary and its standbys. Services use the host that accepts writes, and switch to
/// the next one when that fails.
/// </summary>
public static class SeveralHosts
{
    /// <summary>How long Npgsql remembers that a host was down or a standby, in seconds. Its default of 10 s is longer than a promotion takes.</summary>
    private const int RecheckSeconds = 2;

    private const int NpgsqlRecheckSeconds = 10;

    /// <summary>Whether the connection string has more than one host.</summary>
    public static bool In(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return connection.Host?.Contains(',', StringComparison.Ordinal) == true;
    }

    /// <summary>
    /// Removes <c>Target Session Attributes</c> from the connection string, because Npgsql's data sources refuse it there, and shortens <c>Host Recheck
    /// Seconds</c>, unless that is set.
    /// </summary>
    /// <returns>The removed value; primary if it was not set.</returns>
    /// <exception cref="FormatException">The value selects a host other than one that accepts writes; the message says what is allowed.</exception>
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

    /// <summary>Makes the connection string itself select the host that accepts writes, for callers that open connections without a data source.</summary>
    /// <exception cref="FormatException">As <see cref="Prepare"/>.</exception>
    public static void Aim(NpgsqlConnectionStringBuilder connection)
    {
        var target = Prepare(connection);
        if (In(connection))
        {
            connection.TargetSessionAttributes = target == TargetSessionAttributes.ReadWrite ? "read-write" : "primary";
        }
    }

    /// <summary>Creates a data source that connects to the host that accepts writes.</summary>
    /// <exception cref="FormatException">As <see cref="Prepare"/>.</exception>
    public static NpgsqlDataSource CreateDataSource(NpgsqlConnectionStringBuilder connection)
    {
        var target = Prepare(connection);
        var all = NpgsqlDataSource.Create(connection);
        return all is NpgsqlMultiHostDataSource several ? several.WithTargetSession(target) : all;
    }

    /// <summary>Describes the target for messages: <c>a:5432</c>, or the list as given.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return In(connection) ? connection.Host! : $"{connection.Host}:{connection.Port}";
    }
}
