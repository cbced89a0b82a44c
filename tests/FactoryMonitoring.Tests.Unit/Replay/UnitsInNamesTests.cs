namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Units behind the names of types: a type never claims its own unit for values in another one.</summary>
public sealed class UnitsInNamesTests : ReplayFileTest
{
    [Theory]
    [InlineData("power_w", "energy", "W")]
    [InlineData("reactive power w", "energy", "W")]
    [InlineData("power_kw", "energy", "kW")]
    [InlineData("powerW", "energy", "W")]
    [InlineData("motorPowerkW", "energy", "kW")]
    [InlineData("power.watts", "energy", "W")]
    [InlineData("power_mW", "power", "mW")]
    [InlineData("power_mw", "power", "mw")]
    [InlineData("Power (hp)", "power", "hp")]
    [InlineData("power_hp", "power", "hp")]
    [InlineData("temp_hp", "temperature", "°C")]
    [InlineData("energy_wh", "energy-wh", "Wh")]
    [InlineData("energy_kwh", "energy-kwh", "kWh")]
    [InlineData("temp_k", "temperature", "K")]
    [InlineData("temp_a", "temperature", "°C")]
    [InlineData("temp_Min", "temperature", "°C")]
    [InlineData("temperatures", "temperature", "°C")]
    [InlineData("pressure_mmhg", "pressure", "mmHg")]
    [InlineData("pressure_pa", "pressure", "Pa")]
    [InlineData("vibration_g", "vibration-g", "g")]
    [InlineData("vibration_ms2", "vibration-m-s", "m/s²")]
    [InlineData("vibration_mms", "vibration", "mm/s")]
    [InlineData("abs_humidity_gm3", "abs_humidity", "g/m³")]
    [InlineData("power_factor", "power_factor", "")]
    [InlineData("PowerFactor", "powerfactor", "")]
    [InlineData("power_on", "power_on", "")]
    [InlineData("temp_status", "temp_status", "")]
    [InlineData("temp_error", "temp_error", "")]
    [InlineData("Station", "station", "")]
    public void A_unit_in_any_spelling_is_that_of_the_values(string header, string type, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-05-13 08:00,600.5,1\n2024-05-13 09:00,700,2\n").Columns[0];
        Assert.Equal((type, unit), (column.SensorType, column.Unit));
    }

    [Fact]
    public void A_single_state_is_no_temperature()
    {
        var column = CheckText("time,power_factor\n2024-05-13 08:00,0.9\n2024-05-13 09:00,0.8\n").Columns.Single();
        Assert.Equal(("power_factor", "", false), (column.SensorType, column.Unit, column.IsAssumed));
    }
}
