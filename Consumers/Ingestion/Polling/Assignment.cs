namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>The polling thread's state of a partition that the group has assigned to this consumer. Only used by the polling thread.</summary>
internal sealed class Assignment(OwnedPartition partition)
{
    public OwnedPartition Partition { get; } = partition;

    public int Number => Partition.Number;

    public LaneQueue Lane => Partition.Lane;

    public AssignmentState State { get; set; } = new AssignmentState.Claiming();
}

/// <summary>The state of an assignment. An assignment that has ended has no state: it is no longer in the <see cref="AssignmentTable"/>.</summary>
internal abstract class AssignmentState
{
    private AssignmentState()
    {
    }

    /// <summary>Not claimed in the database yet: its messages are not taken. The partition holds what is claimed, and why.</summary>
    public sealed class Claiming : AssignmentState;

    /// <summary>Claimed; the client still has to seek to the offset.</summary>
    /// <param name="notBefore">By the time provider's timestamp; 0 for immediately.</param>
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

    /// <summary>Another consumer has claimed it. The group may not have notified us yet.</summary>
    /// <param name="since">By the time provider's timestamp.</param>
    public sealed class Fenced(long since) : AssignmentState
    {
        public long Since { get; } = since;
    }
}
