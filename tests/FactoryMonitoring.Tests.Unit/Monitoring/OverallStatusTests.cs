using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Monitor;
using FactoryMonitoring.Monitoring.Api.Status;
using static FactoryMonitoring.Tests.Unit.Monitoring.MonitoringScene;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class OverallStatusTests
{
    private readonly MonitoringScene _scene = new();
    private readonly OverallStatusWriter _writer = new();

    private DateTimeOffset Now => _scene.DatabaseNow;

    [Fact]
    public void All_is_well()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now), Consumer("sensor-consumer-2", Now, "inactive"));
        var cluster = new ClusterMeasurement(0, null, [new(1, "localhost", 9092, true, null)], new Dictionary<int, PartitionMeasurement>());

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"], cluster, new(0, new Dictionary<int, PartitionLag>(), 1, 0)));

        Assert.Equal(
            ("ok", "All readings flow", "0 of 0 sensor processes, 1 of 1 brokers, 1 of 1 consumers; 1 message behind. Stopped on request: sensor-consumer-2."),
            (status.Level, status.Title, status.Detail));
        Assert.Empty(status.Reasons);
    }

    [Fact]
    public void Rejections_are_named_by_reason_and_sensor_with_a_link_whoever_sent_them()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now)) with
        {
            Rejections = [new("too_long", "press/7", 30), new("malformed_json", null, 12), new("too_long", "vib-1", 5), new("empty", null, 2), new("oversized", null, 1)],
            Parked = new(2, "Broker: Message size too large"),
        };

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"]));

        Assert.Equal(
            ("warning",
             "50 messages were rejected in the last 5 minutes",
             "too_long (35), malformed_json (12), empty (2) and 1 more. From press/7 (30) and vib-1 (5). They are dead letters, and their partitions go on."),
            (status.Level, status.Title, status.Detail));
        Assert.Equal([status.Title, "2 messages cannot be sent"], status.Reasons);
        Assert.Equal([new StatusLink("Dead letters of press/7", "/sensor?id=press%2F7")], status.Links);
    }

    [Fact]
    public void What_is_passed_and_not_compared_for_a_minute_is_named()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now));
        rows = rows with { Ledger = rows.Ledger with { Unsettled = 1_200 } };

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"]));

        Assert.Equal(("warning", "1,200 readings acknowledged and not compared for more than a minute"), (status.Level, status.Title));
    }

    [Fact]
    public void Messages_that_wait_to_be_sent_are_named_by_topic()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now));
        rows = rows with { Unsent = [new("sensor-data.dlq", 1_200, rows.DatabaseTime.AddMinutes(-3)), new("alerts", 1, rows.DatabaseTime.AddSeconds(-61))] };

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"]));

        Assert.Equal(["1,200 messages for sensor-data.dlq wait to be sent", "1 message for alerts waits to be sent"], status.Reasons);
        Assert.Equal("warning", status.Level);
        Assert.StartsWith("The brokers do not take them now, or no consumer sends them: the oldest waits for 3 min.", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Sensors_whose_readings_come_in_several_partitions_are_named_with_a_link()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now)) with { Scattered = new(1, "line 1/temp") };
        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"]));

        Assert.Equal(("warning", "Readings of line 1/temp arrive in several partitions"), (status.Level, status.Title));
        Assert.Equal([new StatusLink("line 1/temp", "/sensor?id=line%201%2Ftemp")], status.Links);
        Assert.Equal(
            "Readings of 1,204 sensors arrive in several partitions", _writer.Write(Situation(rows with { Scattered = new(1_204, "a") }, ["sensor-consumer-1"])).Title);
    }

    [Theory]
    [InlineData(0L, null, true)]
    [InlineData(5L, 2.0, true)]
    [InlineData(5L, 31.0, false)]
    [InlineData(5L, null, false)]
    public void Silence_is_seen_only_while_no_readings_wait(long lag, double? seconds, bool canBeSeen)
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now));
        var state = new LagState(0, new Dictionary<int, PartitionLag> { [0] = new(lag, seconds, seconds ?? 0) }, lag, seconds);

        Assert.Equal(canBeSeen, Silence.CanBeSeen(Situation(rows, ["sensor-consumer-1"], null, state), TimeSpan.FromMinutes(1)));
        Assert.False(Silence.CanBeSeen(Situation(rows, ["sensor-consumer-1"]), TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void A_transaction_that_stays_open_and_a_topic_that_is_missing_are_named()
    {
        ClusterMeasurement Cluster(double seconds, bool topicIsMissing = false) => new(
            0, null, [new(1, "localhost", 9092, true, null)],
            new Dictionary<int, PartitionMeasurement> { [3] = new(1, [1], [1], 0, 20, HeldBack: 12, HeldFor: TimeSpan.FromSeconds(seconds)) }, TopicIsMissing: topicIsMissing);
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now));
        var none = new LagState(0, new Dictionary<int, PartitionLag>(), 0, 0);

        Assert.Equal("All readings flow", _writer.Write(Situation(rows, ["sensor-consumer-1"], Cluster(9), none)).Title);
        Assert.Equal(
            "Partition 3: the open transaction of a producer holds 12 messages back for 15 s", _writer.Write(Situation(rows, ["sensor-consumer-1"], Cluster(15), none)).Title);
        Assert.Equal("The brokers have no topic for readings", _writer.Write(Situation(rows, ["sensor-consumer-1"], Cluster(0, topicIsMissing: true), none)).Title);
    }

    [Theory]
    [InlineData(31.0, "Partition 1 stands still: 614 messages wait, the oldest for 31 s")]
    [InlineData(null, "Partition 1 stands still: 614 messages wait, the oldest for more than 12 s")]
    public void A_partition_that_nobody_reads_is_named_though_its_messages_were_there_before_anyone_measured(double? seconds, string title)
    {
        var partition = new PartitionRow(1, "test-log", "sensor-consumer-1", 3, 100, Now - TimeSpan.FromMinutes(9), null, Now - TimeSpan.FromMinutes(9), Now - TimeSpan.FromMinutes(9));
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now, "active", 0)) with { Partitions = [partition] };
        var lag = new LagState(0, new Dictionary<int, PartitionLag> { [1] = new(614, seconds, seconds ?? 12) }, 614, seconds);

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"], lag: lag));

        Assert.Equal(("critical", title), (status.Level, status.Title));
        Assert.StartsWith("Nobody owns it, though consumers are active.", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_owner_is_named_with_the_partitions_that_wait()
    {
        var status = _writer.Write(Situation(Silent(1, 4), ["sensor-consumer-1"]));

        Assert.Equal(("critical", "sensor-consumer-2 is silent for 7 s; partitions 1 and 4 wait"), (status.Level, status.Title));
        Assert.Equal("The group gives them to another consumer when its session has ended. The last 3 times it took 6.4 s.", status.Detail);
    }

    [Fact]
    public void One_partition_waits_in_the_singular()
    {
        var status = _writer.Write(Situation(Silent(4), ["sensor-consumer-1"]));

        Assert.Equal("sensor-consumer-2 is silent for 7 s; partition 4 waits", status.Title);
    }

    [Fact]
    public void A_recovery_says_how_far_it_has_come()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now), Consumer("sensor-consumer-2", Now - TimeSpan.FromSeconds(8)));
        var lag = new LagState(0, new Dictionary<int, PartitionLag> { [1] = new(100, 1.1, 1.1), [4] = new(43, 1, 1) }, 143, 1.1);
        var recovery = new RecoveryStopwatch("sensor-consumer-2", Now - TimeSpan.FromSeconds(8), "exit", 5800, 6100, 6400, null, [1, 4]);

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"], lag: lag, recovery: recovery));

        Assert.Equal(
            ("warning", "Recovering: sensor-consumer-2 was killed", "Partitions 1 and 4 have new owners and are catching up: 143 messages to go."),
            (status.Level, status.Title, status.Detail));
        Assert.Equal(recovery, status.Recovery);
    }

    [Fact]
    public void The_worst_comes_first_and_since_stands_while_only_numbers_change()
    {
        var first = _writer.Write(Situation(Silent(1), ["sensor-consumer-1"]));
        _scene.Time.Advance(TimeSpan.FromSeconds(3));
        var rows = Silent(1) with { Ledger = _scene.Rows().Ledger with { Missing = 2 } };

        var second = _writer.Write(Situation(Silent(1), ["sensor-consumer-1"]));
        var third = _writer.Write(Situation(rows, ["sensor-consumer-1"]));

        Assert.Equal(first.Since, second.Since);
        Assert.Equal(Now, third.Since);
        Assert.Equal(["2 readings acknowledged and not stored", "sensor-consumer-2 is silent for 7 s; partition 1 waits"], third.Reasons);
    }

    [Theory]
    [InlineData(1, "warning", "kafka1 is down")]
    [InlineData(2, "critical", "kafka1 and kafka2 are down")]
    [InlineData(3, "critical", "No broker answers")]
    public void Brokers_are_named_when_they_are_down(int down, string level, string title)
    {
        var brokers = Enumerable.Range(1, 3).Select(id => new BrokerMeasurement(id, "localhost", 9090 + (2 * id), id > down, null)).ToList();
        var rows = _scene.Rows(Consumer("sensor-consumer-1", Now));

        var status = _writer.Write(Situation(rows, ["sensor-consumer-1"], new(0, null, brokers, new Dictionary<int, PartitionMeasurement>())));

        Assert.Equal((level, title), (status.Level, status.Title));
    }

    [Theory]
    [InlineData(1, 0, "kafka1 is down: no space left on its disk", "Make room there and start it again. The other brokers lead its partitions and keep every reading.")]
    [InlineData(1, 20, "kafka1 is down: only 20 MB left on its disk", "Make room there and start it again. The other brokers lead its partitions and keep every reading.")]
    [InlineData(1, 40_000, "kafka1 is down", "The other brokers lead its partitions and keep every reading.")]
    [InlineData(2, 0, "kafka1 and kafka2 are down", "No space left on the disk of kafka1 and kafka2: make room there and start them again. Without a majority nothing is acknowledged; the sensors keep what they measure as long as they can.")]
    public void A_full_disk_is_named_where_a_broker_is_down(int down, long megabytes, string title, string detail)
    {
        var brokers = Enumerable.Range(1, 3).Select(id => new BrokerMeasurement(id, "localhost", 9090 + (2 * id), id > down, null)).ToList();
        var situation = Situation(_scene.Rows(Consumer("sensor-consumer-1", Now)), ["sensor-consumer-1"], new(0, null, brokers, new Dictionary<int, PartitionMeasurement>())) with
        {
            Free = new Dictionary<string, long> { ["kafka1"] = megabytes << 20, ["kafka2"] = megabytes << 20, ["kafka3"] = 40_000L << 20 },
        };

        var status = _writer.Write(situation);

        Assert.Equal((title, detail), (status.Title, status.Detail));
    }

    [Fact]
    public void A_disk_that_is_nearly_full_is_named_before_anything_ends()
    {
        var situation = Situation(_scene.Rows(Consumer("sensor-consumer-1", Now)), ["sensor-consumer-1"]) with
        {
            Free = new Dictionary<string, long> { ["postgres"] = 300L << 20, ["kafka1"] = 300L << 20, ["kafka2"] = 40_000L << 20 },
        };

        var status = _writer.Write(situation);

        Assert.Equal(("warning", "Only 300 MB left on the disk of kafka1 and postgres"), (status.Level, status.Title));
    }

    [Fact]
    public void A_database_without_room_is_one_finding_whoever_says_so()
    {
        var health = Consumer("sensor-consumer-1", Now) is var row ? row with { Health = row.Health with { Condition = "waiting: the database has no room left" } } : null!;
        var situation = Situation(_scene.Rows(health), ["sensor-consumer-1"]) with { NoRoom = true };

        var full = _writer.Write(situation);
        var gone = _writer.Write(situation with { Away = true, Stale = true, Unread = TimeSpan.FromSeconds(12) });
        var known = _writer.Write(situation with { Away = true, Stale = true, Unread = TimeSpan.FromSeconds(12), Free = new Dictionary<string, long> { ["postgres"] = 0 } });
        var mended = _writer.Write(situation with { Away = true, Stale = true, Unread = TimeSpan.FromSeconds(12), Free = new Dictionary<string, long> { ["postgres"] = 40_000L << 20 } });

        Assert.Equal(("critical", "The database has no room left on its disk"), (full.Level, full.Title));
        Assert.Equal([full.Title], full.Reasons);
        Assert.Equal("The database had no room left on its disk and does not answer for 12 s", gone.Title);
        Assert.Equal("The database does not answer for 12 s: no space left on its disk", known.Title);
        Assert.Equal("The database does not answer for 12 s", mended.Title);
    }

    [Theory]
    [InlineData(7.9, "7 s")]
    [InlineData(60, "1 min")]
    [InlineData(3600, "1 h")]
    [InlineData(7500, "2 h 5 min")]
    public void Times_are_said_as_people_say_them(double seconds, string expected) => Assert.Equal(expected, Sentences.Lasting(TimeSpan.FromSeconds(seconds)));

    // The last heartbeat of sensor-consumer-2 was 7 s ago, and it owns the partitions.
    private MonitoringRows Silent(params int[] partitions) =>
        _scene.Rows(Consumer("sensor-consumer-1", Now), Consumer("sensor-consumer-2", Now - TimeSpan.FromSeconds(7))) with
        {
            Partitions = [.. partitions.Select(partition => new PartitionRow(partition, "log-a", "sensor-consumer-2", 1, 0, Now, null, Now, Now - TimeSpan.FromSeconds(7)))],
            RebalancingEvents = [.. new[] { 6100, 6400, 6800 }.Select(stall => new RebalancingEventBody("assigned", "sensor-consumer-1", 0, Now, StallMs: stall))],
        };
}
