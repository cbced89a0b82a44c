using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Simulation;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class SensorModelTests
{
    public static TheoryData<string, int> TypesAndSeeds
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var type in SensorCatalog.Types.Keys.Order())
            {
                foreach (var seed in (int[])[1, 2, 3, 4, 5])
                {
                    data.Add(type, seed);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndSeeds))]
    public void Over_an_hour_15_percent_are_warnings_and_5_percent_are_critical(string type, int seed)
    {
        var samples = AnHourOf(new SensorsOptions { SensorType = type, Seed = seed });

        var levels = samples.CountBy(sample => sample.Sensor.Thresholds.LevelOf(sample.Value)).ToDictionary();
        Assert.InRange(levels[AlertLevel.Warning] / (double)samples.Count, 0.13, 0.17);
        Assert.InRange(levels[AlertLevel.Critical] / (double)samples.Count, 0.04, 0.06);
    }

    [Fact]
    public void All_types_together_make_26_readings_per_second()
    {
        var perHour = SensorCatalog.Types.Keys.Sum(type => AnHourOf(new SensorsOptions { SensorType = type, Seed = 1 }).Count);

        Assert.InRange(perHour / 3600.0, 25.9, 26.1);
    }

    [Fact]
    public void The_same_seed_gives_the_same_values()
    {
        var options = new SensorsOptions { SensorType = "pressure", Seed = 42 };

        Assert.Equal(AnHourOf(options).Select(sample => sample.Value), AnHourOf(options).Select(sample => sample.Value));
    }

    [Theory]
    [MemberData(nameof(TypesAndSeeds))]
    public void High_readings_come_as_excursions_and_not_as_single_spikes(string type, int seed)
    {
        var lengths = AnHourOf(new SensorsOptions { SensorType = type, Seed = seed })
            .GroupBy(sample => sample.Sensor.Id)
            .SelectMany(sensor => RunsOfHighReadings([.. sensor]))
            .ToList();

        Assert.All(lengths, length => Assert.True(length >= 5, $"an excursion of {length} readings"));
        Assert.InRange(lengths.Average(), 20, 45);
    }

    [Theory]
    [MemberData(nameof(TypesAndSeeds))]
    public void Values_stay_in_the_range_of_their_type(string type, int seed)
    {
        var info = SensorCatalog.Types[type];

        Assert.All(AnHourOf(new SensorsOptions { SensorType = type, Seed = seed }), sample => Assert.InRange(sample.Value, info.Minimum, info.Maximum));
    }

    [Fact]
    public void Starts_are_spread_over_the_interval()
    {
        var first = AnHourOf(new SensorsOptions { SensorType = "temperature", PerType = 4, Seed = 1 }).Take(5).ToList();

        Assert.Equal(
            [("temp-sensor-001", 0), ("temp-sensor-002", 750), ("temp-sensor-003", 1500), ("temp-sensor-004", 2250), ("temp-sensor-001", 3000)],
            first.Select(sample => (sample.Sensor.Id, (int)sample.Due.TotalMilliseconds)));
    }

    [Fact]
    public void Configured_thresholds_and_interval_win()
    {
        var options = new SensorsOptions
        {
            SensorType = "temperature",
            Seed = 7,
            WarningThreshold = 50,
            CriticalThreshold = 60,
            SamplingInterval = TimeSpan.FromSeconds(1),
            BurstFactor = 2,
            SensorId = "oven",
            MachineId = "m",
            Zone = "z",
            FactorySection = "f",
        };

        var samples = AnHourOf(options);

        Assert.Equal(7200, samples.Count);
        Assert.All(samples, sample => Assert.Equal(("oven", new Thresholds(50, 60), new SensorLocation("f", "m", "z")),
            (sample.Sensor.Id, sample.Sensor.Thresholds, sample.Sensor.Location)));
        Assert.Contains(samples, sample => sample.Value >= 60);
    }

    // A run that is cut off at the end of the hour does not count.
    private static IEnumerable<int> RunsOfHighReadings(List<Sample> samples)
    {
        var length = 0;
        var cut = true;
        foreach (var sample in samples)
        {
            if (sample.Sensor.Thresholds.LevelOf(sample.Value) != AlertLevel.Normal)
            {
                length++;
                continue;
            }

            if (length > 0 && !cut)
            {
                yield return length;
            }

            length = 0;
            cut = false;
        }
    }

    private static List<Sample> AnHourOf(SensorsOptions options)
    {
        var fleet = new SimulatedFleet(Options.Create(options));
        var samples = new List<Sample>();
        while (fleet.TryNext(out var sample) && sample.Due < TimeSpan.FromHours(1))
        {
            samples.Add(sample);
        }

        return samples;
    }
}
