using FactoryMonitoring.Sensors.Sequences;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class ReadingCountsTests
{
    [Fact]
    public void Counts_go_through_one_block_and_then_the_next()
    {
        var counts = new ReadingCounts();
        Assert.False(counts.TryTake(out _));

        counts.Add(1);
        counts.TryTake(out var first);
        counts.Add(5001);
        var rest = Enumerable.Range(0, 1999).Select(_ => counts.TryTake(out var number) ? number.Count : -1).ToList();

        Assert.Equal(1, first.Count);
        Assert.Equal([.. Enumerable.Range(2, 999), .. Enumerable.Range(5001, 1000)], rest);
        Assert.False(counts.TryTake(out _));
    }

    [Fact]
    public void The_next_block_is_wanted_when_half_of_this_one_is_used()
    {
        var counts = new ReadingCounts();
        Assert.True(counts.WantsBlock);
        counts.Add(1);
        Assert.False(counts.WantsBlock);
        Take(counts, ReadingCounts.UsualBlock / 2 - 1);
        Assert.False(counts.WantsBlock);
        Take(counts, 1);
        Assert.True(counts.WantsBlock);
        counts.Add(1001);
        Assert.False(counts.WantsBlock);
    }

    [Fact]
    public void Blocks_that_a_restored_database_gives_out_again_begin_another_sequence()
    {
        var counts = new ReadingCounts();
        counts.Add(5001);
        counts.TryTake(out var first);
        counts.Add(6001);
        Take(counts, ReadingCounts.UsualBlock);
        counts.Add(5001);
        counts.TryTake(out var second);
        Take(counts, ReadingCounts.UsualBlock - 2);
        counts.TryTake(out var again);

        Assert.Equal((5001L, 6002L, 5001L), (first.Count, second.Count, again.Count));
        Assert.Equal(first.SequenceId, second.SequenceId);
        Assert.NotEqual(first.SequenceId, again.SequenceId);
        Assert.Matches("^[A-Za-z0-9_-]{11}$", again.SequenceId);
    }

    [Fact]
    public void A_process_that_starts_begins_another_sequence()
    {
        var (before, after) = (new ReadingCounts(), new ReadingCounts());
        before.Add(1);
        after.Add(1001);
        before.TryTake(out var first);
        after.TryTake(out var second);

        Assert.NotEqual(first.SequenceId, second.SequenceId);
    }

    private static void Take(ReadingCounts counts, int number)
    {
        for (var i = 0; i < number; i++)
        {
            Assert.True(counts.TryTake(out _));
        }
    }
}
