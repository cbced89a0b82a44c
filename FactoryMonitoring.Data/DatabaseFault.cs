using System.Net.Sockets;
using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>What a failure of the database means for whoever wants to store something.</summary>
public enum DatabaseFault
{
    /// <summary>The same may go through in a moment.</summary>
    Transient,

    /// <summary>The same may go through in a moment, in another session: this one is gone, read-only, or out of step with the schema.</summary>
    SessionLost,

    /// <summary>The disk is full: the same goes through once somebody has made room.</summary>
    NoRoom,

    /// <summary>It is another database than before: nothing that is remembered of the old one holds.</summary>
    Replaced,

    /// <summary>No partition of <c>readings</c> takes the present day.</summary>
    DayMissing,

    /// <summary>What is stored is refused for what it contains; it will be refused again.</summary>
    Refused,

    /// <summary>The database is not as it must be, whatever is stored: a table or a privilege is missing, a file is damaged.</summary>
    Unfit,
}

/// <summary>The database is not the one that gave out the keys by which readings are stored: it was made anew, restored from a backup, or is a standby that took over.</summary>
public sealed class DatabaseReplacedException() : Exception(
    "The database is another one than before: it was made anew or restored from a backup, or a standby has taken over. What it has is read from it again.");

/// <summary>Decides by SqlState what a failure means.</summary>
public static class DatabaseFaults
{
    /// <returns>Null where the failure is none of the database's.</returns>
    public static DatabaseFault? Of(Exception exception) => exception switch
    {
        DatabaseReplacedException => DatabaseFault.Replaced,
        PostgresException postgres => Of(postgres),
        NpgsqlException or TimeoutException or IOException or SocketException => DatabaseFault.SessionLost,
        _ => null,
    };

    /// <summary>Whether the server had no room on its disk, for the rows, for its log or for a temporary file.</summary>
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
                // That no partition takes a row is the one violation of a check that names a table and no constraint.
                return DatabaseFault.DayMissing;
            case PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted:
                return DatabaseFault.Unfit;
            case PostgresErrorCodes.FeatureNotSupported:
                // A prepared statement whose table has changed is a matter of the session; a value for which there is no conversion is one of the message.
                return exception.Routine == "RevalidateCachedQuery" ? DatabaseFault.SessionLost : DatabaseFault.Refused;
        }

        if (exception.IsTransient)
        {
            return DatabaseFault.Transient;
        }

        if (exception.InvariantSeverity is "FATAL" or "PANIC" && exception.SqlState.StartsWith("XX", StringComparison.Ordinal))
        {
            // What ends the session, or refuses to begin one, is not for the message: without room on its disk a server cannot write the file of its caches.
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
