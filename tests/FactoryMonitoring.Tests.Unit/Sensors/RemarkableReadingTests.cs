using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class RemarkableReadingTests
{
    [Theory]
    [InlineData("20 21 22 23 24 25", "......")] // drifts
    [InlineData("34 36 36 36 36 34 36 36 36", "...!....!")] // the third warning in a row
    [InlineData("39 41 41 39 41", ".!!.!")] // critical, the third warning in a row, critical again
    [InlineData("34 23 23 23 34 23 34", ".!..!..")] // a step of 11 °C; while each reading is one, no new one
    [InlineData("16 16 16 16 24 33.1 33.1", ".....!.")] // 15 °C from the mean of the four before, without a step
    public void A_reading_that_raises_an_alert_is_remarkable(string values, string expected) => Assert.Equal(expected, Remarkable(values, firstCount: 1));

    [Theory]
    [InlineData("20 21 22 23 24 25 26", "!!!!...")] // as many as the mean includes
    [InlineData("36 36 36 36 36", "!!!!.")] // it is unknown how many preceded these in a row
    [InlineData("34 34 34 34 36 36 36 36", "!!!!..!.")]
    public void What_only_the_consumers_can_judge_after_a_restart_is_remarkable(string values, string expected) => Assert.Equal(expected, Remarkable(values, firstCount: 101));

    private static string Remarkable(string values, int firstCount)
    {
        var type = SensorCatalog.Temperature;
        var sensor = new Sensor(0, "temp-sensor-001", type, new Thresholds(type.Warning, type.Critical), new SensorLocation("production", "machine-001", "zone-a"));
        return string.Concat(values.Split(' ').Select((value, index) => sensor.IsRemarkable(double.Parse(value), firstCount + index) ? '!' : '.'));
    }
}
