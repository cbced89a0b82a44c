namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>What is to be done with a message, by its offset and its leader epoch.</summary>
internal enum Arrival
{
    /// <summary>It is the next.</summary>
    Next,

    /// <summary>It is not the next, but comes later: the offsets between are either marks of producers' transactions, or lost.</summary>
    Later,

    /// <summary>It was taken before, and is of the same log.</summary>
    Redelivered,

    /// <summary>It was taken before, or is none of ours, and nothing is to be done about it.</summary>
    Ignored,

    /// <summary>It was taken before, and nobody knows why it comes again: the partition is to be claimed again.</summary>
    GoneBack,

    /// <summary>It is of another log than the one that was read, from <see cref="ReadCursor.CutAt"/> on.</summary>
    OfAnotherLog,

    /// <summary>It is not the one that is to be compared: <see cref="ReadCursor.ReadFrom"/> is.</summary>
    OutOfPlace,
}

/// <summary>How far the messages of a partition have been taken, from a claim on.</summary>
/// <param name="from">The first offset that is to be taken.</param>
/// <param name="replayUntil">Below it everything is stored already and goes through the detector alone.</param>
/// <param name="leaderEpoch">Of the newest message that was stored; null where it is not known.</param>
/// <param name="comparison">Of the log with what was stored of it; null where it is not possible.</param>
internal sealed class ReadCursor(long from, long replayUntil, int? leaderEpoch, LogComparison? comparison)
{
    private readonly long _from = from;
    private int? _leaderEpoch = leaderEpoch;
    private LogComparison? _comparison = comparison;

    /// <summary>Where a claim leaves the reading.</summary>
    public static ReadCursor Of(LaneEvent.Claimed claimed) => new(
        claimed.From,
        claimed.ReplayUntil,
        claimed.LeaderEpoch,
        claimed.LeaderEpoch is { } epoch && claimed.Low < claimed.ReplayUntil
            ? new LogComparison(epoch, claimed.Low, Math.Min(claimed.From, Math.Min(claimed.ReplayUntil, claimed.High) - 1))
            : null);

    /// <summary>The next offset to take.</summary>
    public long Position { get; private set; } = from;

    /// <summary>The first offset at which the log is another than the one that was read. Valid after <see cref="Arrival.OfAnotherLog"/>.</summary>
    public long CutAt { get; private set; }

    /// <summary>The log's end has been handed to the lane once.</summary>
    public bool EndIsTold { get; set; }

    /// <summary>A batch that the client cannot decompress, while its end is searched for or its messages are rejected; null for nearly always.</summary>
    public UnreadableBatch? Unreadable { get; set; }

    /// <summary>Of the newest message that was taken; null where it is not known.</summary>
    public int? LeaderEpoch => _leaderEpoch;

    /// <summary>Where the client is to read next.</summary>
    public long ReadFrom => Unreadable is { End: null } unreadable ? unreadable.Next : _comparison is { } comparison ? Math.Min(comparison.Next, Position) : Position;

    /// <summary>Whether the log is still compared with what was stored of it.</summary>
    public bool IsComparing => _comparison is not null;

    /// <summary>Takes note of a message that has come, and says what it is; <see cref="Take"/> follows where it is taken.</summary>
    public Arrival Arrive(long offset, int? epoch)
    {
        if (_comparison is { } comparison)
        {
            if (offset >= replayUntil)
            {
                _comparison = null;
            }
            else if (!comparison.Read(offset, epoch))
            {
                return comparison.CutAt is { } cutAt ? Cut(cutAt) : Arrival.OutOfPlace;
            }
        }

        return offset == Position ? Arrival.Next : offset > Position ? Arrival.Later : ArriveAgain(offset, epoch);
    }

    /// <summary>The message is taken.</summary>
    public void Take(long offset, int? epoch) => (Position, _leaderEpoch) = (offset + 1, epoch);

    /// <summary>Compares no further than the end of a batch that the client cannot decompress: nothing tells it from the one that was stored.</summary>
    public void ComparedTo(long end) => _ = Arrive(end - 1, epoch: null);

    /// <summary>Up to this offset there is nothing to be taken.</summary>
    public void Pass(long end) => Position = end;

    /// <summary>The log ends here, for now.</summary>
    /// <returns>False where <see cref="ReadFrom"/> is to be read, for what was stored is not all there.</returns>
    public bool End(long offset) => _comparison is not { } comparison || offset >= replayUntil || comparison.End();

    /// <summary>Whether there is nothing left to be replayed where the log ends here.</summary>
    public bool IsReplayedAt(long end) => end >= replayUntil;

    /// <summary>The client begins again at the cut, or at the beginning, of a log that no longer reaches to where we stand.</summary>
    private Arrival ArriveAgain(long offset, int? epoch)
    {
        if (epoch > _leaderEpoch)
        {
            return Cut(offset);
        }

        return offset < _from ? Arrival.Ignored : _leaderEpoch is not null ? Arrival.GoneBack : Arrival.Redelivered;
    }

    private Arrival Cut(long offset)
    {
        CutAt = offset;
        return Arrival.OfAnotherLog;
    }
}
