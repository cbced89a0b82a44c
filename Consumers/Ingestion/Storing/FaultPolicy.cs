using FactoryMonitoring.Data;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Which failures are the database's, and how long is waited after each before it is tried again: never not at all.</summary>
internal static class FaultPolicy
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(20);

    /// <summary>Between two attempts to store something in a database without room: each one costs it some of the room that its log still has.</summary>
    private static readonly TimeSpan MaxRoomDelay = TimeSpan.FromSeconds(3);

    public static TimeSpan RetryDelay { get; } = TimeSpan.FromMilliseconds(250);

    /// <returns>Null if the database did not cause the failure, or if the lane has been told to stop. The failure then ends the lane.</returns>
    public static DatabaseFault? Of(Exception exception, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? null : DatabaseFaults.Of(exception);

    /// <param name="attempts">That have failed in a row; 1 at least.</param>
    public static TimeSpan DelayAfter(DatabaseFault fault, int attempts) => fault switch
    {
        DatabaseFault.NoRoom => TimeSpan.FromMilliseconds(
            Math.Min(RetryDelay.TotalMilliseconds * Math.Pow(2, attempts - 1), MaxRoomDelay.TotalMilliseconds)),
        _ => attempts == 1 ? FirstDelay : RetryDelay,
    };
}
