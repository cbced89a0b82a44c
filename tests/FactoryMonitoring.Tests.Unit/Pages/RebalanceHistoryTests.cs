using System.Text.Json;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Streaming;
using FactoryMonitoring.Monitoring.Web.Live;
using FactoryMonitoring.Monitoring.Web.Partitions;
using FactoryMonitoring.Tests.Unit.Monitoring;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>However many events a rebalance has, the pages are sent all of them or none.</summary>
public sealed class RebalanceHistoryTests
{
    private const int Partitions = 600;
    private readonly MonitoringScene _scene = new();

    [Fact]
    public void A_rebalance_of_hundreds_of_partitions_is_sent_as_a_whole()
    {
        var kill = Kill(MonitoringScene.Start, first: 1_000);
        var earlier = Kill(MonitoringScene.Start.AddMinutes(-10), first: 1);

        var rebalance = Assert.Single(Rebalance.Of(Sent([.. kill, .. earlier])));

        Assert.Equal("sensor-consumer-2 lost P0–P199", rebalance.What);
        Assert.Equal("session expired", rebalance.Cause);
        Assert.Equal("P0–P199", rebalance.Partitions);
        Assert.Equal(200 * 6_000, rebalance.StallMs);
    }

    [Fact]
    public void Few_events_are_sent_up_to_the_beginning_of_a_rebalance()
    {
        var events = Enumerable.Range(0, 20).SelectMany(i => Kill(MonitoringScene.Start.AddMinutes(-5 * i), first: 1_000 - (10 * i), partitions: 3)).ToArray();

        var rebalances = Rebalance.Of(Sent(events)).ToArray();

        Assert.Equal(9, rebalances.Length); // 54 events: the newest 50 would cut the oldest one in half
        Assert.All(rebalances, each => Assert.Equal("sensor-consumer-2 lost P0–P2", each.What));
    }

    [Fact]
    public void A_page_that_follows_the_stream_keeps_whole_rebalances_too()
    {
        var view = Change(LiveView.Nothing, StreamEvents.Snapshot, JsonSerializer.Serialize(Whole(Kill(MonitoringScene.Start.AddMinutes(-10), first: 1)), ApiJsonContext.Default.StreamSnapshot));
        foreach (var each in Kill(MonitoringScene.Start, first: 1_000).Reverse())
        {
            view = Change(view, StreamEvents.Rebalance, JsonSerializer.Serialize(each, ApiJsonContext.Default.RebalancingEventBody));
        }

        Assert.Equal("sensor-consumer-2 lost P0–P199", Assert.Single(Rebalance.Of(view.Snapshot!.Rebalances)).What);
    }

    [Fact]
    public void The_time_that_a_factory_was_off_is_no_stall()
    {
        var at = MonitoringScene.Start;
        RebalancingEventBody[] start =
        [
            new("assigned", "sensor-consumer-2", 1, at.AddMilliseconds(300), 3, 4, "joined", 2_987_000),
            new("assigned", "sensor-consumer-1", 0, at, 2, 4, "joined", 2_985_000),
        ];
        RebalancingEventBody[] handOver =
        [
            new("assigned", "sensor-consumer-3", 0, at.AddSeconds(20.5), 5, 5, "joined", 900),
            new("revoked", "sensor-consumer-1", 0, at.AddSeconds(20), 4, 4, null),
        ];

        var rebalances = Rebalance.Of(Sent([.. handOver, .. start])).ToArray();

        Assert.Equal([(900, 900, null), ((int?)null, (int?)null, 2_987_000)], rebalances.Select(each => (each.LongestStallMs, each.StallMs, each.PauseMs)));
        Assert.All(rebalances[1].Lanes.Rows, lane => Assert.DoesNotContain(lane.Pieces, piece => piece.ConsumerId is null));
    }

    [Fact]
    public void A_partition_that_waited_for_minutes_since_its_owner_was_lost_has_stalled()
    {
        var at = MonitoringScene.Start;
        var rebalance = Assert.Single(Rebalance.Of(Sent(
        [
            new("assigned", "sensor-consumer-1", 0, at.AddSeconds(59), 2, 2, "claimed", 75_000),
            new("lost", "sensor-consumer-2", 0, at, 1, 1, "session expired"),
        ])));

        Assert.Equal((75_000, null), (rebalance.LongestStallMs, rebalance.PauseMs));
    }

    private static LiveView Change(LiveView view, string name, string json) => LiveEvent.Read(name, json).Change(view);

    private StreamSnapshot Whole(IReadOnlyList<RebalancingEventBody> events)
    {
        _scene.Store.Replace(_scene.Rows() with { RebalancingEvents = events });
        return StreamHub.Whole(_scene.Store.Current!);
    }

    private IReadOnlyList<RebalancingEventBody> Sent(IReadOnlyList<RebalancingEventBody> events) => Whole(events).Rebalances;

    /// <summary>Returns the events of one of three killed consumers, newest first: each of its partitions is lost, and 100 ms later another has it.</summary>
    private static RebalancingEventBody[] Kill(DateTimeOffset at, long first, int partitions = Partitions / 3) =>
    [
        .. Enumerable.Range(0, partitions).Select(i => new RebalancingEventBody("assigned", "sensor-consumer-1", i, at.AddMilliseconds(100), first + partitions + i, 2, "claimed", 6_000)).Reverse(),
        .. Enumerable.Range(0, partitions).Select(i => new RebalancingEventBody("lost", "sensor-consumer-2", i, at, first + i, 1, "session expired")).Reverse(),
    ];
}
