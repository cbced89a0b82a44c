using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class ConsumerStatusTests
{
    [Fact]
    public void The_slowest_reading_of_a_second_is_kept_with_its_trace()
    {
        var status = new ConsumerStatus();
        status.Stored(3, [], TimeSpan.Zero, new(20, "a"));
        status.Stored(3, [], TimeSpan.Zero, new(90, "b"));
        status.Stored(3, [], TimeSpan.Zero, new(50, "c"));
        status.Stored(3, [], TimeSpan.Zero, null);

        Assert.Equal(new SlowestReading(90, "b"), status.EndSecond().Sample.Slowest);
        Assert.Null(status.EndSecond().Sample.Slowest);
    }
}
