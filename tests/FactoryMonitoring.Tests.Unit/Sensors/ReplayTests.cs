using FactoryMonitoring.Replay;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.Tests.Unit.Nab;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class ReplayTests
{
    [Fact]
    public void The_recording_of_a_machines_failure_is_compressed_to_its_speed()
    {
        var options = new SensorsOptions
        {
            SensorType = "temperature",
            Replay = new ReplayOptions { File = RecordingOfAFailure(), SpeedUp = 300, WarningThreshold = 90, CriticalThreshold = 100, SensorId = "machine-temperature" },
        };
        using var feed = new ReplayFeed(Options.Create(options), new CheckedFile());

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
            using var feed = new ReplayFeed(Options.Create(new SensorsOptions
            {
                SensorType = "energy",
                Replay = new ReplayOptions { File = file, SpeedUp = 10, Loop = true },
            }), new CheckedFile());

            var samples = Enumerable.Range(0, 4).Select(_ => feed.TryNext(out var sample) ? (sample.Value, sample.Due.TotalSeconds) : default).ToList();

            Assert.Equal([(1.0, 0.0), (2.0, 1.0), (1.0, 2.0), (2.0, 3.0)], samples);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Columns_are_sensors_whose_missing_values_are_not_sent_and_the_feed_says_where_it_is()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllLines(file, ["time,Voltage (V),temp", "2020-01-01 00:00:00,230,20", "2020-01-01 00:01:00,NA,21", "2020-01-01 00:02:00,231,NA"]);
            using var feed = new ReplayFeed(
                Options.Create(new SensorsOptions { SensorType = "temperature", Replay = new ReplayOptions { File = file, SpeedUp = 60 } }), new CheckedFile());

            var samples = new List<(string, double, double, string?)>();
            var positions = new List<(long, string?)>();
            while (feed.TryNext(out var sample))
            {
                positions.Add((feed.Position.Row, feed.Position.SourceTimestamp));
                samples.Add((sample.Sensor.Id, sample.Value, sample.Due.TotalSeconds, sample.SourceTimestamp));
            }

            Assert.Equal(
                [("replay-voltage", 230, 0, "2020-01-01 00:00:00"), ("replay-temp", 20, 0, "2020-01-01 00:00:00"), ("replay-temp", 21, 1, "2020-01-01 00:01:00"), ("replay-voltage", 231, 2, "2020-01-01 00:02:00")],
                samples);
            Assert.Equal([(0, null), (0, null), (1, "2020-01-01 00:00:00"), (2, "2020-01-01 00:01:00")], positions);
            Assert.Equal(new ReplayPosition(3, 3, "2020-01-01 00:02:00", 4, IsOver: true), feed.Position);
            Assert.Equal(("voltage", "V", double.PositiveInfinity), (feed.Sensors[0].Type.Name, feed.Sensors[0].Type.Unit, feed.Sensors[0].Thresholds.Warning));
            Assert.Equal(("temperature", "°C", 35), (feed.Sensors[1].Type.Name, feed.Sensors[1].Type.Unit, feed.Sensors[1].Thresholds.Warning));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string RecordingOfAFailure() => Path.Combine(NabFolder.Find(), "realKnownCause/machine_temperature_system_failure.csv");

    [Fact]
    public void An_id_with_several_types_is_counted_once()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(
                file,
                "timestamp,sensor_id,sensor_type,value,unit,alert_level,quality,factory_section,machine_id,zone,reading_count,sequence_id,processed_by_consumer,processing_timestamp,log_id,kafka_partition,kafka_offset,backfill\r\n"
                + "2026-01-31T12:00:00.000000Z,h1,temperature,21,°C,normal,1,A,m,z,1,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
                + "2026-01-31T12:00:00.000000Z,h1,humidity,40,%,normal,1,A,m,z,2,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
                + "2026-01-31T12:00:01.000000Z,h1,temperature,22,°C,normal,1,A,m,z,3,s,c,2026-01-31T12:00:01.100000Z,l,0,11,false\r\n");
            using var feed = new ReplayFeed(Options.Create(new SensorsOptions { Replay = new ReplayOptions { File = file, Backfill = true } }), new CheckedFile());

            Assert.Equal([("h1", 0), ("h1", 0)], feed.Sensors.Select(sensor => (sensor.Id, sensor.Index)));
            Assert.Same(feed.Sensors[0].Counts, feed.Sensors[1].Counts);

            feed.PassOver([2, 0]);
            Assert.True(feed.TryNext(out var left));
            Assert.Equal(22, left.Value);
            Assert.False(feed.TryNext(out _));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
