using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Units in a column of their own, beside columns of values that are sensors each.</summary>
public sealed class UnitColumnsTests : ReplayFileTest
{
    private static string[] Found(ReplayPlan plan) => [.. plan.Columns.Select(column => $"{column.Name} {column.SensorType} {column.Unit}".Trim())];

    [Theory]
    [InlineData("time,temperature,unit", "68.0,°F|69.5,°F", "temperature temperature °F")]
    [InlineData("time,temperature,unit", "20.5,|21,degrees Celsius|22,C", "temperature temperature °C")]
    [InlineData("time,pressure,uom", "101325,Pa|101300,Pa", "pressure pressure Pa")]
    [InlineData("time,humidity,units", "9.4,g/m3|9.9,g/m3", "humidity humidity-g-m3 g/m3")]
    [InlineData("time,temperature,temperature_unit", "68,F|69,F", "temperature temperature °F")]
    [InlineData("time,Temperature,TempUnit", "68,F|69,F", "Temperature temperature °F")]
    [InlineData("time,unit of pressure,pressure", "bar,1.01|bar,1.02", "pressure pressure bar")]
    [InlineData("time,value,unit", "68,F|69,F", "value temperature °F")]
    [InlineData("time,value,Einheit", "3.2,bar|3.3,bar", "value value bar")]
    [InlineData("time,reading,measurement unit", "3.2,kW|3.3,kW", "reading reading kW")]
    [InlineData("time,temperature,unit,humidity,unit", "68,F,40,%|69,F,41,%", "temperature temperature °F|humidity humidity %")]
    [InlineData("time,temperature,humidity,unit", "68,40,°F|69,41,°F", "temperature temperature °F|humidity humidity %")]
    [InlineData("time,humidity,humidity_unit,temperature,temperature_unit", "40,%,68,°F|41,%,69,°F", "humidity humidity %|temperature temperature °F")]
    [InlineData("time,p1 (hPa),p2,unit", "1000,99000,Pa|1001,99100,Pa", "p1 p1 hPa|p2 p2 Pa")]
    [InlineData("time,temperature (°C),unit", "20,Boiler 1|21,Boiler 2", "temperature temperature °C")]
    [InlineData("time,t,t_unit,p,p_unit", "68,F,1,bar|69,F,2,bar", "t temperature °F|p p bar")]
    [InlineData("time,unit,value,quality", "°F,68,1|°F,69,0", "value temperature °F|quality quality")]
    [InlineData("time,temperature,unit", "200,0.1 °C|210,0.1 °C", "temperature temperature-0.1-c 0.1 °C")]
    [InlineData("time,power,power_unit,business_unit", "5,kW,North|6,kW,North", "power energy kW")]
    public void The_unit_of_a_unit_column_is_that_of_its_values(string header, string rows, string columns) =>
        Assert.Equal(columns.Split('|'), Found(CheckText($"{header}\n{string.Concat(rows.Split('|').Select((row, hour) => $"2024-03-13 0{hour}:00:00,{row}\n"))}")));

    [Fact]
    public void The_preview_names_the_unit_column_and_assumes_nothing()
    {
        var text = ReplayPreview.Text(CheckText("time,value,unit\n2024-03-13 00:00,68,F\n2024-03-13 01:00,69,F\n"), name => name);
        Assert.Contains("column 3 (unit) names the unit of column 2 (value)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ASSUMED", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("time,temperature,unit", "20,C|21,C|70,F", "line 4, column 3 (unit): \"F\" is in °F, and line 2 is in °C: convert one of them, or remove the line")]
    [InlineData("time,temperature_unit,temperature,humidity", "C,20,40|F,70,41", "line 3, column 2 (temperature_unit): \"F\" is in °F, and line 2 is in °C: convert one of them, or remove the line")]
    [InlineData("time,temperature (°C),unit", "68,°F|69,°F", "line 2, column 3 (unit): \"°F\" is in °F, and the header names °C: correct one of them, or give Units=2=the unit")]
    [InlineData("time,temperature,unit", "68 °C,°F|69 °C,°F", "line 2, column 3 (unit): \"°F\" is in °F, and line 2 is in °C: correct one of them, or give Units=2=the unit")]
    [InlineData("time,pressure,unit", "3.1,furlong|3.2,furlong", "line 2, column 3 (unit): \"furlong\" is no known unit: give Units=2=the unit")]
    [InlineData("time,inlet pressure,outlet pressure,unit", "3.1,2.1,bar|3.2,2.2,bar", "line 2, column 4 (unit): \"bar\" can be the unit of any of column 2 (inlet pressure), column 3 (outlet pressure): give Units=2=bar,3=bar or the like, a unit for each column that has none")]
    [InlineData("time,temperature,humidity,unit", "68,40,mm/s|69,41,mm/s", "line 2, column 4 (unit): \"mm/s\" can be the unit of none of column 2 (temperature), column 3 (humidity): give Units=2=its unit,3=its unit or the like, a unit for each column that has none")]
    [InlineData("time,temperature,humidity,unit", "20,,°C|,40,%", "line 3, column 4 (unit): \"%\" is in %, and line 2 is in °C: convert one of them, or remove the line, or give Units for each column that has no unit")]
    public void What_is_not_certain_is_refused(string header, string rows, string message) =>
        Assert.Equal(message, Refused($"{header}\n{string.Concat(rows.Split('|').Select((row, hour) => $"2024-03-13 0{hour}:00:00,{row}\n"))}"));

    [Theory]
    [InlineData("2=bar,3=bar", null, "inlet pressure pressure bar|outlet pressure pressure bar")]
    [InlineData("2=kPa", null, "inlet pressure pressure kPa|outlet pressure pressure bar")]
    public void The_setting_decides(string units, string? columns, string found) => Assert.Equal(
        found.Split('|'), Found(CheckText("time,inlet pressure,outlet pressure,unit\n2024-03-13 00:00,3.1,2.1,bar\n2024-03-13 01:00,3.2,2.2,bar\n", new() { Units = units, Columns = columns })));

    [Fact]
    public void A_column_that_is_not_chosen_may_have_the_unit()
    {
        const string Text = "time,temperature,humidity,unit\n2024-03-13 00:00,68,40,°F\n2024-03-13 01:00,69,41,°F\n";
        Assert.Equal(["temperature temperature °F"], Found(CheckText(Text, new() { Columns = "temperature" })));
        Assert.Equal(["humidity humidity %"], Found(CheckText(Text, new() { Columns = "humidity" })));
        Assert.StartsWith("line 2, column 4 (unit)", Refused("time,p1,p2,unit\n2024-03-13 00:00,6,4,bar\n2024-03-13 01:00,6,4.1,bar\n", new() { Columns = "p1" }), StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_with_several_values_have_their_own_units()
    {
        var plan = CheckText("time,device,temperature,temperature_unit,humidity\n2024-03-13 00:00,us,68,F,40\n2024-03-13 00:00,eu,20,C,41\n2024-03-13 01:00,us,69,F,42\n2024-03-13 01:00,eu,21,C,43\n");
        Assert.Equal(["us-temperature temperature °F", "us-humidity humidity %", "eu-temperature temperature °C", "eu-humidity humidity %"], Found(plan));
    }

    [Fact]
    public void A_unit_far_behind_the_first_rows_counts()
    {
        var rows = string.Concat(Enumerable.Range(0, 3500).Select(minute => $"{new DateTime(2024, 3, 13).AddMinutes(minute):yyyy-MM-dd HH:mm},{60 + minute % 9},{(minute < 3400 ? "" : "°F")}\n"));
        Assert.Equal(["temperature temperature °F"], Found(CheckText($"time,temperature,unit\n{rows}")));
    }
}
