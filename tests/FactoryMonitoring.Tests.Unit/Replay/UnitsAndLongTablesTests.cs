using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Units in the cells, tables with one value per row, and clocks before their dates.</summary>
public sealed class UnitsAndLongTablesTests : ReplayFileTest
{
    [Theory]
    [InlineData(
        "time,T,p\n2024-01-01 00:00,23.5 °C,\"1,013 hPa\"\n2024-01-01 01:00,24 °C,\"1,014.5 hPa\"\n2024-01-01 02:00,-,NA\n",
        "°C hPa", "2024-01-01T00:00:00 23.5 1013|2024-01-01T01:00:00 24 1014.5|2024-01-01T02:00:00 _ _")]
    [InlineData("Zeit;Feuchte;Druck\n31.01.2024 10:00;45%;1.013,25 hPa\n31.01.2024 10:01;46 %;1.014 hPa\n", "% hPa", "2024-01-31T10:00:00 45 1013.25|2024-01-31T10:01:00 46 1014")]
    [InlineData("t,p,v\n2024-01-01,1.2e3 Pa,5.1kW\n2024-01-02,1.3E+3 Pa,-5 kW\n", "Pa kW", "2024-01-01T00:00:00 1200 5.1|2024-01-02T00:00:00 1300 -5")]
    [InlineData("t,T\n2024-01-01,20 degC\n2024-01-02,21\n2024-01-03,22 C\n", "°C", "2024-01-01T00:00:00 20|2024-01-02T00:00:00 21|2024-01-03T00:00:00 22")]
    [InlineData("t,a\n2024-01-01,9.81 m/s²\n2024-01-02,9.8 m/s²\n", "m/s²", "2024-01-01T00:00:00 9.81|2024-01-02T00:00:00 9.8")]
    public void A_unit_may_stand_behind_each_value(string text, string units, string rows)
    {
        var plan = CheckText(text);
        Assert.Equal(units, string.Join(' ', plan.Columns.Select(column => column.Unit)));
        Assert.Equal(rows.Split('|'), Rows(plan));
    }

    [Theory]
    [InlineData("t,T\n2024-01-01,20 °C\n2024-01-02,70 °F\n2024-01-03,21 °C\n2024-01-04,22 °C\n", "line 3, column 2 (T): \"70 °F\" is in °F, and line 2 is in °C: convert one of them, or remove the line")]
    [InlineData("t,T [°C]\n2024-01-01,70 °F\n2024-01-02,71 °F\n", "line 2, column 2 (T [°C]): \"70 °F\" is in °F, and the header names °C: convert one of them, or remove the line")]
    [InlineData("t,T\n2024-01-01,20 °C\n2024-01-02,21 blorp\n2024-01-03,21 °C\n2024-01-04,22 °C\n", "line 3, column 2 (T): \"21 blorp\" is no number: correct it, or let it stand for a missing value, Missing='21 blorp'")]
    [InlineData("time,sensor,value,unit\n2024-01-01,a,20,°C\n2024-01-02,b,1,bar\n2024-01-03,a,70,°F\n", "line 4, column 4 (unit): \"°F\" of \"a\" is in °F, and line 2 is in °C: convert one of them, or remove the line")]
    [InlineData("time,sensor,value\n2024-01-01,a,20\n2024-01-02,,21\n2024-01-03,a,22\n", "line 3, column 2 (sensor): names no sensor: write its name, or remove the line")]
    [InlineData("time,sensor,value\n2024-01-01,a,20\n2024-01-02,b,hot\n2024-01-03,a,22\n", "line 3, column 3 (value): \"hot\" is no number: correct it, or let it stand for a missing value, Missing=hot")]
    [InlineData("time,device,channel,value\n2024-01-01,d,a,20\n2024-01-02,d,b,21\n", "column 2 (device) and column 3 (channel) may name the sensor of each row: give NameColumn=one of them, NameColumn=2,3 where two are one name, or NameColumn=none where neither does")]
    public void What_can_mean_two_things_is_refused(string text, string message) => Assert.Equal(message, Refused(text));

    [Theory]
    // Home Assistant's history, which lists one entity after another.
    [InlineData("entity_id,state,last_changed\nsensor.a,1,2024-01-01T00:00:00.000Z\nsensor.a,2,2024-01-01T02:00:00.000Z\nsensor.b,11,2024-01-01T01:00:00.000Z\nsensor.b,12,2024-01-01T02:00:00.000Z\nsensor.b,13,2024-01-01T03:00:00.000Z\n", "a1 b11 a2 b12 b13", 3)]
    // Rows that are slightly out of order stay so.
    [InlineData("time,sensor,value\n2024-01-01T00:00:00.9Z,a,1\n2024-01-01T00:00:00.8Z,b,11\n2024-01-01T01:00:00.9Z,a,2\n2024-01-01T01:00:00.8Z,b,12\n", "a1 b11 a2 b12", 1)]
    public void Sensors_that_stand_one_after_another_are_replayed_together(string text, string rows, int hours)
    {
        var plan = CheckText(text);

        Assert.Equal(rows, string.Join(' ', plan.Read().Select(row => $"{plan.Columns[row.Only!.Value].Name[^1]}{row.Values[0]}")));
        Assert.Equal(hours, Math.Round(plan.Span.TotalHours));
    }

    [Fact]
    public void The_units_of_OpenAQ_are_those_of_each_parameter()
    {
        var plan = CheckText(
            "location_id,sensors_id,location,datetime,lat,lon,parameter,units,value\n2178,3917,Del Norte,2024-01-01T01:00:00-07:00,35.1,-106.5,pm10,µg/m³,12\n"
            + "2178,3918,Del Norte,2024-01-01T01:00:00-07:00,35.1,-106.5,o3,ppm,0.021\n2178,3917,Del Norte,2024-01-01T02:00:00-07:00,35.1,-106.5,pm10,µg/m³,14\n2178,3918,Del Norte,2024-01-01T02:00:00-07:00,35.1,-106.5,o3,ppm,0.02\n");

        Assert.Equal(["µg/m³ 12 14", "ppm 0.02 0.021"], plan.Columns.Select(column => $"{column.Unit} {column.Least.ToString(CultureInfo.InvariantCulture)} {column.Most.ToString(CultureInfo.InvariantCulture)}"));
    }

    [Theory]
    [InlineData(-127)]
    [InlineData(32767)]
    [InlineData(65535)]
    [InlineData(-32768)]
    [InlineData(-273.15)]
    [InlineData(6999)]
    [InlineData(1e30)]
    public void Numbers_of_broken_sensors_and_of_full_registers_are_missing(double marker)
    {
        var text = marker.ToString(CultureInfo.InvariantCulture);
        var column = CheckText($"time,level\n2024-01-01,21\n2024-01-02,{text}\n2024-01-03,22\n2024-01-04,{text}\n2024-01-05,20\n").Columns.Single();

        Assert.Equal((3, 2, 20, 22), (column.Values, column.Missing, column.Least, column.Most));
    }

    [Fact]
    public void Each_name_of_a_long_table_is_a_sensor()
    {
        var plan = CheckText(
            "time,sensor,value,unit,quality\n2024-01-01 00:00,Oven temperature,20,°C,ok\n2024-01-01 00:00,P1,1013,hPa,ok\n2024-01-01 00:01,Oven temperature,-,°C,ok\n2024-01-01 00:01,P1,1014,hPa,bad\n",
            new() { Types = "P1=pressure" });

        Assert.Equal(
            [("replay-oven-temperature", "temperature", "°C", 1L, 1L), ("replay-p1", "pressure", "hPa", 2L, 0L)],
            plan.Columns.Select(column => (column.SensorId, column.SensorType, column.Unit, column.Values, column.Missing)));
        Assert.Equal(
            [("2024-01-01 00:00", (int?)0, 20.0), ("2024-01-01 00:00", 1, 1013), ("2024-01-01 00:01", 0, double.NaN), ("2024-01-01 00:01", 1, 1014)],
            plan.Read().Select(row => (row.TimeText!, row.Only, row.Values[0])));
        Assert.Equal((4L, 4L, 3L, "column 2 (sensor)"), (plan.Rows, plan.Cells, plan.Readings, plan.NamedBy));
        Assert.Contains("4, a value each, whose sensor column 2 (sensor) names, header in line 1", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
        Assert.Equal(["column 5 (quality)"], plan.LeftOut.Select(column => string.Create(CultureInfo.InvariantCulture, $"column {column.Index + 1} ({column.Name})")));
    }

    [Fact]
    public void Units_of_a_long_table_may_stand_in_the_cells_the_names_or_the_head_of_the_values()
    {
        var cells = CheckText("time;tag;value\n2024-01-01 00:00;T1;20,5 °C\n2024-01-01 00:00;P1;1.013 hPa\n2024-01-01 00:01;T1;21,5 °C\n");
        Assert.Equal([("T1", "°C", 20.5), ("P1", "hPa", 1013)], cells.Columns.Select(column => (column.Name, column.Unit, column.Least)));

        var names = CheckText("time,tag,value\n2024-01-01 00:00,T1 (°C),20\n2024-01-01 00:00,U [V],230\n");
        Assert.Equal([("T1", "°C"), ("U", "V")], names.Columns.Select(column => (column.Name, column.Unit)));

        var head = CheckText("time,station,temperature [°F]\n2024-01-01 00:00,north,50\n2024-01-01 00:00,south,60\n");
        Assert.Equal([("north", "temperature", "°F"), ("south", "temperature", "°F")], head.Columns.Select(column => (column.Name, column.SensorType, column.Unit)));
    }

    [Fact]
    public void The_column_of_names_is_given_where_its_own_name_does_not_tell()
    {
        const string Text = "time,what,v,low\n2024-01-01,a,1,0\n2024-01-01,b,2,0\n";
        Assert.Equal(["v", "low"], CheckText(Text).Columns.Select(column => column.Name));
        Assert.Equal(["a-v", "a-low", "b-v", "b-low"], CheckText(Text, new() { NameColumn = "what" }).Columns.Select(column => column.Name));
        Assert.Equal(["a", "b"], CheckText(Text, new() { NameColumn = "what", Columns = "v" }).Columns.Select(column => column.Name));
        Assert.Equal("NameColumn = time: column 1 (time) is the time: name the column of the sensors' names, or another time, TimeColumn=…", Refused(Text, new() { NameColumn = "time" }));
        Assert.Equal("Types = c=energy: the file has no sensor c: give its name as it stands in the rows", Refused(Text, new() { NameColumn = "what", Columns = "v", Types = "c=energy" }));
        Assert.Equal(["value"], CheckText("time,sensor,value\n2024-01-01,a,1\n2024-01-02,b,2\n", new() { NameColumn = "none" }).Columns.Select(column => column.Name));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Time,Date")]
    [InlineData("Date,Time")]
    public void The_clock_may_stand_before_the_date(string? timeColumn)
    {
        var plan = CheckText("Time,Date,v\n18:00:00,13/03/2004,1\n19:30:00,13/03/2004,2\n", new() { TimeColumn = timeColumn });
        Assert.Equal(["2004-03-13T18:00:00 1", "2004-03-13T19:30:00 2"], Rows(plan));
    }

    [Theory]
    [InlineData("temperature (°F)", "temperature", "°F", null)]
    [InlineData("T_degF", "temperature", "°F", null)]
    [InlineData("temperature (°C)", "temperature", "°C", 40.0)]
    [InlineData("pressure [bar]", "pressure", "bar", null)]
    [InlineData("pressure [mbar]", "pressure", "hPa", 1045.0)]
    [InlineData("power_W", "energy", "W", null)]
    [InlineData("temperature (V)", "temperature-v", "V", null)]
    public void A_known_type_may_be_in_another_unit_that_the_rules_are_converted_to(string name, string type, string unit, double? critical)
    {
        var column = CheckText($"time,{name},other\n2024-01-01,1,1\n2024-01-02,2,2\n").Columns[0];
        Assert.Equal((type, unit, critical), (column.SensorType, column.Unit, column.Critical));
    }

    [Fact]
    public void What_is_said_to_be_converted_is_converted()
    {
        foreach (var type in SensorCatalog.Types.Values)
        {
            Assert.All(UnitWords.OfType(type.Name), unit => Assert.NotNull(FactoryMonitoring.Consumers.Detection.UnitConversion.Between(type.Unit, unit)));
            Assert.Contains(type.Unit, UnitWords.OfType(type.Name));
        }
    }
}
