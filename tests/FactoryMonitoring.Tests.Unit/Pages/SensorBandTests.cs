using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Sensors;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>The scale of a sensor's value, also for own types and units.</summary>
public sealed class SensorBandTests
{
    [Theory]
    [InlineData("depth", "m", -20, -18, -15)]
    [InlineData("depth", "m", -10, -18, -15)]
    [InlineData("gas", "ppm", 0.3, 0.4, 0.5)]
    [InlineData("gas", "ppm", 0.5, 0.5, 0.5)]
    [InlineData("gas", "ppm", 4e6, 0.4, 0.5)]
    [InlineData("temperature", "°C", 21, 35, 40)]
    [InlineData("temperature", "°C", 400, 35, 40)]
    public void The_value_and_both_thresholds_are_in_their_order_within_the_band(string type, string unit, double value, double warning, double critical)
    {
        var band = SensorBand.Of(Sensor(type, unit, value, warning, critical))!;

        Assert.InRange(value, band.Low, band.High);
        Assert.InRange(band.Share(critical), band.Share(warning), 0.9999);
        Assert.Equal(value >= critical, band.Share(value) >= band.Share(critical));
        // The label is the value at the end, not one beside it.
        Assert.Equal(band.High, double.Parse(FormattableString.Invariant($"{band.High:G6}"), System.Globalization.CultureInfo.InvariantCulture), 1e-9 * Math.Abs(band.High));
    }

    [Fact]
    public void The_band_of_an_own_type_does_not_begin_at_0() => Assert.True(SensorBand.Of(Sensor("gas", "ppm", 1_000, 1_010, 1_020))!.Low > 900);

    [Fact]
    public void A_warning_alone_is_a_threshold()
    {
        Assert.Equal(3, SensorBand.Of(Sensor("gas", "ppm", 1, 3, null))!.Warning);
        Assert.Null(SensorBand.Of(Sensor("gas", "ppm", 1, null, null)));
    }

    private static SensorBody Sensor(string type, string unit, double value, double? warning, double? critical) =>
        new("sensor-1", type, unit, null, null, null, value, "normal", warning, critical, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, 0, 0);
}
