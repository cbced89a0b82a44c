using System.IO.Compression;
using System.Text;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>What loggers write before their rows, truncated files, unclosed quotes, and devices that appear late.</summary>
public sealed class PreamblesAndCutsTests : ReplayFileTest
{
    private const string LabView =
        "LabVIEW Measurement\t\nWriter_Version\t2\nReader_Version\t2\nSeparator\tTab\nDecimal_Separator\t.\nMulti_Headings\tNo\nX_Columns\tOne\nTime_Pref\tAbsolute\nOperator\tlab\nDate\t2024/01/31\nTime\t12:00:00.5000000000000000000\n***End_of_Header***\t\n\t\n"
        + "Channels\t2\t\nSamples\t3\t3\nDate\t2024/01/31\t2024/01/31\nTime\t12:00:01.25\t12:00:01.25\nY_Unit_Label\tDeg C\tVolts\nX_Dimension\tTime\tTime\nX0\t0.0E+0\t0.0E+0\nDelta_X\t0.100000\t0.100000\n***End_of_Header***\t\t\n"
        + "X_Value\tTemperature_0\tVoltage_0\tComment\n0.000000\t21.5\t1.0\n0.100000\t21.6\t1.1\n0.200000\t21.7\t1.2\n";

    [Fact]
    public void LabVIEWs_measurement_file_counts_from_the_time_in_its_preamble()
    {
        var plan = CheckText(LabView);

        Assert.Equal(["Temperature_0 temperature °C", "Voltage_0 voltage_0 V"], plan.Columns.Select(column => $"{column.Name} {column.SensorType} {column.Unit}"));
        Assert.Equal(["2024-01-31T12:00:01.25 21.5 1", "2024-01-31T12:00:01.35 21.6 1.1", "2024-01-31T12:00:01.45 21.7 1.2"], Rows(plan));
        Assert.Equal(("2024-01-31T11:00:01.25 21.5 1", 23L), (Rows(CheckText(LabView, new() { TimeZone = "Europe/Berlin" }))[0], plan.HeaderLine));
        Assert.Contains("column 1 (X_Value), s since 2024-01-31 12:00:01", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
        // The file has dates, so it can be backfilled.
        Assert.Equal(3, CheckText(LabView, new() { Backfill = true }).Rows);
    }

    [Fact]
    public void A_second_segment_of_LabVIEWs_file_is_refused_at_its_line() => Assert.Equal(
        "line 28, column 1 (X_Value): \"Channels\" is no time: correct it, remove the line or put # before it, or give TimeColumn=none and Interval, the time from row to row",
        Refused($"{LabView}\nChannels\t2\nSamples\t3\t3\n***End_of_Header***\t\nX_Value\tTemperature_0\tVoltage_0\tComment\n0.300000\t21.5\t1.0\n0.400000\t21.6\t1.1\n"));

    [Fact]
    public void Units_may_stand_in_the_upper_row_of_two_of_a_header()
    {
        var plan = CheckText("Instrument: testo 175\nDate\tTime\tCh 1 [°C]\tCh 2 [bar]\n\t\tOven\tPressure\n31.01.2024\t12:00:00\t1,5\t2,5\n31.01.2024\t12:01:00\t1,6\t2,6\n31.01.2024\t12:02:00\t1,7\t2,7\n");
        Assert.Equal(["Oven temperature °C", "Pressure pressure bar"], plan.Columns.Select(column => $"{column.Name} {column.SensorType} {column.Unit}"));
    }

    [Fact]
    public void LabVIEWs_decimal_comma_and_one_preamble_alone()
    {
        var plan = CheckText("LabVIEW Measurement\nSeparator\tTab\nDecimal_Separator\t,\nDate\t2024/01/31\nTime\t12:00:00,5\n***End_of_Header***\nX_Value\tpressure [bar]\n0,000000\t1,5\n0,500000\t1,6\n");

        Assert.Equal(["2024-01-31T12:00:00.5 1.5", "2024-01-31T12:00:01 1.6"], Rows(plan));
        Assert.Equal(("pressure", "bar"), (plan.Columns[0].SensorType, plan.Columns[0].Unit));
    }

    [Theory]
    // Loggers of testo, as testo's programs export them.
    [InlineData(
        "testo 174H 2010\n\"Start time:\",\"1/31/2024 12:00:00 PM\"\n\"Channel\",\"Min\",\"Max\",\"Mean value\",\"Limits\"\n\"Temperature [°C]\",\"20.1\",\"25.3\",\"22.1\",\"0.0/40.0\"\n\"Humidity [%rF]\",\"30.1\",\"45.3\",\"40.1\",\"0/100\"\n\n\"id\",\"Date / time\",\"Temperature [°C]\",\"Humidity [%]\"\n\"1\",\"1/31/2024 12:00:00 PM\",\"21.5\",\"40.1\"\n\"2\",\"1/31/2024 12:15:00 PM\",\"21.6\",\"40.2\"\n",
        "Temperature temperature °C|Humidity humidity %", "2024-01-31T12:00:00 21.5 40.1|2024-01-31T12:15:00 21.6 40.2")]
    [InlineData(
        "\"Gerät:\";\"testo 175 H1\"\n\"Seriennummer:\";\"40123456\"\n\"Startzeit:\";\"31.01.2024 12:00:00\"\n\"Endzeit:\";\"31.01.2024 12:10:00\"\n\"Messrate:\";\"300 s\"\n\n\"Datum\";\"Zeit\";\"1: Temperatur [°C]\";\"2: Feuchte [%rF]\"\n\"31.01.2024\";\"12:00:00\";\"21,5\";\"40,1\"\n\"31.01.2024\";\"12:05:00\";\"21,6\";\"40,2\"\n\"31.01.2024\";\"12:10:00\";\"-\";\"40,3\"\n",
        "1: Temperatur temperature °C|2: Feuchte humidity %", "2024-01-31T12:00:00 21.5 40.1|2024-01-31T12:05:00 21.6 40.2|2024-01-31T12:10:00 _ 40.3")]
    [InlineData(
        "Datalogger\ttesto 177\nStart\t31.01.2024 12:00:00\nValues\t2\nAlarm\t20\t30\n\nDate/Time\tTemp [°C]\n31.01.2024 12:00:00\t21,5\n31.01.2024 12:01:00\t21,6\n31.01.2024 12:02:00\t21,7\n31.01.2024 12:03:00\t21,8\n31.01.2024 12:04:00\t21,9\n31.01.2024 12:05:00\t22\n",
        "Temp temperature °C", "2024-01-31T12:00:00 21.5|2024-01-31T12:01:00 21.6|2024-01-31T12:02:00 21.7|2024-01-31T12:03:00 21.8|2024-01-31T12:04:00 21.9|2024-01-31T12:05:00 22")]
    // A name and a time in two fields, as in the rows.
    [InlineData(
        "Start;31.01.2024 12:00:00\nInterval;60\nLimit;20,5\nTime;T [°C]\n31.01.2024 12:00:00;21,5\n31.01.2024 12:01:00;21,6\n",
        "T temperature °C", "2024-01-31T12:00:00 21.5|2024-01-31T12:01:00 21.6")]
    public void Preambles_of_loggers_are_no_rows(string text, string columns, string rows)
    {
        var plan = CheckText(text);
        Assert.Equal(columns.Split('|'), plan.Columns.Select(column => $"{column.Name} {column.SensorType} {column.Unit}"));
        Assert.Equal(rows.Split('|'), Rows(plan));
    }

    [Theory]
    [InlineData("t,v\n2024-01-01,1\n2024-01-02,\"2\n2024-01-03,3\n", 3)]
    [InlineData("t,v,s\n2024-01-01,1,on\n2024-01-02,2,\"off\n2024-01-03,3,on\n", 3)]
    [InlineData("t,v\n\"2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n", 2)]
    [InlineData("t,\"v\n2024-01-01,1\n2024-01-02,2\n", 1)]
    [InlineData("t;s;v\r\n2024-01-01;\"a\r\nb\";1\r\n2024-01-02;\"c \"\"d\"\"\";2\r\n2024-01-03;\"e;3\r\n2024-01-04;f;4\r\n", 5)]
    [InlineData("t, v\n2024-01-01, 1\n2024-01-02,  \"2\n2024-01-03, 3\n", 3)]
    [InlineData("t\tv\r2024-01-01\t1\r2024-01-02\t2\r2024-01-03\t\"3", 4)]
    public void A_quote_that_nothing_closes_is_told_with_its_line(string text, int line) =>
        Assert.Equal($"line {line}: a quote is opened here and never closed: close it, or remove it", Refused(text));

    [Fact]
    public void The_same_behind_the_rows_that_are_looked_at_first()
    {
        var rows = string.Concat(Enumerable.Range(0, 40_000).Select(row => $"2024-01-01 {row / 3600:00}:{row / 60 % 60:00}:{row % 60:00},{row},ok\n"));
        Assert.Equal("line 40002: a quote is opened here and never closed: close it, or remove it", Refused($"t,v,s\n{rows}2024-01-02,1,\"ok\n2024-01-02 00:00:01,2,ok\n"));
    }

    [Theory]
    [InlineData("t,v,s\n2024-01-01,1,5\" pipe\n2024-01-02,2,6\" pipe\n")]
    [InlineData("t,v,s\n2024-01-01,1,\"a \"\"b\"\"\"\n2024-01-02,2,\"c\nd\"\n")]
    [InlineData("# a comment with a \" in it\nt,v,s\n2024-01-01,1,x\n2024-01-02,2,y\n")]
    public void Quotes_that_open_nothing_or_are_closed_are_read(string text) => Assert.Equal(["2024-01-01T00:00:00 1", "2024-01-02T00:00:00 2"], Rows(CheckText(text)));

    [Fact]
    public void Compressed_data_that_end_early_are_told_wherever_they_end()
    {
        var rows = string.Concat(Enumerable.Range(0, 3_000).Select(row => $"2024-01-01 {row / 3600:00}:{row / 60 % 60:00}:{row % 60:00},{row * 7919 % 1000}\n"));
        using var packed = new MemoryStream();
        var ends = new List<long>();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes("t,v\n"));
            foreach (var part in rows.Chunk(20_000))
            {
                gzip.Write(Encoding.UTF8.GetBytes(part));
                // Ends a compressed block at a byte boundary.
                gzip.Flush();
                ends.Add(packed.Length);
            }
        }

        var whole = packed.ToArray();
        Assert.Equal(3_000, Check(File(whole)).Rows);
        foreach (var length in ends.Concat([whole.Length - 1, whole.Length - 4, whole.Length - 8, whole.Length - 9, whole.Length / 2, whole.Length / 3]))
        {
            var exception = Assert.Throws<ReplayFileException>(() => Check(File(whole[..(int)length])));
            Assert.Matches($"^line [0-9]+: the file ends here in the middle of its compressed data, after {length} bytes: it was cut off, fetch it again$", exception.Message);
        }
    }

    [Fact]
    public void Compressed_data_in_several_members_are_one_file()
    {
        byte[] Member(string text)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            {
                gzip.Write(Encoding.UTF8.GetBytes(text));
            }

            return packed.ToArray();
        }

        var first = Member("t,v\n2024-01-01,1\n2024-01-02,2\n");
        for (var rows = 1; rows < 3_000; rows += 171)
        {
            var second = Member(string.Concat(Enumerable.Range(0, rows).Select(row => $"{new DateTime(2024, 2, 1).AddSeconds(row):yyyy-MM-dd HH:mm:ss},{row * 7919 % 1000}\n")));
            Assert.Equal(rows + 2, Check(File([.. first, .. second])).Rows);
            Assert.Contains("in the middle of its compressed data", Assert.Throws<ReplayFileException>(() => Check(File([.. first, .. second[..^3]]))).Message, StringComparison.Ordinal);
        }

        // Padding that some tapes and tools add.
        Assert.Equal(2, Check(File([.. first, .. new byte[512]])).Rows);
    }

    [Fact]
    public void A_series_that_says_nothing_of_itself_is_an_assumption_that_is_told()
    {
        var plan = CheckText("timestamp,value\n2024-01-01,1\n2024-01-02,2\n");
        const string Told = "ASSUMED: nothing in the file names its type and unit, and it is taken for a temperature in °C; give SensorType and Units if it is another";

        Assert.Contains(Told, ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
        Assert.Contains("temperature sensor replay-sensor-001 (assumed, for nothing in the file names type and unit)", ReplayPreview.Summary(plan), StringComparison.Ordinal);
        foreach (var (text, options) in new (string, ReplayOptions)[]
        {
            ("timestamp,value\n2024-01-01,1\n2024-01-02,2\n", new() { SensorType = "energy" }), ("timestamp,temperature\n2024-01-01,1\n2024-01-02,2\n", new()),
            ("timestamp,value\n2024-01-01,1 V\n2024-01-02,2 V\n", new()), ("timestamp,value\n2024-01-01,1\n2024-01-02,2\n", new() { Units = "value=bar" }),
        })
        {
            Assert.DoesNotContain("ASSUMED", ReplayPreview.Text(CheckText(text, options), name => name), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    // Device, time, value; the name of the column says nothing.
    [InlineData("what", "press", true, false)]
    [InlineData("what", "press", false, false)]
    [InlineData("what", "press", true, true)]
    [InlineData("machine", "1", true, false)]
    [InlineData("machine", "1", false, false)]
    public void A_device_that_comes_after_the_first_rows_is_its_own(string column, string name, bool isInterleaved, bool isFirst)
    {
        const int Alone = 4_000;
        string Row(string device, int second, int value) =>
            FormattableString.Invariant($"{(isFirst ? $"{device},{DateTime.UnixEpoch.AddSeconds(second):yyyy-MM-dd HH:mm:ss}" : $"{DateTime.UnixEpoch.AddSeconds(second):yyyy-MM-dd HH:mm:ss},{device}")},{value},7\n");
        var text = new StringBuilder(isFirst ? $"{column},time,a,b\n" : $"time,{column},a,b\n");
        for (var second = 0; second < Alone + 500; second++)
        {
            text.Append(Row(name, second, 10));
            if (isInterleaved && second >= Alone)
            {
                text.Append(Row("2", second, 20));
            }
        }

        for (var second = 0; !isInterleaved && second < Alone; second++)
        {
            text.Append(Row("2", second, 20));
        }

        var plan = CheckText(text.ToString());
        Assert.Equal(
            [$"replay-{name}-a 10 10", $"replay-{name}-b 7 7", "replay-2-a 20 20", "replay-2-b 7 7"],
            plan.Columns.Select(each => FormattableString.Invariant($"{each.SensorId} {each.Least} {each.Most}")));
    }

    [Fact]
    public void A_state_beside_a_clock_that_goes_back_is_no_device()
    {
        var text = new StringBuilder("time,state,a,b\n");
        for (var row = 0; row < 5_000; row++)
        {
            text.Append(FormattableString.Invariant($"{DateTime.UnixEpoch.AddSeconds(row - (row > 4_000 ? 3 : 0)):yyyy-MM-dd HH:mm:ss},{(row > 4_000 ? "off" : "on")},{row},1\n"));
        }

        Assert.Equal(["a", "b"], CheckText(text.ToString()).Columns.Select(column => column.Name));
    }

    [Theory]
    [InlineData("time,site,device,a,b\n2024-01-01,north,1,1,5\n2024-01-01,north,2,2,6\n2024-01-01,south,1,3,7\n2024-01-01,south,2,4,8\n2024-01-02,north,1,1,5\n2024-01-02,north,2,2,6\n2024-01-02,south,1,3,7\n2024-01-02,south,2,4,8\n", null)]
    [InlineData("site,device_id,time,a,b\nnorth,1,2024-01-01,1,5\nsouth,1,2024-01-01,3,7\nnorth,2,2024-01-02,2,6\nsouth,2,2024-01-02,4,8\nnorth,1,2024-01-02,1,5\nsouth,1,2024-01-02,3,7\nnorth,2,2024-01-03,2,6\nsouth,2,2024-01-03,4,8\n", "site,device_id")]
    public void A_device_of_each_site_is_a_sensor_of_both(string text, string? setting)
    {
        var plan = CheckText(text, new() { NameColumn = setting });

        Assert.Equal(
            ["replay-north-1-a 1", "replay-north-1-b 5", "replay-north-2-a 2", "replay-north-2-b 6", "replay-south-1-a 3", "replay-south-1-b 7", "replay-south-2-a 4", "replay-south-2-b 8"],
            plan.Columns.Select(column => FormattableString.Invariant($"{column.SensorId} {column.Least}")).Order());
        Assert.All(plan.Columns, column => Assert.Equal(column.Least, column.Most));
        Assert.All(plan.Read(), row => Assert.Equal(2, row.Values.Length));
        Assert.Contains("(site) and column", plan.NamedBy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("site,device,a", "NameColumn = site,device,a: must be one column, or two whose names together are one")]
    [InlineData("site,time", "NameColumn = site,time: column 1 (time) is the time: name the column of the sensors' names, or another time, TimeColumn=…")]
    public void Two_columns_of_names_are_named_as_one(string setting, string message) =>
        Assert.Equal(message, Refused("time,site,device,a\n2024-01-01,n,1,1\n2024-01-01,s,1,2\n", new() { NameColumn = setting }));
}
