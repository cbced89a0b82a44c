using FactoryMonitoring.Consumers.Ingestion.Polling;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class UnreadableBatchTests
{
    [Theory]
    [InlineData(7, 7, 1, 8)]
    [InlineData(7, 7, 1, 1_000_000)]
    [InlineData(7, 7, 2, 9)]
    [InlineData(7, 7, 5, 1_000)]
    [InlineData(0, 0, 100_000, 100_000)]
    [InlineData(0, 0, 100_000, 100_001)]
    [InlineData(40, 42, 10, 60)]
    [InlineData(40, 49, 10, 50)]
    [InlineData(40, 3, 10, 60)]
    public void The_end_of_a_batch_is_found_in_a_few_reads(long first, long readFrom, int count, long high)
    {
        var end = first + count;
        var batch = new UnreadableBatch(first, readFrom, high, "reason");
        var reads = 0;
        while (batch.End is null)
        {
            Assert.InRange(batch.Next, first + 1, high);
            Assert.InRange(++reads, 1, 40);
            if (batch.Next < end)
            {
                batch.Inside();
            }
            else
            {
                batch.Outside();
            }
        }

        Assert.Equal(end, batch.End);
    }
}
