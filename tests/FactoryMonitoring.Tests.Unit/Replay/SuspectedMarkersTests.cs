using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Numbers that may stand for a missing value and are kept.</summary>
public sealed class SuspectedMarkersTests : ReplayFileTest
{
    [Theory]
    [InlineData("5.5,99,5.1,5.2", "99 of replay-sensor-001", "99", 4)]
    [InlineData("1010,1011,9999,1012", "9999 of replay-sensor-001", "9999", 4)]
    // One marker does not hide another.
    [InlineData("20.5,-99.99,21,-88.88", "-88.88 of replay-sensor-001", "-99.99,-88.88", 3)]
    [InlineData("20.5,-6999,21,7999", "7999 of replay-sensor-001", "-6999,7999", 3)]
    public void A_run_of_one_digit_far_from_all_values_is_suspected(string values, string told, string setting, int kept)
    {
        var text = "time,level\n" + string.Concat(values.Split(',').Select((value, hour) => $"2024-05-13 0{hour}:00,{value}\n"));
        var plan = CheckText(text);

        Assert.Equal(kept, plan.Columns.Single().Values);
        Assert.Contains($"SUSPECTED: {told}: far from all other values, and kept as values; if missing values are written so, give Missing={setting}, which holds for all columns", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
        Assert.DoesNotContain("SUSPECTED", ReplayPreview.Text(CheckText(text, new() { Missing = setting }), name => name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("97,98,99,98")]
    [InlineData("700,800,999,850")]
    [InlineData("99,99,99,99")]
    public void A_run_of_one_digit_among_its_like_is_a_value(string values)
    {
        var plan = CheckText("time,level\n" + string.Concat(values.Split(',').Select((value, hour) => $"2024-05-13 0{hour}:00,{value}\n")));
        Assert.Equal(4, plan.Columns.Single().Values);
        Assert.DoesNotContain("SUSPECTED", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
    }
}
