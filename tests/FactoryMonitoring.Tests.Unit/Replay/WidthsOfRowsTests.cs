using System.Globalization;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Rows of values are never taken for a preamble or a header, whatever their width and whatever text they hold.</summary>
public sealed class WidthsOfRowsTests : ReplayFileTest
{
    private static string Table(string header, int first, int count, string values) =>
        header + string.Concat(Enumerable.Range(first, count).Select(minute => string.Create(CultureInfo.InvariantCulture, $"2024-05-02 {minute / 60:00}:{minute % 60:00},{values}\n")));

    [Theory]
    [InlineData("", "line 12, column 3: \"55\" is one field more than the 2 of the header in line 1: quote what holds a comma, name each column, or give Separator")]
    [InlineData("\n", "line 13, column 3: \"55\" is one field more than the 2 of the header in line 1: quote what holds a comma, name each column, or give Separator")]
    [InlineData("time,oven,moisture\n", "line 12: has 3 fields, and the rows from line 2 on have 2: split the file before this line, or give all rows as many fields")]
    [InlineData("\ntime,oven,moisture\n", "line 13: has 3 fields, and the rows from line 2 on have 2: split the file before this line, or give all rows as many fields")]
    public void Rows_before_wider_ones_are_not_lost(string between, string message) =>
        Assert.Equal(message, Refused($"{Table("time,oven\n", 0, 10, "80")}{Table(between, 10, 30, "81,55")}"));

    [Fact]
    public void Rows_of_digits_before_wider_ones_are_not_lost() => Assert.StartsWith(
        "line 4, column 3: \"5\" is one field more",
        Refused("time,oven\n1714608000,20\n1714608060,20\n1714608120,21,5\n1714608180,21,5\n1714608240,21,5\n1714608300,21,5\n"), StringComparison.Ordinal);

    [Theory]
    // Tables of InfluxDB with different tags.
    [InlineData("#group,false,false,true,false,true\n#datatype,string,long,dateTime:RFC3339,double,string\n#default,_result,,,,\n,result,table,_time,_value,room\n,,0,2024-05-02T10:00:00Z,21,hall\n\n#group,false,false,true,false\n#datatype,string,long,dateTime:RFC3339,double\n#default,_result,,,\n,result,table,_time,_value\n,,1,2024-05-02T10:00:00Z,5\n,,1,2024-05-02T10:01:00Z,6\n,,1,2024-05-02T10:02:00Z,7\n")]
    public void A_first_table_of_other_columns_is_not_lost(string text) =>
        Assert.Equal("line 10: has 5 fields, and the rows from line 5 on have 6: split the file before this line, or give all rows as many fields", Refused(text));

    [Theory]
    [InlineData("time,a,b,c\n2024-05-02 10:00,20,1\n2024-05-02 10:01,21,1,2\n2024-05-02 10:02,22,1,2\n")]
    [InlineData("time,a,b,c\n2024-05-02 10:00,20,1\n\n# pause\n2024-05-02 10:01,21,1,2\n2024-05-02 10:02,22,1,2\n")]
    public void A_first_row_that_is_short_is_a_row(string text)
    {
        var plan = CheckText(text);

        Assert.Equal(["2024-05-02T10:00:00 20 1 _", "2024-05-02T10:01:00 21 1 2", "2024-05-02T10:02:00 22 1 2"], Rows(plan));
        Assert.Equal((1L, 1L, "replay-c"), (plan.HeaderLine, plan.ShortRows, plan.Columns[2].SensorId));
    }

    [Theory]
    [InlineData("starting")]
    [InlineData("<0.5")]
    [InlineData("20*")]
    public void A_text_in_the_first_row_is_no_number(string text)
    {
        var file = $"time,oven\n2024-05-02 10:00,{text}\n2024-05-02 10:01,81\n2024-05-02 10:02,82\n";

        Assert.StartsWith($"line 2, column 2 (oven): \"{text}\" is no number: ", Refused(file), StringComparison.Ordinal);
        Assert.Equal((1L, 3L), (CheckText(file, new() { Missing = text }).HeaderLine, CheckText(file, new() { Missing = text }).Rows));
    }

    [Theory]
    [InlineData("time,T\n2024-05-02 10:00,20,5\n2024-05-02 10:01,21,5\n", "line 2, column 3: \"5\" is one field more than the 2 of the header in line 1: quote what holds a comma, name each column, or give Separator")]
    [InlineData("time,T,p\n2024-05-02 10:00,20,5,1013,2\n2024-05-02 10:01,21,5,1013,3\n", "line 2, column 4: \"1013\" is one field more than the 3 of the header in line 1: quote what holds a comma, name each column, or give Separator")]
    [InlineData("time;T\n2024-05-02 10:00;20;5\n2024-05-02 10:01;21;5\n", "line 2, column 3: \"5\" is one field more than the 2 of the header in line 1: quote what holds a semicolon, name each column, or give Separator")]
    public void Names_are_not_shifted_by_a_number_that_is_cut(string text, string message) => Assert.Equal(message, Refused(text));

    [Theory]
    [InlineData("time,T\n2024-05-02 10:00,20,\n2024-05-02 10:01,21,\n")]
    [InlineData("time,T\n1,2024-05-02 10:00,20\n2,2024-05-02 10:01,21\n")]
    public void Separators_at_the_ends_and_the_row_numbers_of_R_have_no_name(string text) => Assert.Equal(["2024-05-02T10:00:00 20", "2024-05-02T10:01:00 21"], Rows(CheckText(text)));
}
