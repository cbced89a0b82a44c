using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// Controls from which partitions the client fetches, and from which offset: partitions that are being claimed or are fenced are paused, claimed ones seek to
/// their offset, and everything is paused while the lanes have no space.
/// </summary>
/// <param name="claim">Starts claiming partitions in the database, and returns immediately.</param>
/// <param name="wake">Makes the client fetch from the partitions immediately, and returns immediately.</param>
internal sealed partial class PartitionFlow(
    IConsumer<Ignore, Rejection> consumer,
    string topic,
    AssignmentTable assignments,
    Action<IReadOnlyList<OwnedPartition>> claim,
    Action<IReadOnlyList<TopicPartition>> wake,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>
    /// A partition that another consumer has claimed, but that the group still assigns to us after this time, longer than a session, is claimed again.
    /// </summary>
    private static readonly TimeSpan ReclaimAfter = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromMilliseconds(10);

    /// <summary>Nothing is fetched because the lanes have no space.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Partitions that are assigned and of which no message has been taken yet.</summary>
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

    /// <summary>Has newly assigned partitions claimed. Not within the callback, because the client knows them only after it.</summary>
    public void ClaimFresh()
    {
        if (assignments.HasFresh && assignments.TakeFresh() is { Count: > 0 } fresh)
        {
            consumer.Pause(fresh.Select(Place));
            claim(fresh);
        }
    }

    /// <summary>Processes a lane's notification, if its assignment has not ended.</summary>
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
                assignments.BeginAgain(again.Partition, again.Uncertain);
                break;
            case LaneEvent.Fenced fenced:
                assignment.State = new AssignmentState.Fenced(time.GetTimestamp());
                consumer.Pause([Place(fenced.Partition)]);
                break;
        }
    }

    /// <summary>Makes the client seek for all partitions that wait for it.</summary>
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

    /// <summary>Makes the client read again from the cursor's position.</summary>
    public void SeekAgain(Assignment assignment, ReadCursor cursor)
    {
        assignment.State = new AssignmentState.Seeking(cursor);
        consumer.Pause([Place(assignment.Partition)]);
    }

    /// <summary>Makes the client read again from the cursor's position, after a delay: what it has read cannot be taken yet.</summary>
    public void SeekLater(Assignment assignment, ReadCursor cursor)
    {
        assignment.State = new AssignmentState.Seeking(cursor, time.GetTimestamp() + (long)(ReadAgainAfter.TotalSeconds * time.TimestampFrequency));
        consumer.Pause([Place(assignment.Partition)]);
    }

    /// <summary>Claims partitions again that the group still assigns to us, although another consumer has claimed them.</summary>
    public void Reclaim()
    {
        foreach (var partition in assignments.All
            .Where(one => one.State is AssignmentState.Fenced { Since: var since } && time.GetElapsedTime(since) >= ReclaimAfter)
            .Select(one => one.Partition).ToList())
        {
            Log.Reclaimed(logger, partition.Number);
            assignments.BeginAgain(partition, isUncertain: false);
        }
    }

    /// <returns>False if it must be retried.</returns>
    private bool Seek(Assignment assignment, ReadCursor cursor)
    {
        var place = Place(assignment.Partition);
        try
        {
            consumer.Seek(new TopicPartitionOffset(place, cursor.ReadFrom));
        }
        catch (KafkaException exception) when (exception.Error.Code is ErrorCode.Local_State or ErrorCode.Local_InProgress or ErrorCode.Local_TimedOut)
        {
            // The client has not started with it yet.
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
