using FactoryMonitoring.Replay;

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
    // What tells sensors apart is no unit.
    [InlineData("temperature (outdoor)", "temperature", "°C")]
    [InlineData("temperature (living room)", "temperature", "°C")]
    [InlineData("temperature (avg)", "temperature", "°C")]
    [InlineData("temperature (L1)", "temperature", "°C")]
    [InlineData("temperature (2 m)", "temperature", "°C")]
    [InlineData("temperature (in/out)", "temperature", "°C")]
    [InlineData("temperature (xyz)", "temperature", "°C")]
    [InlineData("Temperatur (VL)", "temperature", "°C")]
    [InlineData("Temperature (CPU)", "temperature", "°C")]
    [InlineData("Temperature (B)", "temperature", "°C")]
    [InlineData("Temperature (A)", "temperature", "°C")]
    [InlineData("Temperature (in)", "temperature", "°C")]
    [InlineData("Temperature (min)", "temperature", "°C")]
    [InlineData("Temperature {rpi}", "temperature", "°C")]
    [InlineData("Temperature (DS18B20)", "temperature", "°C")]
    [InlineData("Humidity (SHT3x)", "humidity", "%")]
    [InlineData("Temperature (K-Type)", "temperature", "°C")]
    [InlineData("Temperature (node-3a)", "temperature", "°C")]
    [InlineData("Temperature (S/N 1234)", "temperature", "°C")]
    [InlineData("Temperature (A/B)", "temperature", "°C")]
    [InlineData("Temperature (N/A)", "temperature", "°C")]
    [InlineData("Pressure (HP)", "pressure", "hPa")]
    // What is a unit nevertheless.
    [InlineData("Temperature (K)", "temperature", "K")]
    [InlineData("Temperature (c)", "temperature", "°C")]
    [InlineData("Humidity (RH)", "humidity", "%")]
    [InlineData("Power (W)", "energy", "W")]
    [InlineData("Current (A)", "current", "A")]
    [InlineData("Pressure (kgf/cm2)", "pressure-kgf-cm2", "kgf/cm2")]
    [InlineData("Temperature [CPU]", "temperature-cpu", "CPU")]
    public void A_unit_in_any_spelling_is_that_of_the_values(string header, string type, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-05-13 08:00,600.5,1\n2024-05-13 09:00,700,2\n").Columns[0];
        Assert.Equal((type, unit), (column.SensorType, column.Unit));
    }

    [Theory]
    [InlineData("Temperatur (VL);Temperatur (RL)", "replay-temperatur-vl temperature °C|replay-temperatur-rl temperature °C")]
    [InlineData("Temperature [in];Temperature [out]", "replay-temperature-in temperature °C|replay-temperature-out temperature °C")]
    [InlineData("Channel (A);Channel (B)", "replay-channel-a channel-a |replay-channel-b channel-b ")]
    [InlineData("Vibration (H);Vibration (V)", "replay-vibration-h vibration mm/s|replay-vibration-v vibration mm/s")]
    [InlineData("Temp (°C);Temp (°F)", "replay-temp temperature °C|replay-temp-2 temperature °F")]
    [InlineData("Power (W);Power (VA)", "replay-power energy W|replay-power-2 power VA")]
    public void Brackets_that_distinguish_columns_are_names(string header, string sensors) => Assert.Equal(
        sensors.Split('|'), CheckText($"time;{header}\n2024-05-13 08:00;600;700\n2024-05-13 09:00;601;701\n").Columns.Select(column => $"{column.SensorId} {column.SensorType} {column.Unit}"));

    [Theory]
    [InlineData("power", "power")]
    [InlineData("energy", "energy-other")]
    [InlineData("energy_sum", "energy_sum")]
    public void An_energy_without_a_unit_is_a_type_of_its_own(string header, string type)
    {
        foreach (var other in (string[])["", ",x"])
        {
            var column = CheckText($"time,{header}{other}\n2024-05-13 08:00,1532.4{other}\n2024-05-13 09:00,1533{other}\n").Columns[0];
            Assert.Equal((type, "", null), (column.SensorType, column.Unit, column.Critical));
        }

        Assert.Equal(("energy", "W"), CheckText($"time,{header}\n2024-05-13 08:00,1532.4\n", new() { Units = "2=W" }).Columns.Select(column => (column.SensorType, column.Unit)).Single());
    }

    [Theory]
    [InlineData("temp", "288.28,289.36,0", "ASSUMED: nothing in the file names its unit, and it is taken for °C; give Units if it is in K or another")]
    [InlineData("vibration_x", "0.02,0.03", "ASSUMED: nothing in the file names its unit, and it is taken for mm/s; give Units if it is in g or another")]
    [InlineData("temp", "21.5,288.28", null)]
    [InlineData("temp_C", "288.28,289.36", null)]
    public void A_unit_that_is_assumed_is_told(string header, string values, string? told)
    {
        var text = ReplayPreview.Text(CheckText($"time,{header}\n{string.Concat(values.Split(',').Where(value => value != "0").Select((value, hour) => $"2024-05-13 0{hour}:00,{value}\n"))}"), name => name);
        Assert.Equal(told, text.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith("ASSUMED", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Serial,123\nTime,V\n2024-01-01 00:00,1.5\n2024-01-01 00:01,1.6\n", "V temperature °C")]
    [InlineData("Serial,123\nTime,RH\n2024-01-01 00:00,45\n2024-01-01 00:01,46\n", "RH humidity %")]
    [InlineData("Serial,123\nDate,F\n2024-01-01,1.5\n2024-01-02,1.6\n", "F temperature °C")]
    [InlineData("Zeit,Druck\nTime,kPa\n2024-01-01 00:00,1.5\n2024-01-01 00:01,1.6\n", "Druck pressure kPa")]
    public void A_header_of_units_is_a_header(string text, string column) =>
        Assert.Equal(column, CheckText(text, new() { Columns = "2" }).Columns.Select(found => $"{found.Name} {found.SensorType} {found.Unit}").Single());

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
