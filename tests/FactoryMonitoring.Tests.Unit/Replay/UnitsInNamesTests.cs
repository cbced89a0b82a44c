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
    [InlineData("HumidityRatio", "humidityratio", "")]
    [InlineData("humidity_ratio", "humidity_ratio", "")]
    // Units that the type's rules are not converted to, or that are not known.
    [InlineData("Press_mm_hg", "pressure", "mmHg")]
    [InlineData("Pressure (mm Hg)", "pressure", "mmHg")]
    [InlineData("pressure in Hg", "pressure", "inHg")]
    [InlineData("Pressure (millibars)", "pressure", "hPa")]
    [InlineData("pressure_psig", "pressure-psig", "psig")]
    [InlineData("Pressure (mmWC)", "pressure-mmwc", "mmWC")]
    [InlineData("energy(kWh/hh)", "energy-kwh-hh", "kWh/hh")]
    [InlineData("vibration (in/s pk)", "vibration-in-s-pk", "in/s pk")]
    [InlineData("specific humidity (g/kg)", "specific-humidity", "g/kg")]
    [InlineData("rx_power_dbm", "rx_power", "dBm")]
    [InlineData("temperature (xyz)", "temperature-xyz", "xyz")]
    // What tells sensors apart is no unit.
    [InlineData("temperature (outdoor)", "temperature", "°C")]
    [InlineData("temperature (living room)", "temperature", "°C")]
    [InlineData("temperature (avg)", "temperature", "°C")]
    [InlineData("temperature (L1)", "temperature", "°C")]
    [InlineData("temperature (2 m)", "temperature", "°C")]
    [InlineData("temperature (in/out)", "temperature", "°C")]
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

    [Fact]
    public void A_humidity_ratio_does_not_refuse_the_file() => Assert.Equal(
        ["temperature", "humidity", "humidityratio"],
        CheckText("\"date\",\"Temperature\",\"Humidity\",\"HumidityRatio\"\n\"2015-02-04 17:51:00\",23.18,27.27,0.0047\n\"2015-02-04 17:52:00\",23.15,27.26,0.0048\n").Columns.Select(column => column.SensorType));
}
