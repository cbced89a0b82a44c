namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>What to do with a message, by its offset and its leader epoch.</summary>
internal enum Arrival
{
    /// <summary>It is the next message.</summary>
    Next,

    /// <summary>It is after the next: the offsets between are either control records of producers' transactions, or lost.</summary>
    Later,

    /// <summary>It was taken before, and belongs to the same log.</summary>
    Redelivered,

    /// <summary>It was taken before, or is not ours, and nothing needs to be done.</summary>
    Ignored,

    /// <summary>It was taken before, and it is unknown why it was delivered again: the partition must be claimed again.</summary>
    GoneBack,

    /// <summary>It belongs to another log than the one that was read, from <see cref="ReadCursor.CutAt"/> on.</summary>
    OfAnotherLog,

    /// <summary>It is not the message to compare: that is at <see cref="ReadCursor.ReadFrom"/>.</summary>
    OutOfPlace,
}

/// <summary>The position up to which the messages of a partition have been taken since its claim.</summary>
/// <param name="from">The first offset to take.</param>
/// <param name="replayUntil">Messages below it are already stored and only pass through the detector.</param>
/// <param name="leaderEpoch">The leader epoch of the newest message stored; null if unknown.</param>
/// <param name="comparison">Compares the log with what was stored of it; null if that is not possible.</param>
internal sealed class ReadCursor(long from, long replayUntil, int? leaderEpoch, LogComparison? comparison)
{
    private readonly long _from = from;
    private int? _leaderEpoch = leaderEpoch;
    private LogComparison? _comparison = comparison;

    /// <summary>Creates the cursor for a claim.</summary>
    public static ReadCursor Of(LaneEvent.Claimed claimed) => new(
        claimed.From,
        claimed.ReplayUntil,
        claimed.LeaderEpoch,
        claimed.LeaderEpoch is { } epoch && claimed.Low < claimed.ReplayUntil
            ? new LogComparison(epoch, claimed.Low, Math.Min(claimed.From, Math.Min(claimed.ReplayUntil, claimed.High) - 1))
            : null);

    /// <summary>The next offset to take.</summary>
    public long Position { get; private set; } = from;

    /// <summary>The first offset at which the log differs from the one that was read. Valid after <see cref="Arrival.OfAnotherLog"/>.</summary>
    public long CutAt { get; private set; }

    /// <summary>Whether the lane has been notified of the log's end.</summary>
    public bool EndIsTold { get; set; }

    /// <summary>A batch that the client cannot decompress, while its end is searched for or its messages are rejected; null nearly always.</summary>
    public UnreadableBatch? Unreadable { get; set; }

    /// <summary>The leader epoch of the newest message taken; null if unknown.</summary>
    public int? LeaderEpoch => _leaderEpoch;

    /// <summary>The offset that the client must read next.</summary>
    public long ReadFrom => Unreadable is { End: null } unreadable ? unreadable.Next : _comparison is { } comparison ? Math.Min(comparison.Next, Position) : Position;

    /// <summary>Whether the log is still compared with what was stored of it.</summary>
    public bool IsComparing => _comparison is not null;

    /// <summary>Processes the arrival of a message, and returns what it is; call <see cref="Take"/> if it is taken.</summary>
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

    /// <summary>Records that the message is taken.</summary>
    public void Take(long offset, int? epoch) => (Position, _leaderEpoch) = (offset + 1, epoch);

    /// <summary>Ends the comparison at the end of a batch that the client cannot decompress: nothing distinguishes it from the one that was stored.</summary>
    public void ComparedTo(long end) => _ = Arrive(end - 1, epoch: null);

    /// <summary>Skips to this offset: there is nothing to take before it.</summary>
    public void Pass(long end) => Position = end;

    /// <summary>Records that the log ends here, for now.</summary>
    /// <returns>False if <see cref="ReadFrom"/> must be read, because not everything that was stored is there.</returns>
    public bool End(long offset) => _comparison is not { } comparison || offset >= replayUntil || comparison.End();

    /// <summary>Whether nothing is left to replay if the log ends here.</summary>
    public bool IsReplayedAt(long end) => end >= replayUntil;

    /// <summary>Handles a client that starts again at the cut, or at the beginning, of a log that no longer reaches our position.</summary>
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
