using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// From which partitions the client fetches, and where it goes on: what is claimed or fenced is paused, what has been claimed is set to its offset, and
/// everything is paused while the lanes have no room.
/// </summary>
/// <param name="claim">Starts taking partitions over in the database, and returns at once.</param>
/// <param name="wake">Has the client fetch from the partitions at once, and returns at once.</param>
internal sealed partial class PartitionFlow(
    IConsumer<Ignore, Rejection> consumer,
    string topic,
    AssignmentTable assignments,
    Action<IReadOnlyList<OwnedPartition>> claim,
    Action<IReadOnlyList<TopicPartition>> wake,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>A partition that another has claimed and that is still ours by the group after this long, longer than a session, is claimed again.</summary>
    private static readonly TimeSpan ReclaimAfter = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromMilliseconds(10);

    /// <summary>Nothing is fetched: the lanes have no room.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Assigned, and no message taken yet.</summary>
    public int Claiming { get; private set; }

    public void Pause()
    {
        IsPaused = true;
        Log.Paused(logger);
        consumer.Pause(Running());
    }

    public void Resume()
    {
        if (IsPaused)
        {
            IsPaused = false;
            Log.Resumed(logger);
            consumer.Resume(Running());
        }
    }

    /// <summary>Has those claimed that have been assigned since. Not within the callback, for only behind it does the client know them.</summary>
    public void ClaimFresh()
    {
        if (assignments.HasFresh && assignments.TakeFresh() is { Count: > 0 } fresh)
        {
            consumer.Pause(fresh.Select(Place));
            claim(fresh);
        }
    }

    /// <summary>Does what a lane has said, where it is about an assignment that is not over.</summary>
    public void Handle(LaneEvent laneEvent)
    {
        if (assignments.Find(laneEvent.Partition) is not { } assignment)
        {
            return;
        }

        switch (laneEvent)
        {
            case LaneEvent.Claimed claimed:
                assignment.State = new AssignmentState.Seeking(ReadCursor.Of(claimed));
                break;
            case LaneEvent.ClaimAgain again:
                assignments.BeginAgain(again.Partition, again.Doubtful);
                break;
            case LaneEvent.Fenced fenced:
                assignment.State = new AssignmentState.Fenced(time.GetTimestamp());
                consumer.Pause([Place(fenced.Partition)]);
                break;
        }
    }

    /// <summary>Sets the client to the offsets of those that wait for it.</summary>
    public void SeekAll()
    {
        List<TopicPartition>? begun = null;
        var claiming = 0;
        foreach (var assignment in assignments.All)
        {
            switch (assignment.State)
            {
                case AssignmentState.Claiming:
                    claiming++;
                    break;
                case AssignmentState.Seeking { Cursor: var cursor, NotBefore: var notBefore }:
                    if (!(IsPaused && assignment.Lane.Filling is null) && (notBefore == 0 || time.GetTimestamp() >= notBefore) && Seek(assignment, cursor))
                    {
                        (begun ??= []).Add(Place(assignment.Partition));
                    }
                    else
                    {
                        claiming++;
                    }

                    break;
            }
        }

        Claiming = claiming;
        if (begun is not null)
        {
            wake(begun);
        }
    }

    /// <summary>The client is to read again from where the cursor stands.</summary>
    public void SeekAgain(Assignment assignment, ReadCursor cursor)
    {
        assignment.State = new AssignmentState.Seeking(cursor);
        consumer.Pause([Place(assignment.Partition)]);
    }

    /// <summary>The client is to read again from where the cursor stands, in a while: what it has read cannot be taken yet.</summary>
    public void SeekLater(Assignment assignment, ReadCursor cursor)
    {
        assignment.State = new AssignmentState.Seeking(cursor, time.GetTimestamp() + (long)(ReadAgainAfter.TotalSeconds * time.TimestampFrequency));
        consumer.Pause([Place(assignment.Partition)]);
    }

    /// <summary>Claims again what the group has left with us, though another has claimed it.</summary>
    public void Reclaim()
    {
        foreach (var partition in assignments.All
            .Where(one => one.State is AssignmentState.Fenced { Since: var since } && time.GetElapsedTime(since) >= ReclaimAfter)
            .Select(one => one.Partition).ToList())
        {
            Log.Reclaimed(logger, partition.Number);
            assignments.BeginAgain(partition, isDoubtful: false);
        }
    }

    /// <returns>False where it has to be tried again.</returns>
    private bool Seek(Assignment assignment, ReadCursor cursor)
    {
        var place = Place(assignment.Partition);
        try
        {
            consumer.Seek(new TopicPartitionOffset(place, cursor.ReadFrom));
        }
        catch (KafkaException exception) when (exception.Error.Code is ErrorCode.Local_State or ErrorCode.Local_InProgress or ErrorCode.Local_TimedOut)
        {
            // The client has not begun with it yet.
            return false;
        }

        assignment.State = new AssignmentState.Running(cursor);
        if (!IsPaused)
        {
            consumer.Resume([place]);
        }

        return true;
    }

    private List<TopicPartition> Running() =>
        [.. assignments.All.Where(assignment => assignment.State is AssignmentState.Running).Select(assignment => Place(assignment.Partition))];

    private TopicPartition Place(OwnedPartition partition) => new(topic, partition.Number);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Paused, because nothing more can be stored")]
        public static partial void Paused(ILogger logger);

        [LoggerMessage(Level = LogLevel.Information, Message = "Resumed")]
        public static partial void Resumed(ILogger logger);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition} is assigned to this consumer, but another one has claimed it: claiming it again")]
        public static partial void Reclaimed(ILogger logger, int partition);
    }
}
