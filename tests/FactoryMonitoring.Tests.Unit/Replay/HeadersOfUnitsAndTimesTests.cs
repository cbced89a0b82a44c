using System.Globalization;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>What headers say about degrees, time zones and clocks, and the product's own export.</summary>
public sealed class HeadersOfUnitsAndTimesTests : ReplayFileTest
{
    private const string ExportHeader = "timestamp,sensor_id,sensor_type,value,unit,alert_level,quality,factory_section,machine_id,zone,reading_count,sequence_id,processed_by_consumer,processing_timestamp,log_id,kafka_partition,kafka_offset,backfill";

    [Theory]
    [InlineData("\"Temp, °F (LGR S/N: 1234, SEN S/N: 1234)\"", "Temp", "temperature", "°F")]
    [InlineData("\"Temp, °C (LGR S/N: 1234)\"", "Temp", "temperature", "°C")]
    [InlineData("Temp (deg F)", "Temp", "temperature", "°F")]
    [InlineData("Oven (Deg. C)", "Oven", "temperature", "°C")]
    [InlineData("temperature_f", "temperature", "temperature", "°F")]
    [InlineData("TempF", "Temp", "temperature", "°F")]
    [InlineData("Temperature°F", "Temperature", "temperature", "°F")]
    [InlineData("temp_degF", "temp", "temperature", "°F")]
    [InlineData("water deg f", "water", "temperature", "°F")]
    [InlineData("outdoorTempC", "outdoorTemp", "temperature", "°C")]
    [InlineData("AirTempDegF", "AirTemp", "temperature", "°F")]
    [InlineData("temp_fahrenheit", "temp", "temperature", "°F")]
    [InlineData("Diff", "Diff", "diff", "")]
    [InlineData("Leaf", "Leaf", "leaf", "")]
    [InlineData("PMDC", "PMDC", "pmdc", "")]
    [InlineData("phase C", "phase C", "phase-c", "")]
    public void Degrees_are_read_from_the_header(string header, string name, string type, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-01-01,68.5,1\n2024-01-02,70,2\n").Columns[0];
        Assert.Equal((name, type, unit), (column.Name, column.SensorType, column.Unit));
    }

    [Theory]
    [InlineData("\"Date Time, GMT-05:00\"", null, "2024-01-15T06:00:00")]
    [InlineData("time (UTC+0530)", null, "2024-01-14T19:30:00")]
    [InlineData("time UTC", null, "2024-01-15T01:00:00")]
    [InlineData("\"Date Time, GMT-05:00\"", "Europe/Berlin", "2024-01-15T00:00:00")]
    public void The_header_names_the_zone_of_the_times(string header, string? zone, string time) =>
        Assert.Equal(time, Rows(CheckText($"{header},v\n2024-01-15 01:00:00,1\n2024-01-15 02:00:00,2\n", new() { TimeZone = zone }))[0].Split(' ')[0]);

    [Theory]
    [InlineData("local_time,utc_time,v\n2024-01-15 01:00,2024-01-15 00:00,1\n2024-01-15 02:00,2024-01-15 01:00,2\n", "2024-01-15T00:00:00")]
    [InlineData("time,time_utc,v\n2024-01-15 01:00,2024-01-15 00:00,1\n2024-01-15 02:00,2024-01-15 01:00,2\n", "2024-01-15T00:00:00")]
    [InlineData("taken,stored_utc,v\n2024-01-15 01:00,2024-01-15 09:00,1\n2024-01-15 02:00,2024-01-15 09:01,2\n", "2024-01-15T01:00:00")]
    [InlineData("DATE,TIME,v\n20240115,001000,1\n20240115,235959,2\n", "2024-01-15T00:10:00")]
    [InlineData("DATE,TIME,v\n20240115,1000,1\n20240115,235959,2\n", "2024-01-15T00:10:00")]
    [InlineData("date,hour,v\n2024-01-15,0100,1\n2024-01-15,0200,2\n", "2024-01-15T01:00:00")]
    [InlineData("date,hour,v\n2024-01-15,07,1\n2024-01-15,08,2\n", "2024-01-15T07:00:00")]
    [InlineData("date,v,HHMM\n2024-01-15,1,30\n2024-01-15,2,130\n", "2024-01-15T00:30:00")]
    public void The_best_columns_are_the_time(string text, string time)
    {
        var plan = CheckText(text);
        Assert.Equal((time + " 1", 1), (Rows(plan)[0], plan.Columns.Count));
    }

    [Fact]
    public void Rows_at_one_time_are_refused()
    {
        var text = "day,n,v\n" + string.Concat(Enumerable.Range(0, 20).Select(row => string.Create(CultureInfo.InvariantCulture, $"2024-01-15,{row * 7},{row}\n")));
        Assert.Equal(
            "column 1 (day): 20 of 20 rows are at one time or nearly so, 2024-01-15 00:00:00: name the column of the times, or the date's and the clock's, TimeColumn=…, or give TimeColumn=none and Interval",
            Refused(text));
        Assert.Equal(20, CheckText(text, new() { TimeColumn = "none", Interval = TimeSpan.FromSeconds(1) }).Rows);
    }

    [Fact]
    public void The_own_export_is_replayed_as_it_is()
    {
        const string Text = ExportHeader + "\r\n"
            + "2026-01-31T12:00:00.000000Z,temp-sensor-001,temperature,20.5,°C,normal,1,A,m,z,1,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
            + "2026-01-31T12:00:00.500000Z,Line 2/kW,energy,7,kW,normal,0.9,A,m,z,1,s,c,2026-01-31T12:00:00.600000Z,l,1,5,false\r\n"
            + "9999-12-31T23:59:59.999999Z,temp-sensor-001,temperature,21,°C,normal,1,A,m,z,2,s,c,2026-01-31T12:00:01.100000Z,l,0,11,false\r\n";
        var plan = CheckText(Text);

        Assert.Equal([("temp-sensor-001", "temperature", "°C"), ("Line 2/kW", "energy", "kW")], plan.Columns.Select(column => (column.SensorId, column.SensorType, column.Unit)));
        Assert.Equal(["2026-01-31T12:00:00 20.5", "2026-01-31T12:00:00.5 7", "9999-12-31T23:59:59.999999 21"], Rows(plan));
        Assert.Equal(["again-temp-sensor-001", "again-Line 2/kW"], CheckText(Text, new() { SensorId = "again" }).Columns.Select(column => column.SensorId));
    }

    [Fact]
    public void The_own_export_has_all_that_was_stored_with_a_value()
    {
        const string Text = ExportHeader + "\r\n"
            + "2026-01-31T12:00:00.000000Z,\" s, 1 \",temperature,-200,,warning,0.5,\"Hall, 1\",,z,1,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
            + "2026-01-31T12:00:01.000000Z,\" s, 1 \",temperature,9999,,critical,,A,m,,2,s,c,2026-01-31T12:00:01.100000Z,l,0,11,false\r\n"
            + "2026-01-31T12:00:02.000000Z,\" s, 1 \",temperature,1,,normal,1,A,m,,3,s,c,2026-01-31T12:00:01.100000Z,l,0,12,false\r\n";
        var plan = CheckText(Text);

        Assert.Equal((" s, 1 ", ""), (plan.Columns[0].SensorId, plan.Columns[0].Unit));
        Assert.Equal([-200, 9999, 1], plan.Read().Select(row => row.Values[0]));
        Assert.Equal(
            [new("warning", 0.5, new("Hall, 1", null, "z")), new("critical", null, new("A", "m", null)), new("normal", 1, new("A", "m", null))],
            plan.Read().Select(row => row.Stored!));
    }

    [Theory]
    [InlineData("温度(℃)", "温度", "temperature", "°C")]
    [InlineData("温度（℃）", "温度", "temperature", "°C")]
    [InlineData("v(㎜/s)", "v", "v", "mm/s")]
    [InlineData("pressure.psi", "pressure", "pressure", "psi")]
    [InlineData("pump.min", "pump.min", "pump.min", "")]
    public void Units_of_one_letter_of_full_width_and_behind_a_point(string header, string name, string type, string unit)
    {
        var column = CheckText($"time,{header},other\n2024-01-01,68.5,1\n2024-01-02,70,2\n").Columns[0];
        Assert.Equal((name, type, unit), (column.Name, column.SensorType, column.Unit));
    }

    [Theory]
    // EPA's hourly files: a date and a clock of UTC beside local ones.
    [InlineData("Date Local,Time Local,Date GMT,Time GMT,v", "2023-01-02,00:00,2023-01-02,05:00,0.03", null, "2023-01-02T05:00:00 0.03")]
    [InlineData("Date GMT,Time GMT,Date Local,Time Local,v", "2023-01-02,05:00,2023-01-02,00:00,0.03", null, "2023-01-02T05:00:00 0.03")]
    [InlineData("Date Local,Time Local,Date GMT,Time GMT,v", "2023-01-02,00:00,2023-01-02,05:00,0.03", "America/New_York", "2023-01-02T05:00:00 0.03")]
    [InlineData("date_local,date_utc,time_local,time_utc,v", "2023-01-01,2023-01-02,22:00,03:00,7", null, "2023-01-02T03:00:00 7")]
    [InlineData("date_utc,hour,time_utc,time_local,v", "2023-01-02,3,03:00,22:00,7", null, "2023-01-02T03:00:00 7")]
    public void A_date_and_a_clock_of_UTC_belong_together(string header, string row, string? zone, string read) =>
        Assert.Equal(read, Rows(CheckText($"{header}\n{row}\n", new() { Columns = "v", TimeZone = zone })).Single());

    [Fact]
    public void A_date_that_may_belong_to_two_clocks_is_asked_for() => Assert.Equal(
        "column 1 (date) may be the date of column 2 (time_local) or of column 3 (time_utc): give TimeColumn=1,2 or 1,3, and for a local time its zone, TimeZone",
        Refused("date,time_local,time_utc,v\n2023-01-02,00:00,05:00,1\n"));

    [Fact]
    public void The_formats_of_columns_in_an_RDB_file_are_no_header()
    {
        var plan = CheckText(
            "# retrieved\nagency_cd\tsite_no\tdatetime\ttz_cd\t123_00060\t123_00060_cd\n5s\t15s\t20d\t6s\t14n\t10s\n"
            + "USGS\t01646500\t2024-01-01 00:00\tEST\t5020\tA\nUSGS\t01646500\t2024-01-01 00:15\tEST\t5030\tA\nUSGS\t01646500\t2024-07-01 00:15\tEDT\t5040\tA\n");

        // The number of the site names the only sensor.
        Assert.Equal(["01646500"], plan.Columns.Select(column => column.Name));
        Assert.Equal("column 2 (site_no)", plan.NamedBy);
        Assert.Equal(["2024-01-01T05:00:00 5020", "2024-01-01T05:15:00 5030", "2024-07-01T04:15:00 5040"], Rows(plan));
    }

    [Fact]
    public void The_own_export_keeps_units_as_they_were_stored_and_an_id_with_several_types()
    {
        const string Text = ExportHeader + "\r\n"
            + "2026-01-31T12:00:00.000000Z,h1,temperature,68,F,normal,1,A,m,z,1,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
            + "2026-01-31T12:00:00.000000Z,h1,humidity,40,-,normal,1,A,m,z,2,s,c,2026-01-31T12:00:00.100000Z,l,0,10,false\r\n"
            + "2026-01-31T12:00:01.000000Z,p,pressure,1013,mbar,normal,1,A,m,z,1,s,c,2026-01-31T12:00:01.100000Z,l,0,11,false\r\n"
            + "2026-01-31T12:00:02.000000Z,h1,temperature,20,°C,normal,1,A,m,z,3,s,c,2026-01-31T12:00:02.100000Z,l,0,12,false\r\n"
            + "2026-01-31T12:00:03.000000Z,x,length,2,M,normal,1,A,m,z,1,s,c,2026-01-31T12:00:03.100000Z,l,0,13,false\r\n";
        var plan = CheckText(Text);

        Assert.Equal(
            [("h1", "temperature", "F"), ("h1", "humidity", "-"), ("p", "pressure", "mbar"), ("h1", "temperature", "°C"), ("x", "length", "M")],
            plan.Columns.Select(column => (column.SensorId, column.SensorType, column.Unit)));
        Assert.Equal([68.0, 40, 1013, 20, 2], plan.Read().Select(row => row.Values[0]));
        Assert.Equal([0, 1, 2, 3, 4], plan.Read().Select(row => row.Only!.Value));
    }

    [Fact]
    public void The_own_export_of_a_clock_that_stands_is_read_by_the_sensors_times()
    {
        var rows = Enumerable.Range(0, 12).Select(row => string.Create(
            CultureInfo.InvariantCulture, $"2026-01-31T12:00:00.000000Z,s,temperature,{20 + row},°C,normal,1,A,m,z,{row},s,c,2026-01-31T12:00:{row:00}.100000Z,l,0,{row},false\r\n"));
        var plan = CheckText($"{ExportHeader}\r\n{string.Concat(rows)}");

        Assert.Equal(["s"], plan.Columns.Select(column => column.SensorId));
        Assert.All(plan.Read(), row => Assert.Equal(new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc), row.Time));
    }

    [Theory]
    [InlineData("1594512094.385974", ",", "2020-07-12T00:01:34.385974 1")]
    [InlineData("1594512094,385974", ";", "2020-07-12T00:01:34.385974 1")]
    [InlineData("1594512094385.974", ",", "2020-07-12T00:01:34.385974 1")]
    [InlineData("1.594512094e9", ",", "2020-07-12T00:01:34 1")]
    public void Seconds_since_1970_keep_their_digits(string seconds, string separator, string row) =>
        Assert.Equal([row], Rows(CheckText($"ts{separator}v\n{seconds}{separator}1\n", new() { DecimalSign = separator == ";" ? "comma" : null })));
}
