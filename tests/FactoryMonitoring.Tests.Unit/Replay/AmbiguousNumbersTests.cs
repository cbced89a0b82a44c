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

    [Theory]
    // NOAA's Global Hourly files, whose cells are a value in tenths and its quality.
    [InlineData(
        "\"STATION\",\"DATE\",\"LATITUDE\",\"TMP\",\"DEW\"\n\"010010\",\"2021-01-01T00:00:00\",\"70.93\",\"-0070,1\",\"-0120,1\"\n\"010010\",\"2021-01-01T01:00:00\",\"70.93\",\"-0071,1\",\"-0121,1\"\n",
        "line 2, column 3 (LATITUDE): \"70.93\" has a decimal point, and in line 2, column 4 (TMP), \"-0070,1\" has a decimal comma: name columns that are alike, Columns=…")]
    [InlineData("t;a;b;c\n2024-05-13 08:00;1.5;2,5;3.5\n2024-05-13 09:00;1.5;2,5;3.5\n", "line 2, column 2 (a): \"1.5\" has a decimal point, and in line 2, column 3 (b), \"2,5\" has a decimal comma")]
    [InlineData("Zeit;Firmware;Wert\n01.02.2024 10:00;1.2;21,125\n13.02.2024 10:00;1.2;21,250\n", "line 2, column 3 (Wert): \"21,125\" can have three decimals or be a whole number above 1,000, and only other columns have a decimal point: give DecimalSign=point or comma")]
    [InlineData("Zeit;Firmware;Wert\n01.02.2024 10:00;1.2;21,125\n13.02.2024 10:00;1.2;21,25\n", "column 2 (Firmware): \"1.2\" has a decimal point, and in line 3, column 3 (Wert), \"21,25\" has a decimal comma")]
    public void Columns_of_different_decimal_signs_are_asked_for(string text, string message) => Assert.Contains(message, Refused(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("LATITUDE", null, 70.93)]
    [InlineData("TMP", null, -70.1)]
    [InlineData("TMP,DEW", null, -70.1)]
    public void Columns_that_are_alike_have_their_own_decimal_sign(string columns, string? sign, double first) => Assert.Equal(
        first,
        CheckText("\"DATE\",\"LATITUDE\",\"TMP\",\"DEW\"\n\"2021-01-01T00:00:00\",\"70.93\",\"-0070,1\",\"-0120,1\"\n\"2021-01-01T01:00:00\",\"70.93\",\"-0071,1\",\"-0121,1\"\n", new() { Columns = columns, DecimalSign = sign }).Read().First().Values[0]);

    [Fact]
    public void A_column_of_numbers_is_never_left_out_for_its_decimal_sign() => Assert.Contains(
        "column 3 (b): \"2,5\" is no number: the file's decimal sign is the point: correct it, or give DecimalSign, or leave the column out, Columns=…",
        Refused("t;a;b\n2024-05-13 08:00;1.5;2,5\n2024-05-13 09:00;1.5;3,5\n", new() { DecimalSign = "point" }),
        StringComparison.Ordinal);

    [Fact]
    public void Thousands_in_a_file_of_commas_are_told() => Assert.Contains(
        "the comma is taken for a separator of thousands; give DecimalSign=comma if it is not",
        ReplayPreview.Text(CheckText("t,a,b\n2024-05-13 08:00,1.5,\"21,125\"\n2024-05-13 09:00,1.6,\"21,250\"\n"), name => name),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("Datum;Stück;Temp\n31.01.2024;1.234;12,5\n13.02.2024;987;13,5\n", "point", 1234)]
    [InlineData("t\tn\ta\n2024-01-31\t1,234\t12.5\n2024-02-01\t987\t13.5\n", "comma", 1234)]
    [InlineData("Datum;Stück;Temp;x\n31.01.2024;1.234;12,5;1,5\n", "point", 1234)]
    public void Thousands_beside_decimals_are_assumed_and_told(string text, string mark, double first)
    {
        var plan = CheckText(text);
        Assert.Equal(first, plan.Read().First().Values[0]);
        Assert.Contains($"ASSUMED: each number with a {mark} has three digits after it, and the {mark} is taken for a separator of thousands", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Datum;Stück;Temp\n31.01.2024;1.234;12,5\n13.02.2024;21;13,5\n")]
    [InlineData("Datum;Stück;Temp\n31.01.2024;1.234;12,5\n13.02.2024;1987;13,5\n")]
    public void Thousands_beside_decimals_are_asked_for_where_little_tells(string text) => Assert.Contains("and only other columns have a decimal comma", Refused(text), StringComparison.Ordinal);

    [Theory]
    // Grafana's formatted data, and a mark of NOAA's for a suspect value.
    [InlineData("t,v\n2024-01-01 00:00,950\n2024-01-01 00:01,1.20 K\n", "line 3, column 2 (v): \"1.20 K\" ends with the letter K, which can be a unit, a multiplier or a mark, and other values of the column have none: write the number out, or give the unit of all values, Units=2=K, or let it stand for a missing value, Missing='1.20 K'")]
    [InlineData("t,v\n2024-01-01 00:00,950\n2024-01-01 00:01,1.2M\n", "\"1.2M\" ends with the letter M")]
    [InlineData("t,v\n2024-01-01 00:00,4.6k\n2024-01-01 00:01,4.7k\n", "\"4.6k\" ends with the letter k")]
    [InlineData("t,HourlyDryBulbTemperature\n2024-01-01 00:00,45\n2024-01-01 00:01,46s\n", "\"46s\" ends with the letter s")]
    [InlineData("time,sensor,value\n2024-01-01 00:00,a,950\n2024-01-01 00:00,b,3\n2024-01-01 00:01,a,1.2 G\n2024-01-01 00:01,b,4\n", "\"1.2 G\" ends with the letter G")]
    public void A_letter_behind_some_numbers_is_asked_for(string text, string message) => Assert.Contains(message, Refused(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("t,v\n2024-01-01 00:00,290 K\n2024-01-01 00:01,291 K\n", null, "K")]
    [InlineData("t,temperature\n2024-01-01 00:00,290\n2024-01-01 00:01,291 K\n", null, "K")]
    [InlineData("t,v [m]\n2024-01-01 00:00,1.5\n2024-01-01 00:01,1.6 m\n", null, "m")]
    [InlineData("t,power\n2024-01-01 00:00,1.5\n2024-01-01 00:01,1.6 W\n", null, "W")]
    [InlineData("t,v\n2024-01-01 00:00,950\n2024-01-01 00:01,951 K\n", "2=K", "K")]
    public void A_letter_that_is_the_unit_of_all_values_is_read(string text, string? units, string unit) => Assert.Equal(unit, CheckText(text, new() { Units = units }).Columns.Single().Unit);
}
