namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Malformed rows, and what is reported about them.</summary>
public sealed class RowsWithGapsTests : ReplayFileTest
{
    [Theory]
    [InlineData("date       a   b   c\n2024-01-01 1   2   3\n2024-01-02     5   6\n2024-01-03 7   8   9\n2024-01-04 7   8   9\n", "line 3: has 3 fields, and the other rows 4: blanks do not tell which cell is empty: write NA into it, or remove the line")]
    [InlineData("2024-01-01 10:00 1 2\n2024-01-01 10:01 1 2\n2024-01-01 10:02 1 2\n2024-01-01 10:03 2\n", "line 4: has 3 fields, and the other rows 4: blanks do not tell which cell is empty: write NA into it, or remove the line")]
    public void A_gap_between_blanks_is_refused(string text, string message) => Assert.Equal(message, Refused(text));

    [Theory]
    [InlineData("time,a,b\n2024-01-01 10:00,1,2\n2024-01-01 10:01,1,2\n2024-01-01 10:02,1,2\n2024-01-01 10:03,1\n")]
    [InlineData("time,a,b\n2024-01-01 10:00,1,2\n2024-01-01 10:01,1,2\n2024-01-01 10:02,1,2\n\"2024-01-01 10:03,1,2\n")]
    [InlineData("time,a,b\n2024-01-01 10:00,1,2\n2024-01-01 10:01,1,\"2\n2024-01-01 10:02,1,2\n")]
    [InlineData("time,a\n2024-01-01 10:00,on\n2024-01-01 10:01,off\n")]
    public void A_wrong_row_is_not_taken_for_one_of_blanks(string text) => Assert.DoesNotContain("space", Refused(text), StringComparison.Ordinal);
}
