using System.IO.Compression;
using System.Text;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Files as they are published and exported, each reduced to a few lines of its dialect.</summary>
public sealed class DialectsOfFilesTests : ReplayFileTest
{
    public static TheoryData<string, string, string[]> Dialects { get; } = new()
    {
        { "header and rows", "timestamp,value\n2013-12-02 21:15:00,73.5\n\n2013-12-02T21:20:00Z,74\n", ["2013-12-02T21:15:00 73.5", "2013-12-02T21:20:00 74"] },
        {
            "year, month, day and hour without a header, as in ISD-Lite",
            "2024 01 01 00   -12   -34 10203\n2024 01 01 01   -13 -9999 10201\n2024 12 31 23     5   -30 10150\n",
            ["2024-01-01T00:00:00 -12 -34 10203", "2024-01-01T01:00:00 -13 _ 10201", "2024-12-31T23:00:00 5 -30 10150"]
        },
        {
            "a window beside the times, as in InfluxDB's annotated CSV",
            "#group,false,false,true,true,false,false\n#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double\n#default,_result,,,,,\n,result,table,_start,_stop,_time,_value\n"
                + ",,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:10:00Z,21.5\n,,0,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:20:00Z,21.7\n",
            ["2024-01-01T00:10:00 21.5", "2024-01-01T00:20:00 21.7"]
        },
        {
            "hours 1 to 24 beside a date of eight digits, as of the KNMI",
            "# BRON: KNMI\n# Opmerking: \n\n# STN,YYYYMMDD,   HH,   FH,    T\n\n  260,20240101,    1,   60,   85\n  260,20240101,   24,     ,   80\n",
            ["2024-01-01T01:00:00 60 85", "2024-01-02T00:00:00 _ 80"]
        },
        { "no header", "2020-01-01 00:00:00,1\n2020-01-01 00:00:10,2", ["2020-01-01T00:00:00 1", "2020-01-01T00:00:10 2"] },
        {
            "semicolons, decimal commas, CR LF, date and clock with points, -200, separators at the end",
            "Date;Time;CO(GT);T;RH;;\r\n10/03/2004;18.00.00;2,6;13,6;48,9;;\r\n13/03/2004;19.00.00;-200;13,3;47,7;;\r\n13/03/2004;20.00.00;2,2;-200;54,0;;\r\n;;;;;;\r\n;;;;;;\r\n",
            ["2004-03-10T18:00:00 2.6 13.6 48.9", "2004-03-13T19:00:00 _ 13.3 47.7", "2004-03-13T20:00:00 2.2 _ 54"]
        },
        {
            "question marks, day first",
            "Date;Time;Global_active_power;Voltage\n16/12/2006;17:24:00;4.216;234.840\n16/12/2006;17:25:00;?;?\n",
            ["2006-12-16T17:24:00 4.216 234.84", "2006-12-16T17:25:00 _ _"]
        },
        {
            "row numbers, an empty column, a column of texts",
            ",timestamp,sensor_00,sensor_15,machine_status\n0,2018-04-01 00:00:00,2.465394,,NORMAL\n1,2018-04-01 00:01:00,2.4,,BROKEN\n",
            ["2018-04-01T00:00:00 2.465394", "2018-04-01T00:01:00 2.4"]
        },
        {
            "comments, a row of units, NA",
            "# station 5, \"Moor\n# exported\ntime,temp,rh\nISO,°C,%\n2024-01-01T00:00:00Z,1.5,80\n# pause\n2024-01-01T01:00:00Z,NA,81\n",
            ["2024-01-01T00:00:00 1.5 80", "2024-01-01T01:00:00 _ 81"]
        },
        {
            "a table of facts before the table of values",
            "latitude,longitude,elevation,zone\n52.52,13.41,38.0,GMT\n\ntime,temperature_2m (°C)\n2023-01-01T00:00,12.3\n2023-01-01T01:00,12.4\n2023-01-01T02:00,12.5\n2023-01-01T03:00,12.6\n",
            ["2023-01-01T00:00:00 12.3", "2023-01-01T01:00:00 12.4", "2023-01-01T02:00:00 12.5", "2023-01-01T03:00:00 12.6"]
        },
        {
            "a logger's four lines of header",
            "\"TOA5\",\"st\",\"CR1000\",\"123\",\"x\",\"y\",\"z\",\"tab\"\n\"TIMESTAMP\",\"RECORD\",\"BattV_Min\",\"AirTC_Avg\"\n\"TS\",\"RN\",\"Volts\",\"Deg C\"\n\"\",\"\",\"Min\",\"Avg\"\n\"2012-05-14 13:15:00\",0,13.2,21.5\n\"2012-05-14 13:30:00\",1,13.2,\"NAN\"\n",
            ["2012-05-14T13:15:00 13.2 21.5", "2012-05-14T13:30:00 13.2 _"]
        },
        {
            "columns of blanks, a header and units in comments, times in columns of their own",
            "#YY  MM DD hh mm WDIR WSPD\n#yr  mo dy hr mn degT m/s\n2024 01 01 00 00 180  5.1\n2024 01 01 00 10 MM   5.2\n",
            ["2024-01-01T00:00:00 180 5.1", "2024-01-01T00:10:00 _ 5.2"]
        },
        {
            "year, month, day and hour in columns",
            "No,year,month,day,hour,pm2.5\n1,2010,1,1,0,NA\n2,2010,1,1,1,129\n",
            ["2010-01-01T00:00:00 _", "2010-01-01T01:00:00 129"]
        },
        { "date and hour", "dteday,hr,cnt\n2011-01-01,0,16\n2011-01-01,13,40\n", ["2011-01-01T00:00:00 16", "2011-01-01T13:00:00 40"] },
        {
            "quoted, brackets, points between thousands",
            "\"Zeit\";\"Temperatur (°C)\";\"Druck [hPa]\"\r\n\"31.01.2024 10:00\";\"21,5\";\"1.013,25\"\r\n\"31.01.2024 10:01\";\"21,6\";\"1.014\"\r\n",
            ["2024-01-31T10:00:00 21.5 1013.25", "2024-01-31T10:01:00 21.6 1014"]
        },
        { "what Excel writes before a header", "sep=;\r\nZeit;Wert\r\n31.12.2023 10:00;1,5\r\n31.12.2023 11:00;2\r\n", ["2023-12-31T10:00:00 1.5", "2023-12-31T11:00:00 2"] },
        { "commas between thousands", "time,power\n2024-01-01,\"1,234.5\"\n2024-01-02,\"12,345\"\n", ["2024-01-01T00:00:00 1234.5", "2024-01-02T00:00:00 12345"] },
        { "tabs", "time\tv\n2024-01-01 00:00\t1,5\n2024-01-01 00:01\t2,5\n", ["2024-01-01T00:00:00 1.5", "2024-01-01T00:01:00 2.5"] },
        { "pipes", "time|v\n2024-01-01 00:00|1.5\n2024-01-01 00:01|2.5\n", ["2024-01-01T00:00:00 1.5", "2024-01-01T00:01:00 2.5"] },
        { "month first, 12 hours", "Date,Value\n1/2/2014 12:00:00 AM,1\n1/13/2014 1:05:00 PM,2\n", ["2014-01-02T00:00:00 1", "2014-01-13T13:05:00 2"] },
        { "names of months", "t,v\n16-Dec-06 5:15 PM,1\n16-Dec-06 5:16 p.m.,2\n", ["2006-12-16T17:15:00 1", "2006-12-16T17:16:00 2"] },
        { "HTTP's times", "when,v\n\"Mon, 02 Dec 2013 21:15:00 GMT\",1\n\"Mon, 02 Dec 2013 21:16:00 GMT\",2\n", ["2013-12-02T21:15:00 1", "2013-12-02T21:16:00 2"] },
        { "zones", "t,v\n2024-01-01T00:00:00+01:00,1\n2024-01-01T00:00:01.5+0100,2\n2024-01-01 00:00:02 CET,3\n", ["2023-12-31T23:00:00 1", "2023-12-31T23:00:01.5 2", "2023-12-31T23:00:02 3"] },
        { "ctime of C and date of Unix", "t,v\nMon Dec  2 21:15:00 2013,1\nTue Dec 3 01:02:03 CET 2013,2\n", ["2013-12-02T21:15:00 1", "2013-12-03T00:02:03 2"] },
        { "as in names of files", "t;v\n2013-12-02_21-15-00;1,5\n2013-12-02_21-16-30;2\n", ["2013-12-02T21:15:00 1.5", "2013-12-02T21:16:30 2"] },
        { "Uhr behind the clock", "Zeit;v\n13.12.2013 21:15 Uhr;1,5\n13.12.2013 21:16:30 Uhr;2\n", ["2013-12-13T21:15:00 1.5", "2013-12-13T21:16:30 2"] },
        { "digits with milliseconds", "t,v\n20131202211500123,1\n20131202211600456,2\n", ["2013-12-02T21:15:00.123 1", "2013-12-02T21:16:00.456 2"] },
        { "basic ISO 8601", "t,v\n20131202T211500Z,1\n20131202T211600Z,2\n", ["2013-12-02T21:15:00 1", "2013-12-02T21:16:00 2"] },
        { "narrow blanks and apostrophes between thousands", "t;a;b\n2013-12-02;1\u202f234,5;1'000'234\n2013-12-03;1 235,5;12\n", ["2013-12-02T00:00:00 1234.5 1000234", "2013-12-03T00:00:00 1235.5 12"] },
        { "a minus sign of Unicode, a sign before, numbers without a zero", "t,a,b\n2013-12-02,\u22121.5,+2\n2013-12-03,-2,.5\n", ["2013-12-02T00:00:00 -1.5 2", "2013-12-03T00:00:00 -2 0.5"] },
        { "seconds since 1970", "ts,value\n1386018900,1\n1386018960.5,2\n", ["2013-12-02T21:15:00 1", "2013-12-02T21:16:00.5 2"] },
        { "milliseconds since 1970", "timestamp_ms,x\n1386018900123,1\n1386018960123,2\n", ["2013-12-02T21:15:00.123 1", "2013-12-02T21:16:00.123 2"] },
        { "nanoseconds since 1970", "time,x\n1386018900123456700,1\n1386018900123456800,2\n", ["2013-12-02T21:15:00.123456 1", "2013-12-02T21:15:00.123456 2"] },
        { "seconds since the beginning", "Time (s),Accel [m/s²]\n0.0,1\n0.5,2\n", ["1970-01-01T00:00:00 1", "1970-01-01T00:00:00.5 2"] },
        { "digits alone", "STATIONS_ID;MESS_DATUM;TT_TU;eor\n   3987;2023010100;  12.3;eor\n   3987;2023010101;  -1.0;eor\n", ["2023-01-01T00:00:00 12.3", "2023-01-01T01:00:00 -1"] },
        { "a quoted line break and quotes", "time,\"a\n\"\"b\"\"\",note\n2024-01-01,1,\"x, \ny\"\n2024-01-02,2,5\" pipe\n", ["2024-01-01T00:00:00 1", "2024-01-02T00:00:00 2"] },
        { "a header that comes again", "time,v\n2024-01-01,1\ntime,v\n2024-01-02,2\n", ["2024-01-01T00:00:00 1", "2024-01-02T00:00:00 2"] },
        { "hours and minutes as a number", "date,time,value\n20240101,0,1\n20240101,30,2\n20240101,1530,3\n", ["2024-01-01T00:00:00 1", "2024-01-01T00:30:00 2", "2024-01-01T15:30:00 3"] },
        { "line ends of old Macintoshes", "\"date\",\"temp\"\r\"2024-01-01\",\"1.5\"\r\"2024-01-02\",\"2.5\"\r", ["2024-01-01T00:00:00 1.5", "2024-01-02T00:00:00 2.5"] },
        { "separators at the ends of some rows", "t,a,b\n2024-01-01,1,2\n2024-01-02,3,4,\n2024-01-03,5,6,\n", ["2024-01-01T00:00:00 1 2", "2024-01-02T00:00:00 3 4", "2024-01-03T00:00:00 5 6"] },
        { "24 o'clock", "time,v\n2024-01-01 23:00,1\n2024-01-01 24:00,2\n", ["2024-01-01T23:00:00 1", "2024-01-02T00:00:00 2"] },
        { "a row without a time, and a shorter row", "time,a,b\n2024-01-01,1,2\n,3,4\n2024-01-02,5\n2024-01-03,6,7\n", ["2024-01-01T00:00:00 1 2", "2024-01-02T00:00:00 5 _", "2024-01-03T00:00:00 6 7"] },
        { "newest first", "Date,Close\n2024-01-03,3\n2024-01-02,2\n2024-01-01,1\n", ["2024-01-01T00:00:00 1", "2024-01-02T00:00:00 2", "2024-01-03T00:00:00 3"] },
    };

    [Theory]
    [MemberData(nameof(Dialects))]
    public void A_dialect_is_understood_without_a_word(string dialect, string text, string[] rows)
    {
        Assert.NotEmpty(dialect);
        Assert.Equal(rows, Rows(CheckText(text)));
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    public void A_byte_order_mark_tells_the_encoding(string encoding)
    {
        var plan = Check(File("Zeit\tTemperatur °C\n2024-01-31 10:00\t21,5\n2024-01-31 10:05\t21,6\n", Encoding.GetEncoding(encoding)));

        Assert.Equal(("Temperatur", "°C", "temperature"), (plan.Columns[0].Name, plan.Columns[0].Unit, plan.Columns[0].SensorType));
        Assert.Equal(["2024-01-31T10:00:00 21.5", "2024-01-31T10:05:00 21.6"], Rows(plan));
    }

    [Fact]
    public void A_file_without_a_mark_that_is_not_UTF_8_is_one_of_Windows()
    {
        var plan = Check(File(Encoding.Latin1.GetBytes("Zeit;Temperatur °C\n2024-01-31 10:00;21,5\n2024-01-31 10:05;21,6\n")));

        Assert.Equal(("Windows-1252", "°C"), (plan.Encoding, plan.Columns[0].Unit));
    }

    [Fact]
    public void Gzip_is_read_as_it_is()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write("time,v\n2024-01-01,1\n2024-01-02,2\n"u8);
        }

        var plan = Check(File(packed.ToArray()));

        Assert.True(plan.IsGzip);
        Assert.Equal(["2024-01-01T00:00:00 1", "2024-01-02T00:00:00 2"], Rows(plan));
    }

    [Fact]
    public void Columns_without_a_time_are_replayed_by_an_interval()
    {
        var plan = CheckText("3030.93 2564 NaN\n3095.78  2465.14 2230.4\n", new ReplayOptions { Interval = TimeSpan.FromSeconds(2) });

        Assert.Equal(["- 3030.93 2564 _", "- 3095.78 2465.14 2230.4"], Rows(plan));
        Assert.Equal((TimeSpan.FromSeconds(2), 5L), (plan.Span, plan.Readings));
        Assert.Equal(["replay-column-1", "replay-column-2", "replay-column-3"], plan.Columns.Select(column => column.SensorId));
    }

    [Fact]
    public void Numbers_that_stand_for_nothing_are_counted_and_those_that_may_be_values_are_kept()
    {
        const string Text = "time,a,b\n2024-01-01,1.5,-250\n2024-01-02,-999,-200\n2024-01-03,2,-150\n2024-01-04,NA,-\n";
        var found = CheckText(Text);

        Assert.Equal([(2L, 2L), (3L, 1L)], found.Columns.Select(column => (column.Values, column.Missing)));
        Assert.Equal((1L, 1L, 1L), (found.MissingTexts["-999"], found.MissingTexts["NA"], found.MissingTexts["-"]));

        var given = CheckText(Text, new ReplayOptions { Missing = "-150,off" });
        Assert.Equal([(3L, 1L), (2L, 2L)], given.Columns.Select(column => (column.Values, column.Missing)));
    }

    [Fact]
    public void The_hours_of_the_clocks_change_are_read_in_the_zone()
    {
        var plan = CheckText(
            "t;v\n2023-10-29 01:30;1\n2023-10-29 02:00;2\n2023-10-29 02:30;3\n2023-10-29 02:00;4\n2023-10-29 02:30;5\n2023-10-29 03:00;6\n2024-03-31 02:30;7\n",
            new ReplayOptions { TimeZone = "Europe/Berlin" });

        Assert.Equal(
            ["2023-10-28T23:30:00 1", "2023-10-29T00:00:00 2", "2023-10-29T00:30:00 3", "2023-10-29T01:00:00 4", "2023-10-29T01:30:00 5", "2023-10-29T02:00:00 6", "2024-03-31T01:30:00 7"],
            Rows(plan));
        Assert.Equal((4L, 1L, 0L), (plan.Times.Repeated, plan.Times.LeftOut, plan.Times.Backward));
    }

    [Fact]
    public void Times_that_stand_still_or_run_backward_are_counted_and_take_no_time()
    {
        var plan = CheckText("t,v\n2024-01-01 00:00:00,1\n2024-01-01 00:00:10,2\n2024-01-01 00:00:10,3\n2024-01-01 00:00:05,4\n2024-01-01 00:00:20,5\n");

        Assert.Equal((1L, 1L, 5L, TimeSpan.FromSeconds(25)), (plan.Times.Duplicates, plan.Times.Backward, plan.Times.FirstBackwardLine, plan.Span));
    }

    [Fact]
    public void Days_and_months_are_told_apart_by_any_line_of_the_file()
    {
        var rows = string.Concat(Enumerable.Range(0, 5000).Select(minute => $"01/02/2014 {minute / 60 % 24:00}:{minute % 60:00},{minute}\n"));

        Assert.Equal("day-first", CheckText($"t,v\n{rows}13/02/2014 00:00,1\n").Times.Order);
        Assert.Equal("month-first", CheckText($"t,v\n{rows}02/13/2014 00:00,1\n").Times.Order);
    }

    [Fact]
    public void A_decimal_sign_is_found_behind_the_beginning_of_the_file()
    {
        var rows = string.Concat(Enumerable.Range(0, 5000).Select(second => $"2014-01-01 00:{second / 60 % 60:00}:{second % 60:00};1,234\n"));

        Assert.Equal(1.234, CheckText($"t;v\n{rows}").Columns[0].Most);
        Assert.Equal(1234, CheckText($"t;v\n{rows}2014-01-01 02:00:00;1.5\n").Columns[0].Most);
    }

    [Theory]
    [InlineData("Temp [°C]", "Temp", "°C")]
    [InlineData("p (mbar)", "p", "hPa")]
    [InlineData("CO(GT)", "CO(GT)", "")]
    [InlineData("temp_C", "temp", "°C")]
    [InlineData("temp_min", "temp_min", "°C")]
    [InlineData("Sensor A", "Sensor A", "")]
    [InlineData("power_kW", "power", "kW")]
    public void A_name_gives_its_unit(string header, string name, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-01-01,1,2\n").Columns[0];

        Assert.Equal((name, unit), (column.Name, column.Unit));
    }

    [Fact]
    public void Columns_of_one_name_are_told_apart_by_the_row_above_the_header()
    {
        var plan = CheckText("Station A,,Station B,\ntime,temp,temp,hum\n,°C,°C,%\n2024-01-01,1,2,3\n2024-01-02,1,2,3\n");
        Assert.Equal(["replay-station-a-temp", "replay-station-b-temp", "replay-hum"], plan.Columns.Select(column => column.SensorId));
        Assert.Equal(["temperature", "temperature", "humidity"], plan.Columns.Select(column => column.SensorType));

        // Without such a row the columns are numbered.
        Assert.Equal(["replay-temp", "replay-temp-2"], CheckText("time,temp,temp\n2024-01-01,1,2\n").Columns.Select(column => column.SensorId));
    }

    [Fact]
    public void Columns_types_and_units_are_those_of_the_settings_else_of_the_header()
    {
        const string Text = "time,Temp [°C],Temp [°F],humidity,flow (l/min),T\n2024-01-01,1,2,3,4,5\n";
        Assert.Equal(
            [("replay-temp", "temperature", "°C"), ("replay-temp-2", "temperature", "°F"), ("replay-humidity", "humidity", "%"), ("replay-flow", "flow", "l/min"), ("replay-t", "t", "")],
            CheckText(Text).Columns.Select(column => (column.SensorId, column.SensorType, column.Unit)));

        var plan = CheckText(Text, new ReplayOptions { Columns = "T,4", Types = "T=pressure", Units = "4=g/kg", SensorId = "hall" });
        Assert.Equal([("hall-t", "pressure", "hPa"), ("hall-humidity", "humidity-g-kg", "g/kg")], plan.Columns.Select(column => (column.SensorId, column.SensorType, column.Unit)));
    }
}
