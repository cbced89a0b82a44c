using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class RemarkableReadingTests
{
    [Theory]
    [InlineData("20 21 22 23 24 25", "......")] // drifts
    [InlineData("20 36 36 41", ".!!!")] // a warning, critical
    [InlineData("34 23 23 23 23 23", ".!!!!.")] // a step of 11 °C, remembered for four readings
    [InlineData("16 16 16 16 25 34.9", ".....!")] // further than any rule allows from readings two before
    public void A_reading_that_may_raise_an_alert_is_remarkable(string values, string expected)
    {
        var type = SensorCatalog.Temperature;
        var sensor = new Sensor(0, "temp-sensor-001", type, new Thresholds(type.Warning, type.Critical), new SensorLocation("production", "machine-001", "zone-a"));

        Assert.Equal(expected, string.Concat(values.Split(' ').Select(value => sensor.IsRemarkable(double.Parse(value)) ? '!' : '.')));
    }
}
