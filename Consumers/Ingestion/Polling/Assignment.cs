namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>What the polling thread knows of a partition that the group has assigned to this consumer. The polling thread's alone.</summary>
internal sealed class Assignment(OwnedPartition partition)
{
    public OwnedPartition Partition { get; } = partition;

    public int Number => Partition.Number;

    public LaneQueue Lane => Partition.Lane;

    public AssignmentState State { get; set; } = new AssignmentState.Claiming();
}

/// <summary>Where an assignment stands. One that is over has no state: it is no longer in the <see cref="AssignmentTable"/>.</summary>
internal abstract class AssignmentState
{
    private AssignmentState()
    {
    }

    /// <summary>Not ours in the database yet: its messages are not taken. What is claimed, and why, is in the partition.</summary>
    public sealed class Claiming : AssignmentState;

    /// <summary>Ours; the client still has to be set to the offset.</summary>
    /// <param name="notBefore">By the time provider's timestamp; 0 for at once.</param>
    public sealed class Seeking(ReadCursor cursor, long notBefore = 0) : AssignmentState
    {
        public ReadCursor Cursor { get; } = cursor;

        public long NotBefore { get; } = notBefore;
    }

    /// <summary>Its messages are taken.</summary>
    public sealed class Running(ReadCursor cursor) : AssignmentState
    {
        public ReadCursor Cursor { get; } = cursor;
    }

    /// <summary>Another consumer has claimed it. It may be that the group has not told us yet.</summary>
    /// <param name="since">By the time provider's timestamp.</param>
    public sealed class Fenced(long since) : AssignmentState
    {
        public long Since { get; } = since;
    }
}
