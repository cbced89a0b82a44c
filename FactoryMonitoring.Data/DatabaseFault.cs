using System.Net.Sockets;
using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>What a database failure means for the caller that wants to store something.</summary>
public enum DatabaseFault
{
    /// <summary>A retry may succeed in a moment.</summary>
    Transient,

    /// <summary>A retry may succeed in a moment, in another session: this one is closed, read-only, or out of step with the schema.</summary>
    SessionLost,

    /// <summary>The disk is full: a retry succeeds once space is freed.</summary>
    NoRoom,

    /// <summary>The database is a different one than before: nothing remembered from the old one is valid.</summary>
    Replaced,

    /// <summary>No partition of <c>readings</c> covers the current day.</summary>
    DayMissing,

    /// <summary>The data is refused for its content; a retry will be refused, too.</summary>
    Refused,

    /// <summary>The database is unfit for any data: a table or a privilege is missing, a file is damaged.</summary>
    Unfit,
}

/// <summary>
/// The database is not the one that issued the keys under which readings are stored: it was created anew, restored from a backup, or is a promoted standby.
/// </summary>
public sealed class DatabaseReplacedException() : Exception(
    "The database is another one than before: it was made anew or restored from a backup, or a standby has taken over. What it has is read from it again.");

/// <summary>Classifies a failure by its SqlState.</summary>
public static class DatabaseFaults
{
    /// <returns>Null if the failure is not the database's.</returns>
    public static DatabaseFault? Of(Exception exception) => exception switch
    {
        DatabaseReplacedException => DatabaseFault.Replaced,
        PostgresException postgres => Of(postgres),
        NpgsqlException or TimeoutException or IOException or SocketException => DatabaseFault.SessionLost,
        _ => null,
    };

    /// <summary>Whether the server's disk was full: for the rows, for the WAL or for a temporary file.</summary>
    public static bool IsNoRoom(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception is PostgresException { SqlState: PostgresErrorCodes.DiskFull } || (exception.InnerException is { } inner && IsNoRoom(inner));
    }

    private static DatabaseFault Of(PostgresException exception)
    {
        switch (exception.SqlState)
        {
            case PostgresErrorCodes.DiskFull:
                return DatabaseFault.NoRoom;
            case PostgresErrorCodes.CheckViolation when exception is { TableName: "readings" or "reading_batches", ConstraintName: null }:
                // A row without a partition is the only check violation that names a table and no constraint.
                return DatabaseFault.DayMissing;
            case PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted:
                return DatabaseFault.Unfit;
            case PostgresErrorCodes.FeatureNotSupported:
                // A prepared statement whose table has changed is the session's problem; a value without a conversion is the message's.
                return exception.Routine == "RevalidateCachedQuery" ? DatabaseFault.SessionLost : DatabaseFault.Refused;
        }

        if (exception.IsTransient)
        {
            return DatabaseFault.Transient;
        }

        if (exception.InvariantSeverity is "FATAL" or "PANIC" && exception.SqlState.StartsWith("XX", StringComparison.Ordinal))
        {
            // An error that ends or refuses a session is not the message's: a server with a full disk cannot write its cache file.
            return DatabaseFault.SessionLost;
        }

        return exception.SqlState[..2] switch
        {
            "08" or "25" or "26" or "34" or "3B" => DatabaseFault.SessionLost,
            "40" or "53" or "55" or "57" or "72" => DatabaseFault.Transient,
            "21" or "22" or "23" or "44" or "54" or "P0" or "XX" => DatabaseFault.Refused,
            _ => DatabaseFault.Unfit,
        };
    }
}
