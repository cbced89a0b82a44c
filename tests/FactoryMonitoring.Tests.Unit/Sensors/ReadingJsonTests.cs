using System.Text;
using System.Text.Json;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Publishing;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class ReadingJsonTests
{
    private static readonly Sensor Sensor = new(
        0, "temp-sensor-001", SensorCatalog.Temperature, new Thresholds(35, 40), new SensorLocation("production", "machine-001", "zone-a"));

    private static readonly DateTime Time = new DateTime(2025, 9, 16, 21, 41, 41, DateTimeKind.Utc).AddMicroseconds(11_144);

    [Fact]
    public void A_reading_is_written_as_the_contract_shows_it()
    {
        using var json = new ReadingJson();

        Assert.Equal(
            """
            {"timestamp":"2025-09-16T21:41:41.011144Z","sensor_id":"temp-sensor-001","sensor_type":"temperature","location":{"factory_section":"production","machine_id":"machine-001","zone":"zone-a"},"value":42.48,"unit":"°C","alert_level":"critical","quality":1,"metadata":{"reading_count":14,"sequence_id":"k3J9x0aBc1d","warning_threshold":35,"critical_threshold":40}}
            """,
            Encoding.UTF8.GetString(json.Write(new Sample(Sensor, 42.48, default, null), new(14, "k3J9x0aBc1d"), Time)));
    }

    [Theory]
    [InlineData(35, double.PositiveInfinity)]
    [InlineData(double.PositiveInfinity, 40)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity)]
    public void Without_both_thresholds_the_consumers_determine_the_level(double warning, double critical)
    {
        using var json = new ReadingJson();
        var sensor = new Sensor(0, "s", SensorCatalog.Temperature, new Thresholds(warning, critical), new SensorLocation("production", "machine-001", "zone-a"));
        var message = JsonSerializer.Deserialize(json.Write(new Sample(sensor, 50, default, null), new(1, "q"), Time), MessageJsonContext.Default.SensorReadingMessage)!;
        Assert.Null(message.AlertLevel);
    }

    [Fact]
    public void A_replayed_reading_bears_the_files_own_time()
    {
        using var json = new ReadingJson();
        json.Write(new Sample(Sensor, 1, default, null), new(1, "q"), Time);

        var message = JsonSerializer.Deserialize(
            json.Write(new Sample(Sensor, 36.5, default, "2013-12-02 21:15:00"), new(2, "q"), Time), MessageJsonContext.Default.SensorReadingMessage);

        Assert.Equal(
            new SensorReadingMessage(
                new DateTimeOffset(Time), "temp-sensor-001", "temperature", new SensorLocation("production", "machine-001", "zone-a"), 36.5, "°C", "warning", 1,
                new SensorReadingMetadata(2, "q", 35, 40, "2013-12-02 21:15:00")),
            message);
    }
}
