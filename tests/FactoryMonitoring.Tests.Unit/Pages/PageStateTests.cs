using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Streaming;
using FactoryMonitoring.Monitoring.Web;
using FactoryMonitoring.Monitoring.Web.Components;
using FactoryMonitoring.Monitoring.Web.Live;
using FactoryMonitoring.Monitoring.Web.Partitions;
using FactoryMonitoring.Tests.Unit.Monitoring;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Unit.Pages;

/// <summary>What the pages keep, forget and read from the address.</summary>
public sealed class PageStateTests
{
    private readonly MonitoringScene _scene = new();

    [Fact]
    public void Alerts_age_although_no_event_removes_them()
    {
        _scene.Store.Replace(_scene.Rows() with { RecentAlerts = [Alert(_scene.Time.GetUtcNow().AddMinutes(-1)), Alert(_scene.Time.GetUtcNow().AddMinutes(-90))] });
        var view = LiveView.Nothing with { Link = LinkState.Live, Snapshot = StreamHub.Whole(_scene.Store.Current!) };
        Assert.Equal(2, view.RecentAlerts(_scene.Time).Count);

        _scene.Time.Advance(TimeSpan.FromMinutes(31));
        Assert.Single(view.RecentAlerts(_scene.Time));
        _scene.Time.Advance(TimeSpan.FromHours(2));
        Assert.Empty(view.RecentAlerts(_scene.Time));
    }

    [Fact]
    public void A_group_keeps_its_key_while_one_of_its_members_stays()
    {
        var keys = new GroupKeys<char>();
        var first = keys.Of(["ab".ToArray(), "c".ToArray()]);

        // The oldest member leaves, a new one comes, and another group is put before them.
        Assert.Equal([3, .. first], keys.Of(["x".ToArray(), "bd".ToArray(), "c".ToArray()]));
        // Of a group that is split, one part keeps the key.
        Assert.Equal([first[0], 4], keys.Of(["b".ToArray(), "d".ToArray()]));
        // What has gone is forgotten.
        Assert.Equal([5], keys.Of(["x".ToArray()]));
    }

    [Fact]
    public void What_cannot_be_read_from_an_address_is_absent()
    {
        Assert.Equal([null, null, null, null, 9], new[] { null, "", "abc", "99999999999", "9" }.Select(Query.Integer));
        Assert.Equal([null, 99_999_999_999], new[] { "x", "99999999999" }.Select(Query.Long));
        Assert.Equal(50, Pager.FirstOf("2", 50, 120));
        Assert.Equal(0, Pager.FirstOf("abc", 50, 120));
        Assert.Null(Query.Time("x"));
        // Without a zone, a time is UTC, whatever zone this machine is in.
        Assert.Equal(new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero), Query.Time("2026-01-05T08:00:00"));
        Assert.Equal(new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero), Query.Time("2026-01-05T09:00:00+01:00"));
    }

    [Fact]
    public void The_size_of_a_topic_is_unknown_while_a_broker_does_not_answer()
    {
        TopicBody[] topics = [new("sensor-data", 2, 3, 0, 0, null)];
        var answer = new LogDirectories(new Dictionary<(string, int), long> { [("sensor-data", 0)] = 10, [("sensor-data", 1)] = 20 }, null, null);

        Assert.Equal(60, ClusterDetailsWorker.WithSizes(topics, [answer, answer])[0].LogBytes);
        Assert.Null(ClusterDetailsWorker.WithSizes(topics, [answer, null])[0].LogBytes);
    }

    [Fact]
    public async Task A_clean_stop_is_no_fault_in_a_history()
    {
        StatusChangeBody[] changes = [new(_scene.DatabaseNow, "inactive", null), new(_scene.DatabaseNow, "inactive", "silent"), new(_scene.DatabaseNow, "active", null)];

        var html = await RenderAsync<StatusHistory>(new() { [nameof(StatusHistory.Changes)] = changes });

        Assert.Equal(["idle", "critical", "ok"], Regex.Matches(html, "<li class=\"([a-z]+)\"").Select(match => match.Groups[1].Value));
    }

    [Fact]
    public async Task A_picture_without_a_partition_says_so() =>
        Assert.Contains("No partition is known yet.", await RenderAsync<Swimlanes>(new() { [nameof(Swimlanes.Lanes)] = new Lanes([], [], []) }), StringComparison.Ordinal);

    private static async Task<string> RenderAsync<T>(Dictionary<string, object?> parameters)
        where T : IComponent
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<T>(ParameterView.FromDictionary(parameters))).ToHtmlString());
    }

    private static AlertBody Alert(DateTimeOffset at) =>
        new(Guid.NewGuid(), "temp-sensor-001", "temperature", AnomalyTypes.CriticalThreshold, Severities.High, 42, "°C", "over 40 °C", "sensor-consumer-1", at);
}
