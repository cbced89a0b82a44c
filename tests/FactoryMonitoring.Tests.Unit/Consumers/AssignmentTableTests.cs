using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Polling;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class AssignmentTableTests : IDisposable
{
    private readonly LaneQueue _lane = new(0, 10, TimeProvider.System);
    private readonly AssignmentTable _assignments = new();

    public void Dispose() => _lane.Dispose();

    [Fact]
    public void An_assignment_is_claimed_once()
    {
        var partition = Begin(3);

        Assert.IsType<AssignmentState.Claiming>(_assignments.Find(3)!.State);
        Assert.True(_assignments.HasFresh);
        Assert.Equal([partition], _assignments.TakeFresh());
        Assert.False(_assignments.HasFresh);
        Assert.Equal([partition], _assignments.Partitions);
        Assert.Null(_assignments.Find(2));
        Assert.Null(_assignments.Find(4));
    }

    [Fact]
    public void One_that_is_over_is_neither_claimed_nor_found_and_not_abandoned_before_it_is_given_up()
    {
        var partition = Begin(3);

        Assert.Same(partition, _assignments.Remove(3));
        Assert.Null(_assignments.Remove(3));
        Assert.Null(_assignments.Find(partition));
        Assert.Empty(_assignments.TakeFresh());
        Assert.Empty(_assignments.Partitions);
        Assert.False(partition.IsAbandoned);
    }

    [Fact]
    public void One_that_begins_anew_takes_the_place_of_the_one_before_for_which_nobody_waits_any_more()
    {
        var before = Begin(3);
        var after = Begin(3);

        Assert.True(before.IsAbandoned);
        Assert.Null(_assignments.Find(before));
        Assert.Same(after, _assignments.Find(after)!.Partition);
        Assert.Equal([after], _assignments.TakeFresh());
    }

    [Fact]
    public void Doubts_add_up_until_they_are_certain_and_end_with_what_is_no_doubt()
    {
        Begin(3);
        for (var uncertainClaims = 1; uncertainClaims <= 3; uncertainClaims++)
        {
            Assert.False(Present.IsCertain);
            _assignments.BeginAgain(Present, isUncertain: true);
            Assert.Equal(uncertainClaims, Present.UncertainClaims);
        }

        Assert.True(Present.IsCertain);
        _assignments.BeginAgain(Present, isUncertain: false, cutAt: 7);
        Assert.Equal((0, 7L, true), (Present.UncertainClaims, Present.CutAt!.Value, Present.Joined));
    }

    private OwnedPartition Present => _assignments.Find(3)!.Partition;

    private OwnedPartition Begin(int number)
    {
        var partition = new OwnedPartition(number, _lane, joined: true);
        _assignments.Begin(partition);
        return partition;
    }
}
