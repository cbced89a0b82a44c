using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web;
using FactoryMonitoring.Monitoring.Web.Partitions;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>The lanes of partitions, for ranges and names that the default stack does not have.</summary>
public sealed class LanesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private static readonly HashSet<string> Nobody = [];

    [Theory]
    [InlineData(5.0 / 1440)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(400)]
    public void An_axis_of_any_length_has_one_to_six_ticks(double days)
    {
        var lanes = Lanes.Of(new(Now, Now, [], []), [0], Nobody, Now, TimeSpan.FromDays(days));

        Assert.InRange(lanes.Ticks.Count, 1, 6);
    }

    [Fact]
    public void An_owner_that_is_alive_and_stores_nothing_is_a_stall_if_the_caller_knows_how_long_messages_wait()
    {
        var ownership = new OwnershipBody(Now.AddMinutes(-5), Now, [new(0, 1, "sensor-consumer-1", Now.AddMinutes(-4), Now.AddMinutes(-4), Now.AddMinutes(-1), null, null, 9, null)], []);
        var waiting = new PartitionBody(0, null, null, null, null, null, 12, 60, "sensor-consumer-1");

        Assert.Null(Lanes.Of(ownership, [waiting], new HashSet<string> { "sensor-consumer-1" }, Now, TimeSpan.FromMinutes(5)).Rows[0].Newest!.ConsumerId);
    }

    [Theory]
    [InlineData("sensor-consumer-1", "1")]
    [InlineData("sensor-consumer-12", "12")]
    [InlineData("consumers-0", "0")]
    [InlineData("sensor-consumer-7d9f8b6c5-x2k4q", "k4q")]
    [InlineData("sensor-consumer-7d9f8b6c5-abcd4", "cd4")]
    [InlineData("a", "a")]
    public void An_owner_has_its_number_or_the_end_of_its_name(string consumer, string mark)
    {
        Assert.Equal(mark, Owners.Mark(consumer));
        Assert.Matches("^owner-[1-6]$", Owners.Css(consumer));
    }

    [Fact]
    public void The_first_six_consumers_have_six_colors_whether_they_count_from_0_or_1() =>
        Assert.All([0, 1], first => Assert.Equal(6, Enumerable.Range(first, 6).Select(number => Owners.Css($"consumers-{number}")).Distinct().Count()));

    [Fact]
    public void Pods_of_a_deployment_have_labels_of_their_own_on_the_map()
    {
        string[] pods = ["sensor-consumer-7d9f8b6c5-x2k4q", "sensor-consumer-7d9f8b6c5-ml9wz"];
        OwnershipSpan[] spans = [.. Enumerable.Range(0, 200).Select(i => new OwnershipSpan(i, 1, pods[i % 2], Now.AddMinutes(-4), Now.AddMinutes(-4), Now, null, null, 9, null))];
        var map = LaneMap.Of(Lanes.Of(new(Now, Now, spans, []), [.. spans.Select(span => span.Partition)], new HashSet<string>(pods), Now, TimeSpan.FromMinutes(5)));

        Assert.Equal(["9wz: 100", "k4q: 100"], map.Names.Select(name => name.Name));
    }
}
