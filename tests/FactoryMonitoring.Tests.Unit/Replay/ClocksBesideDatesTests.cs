using System.Globalization;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Clocks in a column beside the dates: they are read, or the file is refused. No row is replayed at midnight in silence.</summary>
public sealed class ClocksBesideDatesTests : ReplayFileTest
{
    private static string Table(string header, string date, string nextDate, string[] clocks) =>
        $"{header}\n{string.Concat(((string[])[date, nextDate]).SelectMany(day => clocks.Select((clock, row) => string.Create(CultureInfo.InvariantCulture, $"{day};{clock};{20 + row}.5\n"))))}";

    [Theory]
    // INMET
    [InlineData("Data;Hora UTC;T", "2024/03/01", "2024/03/02", "0000 UTC|0930 UTC|2300 UTC", "00:00|09:30|23:00")]
    // WeatherLink
    [InlineData("Date;Time;Temp Out", "2024-03-01", "2024-03-02", "12:00a|6:40a|12:20p|11:59p", "00:00|06:40|12:20|23:59")]
    [InlineData("Date;Time;Temp Out", "3/01/24", "3/14/24", "12:00 A|6:40 A|1:20 P", "00:00|06:40|13:20")]
    [InlineData("Date;Time;T", "2024-03-01", "2024-03-02", "T00:00:00|T10:30:00", "00:00|10:30")]
    [InlineData("Date;Time;T", "2024-03-01", "2024-03-02", "12:00:00 a. m.|12:30:00 p.\u00a0m.|11:00 p. m.", "00:00|12:30|23:00")]
    [InlineData("Date;Time;T", "2024-03-01", "2024-03-02", "0000Z|100000Z|2359 GMT", "00:00|10:00|23:59")]
    // The date as a spreadsheet writes it.
    [InlineData("Date;Time;T", "2024-03-01 00:00:00", "2024-03-02 00:00:00", "00:00:00|10:30:00", "00:00|10:30")]
    [InlineData("Date;Time;T", "20240301000000", "20240302000000", "00:00:00|10:30:00", "00:00|10:30")]
    public void A_clock_is_read_in_all_its_forms(string header, string date, string nextDate, string clocks, string times)
    {
        var plan = CheckText(Table(header, date, nextDate, clocks.Split('|')));
        Assert.Single(plan.Columns);
        Assert.Equal([.. times.Split('|'), .. times.Split('|')], plan.Read().Select(row => row.Time!.Value.ToString("HH:mm", CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("Datum;Stunde;T", "01.03.2024", "13.03.2024", "00-01|01-02|23-24", "line 2, column 2 (Stunde): \"00-01\" and the like are times of day that are not read, and the dates of column 1 (Datum) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    [InlineData("date;what;T", "2024-03-01", "2024-03-02", "0 - 1|1 - 2|22 - 23", "line 2, column 2 (what): \"0 - 1\" and the like are times of day that are not read, and the dates of column 1 (date) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    [InlineData("date;what;T", "2024-03-01", "2024-03-02", "9 o'clock|10 o'clock|11 o'clock", "line 2, column 2 (what): \"9 o'clock\" and the like are times of day that are not read, and the dates of column 1 (date) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    [InlineData("date;what;T", "2024-03-01", "2024-03-02", "00:00 a. m.|10:00 a. m.|13:00 p. m.", "line 2, column 2 (what): \"00:00 a. m.\" and the like are times of day that are not read, and the dates of column 1 (date) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    [InlineData("date;local time;T", "2024-03-01", "2024-03-02", "10:00 here|11:00 here|12:00 here", "line 2, column 2 (local time): \"10:00 here\" and the like are times of day that are not read, and the dates of column 1 (date) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    [InlineData("date;godzina;T", "2024-03-01 00:00", "2024-03-02 00:00", "9 rano|10 rano|11 rano", "line 2, column 2 (godzina): \"9 rano\" and the like are times of day that are not read, and the dates of column 1 (date) have none: write them as 13:45:00, or give TimeColumn=1 where they are none")]
    public void A_clock_that_is_not_read_is_refused(string header, string date, string nextDate, string clocks, string message)
    {
        var text = Table(header, date, nextDate, clocks.Split('|'));
        Assert.Equal(message, Refused(text));
        Assert.Equal(6, CheckText(text, new() { TimeColumn = "1" }).Rows);
    }

    [Fact]
    public void Hours_under_another_name_are_refused()
    {
        var hours = Enumerable.Range(1, 24).Select(hour => hour.ToString(CultureInfo.InvariantCulture)).ToArray();
        Assert.StartsWith("line 2, column 2 (HE): \"1\" and the like are times of day", Refused(Table("date;HE;T", "2024-03-01", "2024-03-02", hours)), StringComparison.Ordinal);
        Assert.Equal("2024-03-01T01:00:00 20.5", Rows(CheckText(Table("date;hour;T", "2024-03-01", "2024-03-02", hours)))[0]);
    }

    [Fact]
    public void A_clock_beside_year_month_and_day_is_refused() => Assert.Equal(
        "line 2, column 4 (clock): \"10:00:00\" and the like are times of day that are not read, and the dates of column 3 (day) have none: write date and time of day into one column",
        Refused("year,month,day,clock,T\n2024,3,1,10:00:00,1.5\n2024,3,1,11:00:00,2.5\n2024,3,1,12:00:00,2.5\n"));

    [Theory]
    // One row a day, a group of ages, a device.
    [InlineData("date,time left,T\n2024-03-01,5 days,1\n2024-03-02,4 days,2\n2024-03-03,3 days,3\n")]
    [InlineData("date,group,T\n2024-03-01,18-24,1\n2024-03-01,25-34,2\n2024-03-02,18-24,3\n2024-03-02,25-34,4\n")]
    [InlineData("date,room,T\n2024-03-01,T1,1\n2024-03-01,T2,2\n2024-03-02,T1,3\n2024-03-02,T2,4\n")]
    [InlineData("date,current,T\n2024-03-01,5 A,1\n2024-03-01,6 A,2\n2024-03-02,7 A,3\n2024-03-02,8 A,4\n")]
    public void Other_columns_beside_dates_are_no_clocks(string text) => Assert.Equal("column 1 (date)", CheckText(text).Times.Where);

    [Theory]
    [InlineData("\"March 1, 2024 at 12:05 AM\"", "\"March 1, 2024 at 1:30 PM\"", "2024-03-01T00:05:00|2024-03-01T13:30:00")]
    [InlineData("01 Mar 2024 at 00:05", "01 Mar 2024 at 13:30", "2024-03-01T00:05:00|2024-03-01T13:30:00")]
    [InlineData("2024年03月01日 00:05", "2024年3月1日13:30:00", "2024-03-01T00:05:00|2024-03-01T13:30:00")]
    [InlineData("2024년 03월 01일 00:05", "2024년 3월 13일", "2024-03-01T00:05:00|2024-03-13T00:00:00")]
    [InlineData("13/03/2024 12:05:00 a. m.", "13/03/2024 01:30:00 p. m.", "2024-03-13T00:05:00|2024-03-13T13:30:00")]
    [InlineData("3/13/24 12:05a", "3/13/24 1:30p", "2024-03-13T00:05:00|2024-03-13T13:30:00")]
    public void Dates_and_times_in_words_are_read(string first, string second, string times) =>
        Assert.Equal(times.Split('|').Select((time, row) => string.Create(CultureInfo.InvariantCulture, $"{time} {row + 1}")), Rows(CheckText($"when,v\n{first},1\n{second},2\n")));

    [Theory]
    [InlineData("dt,dt_iso,temp\n1709251200,2024-03-01 00:00:00 +0000 UTC,292.33\n1709254800,2024-03-01 01:00:00 +0000 UTC,292.4\n")]
    [InlineData("when,timestamp_ms,temp\n2024-03-01T00:00Z,1709251200000,292.33\n2024-03-01T01:00Z,1709254800000,292.4\n")]
    [InlineData("when,unix,temp\n2024-03-01T00:00Z,1709251200,292.33\n2024-03-01T01:00Z,1709254800,292.4\n")]
    [InlineData("when,epoch,room,temp\n2024-03-01T00:00Z,1709251200,a,292.33\n2024-03-01T00:00Z,1709251200,b,292.4\n2024-03-01T01:00Z,1709254800,a,292.33\n2024-03-01T01:00Z,1709254800,b,292.4\n")]
    public void A_second_time_is_no_sensor(string text)
    {
        var plan = CheckText(text);
        Assert.All(plan.Columns, column => Assert.InRange(column.Most, 292, 293));
        Assert.Equal(new DateTime(2024, 3, 1, 0, 0, 0, DateTimeKind.Utc), plan.Read().First().Time);
    }

    [Fact]
    public void A_count_that_is_large_is_a_value() =>
        Assert.Equal(["uptime", "T"], CheckText("when,uptime_ms,T\n2024-03-01T00:00Z,1709251200,1.5\n2024-03-01T01:00Z,1709254800,2\n").Columns.Select(column => column.Name));

    [Fact]
    public void What_a_column_without_times_holds_is_told() => Assert.Equal(
        "no column holds times: give Interval, the time from row to row, as 00:00:01, or name the column, TimeColumn=…; columns are column 1 (when) with \"tomorrow\", column 2 (v)",
        Refused("when,v\ntomorrow,1.5\nthen,2.5\n"));
}
