using System.Globalization;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>How loggers and control systems write numbers, units, marks and rows without their last fields.</summary>
public sealed class SpellingsOfLoggersTests : ReplayFileTest
{
    [Theory]
    [InlineData("+ 21.5,- 0.5,+   7", ",", "21.5|-0.5|7")]
    [InlineData("+ 21,5;-\u00a00,5;+ 1.234,5", ";", "21.5|-0.5|1234.5")]
    [InlineData("+ 21.5 degC,- 0.5 degC,+100.0 degC", ",", "21.5|-0.5|100")]
    [InlineData("\u2212 21.5,+ 1e3,- 2E-1", ",", "-21.5|1000|-0.2")]
    public void A_blank_may_follow_the_sign(string numbers, string separator, string values)
    {
        var plan = CheckText($"when{separator}Motor{separator}rpm\n{string.Concat(numbers.Split(separator).Select((number, minute) => string.Create(CultureInfo.InvariantCulture, $"2024-03-01 10:0{minute}{separator}{number}{separator}1500\n")))}");
        Assert.Equal(["Motor", "rpm"], plan.Columns.Select(column => column.Name));
        Assert.Equal(values.Split('|'), plan.Read().Select(row => row.Values[0].ToString(CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("+ ")]
    [InlineData("1 + 2")]
    [InlineData("+ - 2")]
    [InlineData("12 -")]
    [InlineData(". 5")]
    public void Signs_elsewhere_are_no_numbers(string text) =>
        Assert.StartsWith("line 3, column 2 (v): ", Refused($"when,v\n2024-03-01,1\n2024-03-02,{text}\n2024-03-03,3\n2024-03-04,3\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("co2", "co2", false)]
    [InlineData("voltage", "voltage", false)]
    [InlineData("Flow rate", "flow-rate", false)]
    [InlineData("oven", "oven", false)]
    [InlineData("value", "temperature", true)]
    [InlineData("_value", "temperature", true)]
    [InlineData("Sensor 1", "temperature", true)]
    [InlineData("Messwert_2", "temperature", true)]
    [InlineData("CH1", "temperature", true)]
    [InlineData("x", "temperature", true)]
    [InlineData("T_1", "temperature", true)]
    public void A_name_that_tells_a_quantity_is_a_type(string header, string type, bool isAssumed)
    {
        var column = CheckText($"time,{header}\n2024-03-01 10:00,412\n2024-03-01 10:01,413\n").Columns.Single();
        Assert.Equal((type, isAssumed ? "°C" : "", isAssumed), (column.SensorType, column.Unit, column.IsAssumed));
        Assert.Equal(isAssumed, column.Critical is not null);
    }

    [Theory]
    [InlineData("time,a,humidity\n2024-03-01,1,0.8\n2024-03-02,1,0.57\n", "3=1", null, "80|57")]
    [InlineData("time,a,rH_room\n2024-03-01,1,1\n2024-03-02,1,NA\n", "rH_room=1", null, "100|_")]
    [InlineData("time,a,humidity [1]\n2024-03-01,1,0.8\n2024-03-02,1,0.81\n", null, null, "80|81")]
    [InlineData("time,a,x\n2024-03-01,1,0.29\n2024-03-02,1,0.81\n", "x=1", "x=humidity", "29|81")]
    public void A_fraction_is_replayed_in_percent(string text, string? units, string? types, string values)
    {
        var plan = CheckText(text, new() { Units = units, Types = types });
        var column = plan.Columns[1];
        Assert.Equal(("humidity", "%", true), (column.SensorType, column.Unit, column.Critical is not null));
        Assert.Equal(values.Split('|'), Rows(plan).Select(row => row.Split(' ')[2]));
        Assert.Equal(values.Split('|').Where(value => value != "_").Max(value => double.Parse(value, CultureInfo.InvariantCulture)), column.Most);
    }

    [Fact]
    public void A_fraction_of_another_type_stays()
    {
        var plan = CheckText("time,a,valve\n2024-03-01,1,0.8\n2024-03-02,1,0.57\n", new() { Units = "3=1" });
        Assert.Equal(("valve", "1", 0.8), (plan.Columns[1].SensorType, plan.Columns[1].Unit, plan.Columns[1].Most));
    }

    [Theory]
    [InlineData("PRESSAO (mB)", "pressure", "mB")]
    [InlineData("Presión [mb]", "pressure", "mb")]
    [InlineData("pressure_mb", "pressure", "mb")]
    [InlineData("memory_mb", "memory", "mb")]
    [InlineData("memory (MB)", "memory", "MB")]
    [InlineData("vibration (mm/sec)", "vibration", "mm/s")]
    [InlineData("vibration (mm/s RMS)", "vibration", "mm/s")]
    [InlineData("Vibration [ips]", "vibration", "in/s")]
    [InlineData("vibration (in/s pk)", "vibration-in-s-pk", "in/s pk")]
    [InlineData("Feuchte (% r.H.)", "humidity", "%")]
    [InlineData("Feuchte [% r.F.]", "humidity", "%")]
    [InlineData("Oven (Â°C)", "temperature", "°C")]
    [InlineData("OvenÂ°F", "temperature", "°F")]
    [InlineData("Ofen (grad C)", "temperature", "°C")]
    [InlineData("degC", "temperature", "°C")]
    [InlineData("Fahrenheit", "temperature", "°F")]
    [InlineData("温度", "temperature", "°C")]
    [InlineData("Ofen [Grad Celsius]", "temperature", "°C")]
    public void Units_of_other_spellings_are_known(string header, string type, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-03-01,68.5,1\n2024-03-02,70,2\n").Columns[0];
        Assert.Equal((type, unit), (column.SensorType, column.Unit));
    }

    [Fact]
    public void Marks_of_WinCC_are_no_rows()
    {
        var plan = CheckText(
            "\"VarName\";\"TimeString\";\"VarValue\";\"Validity\";\"Time_ms\"\n\"Temp_1\";\"13.03.2024 00:00:00\";21,00;1;45352000,00000000\n\"Temp_2\";\"13.03.2024 00:00:00\";31,50;1;45352000,00000000\n"
            + "\"$RT_OFF$\";\"13.03.2024 00:05:00\";0;2;45355000,00000000\n\"Temp_1\";\"13.03.2024 00:10:00\";22,00;1;45358944,40000000\n\"Temp_2\";\"13.03.2024 00:10:00\";32,00;1;45358944,40000000\n\"$RT_COUNT$\";4;;;\n");
        Assert.Equal(["replay-temp_1", "replay-temp_2"], plan.Columns.Select(column => column.SensorId));
        Assert.Equal((4L, 2L), (plan.Rows, plan.Comments));
    }

    [Theory]
    // Lascar: only the first row has the serial number.
    [InlineData(1, 8, "EasyLog USB,Time,Celsius(°C),Humidity(%rh),Serial Number", "010123456", "Celsius|Humidity")]
    [InlineData(10, 10, "n,Time,T,p,q", "7", "T|p|q")]
    [InlineData(2, 3, "n,Time,T,p,q", "7", "T|p|q")]
    public void Rows_may_lack_their_last_fields(int whole, int cut, string header, string last, string columns)
    {
        var rows = Enumerable.Range(0, whole + cut).Select(row => string.Create(CultureInfo.InvariantCulture, $"x,2024-03-01 00:{row:00}:00,21.5,40{(row < whole ? $",{last}" : "")}\n"));
        var plan = CheckText($"{header}\n{string.Concat(rows)}");
        Assert.Equal(columns.Split('|'), plan.Columns.Select(column => column.Name));
        Assert.Equal((whole + cut, (long)cut, 1L), ((int)plan.Rows, plan.ShortRows, plan.HeaderLine));
    }

    [Fact]
    public void A_header_that_names_the_times_elsewhere_does_not_name_these_rows() => Assert.Equal(
        "line 3: has 2 fields, and the rows from line 2 on have 3: split the file before this line, or give all rows as many fields",
        Refused("Name,Time,Temp\n2024-03-01 00:00,21.5,123\n2024-03-01 00:01,21.6\n2024-03-01 00:02,21.7\n2024-03-01 00:03,21.8\n"));

    [Fact]
    public void A_header_alone_is_cut_at_its_separator() => Assert.Equal(
        "line 1: holds no number beside a time, cut by the separator comma: \"time,temperature\"; a column of numbers is needed, or Separator is another one",
        Refused("time,temperature\n"));
}
