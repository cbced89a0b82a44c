using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Determines which failures are the database's, and how long to wait after each before a retry: never 0.</summary>
internal static class FaultPolicy
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// The wait between two attempts to store something in a database without disk space: each attempt takes some of the space that its WAL still has.
    /// </summary>
    private static readonly TimeSpan MaxRoomDelay = TimeSpan.FromSeconds(3);

    public static TimeSpan RetryDelay { get; } = TimeSpan.FromMilliseconds(250);

    /// <returns>Null if the database did not cause the failure, or if the lane has been asked to stop. The failure then ends the lane.</returns>
    public static DatabaseFault? Of(Exception exception, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? null : DatabaseFaults.Of(exception);

    /// <summary>Whether the database did not answer in time.</summary>
    public static bool IsTimeout(Exception exception) =>
        exception is TimeoutException or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } || exception.InnerException is TimeoutException;

    /// <param name="attempts">The number of consecutive failures; at least 1.</param>
    public static TimeSpan DelayAfter(DatabaseFault fault, int attempts) => fault switch
    {
        DatabaseFault.NoRoom => TimeSpan.FromMilliseconds(
            Math.Min(RetryDelay.TotalMilliseconds * Math.Pow(2, attempts - 1), MaxRoomDelay.TotalMilliseconds)),
        _ => attempts == 1 ? FirstDelay : RetryDelay,
    };
}
