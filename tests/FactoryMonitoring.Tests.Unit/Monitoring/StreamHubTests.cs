using System.Text;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Streaming;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class StreamHubTests
{
    private readonly MonitoringScene _scene = new();

    [Fact]
    public void There_is_no_stream_before_the_first_snapshot() => Assert.Null(_scene.Hub.Subscribe(null));

    [Fact]
    public void Only_what_changed_is_sent()
    {
        Publish(1);
        using var client = _scene.Hub.Subscribe(null)!;
        Publish(1);
        Assert.Empty(Names(client));

        Publish(2);

        Assert.Equal(["consumer"], Names(client));
    }

    [Fact]
    public void A_client_that_comes_back_is_sent_what_it_missed_and_nothing_else()
    {
        Publish(1);
        string id;
        using (var client = _scene.Hub.Subscribe(null)!)
        {
            id = IdOf(Assert.Single(client.Backlog));
        }

        Publish(2);
        Publish(3);

        using var resumed = _scene.Hub.Subscribe(id)!;
        Assert.Equal(["consumer", "consumer"], resumed.Backlog.Select(NameOf));
        using var current = _scene.Hub.Subscribe(IdOf(resumed.Backlog[^1]))!;
        Assert.Empty(current.Backlog);
    }

    [Fact]
    public void A_client_that_missed_more_than_is_kept_begins_anew()
    {
        Publish(1);
        string id;
        using (var client = _scene.Hub.Subscribe(null)!)
        {
            id = IdOf(client.Backlog[0]);
        }

        for (var i = 0; i < StreamHub.Kept; i++)
        {
            Publish(i + 2);
        }

        using (var justInTime = _scene.Hub.Subscribe(id)!)
        {
            Assert.Equal(StreamHub.Kept, justInTime.Backlog.Count);
        }

        Publish(1);
        using var late = _scene.Hub.Subscribe(id)!;
        Assert.Equal(["snapshot"], late.Backlog.Select(NameOf));
    }

    [Fact]
    public void A_slow_client_is_dropped_and_the_others_go_on()
    {
        Publish(1);
        using var slow = _scene.Hub.Subscribe(null)!;
        using var quick = _scene.Hub.Subscribe(null)!;
        var sent = 1;
        var read = 0;
        while (_scene.Hub.Clients == 2)
        {
            Publish(++sent);
            read += Names(quick).Count;
        }

        Assert.Equal(sent - 1, read);
        Assert.True(slow.Dropped.IsCancellationRequested);
        Assert.False(quick.Dropped.IsCancellationRequested);
        Publish(++sent);
        Assert.Equal(["consumer"], Names(quick));
    }

    // The n-th state of the only consumer.
    private void Publish(long total) => _scene.Store.Replace(_scene.Rows(new ConsumerRow(
        new ConsumerHealthBody("sensor-consumer-1", "active", [], _scene.DatabaseNow, 0, total), false, 0)));

    private static List<string> Names(StreamClient client)
    {
        var names = new List<string>();
        while (client.Frames.TryRead(out var frame))
        {
            names.Add(NameOf(frame));
        }

        return names;
    }

    private static string IdOf(byte[] frame) => Encoding.UTF8.GetString(frame).Split('\n')[0]["id: ".Length..];

    private static string NameOf(byte[] frame) => Encoding.UTF8.GetString(frame).Split('\n')[1]["event: ".Length..];
}
