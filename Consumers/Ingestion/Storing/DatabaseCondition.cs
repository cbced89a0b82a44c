using FactoryMonitoring.Consumers.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// A lane's view of its database: whether it is unavailable, refuses everything, or has no disk space. Each state is logged once when it begins and once
/// when it ends, and reported while it lasts.
/// </summary>
internal sealed partial class DatabaseCondition(int lane, ConsumerStatus status, TimeProvider time, ILogger logger)
{
    /// <summary>Small writes may fit where large ones do not: there is space again once everything has fit for this long.</summary>
    private static readonly TimeSpan RoomIsCertainAfter = TimeSpan.FromSeconds(10);

    private bool _saidAway;
    private bool _saidNoRoom;
    private long? _roomSince;

    public void IsAway(Exception exception)
    {
        status.DatabaseAway = true;
        if (!_saidAway)
        {
            _saidAway = true;
            Log.Away(logger, exception.Message, lane);
        }
    }

    /// <summary>Records that it responds, but stores nothing.</summary>
    public void Refuses(Exception exception)
    {
        status.DatabaseRefuses = exception.Message;
        if (!_saidAway)
        {
            _saidAway = true;
            Log.Unfit(logger, exception.Message, lane);
        }
    }

    /// <summary>Records that it refuses a row in which nothing of the message is left.</summary>
    public void RefusesAnything(string reason) => status.DatabaseRefuses = reason;

    public void HasNoRoom(Exception exception)
    {
        status.SetNoRoom(lane, true);
        _roomSince = null;
        if (!_saidNoRoom)
        {
            _saidNoRoom = true;
            Log.NoRoom(logger, exception.Message, lane);
        }
    }

    /// <summary>Records a success.</summary>
    public void IsBack()
    {
        status.DatabaseAway = false;
        status.DatabaseRefuses = null;
        status.SetNoRoom(lane, false);
        _roomSince ??= time.GetTimestamp();
        ReportRoom();
        if (_saidAway)
        {
            _saidAway = false;
            Log.Back(logger, lane);
        }
    }

    /// <summary>Reports that there is space again, once that is certain. Must be called periodically.</summary>
    public void ReportRoom()
    {
        if (_saidNoRoom && _roomSince is { } since && time.GetElapsedTime(since) >= RoomIsCertainAfter)
        {
            _saidNoRoom = false;
            Log.Room(logger, lane);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The database is away; lane {Lane} waits with its batch: {Reason}")]
        public static partial void Away(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Error, Message = "The database answers and stores nothing; lane {Lane} waits with its batch: {Reason}")]
        public static partial void Unfit(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Error, Message = "The database has no room left on its disk; lane {Lane} waits with its batch until there is: {Reason}")]
        public static partial void NoRoom(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database has room again; lane {Lane} goes on")]
        public static partial void Room(ILogger logger, int lane);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database is back; lane {Lane} goes on")]
        public static partial void Back(ILogger logger, int lane);
    }
}
