using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Replay;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class ReplayTests
{
    [Fact]
    public void A_header_and_empty_lines_are_passed_over()
    {
        var values = ReplayFile.Parse(["timestamp,value", "2013-12-02 21:15:00,73.5", "", "2013-12-02T21:20:00Z,74"]);

        Assert.Equal(
            [
                new RecordedValue(new DateTime(2013, 12, 2, 21, 15, 0, DateTimeKind.Utc), "2013-12-02 21:15:00", 73.5),
                new RecordedValue(new DateTime(2013, 12, 2, 21, 20, 0, DateTimeKind.Utc), "2013-12-02T21:20:00Z", 74),
            ],
            values);
    }

    [Theory]
    [InlineData("2013-12-02 21:15:00", "line 2 is not timestamp,value: 2013-12-02 21:15:00")]
    [InlineData("yesterday,1", "line 2 begins with no time (allowed is yyyy-MM-dd HH:mm:ss or ISO 8601): yesterday,1")]
    [InlineData("2013-12-02 21:15:00,hot", "line 2 ends with no number: 2013-12-02 21:15:00,hot")]
    [InlineData("2013-12-02 21:15:00,NaN", "line 2 ends with no number: 2013-12-02 21:15:00,NaN")]
    public void A_malformed_line_is_named(string line, string message)
    {
        var exception = Assert.Throws<FormatException>(() => ReplayFile.Parse(["timestamp,value", line]));

        Assert.Equal(message, exception.Message);
    }

    [Fact]
    public void A_file_without_values_is_an_error()
    {
        Assert.Equal("holds no line timestamp,value", Assert.Throws<FormatException>(() => ReplayFile.Parse(["timestamp,value"])).Message);
    }

    [Fact]
    public void The_recording_of_a_machines_failure_is_compressed_to_its_speed()
    {
        var options = new SensorsOptions
        {
            SensorType = "temperature",
            Replay = new ReplayOptions { File = RecordingOfAFailure(), SpeedUp = 300, WarningThreshold = 90, CriticalThreshold = 100, SensorId = "machine-temperature" },
        };
        var feed = new ReplayFeed(Options.Create(options));

        Assert.True(feed.TryNext(out var first));
        Assert.Equal((feed.Sensors[0], 73.96732207, TimeSpan.Zero, "2013-12-02 21:15:00"), (first.Sensor, first.Value, first.Due, first.SourceTimestamp));
        Assert.True(feed.TryNext(out var second));
        Assert.Equal((74.93588199999998, TimeSpan.FromSeconds(1), "2013-12-02 21:20:00"), (second.Value, second.Due, second.SourceTimestamp));
        var count = 2;
        var last = second;
        while (feed.TryNext(out var sample))
        {
            Assert.True(sample.Due >= last.Due);
            last = sample;
            count++;
        }

        Assert.Equal(22_695, count);
        Assert.Equal(("machine-temperature", new Thresholds(90, 100)), (last.Sensor.Id, last.Sensor.Thresholds));
    }

    [Fact]
    public void A_looped_replay_begins_anew_and_time_goes_on()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllLines(file, ["2020-01-01 00:00:00,1", "2020-01-01 00:00:10,2"]);
            var feed = new ReplayFeed(Options.Create(new SensorsOptions
            {
                SensorType = "energy",
                Replay = new ReplayOptions { File = file, SpeedUp = 10, Loop = true },
            }));

            var samples = Enumerable.Range(0, 4).Select(_ => feed.TryNext(out var sample) ? (sample.Value, sample.Due.TotalSeconds) : default).ToList();

            Assert.Equal([(1.0, 0.0), (2.0, 1.0), (1.0, 2.0), (2.0, 3.0)], samples);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string RecordingOfAFailure()
    {
        const string Name = "realKnownCause/machine_temperature_system_failure.csv";
        if (Environment.GetEnvironmentVariable("FACTORY_NAB") is { Length: > 0 } folder)
        {
            return Path.Combine(folder, Name);
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var file = Path.Combine(directory.FullName, "shared", "data", "nab", Name);
            if (File.Exists(file))
            {
                return file;
            }
        }

        throw new InvalidOperationException("The Numenta Anomaly Benchmark's data is needed: set FACTORY_NAB to its folder");
    }
}
