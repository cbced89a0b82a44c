using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Polling;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class ReadCursorTests : IDisposable
{
    private readonly LaneQueue _lane = new(0, 10, TimeProvider.System);

    public void Dispose() => _lane.Dispose();

    [Fact]
    public void What_comes_in_order_is_taken_and_what_is_left_out_is_passed()
    {
        var cursor = new ReadCursor(5, 5, null, null);

        Assert.Equal(Arrival.Ignored, cursor.Arrive(4, null));
        Assert.Equal(Arrival.Next, cursor.Arrive(5, null));
        cursor.Take(5, null);
        Assert.Equal(Arrival.Later, cursor.Arrive(8, null));
        cursor.Take(8, null);
        Assert.Equal((9L, 9L), (cursor.Position, cursor.ReadFrom));
        cursor.Pass(12);
        Assert.Equal(12, cursor.ReadFrom);
    }

    [Fact]
    public void What_comes_again_is_redelivered_or_of_a_log_that_is_to_be_claimed_again()
    {
        var cursor = new ReadCursor(5, 5, null, null);
        cursor.Take(5, null);
        Assert.Equal(Arrival.Redelivered, cursor.Arrive(5, 1));

        cursor.Take(6, 1);
        Assert.Equal(Arrival.GoneBack, cursor.Arrive(6, 1));
        Assert.Equal(Arrival.OfAnotherLog, cursor.Arrive(6, 2));
        Assert.Equal(6, cursor.CutAt);
    }

    [Fact]
    public void A_log_that_was_cut_is_found_out_by_its_epochs_before_anything_is_taken()
    {
        var cursor = ReadCursor.Of(new LaneEvent.Claimed(new OwnedPartition(0, _lane, false), From: 100, ReplayUntil: 100, LeaderEpoch: 3, Low: 0, High: 100));
        Assert.True(cursor.IsComparing);
        Assert.Equal(99, cursor.ReadFrom);

        Assert.Equal(Arrival.OutOfPlace, cursor.Arrive(99, 4));
        var compared = cursor.ReadFrom;
        Assert.True(compared < 99);
        Assert.Equal(Arrival.Ignored, cursor.Arrive(compared, 3));
        Assert.Equal(Arrival.OfAnotherLog, cursor.Arrive(compared + 1, 4));
        Assert.Equal((compared + 1, 100L), (cursor.CutAt, cursor.Position));
    }

    [Fact]
    public void The_comparison_ends_where_the_replay_does()
    {
        var cursor = ReadCursor.Of(new LaneEvent.Claimed(new OwnedPartition(0, _lane, false), From: 100, ReplayUntil: 100, LeaderEpoch: 3, Low: 0, High: 100));

        Assert.Equal(Arrival.Ignored, cursor.Arrive(99, 3));
        Assert.Equal(Arrival.Next, cursor.Arrive(100, 9));
        Assert.False(cursor.IsComparing);
        Assert.True(cursor.End(101));
        Assert.True(cursor.IsReplayedAt(101));
    }

    [Fact]
    public void An_end_before_what_was_stored_is_looked_for_further_back()
    {
        var cursor = ReadCursor.Of(new LaneEvent.Claimed(new OwnedPartition(0, _lane, false), From: 100, ReplayUntil: 100, LeaderEpoch: 3, Low: 0, High: 100));

        Assert.False(cursor.End(99));
        Assert.True(cursor.ReadFrom < 99);
        Assert.False(cursor.IsReplayedAt(99));
    }

    [Fact]
    public void Without_leader_epochs_nothing_is_compared()
    {
        Assert.False(ReadCursor.Of(new LaneEvent.Claimed(new OwnedPartition(0, _lane, false), 100, 100, LeaderEpoch: null, 0, 100)).IsComparing);
        Assert.False(ReadCursor.Of(new LaneEvent.Claimed(new OwnedPartition(0, _lane, false), 100, 100, LeaderEpoch: 3, Low: 100, 100)).IsComparing);
    }
}
