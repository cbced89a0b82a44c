using FactoryMonitoring.Consumers.Detection;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class SequenceAccountTests
{
    private readonly SequenceAccount _account = new();

    [Fact]
    public void Nothing_is_known_of_a_sensor_that_was_not_seen() => Assert.Equal([(5, 9)], _account.Unseen(5, 9));

    [Fact]
    public void A_second_of_the_same_number_is_noticed()
    {
        Add(7, 8, 9);

        Assert.False(_account.Add(8));
        Assert.False(_account.Add(9));
    }

    [Fact]
    public void A_jump_is_a_gap_that_later_numbers_fill()
    {
        Add(1, 1001, 2, 1002, 3);

        Assert.Equal([(4, 1000)], _account.Unseen(1, 1002));
        Assert.True(_account.Add(500));
        Assert.Equal([(4, 499), (501, 1000)], _account.Unseen(1, 1002));
        Assert.False(_account.Add(500));
        Assert.True(_account.Add(501));
        Assert.Equal([(4, 499), (502, 1000)], _account.Unseen(1, 1002));
    }

    [Fact]
    public void What_lies_before_the_first_and_behind_the_last_is_unseen()
    {
        Add(10, 11);

        Assert.Equal([(8, 9), (12, 13)], _account.Unseen(8, 13));
        Assert.Equal([], _account.Unseen(10, 11));
        Assert.True(_account.Add(5));
        Assert.Equal([(6, 9)], _account.Unseen(5, 11));
    }

    [Fact]
    public void Memory_of_gaps_is_bounded_and_what_is_forgotten_is_unseen()
    {
        for (var count = 0; count <= 200; count += 2)
        {
            _account.Add(count);
        }

        Assert.Equal(64, _account.Gaps.Count);
        Assert.Equal((0L, 71L), _account.Unseen(0, 199).First());
    }

    private void Add(params ReadOnlySpan<long> counts)
    {
        foreach (var count in counts)
        {
            Assert.True(_account.Add(count));
        }
    }
}
