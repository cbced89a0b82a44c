using System.Diagnostics;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Numbers that can be read in two ways, times that most rows lack, and remedies that can be pasted.</summary>
public sealed class AmbiguousNumbersTests : ReplayFileTest
{
    [Theory]
    [InlineData("t;v\n2024-05-13 08:00;850\n2024-05-13 09:00;1.250\n2024-05-13 10:00;990\n", "line 3, column 2 (v): \"1.250\" can have three decimals or be a whole number above 1,000, and no line of the file tells which: give DecimalSign=point or comma")]
    [InlineData("t;v\n2024-05-13 08:00;850\n2024-05-13 09:00;1,250\n2024-05-13 10:00;990\n", "line 3, column 2 (v): \"1,250\" can have three decimals or be a whole number above 1,000, and no line of the file tells which: give DecimalSign=point or comma")]
    [InlineData("t;v\n2024-05-13 08:00;850 W\n2024-05-13 09:00;1.250 W\n2024-05-13 10:00;990 W\n", "line 3, column 2 (v): \"1.250\" can have three decimals or be a whole number above 1,000, and no line of the file tells which: give DecimalSign=point or comma")]
    [InlineData("t;v\n2024-05-13 08:00;999\n2024-05-13 09:00;1.250\n2024-05-13 10:00;999\n", "line 3, column 2 (v): \"1.250\" can have three decimals or be a whole number above 1,000, and no line of the file tells which: give DecimalSign=point or comma")]
    public void Thousands_or_decimals_are_asked_for(string text, string message)
    {
        Assert.Equal(message, Refused(text));
        Assert.Equal([1.25, 1250], ((string[])["point", "comma"]).Select(sign => CheckText(text, new() { DecimalSign = sign }).Read().ElementAt(1).Values[0]).Order());
    }

    [Theory]
    [InlineData("t;v\n2024-05-13 08:00;20.125\n2024-05-13 09:00;21.250\n", "the point is taken for the decimal sign; give DecimalSign=comma if it is not")]
    [InlineData("t;v\n2024-05-13 08:00;1,230\n2024-05-13 09:00;12,340\n", "the comma is taken for the decimal sign; give DecimalSign=point if it is not")]
    [InlineData("t,v\n2024-05-13 08:00,\"1,230\"\n2024-05-13 09:00,\"12,340\"\n", "the comma is taken for a separator of thousands; give DecimalSign=comma if it is not")]
    public void What_is_assumed_of_the_decimal_sign_is_told(string text, string told) => Assert.Contains(told, ReplayPreview.Text(CheckText(text), name => name), StringComparison.Ordinal);

    [Theory]
    [InlineData("t;v\n2024-05-13 08:00;20\n2024-05-13 09:00;1.250\n2024-05-13 10:00;0.125\n")]
    [InlineData("t;v\n2024-05-13 08:00;-999\n2024-05-13 09:00;1.250\n2024-05-13 10:00;-0.125\n")]
    [InlineData("t;v\n2024-05-13 08:00;20\n2024-05-13 09:00;1.250\n2024-05-13 10:00;20.5\n")]
    [InlineData("t;v\n2024-05-13 08:00;20\n2024-05-13 09:00;30\n2024-05-13 10:00;1250\n")]
    public void Nothing_is_assumed_where_a_number_tells(string text) => Assert.DoesNotContain("ASSUMED: each", ReplayPreview.Text(CheckText(text), name => name), StringComparison.Ordinal);

    [Theory]
    [InlineData("stamp,v\n638512200000000000,1\n638512200600000000,2\n", "column 1 (stamp): 638512200000000000 can be ns since 1970 (1990-03-27) or units of 100 ns since the year 1 (2024-05-13): give TimeFormat=ns or ticks")]
    [InlineData("stamp,v\n133600000000000000,1\n133600000600000000,2\n", "column 1 (stamp): 133600000000000000 can be ns since 1970 (1974-03-27) or units of 100 ns since the year 1601 (2024-05-12): give TimeFormat=ns or filetime")]
    public void Ticks_are_asked_for(string text, string message) => Assert.Equal(message, Refused(text));

    [Theory]
    [InlineData("stamp", "ticks", "638512200000000010", "2024-05-13T18:00:00.000001 1")]
    [InlineData("ticks", null, "638512200000000010", "2024-05-13T18:00:00.000001 1")]
    [InlineData("FileTime", null, "133600000000000010", "2024-05-12T15:06:40.000001 1")]
    [InlineData("stamp", "ns", "638512200000000000", "1990-03-27T04:30:00 1")]
    public void Ticks_are_read_where_they_are_named(string name, string? format, string number, string row) =>
        Assert.Equal([row], Rows(CheckText($"{name},v\n{number},1\n", new() { TimeFormat = format })));

    [Fact]
    public void A_file_whose_rows_have_no_times_is_refused() => Assert.Equal(
        "line 3, column 1 (Date): 2 of 3 rows have no time, such as this one: write the whole time into each row, or name its column, TimeColumn=…",
        Refused("Date,Time,v\n2024-05-13,10:00,20\n,11:00,21\n,12:00,22\n"));

    [Theory]
    [InlineData("over range", "'over range'")]
    [InlineData("<0.1", "'<0.1'")]
    [InlineData("can't", @"'can'\''t'")]
    [InlineData("fault", "fault")]
    public void A_remedy_is_quoted_as_the_shell_needs_it(string text, string quoted) =>
        Assert.EndsWith($"Missing={quoted}", Refused($"t,v\n2024-05-13 08:00,1\n2024-05-13 09:00,{text}\n2024-05-13 10:00,2\n"), StringComparison.Ordinal);

    [Fact]
    public void A_variable_that_is_no_setting_is_refused_by_make()
    {
        var root = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(Path.Combine(root, "Makefile")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        using var make = Process.Start(new ProcessStartInfo("make", ["-n", "replay", "FILE=x", "SPEEDUP=10"]) { WorkingDirectory = root, RedirectStandardError = true, RedirectStandardOutput = true })!;
        Assert.Contains("SPEEDUP: no setting of a replay", make.StandardError.ReadToEnd(), StringComparison.Ordinal);
    }
}
