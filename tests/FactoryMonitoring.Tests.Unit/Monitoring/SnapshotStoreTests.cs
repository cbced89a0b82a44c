using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Api.Status;
using static FactoryMonitoring.Tests.Unit.Monitoring.MonitoringScene;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class SnapshotStoreTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly MonitoringScene _scene = new();

    [Fact]
    public void A_database_that_refuses_for_want_of_room_is_said_to_have_none_until_nobody_has_been_refused_for_a_while()
    {
        var row = MonitoringScene.Consumer("sensor-consumer-1", _scene.DatabaseNow);
        var refused = row with { Health = row.Health with { Condition = $"waiting: {Conditions.NoRoom}" } };
        _scene.Store.Replace(_scene.Rows(refused));
        Assert.True(_scene.Store.Current!.Situation.NoRoom);
        _scene.Time.Advance(TimeSpan.FromSeconds(2));
        _scene.Store.Replace(_scene.Rows(row));
        Assert.True(_scene.Store.Current!.Situation.NoRoom);

        // While the database is unavailable, the last known state remains.
        _scene.Store.MarkAway();
        _scene.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(_scene.Store.Current!.Situation.NoRoom);
        // What a consumer reported before the outage does not apply to the present.
        _scene.Store.Replace(_scene.Rows(refused));
        Assert.False(_scene.Store.Current!.Situation.NoRoom);
    }

    [Fact]
    public void While_nobody_can_write_a_heartbeat_nobody_is_declared_dead()
    {
        var heartbeat = _scene.DatabaseNow;
        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", heartbeat)));
        _scene.Mode.IsReadOnly = true;
        Pass(60);
        Assert.Equal(["sensor-consumer-1"], _scene.Store.Current!.Situation.Judgement.Consumers);
        Assert.Equal("The database is read-only", new OverallStatusWriter().Write(_scene.Store.Current!.Situation).Title);

        // The consumer must write again a little later, or it is dead.
        _scene.Mode.IsReadOnly = false;
        Pass(14);
        Assert.Equal(["sensor-consumer-1"], _scene.Store.Current!.Situation.Judgement.Consumers);
        Pass(3);
        Assert.Empty(_scene.Store.Current!.Situation.Judgement.Consumers);

        void Pass(int seconds)
        {
            for (var i = 0; i < seconds; i++)
            {
                _scene.Time.Advance(TimeSpan.FromSeconds(1));
                _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", heartbeat)));
            }
        }
    }

    [Fact]
    public void There_is_nothing_before_the_first_look()
    {
        _scene.Store.MarkAway();

        Assert.Null(_scene.Store.Current);
    }

    [Fact]
    public void A_heartbeat_five_seconds_old_is_none_when_the_body_is_served()
    {
        var heartbeat = _scene.DatabaseNow - TimeSpan.FromSeconds(3);
        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", heartbeat, "active", 0, 3)));
        Assert.Equal(("active", "0,3", 10), Health());

        Pass(TimeSpan.FromMilliseconds(1999));
        Assert.Equal(("active", "0,3", 10), Health());

        // No new rows were read.
        Pass(TimeSpan.FromMilliseconds(1));
        Assert.Equal(("inactive", "", 4), Health());
        Assert.False(_scene.Store.Current!.Stale);
    }

    [Fact]
    public void The_same_bytes_are_served_until_something_changes()
    {
        _scene.Store.Replace(_scene.Rows());
        var first = _scene.Store.Current;
        Pass(TimeSpan.FromMilliseconds(999));

        Assert.Same(first, _scene.Store.Current);
    }

    [Fact]
    public void While_nothing_can_be_read_what_was_known_last_stands()
    {
        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", _scene.DatabaseNow, "active", 0)));
        Pass(TimeSpan.FromSeconds(1));
        _scene.Store.MarkAway();
        Pass(TimeSpan.FromMinutes(1));

        Assert.Equal(("active", "0", 10), Health());
        Assert.True(_scene.Store.Current!.Stale);
        Assert.Equal("The database does not answer for 1 min", _scene.Store.Current.System.Value.Overall.Title);
    }

    [Fact]
    public void A_look_that_takes_too_long_is_blindness_too()
    {
        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", _scene.DatabaseNow - TimeSpan.FromSeconds(1.5))));
        Pass(TimeSpan.FromSeconds(2.9));
        Assert.False(_scene.Store.Current!.Stale);
        Pass(TimeSpan.FromSeconds(10));

        Assert.True(_scene.Store.Current!.Stale);
        Assert.Equal("active", Health().Status);
    }

    [Fact]
    public void A_process_that_stood_still_blames_neither_the_database_nor_the_consumers()
    {
        var consumer = Consumer("sensor-consumer-1", _scene.DatabaseNow, "active", 0);
        _scene.Store.Replace(_scene.Rows(consumer));
        _scene.Time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(("active", false), (Health().Status, _scene.Store.Current!.Stale));
        Assert.Equal("All readings flow", _scene.Store.Current.System.Value.Overall.Title);

        // The consumer may have been suspended with the machine and not have written yet.
        _scene.Store.Replace(_scene.Rows(consumer));
        Assert.Equal(("active", false), (Health().Status, _scene.Store.Current!.Stale));
        Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("inactive", Health().Status);
    }

    /// <summary>Advances the clock in small steps: a single step would look as if the process had stood still.</summary>
    private void Pass(TimeSpan span)
    {
        for (var left = span; left > TimeSpan.Zero; left -= Step)
        {
            _scene.Time.Advance(left < Step ? left : Step);
        }
    }

    [Fact]
    public void Two_seconds_after_the_database_is_back_old_heartbeats_count_again()
    {
        var dead = Consumer("sensor-consumer-1", _scene.DatabaseNow, "active", 0);
        _scene.Store.Replace(_scene.Rows(dead));
        _scene.Store.MarkAway();
        Pass(TimeSpan.FromSeconds(30));

        _scene.Store.Replace(_scene.Rows(dead));
        Assert.Equal(("active", true), (Health().Status, _scene.Store.Current!.Stale));

        Pass(TimeSpan.FromMilliseconds(1999));
        Assert.Equal(("active", true), (Health().Status, _scene.Store.Current!.Stale));

        Pass(TimeSpan.FromMilliseconds(1));
        Assert.Equal(("inactive", false), (Health().Status, _scene.Store.Current!.Stale));
    }

    [Fact]
    public void Who_stopped_is_inactive_even_for_a_blind_observer()
    {
        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", _scene.DatabaseNow)));
        _scene.Store.MarkAway();
        Pass(TimeSpan.FromSeconds(30));

        _scene.Store.Replace(_scene.Rows(Consumer("sensor-consumer-1", _scene.DatabaseNow, "inactive")));

        Assert.Equal("inactive", Health().Status);
    }

    [Fact]
    public void An_outage_is_told_once_when_it_is_over()
    {
        _scene.Store.Replace(_scene.Rows());
        var from = _scene.DatabaseNow;
        _scene.Store.MarkAway();
        Pass(TimeSpan.FromSeconds(30));
        Assert.Empty(_scene.Store.TakeOutages());

        _scene.Store.Replace(_scene.Rows());

        Assert.Equal([new(from, from + TimeSpan.FromSeconds(30))], _scene.Store.TakeOutages());
        Assert.Empty(_scene.Store.TakeOutages());
    }

    private (string Status, string Partitions, int LastMinute) Health()
    {
        var health = _scene.Store.Current!.Consumers.Value[0];
        return (health.Status, string.Join(',', health.AssignedPartitions), health.MessagesProcessedLastMinute);
    }
}
