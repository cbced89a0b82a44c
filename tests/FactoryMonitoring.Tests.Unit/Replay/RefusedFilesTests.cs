using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>An invalid file is refused with one line that names line, column and remedy.</summary>
public sealed class RefusedFilesTests : ReplayFileTest
{
    [Theory]
    [InlineData("t,v\n2024-01-01,1\n2024-01-02,hot\n2024-01-03,2\n2024-01-04,2\n", "line 3, column 2 (v): \"hot\" is no number: correct it, or let it stand for a missing value, Missing=hot")]
    [InlineData("t,v\n2024-01-01,1\nyesterday,2\n2024-01-03,2\n2024-01-04,2\n", "line 3, column 1 (t): \"yesterday\" is no time: correct it, remove the line or put # before it, or give TimeColumn=none and Interval, the time from row to row")]
    [InlineData("t,v\n2024-01-01,1\n2024-02-30,2\n2024-01-03,2\n2024-01-04,2\n", "line 3, column 1 (t): \"2024-02-30\" is no date: correct it, or remove the line")]
    [InlineData("t,v\n2024-01-01,1\n2024-01-02,1,5\n2024-01-03,2\n2024-01-04,2\n", "line 3, column 3: \"5\" is one field more than the 2 of the other rows: quote what holds a comma, or give Separator")]
    [InlineData("t;v\n2024-01-01;1.5\n2024-01-02;1.5\n2024-01-03;1,55\n2024-01-04;2.5\n", "line 4, column 2 (v): \"1,55\" is no number: the file's decimal sign is the point: correct it, or give DecimalSign")]
    [InlineData("t,v\n01/02/2014 10:00,1\n02/03/2014 10:00,2\n", "line 2, column 1 (t): \"01/02/2014 10:00\" can be read day-first or month-first, and no line of the file tells which: give DateOrder=day-first or month-first")]
    [InlineData("t,v\n13/02/2014,1\n02/13/2014,2\n", "line 3, column 1 (t): \"02/13/2014\" is no date that is written day-first, and line 2 is none that is written month-first: make them alike")]
    [InlineData("t,v\n01/02/03,1\n02/03/04,2\n", "line 2, column 1 (t): \"01/02/03\" can be read day-first or month-first or year-first, and no line of the file tells which: give DateOrder=day-first or month-first or year-first")]
    [InlineData("t,v\n01.02.03,1\n02.03.04,2\n", "line 2, column 1 (t): \"01.02.03\" can be read day-first or month-first, and no line of the file tells which: give DateOrder=day-first or month-first")]
    [InlineData("a;b\n1;2,5\n2;2,6\n", "no column holds times: give Interval, the time from row to row, as 00:00:01, or name the column, TimeColumn=…; columns are column 1 (a), column 2 (b)")]
    [InlineData("time,v\n0.5,1\n0.6,2\n", "column 1 (time): counts from 0.5 on and does not say in which unit: give TimeFormat (d, h, min, s, ms, us or ns; ticks or filetime for units of 100 ns since the year 1 or 1601; excel for the days that Excel counts), or TimeColumn=none and Interval")]
    [InlineData("clock,v\n10:00:00,1\n10:00:01,2\n", "column 1 (clock): holds times of day, and no column holds their dates: give Interval, the time from row to row, as 00:00:01")]
    [InlineData("t,a,v\n2024-01-01,1,1\n2024-01-02,1,2\n2024-01-03,3", "line 4: the file ends in the middle of a row, it has fewer fields than the others: fetch the file again, or remove the line")]
    [InlineData("", "is empty; must be a CSV file with a row of values")]
    [InlineData("t,status\n2024-01-01,on\n2024-01-02,off\n", "line 3: holds no number beside a time, cut by the separator comma: \"2024-01-02,off\"; a column of numbers is needed, or Separator is another one")]
    [InlineData("{\"ts\":1,\"v\":2}\n{\"ts\":2,\"v\":2}\n", "is JSON and no CSV: send its objects as messages, one each, or write them as CSV; docs/messages.md says how messages are read")]
    [InlineData("[\n  {\"ts\":1,\"v\":2}\n]", "is JSON and no CSV: send its objects as messages, one each, or write them as CSV; docs/messages.md says how messages are read")]
    [InlineData("t,a,pressure\n2024-01-01,1,98100\n2024-01-02,1,101325\n", "column 3 (pressure): values of 98100 to 101325 are no pressure in hPa, and nothing names another unit: give Units=3=Pa, kPa, bar or another, or Types=3=another type")]
    [InlineData("t,a,pressure\n2024-01-01,1,0.98\n2024-01-02,1,1.02\n", "column 3 (pressure): values of 0.98 to 1.02 are no pressure in hPa, and nothing names another unit: give Units=3=Pa, kPa, bar or another, or Types=3=another type")]
    [InlineData("t,a,humidity\n2024-01-01,1,0.45\n2024-01-02,1,0.5\n", "column 3 (humidity): values of 0.45 to 0.5 are no humidity in %, and nothing names another unit: give Units=3=1 for fractions, or Types=3=another type")]
    [InlineData("<!DOCTYPE html><html></html>", "is a web page or XML: download the CSV file itself")]
    [InlineData("PK\u0003\u0004", "is a zip archive or an Excel workbook: unpack it, or save the sheet as CSV")]
    public void A_wrong_file_is_one_line(string text, string message) => Assert.Equal(message, Refused(text));

    [Fact]
    public void A_quote_that_nothing_closes_is_found_and_not_kept_in_memory()
    {
        var rows = string.Concat(Enumerable.Repeat("2024-01-02,2\n", 200_000));

        Assert.Equal(
            "line 3: a row of more than 1048576 bytes begins here or after it, as if a quote were never closed: close it, or remove it",
            Refused($"t,v\n2024-01-01,1\n2024-01-01,\"1\n{rows}"));
    }

    [Theory]
    [InlineData("Columns", "v,w", "Columns = v,w: there is no column w; must be one of t, v, s, or numbers from 1 on")]
    [InlineData("Columns", "t", "Columns = t: column 1 (t) is the time: name columns of values, or another time, TimeColumn=…")]
    [InlineData("Columns", "s", "line 2, column 3 (s): \"on\" is no number: correct it, or let it stand for a missing value, Missing=on")]
    [InlineData("Types", "v", "Types = v: must be COLUMN=WORD, for several separated by commas")]
    [InlineData("TimeColumn", "x", "TimeColumn = x: there is no column x; must be one of t, v, s, or numbers from 1 on")]
    [InlineData("TimeFormat", "weeks", "TimeFormat = weeks: must be one of d, h, min, s, ms, us, ns, ticks, filetime, excel")]
    [InlineData("TimeZone", "Mars", "TimeZone = Mars: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin")]
    [InlineData("DateOrder", "us", "DateOrder = us: must be one of day-first, month-first, year-first")]
    [InlineData("DecimalSign", "dot", "DecimalSign = dot: must be one of point, comma")]
    [InlineData("Separator", "ab", "Separator = ab: must be one of comma, semicolon, tab, pipe, space or one character of ASCII")]
    [InlineData("WarningThreshold", "50", "WarningThreshold = 50: must be below CriticalThreshold = 40, which holds for replay-sensor-001")]
    [InlineData("SpeedUp", "fast", "SpeedUp = fast: must be a number between 0.001 and 10000000")]
    [InlineData("Interval", "0", "Interval = 0: must be a time as 00:00:01 or a number of seconds, up to 366 days")]
    [InlineData("Loop", "often", "Loop = often: must be true or false")]
    [InlineData("Backfill", "yes", "Backfill = yes: must be true or false")]
    public void A_wrong_setting_is_one_line(string name, string value, string message)
    {
        var path = File("t,v,s\n2024-01-01,1,on\n2024-01-02,2,off\n");

        var exception = Assert.Throws<ReplayFileException>(() => Check(path, ReplayOptions.Read(each => each == name ? value : null, each => each)));

        Assert.Equal(message, exception.Message);
    }

    [Theory]
    [InlineData("t,v\n2024-01-01,1\n2024-01-02,2\n", true, null, "Loop = true: Backfill stores rows at their own times, and each row once: leave it out")]
    [InlineData("t,v\n2024-01-01,1\n2024-01-02,2\n", false, 1, "Interval is set: Backfill stores rows at their own times: leave it out, or replay the file without Backfill")]
    [InlineData("time (s),v\n0,1\n1,2\n", false, null, "column 1 (time (s)), s since the beginning: Backfill stores rows at their own times, and these are no dates: name a column of dates, TimeColumn=…, or replay the file without Backfill")]
    public void What_has_no_times_of_its_own_is_not_backfilled(string text, bool loop, int? interval, string message) =>
        Assert.Equal(message, Refused(text, new() { Backfill = true, Loop = loop, Interval = interval is { } seconds ? TimeSpan.FromSeconds(seconds) : null }));

    [Fact]
    public void A_number_of_seconds_is_an_interval() =>
        Assert.Equal(TimeSpan.FromSeconds(0.5), ReplayOptions.Read(name => name == "Interval" ? "0.5" : null, name => name).Interval);

    [Fact]
    public void Settings_are_handed_on_as_they_are_read()
    {
        var options = new ReplayOptions { File = "/f", SpeedUp = 0.5, Interval = TimeSpan.FromSeconds(1), Columns = "a", Loop = true };

        var read = ReplayOptions.Read(options.ToSettings().GetValueOrDefault, name => name);

        Assert.Equal(options.ToSettings(), read.ToSettings());
        Assert.Equal(("00:00:01", "0.5", "True"), (options.ToSettings()["Interval"], options.ToSettings()["SpeedUp"], options.ToSettings()["Loop"]));
    }

    [Fact]
    public void The_preview_says_what_was_understood()
    {
        var path = File("Date;Time;T (°C);x\n10/03/2004;18.00.00;2,6;on\n13/03/2004;19.00.00;NA;off\n13/03/2004;20.00.00;3;off\n");

        var text = ReplayPreview.Text(Check(path), name => name);

        Assert.Equal(
            $"""
              file       {path}, 100 bytes, UTF-8, separator semicolon, decimal comma
              rows       3, header in line 1
              time       column 1 (Date) and column 2 (Time): 2004-03-10 18:00:00 to 2004-03-13 20:00:00 UTC, day-first, times name no zone and are taken for UTC (TimeZone)
                         longest step 3 days 1 h
              sensor     replay-sensor-001  column 3 (T), temperature in °C: 2.6 to 3, 1 missing
              left out   column 4 (x) holds texts
              missing    1 of 3 values (33.3 %): NA 1 times; no reading is sent for them
              first rows line 2: 10/03/2004 18.00.00 2,6
                         line 3: 13/03/2004 19.00.00 NA
                         line 4: 13/03/2004 20.00.00 3
              takes      14 min 48 s at 300 times the file's pace (SpeedUp): 2 readings, 0 a second

            """,
            text,
            ignoreLineEndingDifferences: true);
    }
}
