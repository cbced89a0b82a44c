using FactoryMonitoring.Data.Sensors;

namespace FactoryMonitoring.Tests.Data.Sensors;

[Trait("Loop", "quick")]
public sealed class SensorSequenceStoreTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    [Fact]
    public async Task Blocks_begin_at_one_and_follow_each_other()
    {
        var store = new SensorSequenceStore(Database.Sensor);

        Assert.Equal(new Dictionary<string, long> { ["a"] = 1, ["b"] = 1 }, await store.ReserveAsync(["a", "b"], 1000, Timeout));
        Assert.Equal(new Dictionary<string, long> { ["b"] = 1001, ["c"] = 1 }, await store.ReserveAsync(["c", "b"], 1000, Timeout));
    }

    [Fact]
    public async Task Processes_that_reserve_for_the_same_sensors_at_once_never_get_the_same_block()
    {
        string[] sensors = ["a", "b", "c", "d"];

        var reserved = await Task.WhenAll(Enumerable.Range(0, 25).Select(i => new SensorSequenceStore(Database.Sensor)
            .ReserveAsync([.. sensors.Skip(i % 4), .. sensors.Take(i % 4)], 1000, Timeout)));

        var expected = Enumerable.Range(0, 25).Select(i => 1L + i * 1000).ToList();
        Assert.All(sensors, sensor => Assert.Equal(expected, reserved.Select(blocks => blocks[sensor]).Order()));
    }
}
