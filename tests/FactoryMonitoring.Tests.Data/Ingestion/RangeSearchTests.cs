using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

public sealed class RangeSearchTests
{
    [Fact]
    public async Task Whether_a_search_is_over_takes_as_long_for_many_readings_as_for_a_few()
    {
        var search = Search((1, 1_000_000_000_000));

        Assert.False(await Task.Run(() => search.IsOver).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void A_search_is_over_when_each_reading_of_each_part_is_found_once()
    {
        var search = Search((1, 2), (5, 5));

        foreach (var (part, count) in (List<(int, long)>)[(0, 1), (0, 1), (1, 5)])
        {
            search.Found(part, count, offset: 50, isRejected: count == 5);
            Assert.False(search.IsOver);
        }

        Assert.Equal([(2, 2)], search.Lookups().SelectMany(lookup => lookup.Missing));
        search.Found(0, 2, offset: 40, isRejected: false);
        Assert.True(search.IsOver);
        Assert.Equal([(0L, 0), (1L, 0)], search.Lookups().Select(lookup => (lookup.Rejected, lookup.Missing.Count)));
    }

    private static RangeSearch Search(params (long First, long Last)[] parts)
    {
        var range = new AcknowledgedRange(1, "p", "s", null, 0, parts[0].First, parts[^1].Last, MaxOffset: 1_000_000);
        return new RangeSearch(logKey: 1, epoch: 1, [.. parts.Select(part => new UnseenRange(range, part.First, part.Last))]);
    }
}
