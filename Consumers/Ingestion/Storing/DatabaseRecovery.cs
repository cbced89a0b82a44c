using FactoryMonitoring.Data;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>A lane's recovery after a database failure, before it retries.</summary>
internal sealed partial class DatabaseRecovery(int lane, LaneContext context, LeaseTable leases, DatabaseCondition database)
{
    /// <summary>Takes the actions that may help, reports the failure, and waits: never returns for an immediate retry.</summary>
    /// <param name="attempts">The number of consecutive failures.</param>
    public async Task RecoverAsync(DatabaseFault fault, Exception exception, int attempts, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case DatabaseFault.DayMissing:
                if (attempts == 1)
                {
                    Log.DayMissing(context.Logger, exception.Message);
                }

                fault = await MakeDaysAsync(cancellationToken) ?? fault;
                break;
            case DatabaseFault.Replaced:
                Log.Replaced(context.Logger, lane, exception.Message);
                foreach (var partition in leases.DropAll())
                {
                    context.Post(new LaneEvent.ClaimAgain(partition, Uncertain: false));
                }

                break;
            case DatabaseFault.Refused or DatabaseFault.Unfit:
                database.Refuses(exception);
                break;
            case DatabaseFault.NoRoom:
                database.HasNoRoom(exception);
                break;
            case DatabaseFault.Transient or DatabaseFault.SessionLost when attempts == 1:
                Log.AttemptFailed(context.Logger, exception.Message);
                break;
            default:
                database.IsAway(exception);
                break;
        }

        await Task.Delay(FaultPolicy.DelayAfter(fault, attempts), context.Time, cancellationToken);
    }

    /// <returns>Why the days could not be created; null if they exist.</returns>
    private async Task<DatabaseFault?> MakeDaysAsync(CancellationToken cancellationToken)
    {
        try
        {
            await context.Days.EnsureAroundTodayAsync(1, cancellationToken);
            return null;
        }
        catch (Exception exception) when (FaultPolicy.Of(exception, cancellationToken) is { } fault)
        {
            if (fault == DatabaseFault.NoRoom)
            {
                database.HasNoRoom(exception);
            }
            else
            {
                database.IsAway(exception);
            }

            return fault;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "No daily partition yet: {Message}")]
        public static partial void DayMissing(ILogger logger, string message);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Lane {Lane}: {Reason}")]
        public static partial void Replaced(ILogger logger, int lane, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot store a batch, retrying: {Reason}")]
        public static partial void AttemptFailed(ILogger logger, string reason);
    }
}
