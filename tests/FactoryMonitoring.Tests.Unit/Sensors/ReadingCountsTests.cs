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
        var rest = Enumerable.Range(0, 1999).Select(_ => counts.TryTake(out var count) ? count : -1).ToList();

        Assert.Equal(1, first);
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
        Take(counts, ReadingCounts.BlockSize / 2 - 1);
        Assert.False(counts.WantsBlock);
        Take(counts, 1);
        Assert.True(counts.WantsBlock);
        counts.Add(1001);
        Assert.False(counts.WantsBlock);
    }

    private static void Take(ReadingCounts counts, int number)
    {
        for (var i = 0; i < number; i++)
        {
            Assert.True(counts.TryTake(out _));
        }
    }
}
