using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Headers that say a scale: the numbers are never stored in the plain unit.</summary>
public sealed class ScalesInNamesTests : ReplayFileTest
{
    private ReplayColumn Column(string header) => CheckText($"time;{header};other\n2024-05-13 08:00;250;1\n2024-05-13 09:00;260;2\n").Columns[0];

    [Theory]
    [InlineData("temperature (0.1 °C)", "temperature", "0.1 °C")]
    [InlineData("temperature [0.1 °C]", "temperature", "0.1 °C")]
    [InlineData("temperature {0,1 °C}", "temperature", "0,1 °C")]
    [InlineData("temperature (1/10 °C)", "temperature", "1/10 °C")]
    [InlineData("temperature (m°C)", "temperature", "m°C")]
    [InlineData("temperature (°C/10)", "temperature", "°C/10")]
    [InlineData("temperature (10*°C)", "temperature", "10*°C")]
    [InlineData("temperature (deci °C)", "temperature", "deci °C")]
    [InlineData("temperature (°C x 10)", "temperature", "°C x 10")]
    [InlineData("temperature (°C*100)", "temperature", "°C*100")]
    [InlineData("temperature (10^-1 °C)", "temperature", "10^-1 °C")]
    [InlineData("temperature (in 0.01 K)", "temperature", "0.01 K")]
    [InlineData("temperature in 0.1 degrees Celsius", "temperature", "0.1 degrees Celsius")]
    [InlineData("Temp_0.1_degC", "Temp", "0.1_degC")]
    [InlineData("temp in tenths of degC", "temp", "tenths of degC")]
    [InlineData("Temperatur [Zehntel °C]", "Temperatur", "Zehntel °C")]
    [InlineData("temp_degC_x10", "temp", "degC_x10")]
    [InlineData("humidity (0.1%)", "humidity", "0.1%")]
    [InlineData("humidity (0.1 %RH)", "humidity", "0.1 %RH")]
    [InlineData("pressure (10 Pa)", "pressure", "10 Pa")]
    [InlineData("power (W/10)", "power", "W/10")]
    [InlineData("temp_dC", "temp", "dC")]
    [InlineData("soil_m°C", "soil", "m°C")]
    [InlineData("temperature (°C, x10)", "temperature", "°C, x10")]
    [InlineData("temp (0.1 deg)", "temp", "0.1 deg")]
    [InlineData("temperature (10ths of °C)", "temperature", "10ths of °C")]
    public void A_scale_makes_a_unit_and_a_type_of_its_own(string header, string name, string unit)
    {
        var column = Column(header);
        Assert.Equal((name, unit, null), (column.Name, column.Unit, column.Warning));
        Assert.False(Contracts.SensorCatalog.Types.ContainsKey(column.SensorType), column.SensorType);
    }

    [Theory]
    [InlineData("temperature (x10)", "x10", "°C")]
    [InlineData("temp_x10", "x10", "°C")]
    [InlineData("tempX100", "X100", "°C")]
    [InlineData("temp*10", "*10", "°C")]
    [InlineData("temp_x_10", "x_10", "°C")]
    [InlineData("temp_div10", "div10", "°C")]
    [InlineData("temp_centi", "centi", "°C")]
    [InlineData("temperature/10", "/10", "°C")]
    [InlineData("temperature (scaled by 10)", "scaled by 10", "°C")]
    [InlineData("temperature (1/10)", "1/10", "°C")]
    [InlineData("humidity_tenths", "tenths", "%")]
    [InlineData("temp_x10 (°F)", "x10", "°C")]
    [InlineData("pressure [hPa] x10", "x10", "hPa")]
    public void A_scale_without_a_unit_is_refused(string header, string scale, string unit)
    {
        var message = Refused($"time;{header};other\n2024-05-13 08:00;950;1\n2024-05-13 09:00;960;2\n");
        Assert.StartsWith($"column 2 ({header}): \"{scale}\" in the name ", message, StringComparison.Ordinal);
        Assert.Contains($"give Units=2={unit} if they are in {unit} as they are", message, StringComparison.Ordinal);
        Assert.Equal((true, "0.1 °C"), CheckText($"time;{header};other\n2024-05-13 08:00;950;1\n2024-05-13 09:00;960;2\n", new() { Units = "2=0.1 °C" }).Columns[0] is var column ? (!Contracts.SensorCatalog.Types.ContainsKey(column.SensorType), column.Unit) : default);
    }

    [Theory]
    [InlineData("temperature (2 m)", "°C")]
    [InlineData("temperature (10 cm)", "°C")]
    [InlineData("temperature (10 min)", "°C")]
    [InlineData("Temperature (10K)", "°C")]
    [InlineData("Temp 2 °C", "°C")]
    [InlineData("temp_10_C", "°C")]
    [InlineData("temp_max10", "°C")]
    [InlineData("temp_DC", "°C")]
    [InlineData("temperature (1 °C)", "°C")]
    [InlineData("soil_temp_10cm_C", "°C")]
    [InlineData("pressure (millibar)", "hPa")]
    [InlineData("flow x10", "")]
    [InlineData("x10", "")]
    public void Other_numbers_are_no_scale(string header, string unit) => Assert.Equal(unit, Column(header).Unit);

    [Fact]
    public void Brackets_of_other_columns_do_not_hide_a_scale() => Assert.Equal(
        ["0.1 °C", "°C", "0.01 °C"], CheckText("time;temp (0.1 °C);temp (outdoor);temp (0.01 °C)\n2024-05-13 08:00;200;21;2200\n2024-05-13 09:00;200;21;2200\n").Columns.Select(column => column.Unit));

    [Fact]
    public void Positions_are_no_scale() => Assert.Equal(
        ["temperature", "temperature", "temperature"],
        CheckText("time;temp_x9;temp_x10;temp_x11\n2024-05-13 08:00;20;21;22\n2024-05-13 09:00;20;21;22\n").Columns.Select(column => column.SensorType));

    [Theory]
    [InlineData("t,temperature\ns,0.1 °C\n0,250\n60,251\n120,252\n", "0.1 °C")]
    [InlineData("time,temperature,humidity\nyyyy-mm-dd hh:mm,°C*10,%\n2024-05-13 08:00,250,40\n2024-05-13 09:00,251,41\n", "°C*10")]
    [InlineData("time,temperature,humidity\n,0.1 °C,0.1 %\n2024-05-13 08:00,250,400\n2024-05-13 09:00,251,401\n", "0.1 °C")]
    public void A_row_of_units_may_have_scales(string text, string unit)
    {
        var plan = CheckText(text);
        Assert.Equal(("temperature", unit, 2), (plan.Columns[0].Name, plan.Columns[0].Unit, plan.UnitLine));
        Assert.False(Contracts.SensorCatalog.Types.ContainsKey(plan.Columns[0].SensorType));
    }

    [Fact]
    public void A_name_in_the_rows_of_a_long_table_may_have_a_scale()
    {
        var plan = CheckText("time,sensor,value\n2024-05-13 08:00,temperature (0.1 °C),250\n2024-05-13 08:00,humidity,40\n2024-05-13 09:00,temperature (0.1 °C),251\n2024-05-13 09:00,humidity,41\n");
        Assert.Equal(["0.1 °C", "%"], plan.Columns.Select(column => column.Unit));
        Assert.Contains("\"x10\"", Refused("time,sensor,value\n2024-05-13 08:00,temp_x10,250\n2024-05-13 08:00,humidity,40\n2024-05-13 09:00,temp_x10,251\n2024-05-13 09:00,humidity,41\n"), StringComparison.Ordinal);
    }
}
