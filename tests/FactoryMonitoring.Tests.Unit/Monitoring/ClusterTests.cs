using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class ClusterTests
{
    private readonly MonitoringScene _scene = new();

    [Fact]
    public void Lag_is_the_log_s_end_less_where_its_reader_stands()
    {
        Measure(("log-a", 0, 120), ("log-a", 1, 50));
        Read((0, "log-a", 100), (1, "log-a", 50));

        Assert.Equal((20L, (double?)null), (_scene.Lag.Latest.Total, _scene.Lag.Latest.Seconds));
        Assert.Equal([(0, 20L), (1, 0L)], _scene.Lag.Latest.Partitions.Select(pair => (pair.Key, pair.Value.Lag)));
    }

    [Fact]
    public void Lag_in_seconds_is_the_age_of_the_oldest_unread()
    {
        Measure(("log-a", 0, 100));
        Read((0, "log-a", 100));
        Assert.Equal(0, _scene.Lag.Latest.Seconds);
        for (var end = 110; end <= 140; end += 10)
        {
            _scene.Time.Advance(TimeSpan.FromSeconds(1));
            Measure(("log-a", 0, end));
            Read((0, "log-a", 115));
        }

        // Offset 115 was first seen in the log two seconds ago, when the log ended at 120.
        Assert.Equal((25L, 2.0), (_scene.Lag.Latest.Total, _scene.Lag.Latest.Seconds));
    }

    [Fact]
    public void The_time_to_catch_up_is_the_lag_by_the_messages_that_it_falls_by()
    {
        // 20 messages a second arrive and 120 are stored, whatever they contain.
        for (var second = 0; second <= 12; second++)
        {
            Measure(("log-a", 0, 5_000 + (20 * second)));
            Read((0, "log-a", 120 * second));
            Assert.Equal(second < 2 ? null : (5_000 - (100.0 * second)) / 100, _scene.Lag.Latest.CatchUpSeconds);
            _scene.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Measure(("log-a", 0, 9_000));
        Read((0, "log-a", 1_560));
        Assert.Null(_scene.Lag.Latest.CatchUpSeconds);
        _scene.Time.Advance(TimeSpan.FromSeconds(1));
        Measure(("log-a", 0, 9_000));
        Read((0, "log-a", 9_000));
        Assert.Equal(0, _scene.Lag.Latest.CatchUpSeconds);
    }

    [Fact]
    public void A_later_look_at_the_database_does_not_shrink_the_lag_of_an_earlier_measurement()
    {
        Measure(("log-a", 0, 120));
        Read((0, "log-a", 100));
        Read((0, "log-a", 118));

        Assert.Equal(20, _scene.Lag.Latest.Total);
    }

    [Fact]
    public void What_is_not_known_of_one_partition_is_not_known_of_all()
    {
        Measure(("log-a", 0, 120), ("log-a", 1, null));
        Read((0, "log-a", 100), (1, "log-a", 50));

        Assert.Null(_scene.Lag.Latest.Total);
        Assert.Equal(20, _scene.Lag.Latest.Partitions[0].Lag);
    }

    [Fact]
    public void Offsets_of_another_log_say_nothing()
    {
        Measure(("log-b", 0, 5));
        Read((0, "log-a", 100));

        Assert.Empty(_scene.Lag.Latest.Partitions);
        Assert.Null(_scene.Lag.Latest.Total);
    }

    [Fact]
    public void A_log_that_nobody_has_read_yet_waits_from_its_beginning_on()
    {
        Measure(first: 3, ("log-b", 0, 5), ("log-b", 1, 9));
        Read((0, "log-a", 100), (1, "log-b", 7));

        Assert.Equal(4, _scene.Lag.Latest.Total);
        Assert.Equal([(0, 2L), (1, 2L)], _scene.Lag.Latest.Partitions.Select(pair => (pair.Key, pair.Value.Lag)));
    }

    [Fact]
    public void That_nobody_has_read_it_is_not_concluded_from_a_look_at_another_log()
    {
        Measure(first: 0, ("log-a", 0, 100));
        Read((0, "log-a", 100));
        var looked = _scene.Rows() with { Partitions = _scene.Store.Current!.Situation.Rows.Partitions };

        _scene.Time.Advance(TimeSpan.FromSeconds(1));
        Measure(first: 0, ("log-b", 0, 5));
        _scene.Store.Replace(looked);
        Assert.Equal(0, _scene.Lag.Latest.Total);

        Read((0, "log-a", 100));
        Assert.Equal(5, _scene.Lag.Latest.Total);
    }

    [Fact]
    public void Brokers_that_no_metadata_name_are_known_by_their_place_in_the_bootstrap_list()
    {
        var directory = new BrokerDirectory("PLAINTEXT://localhost:9092, localhost:9094,localhost:9096");
        Assert.Equal([(1, "localhost", 9092), (2, "localhost", 9094), (3, "localhost", 9096)], directory.All());

        directory.Learn(1, "127.0.0.1", 9092);
        directory.Learn(3, "127.0.0.1", 9096);

        Assert.Equal([(1, "127.0.0.1", 9092), (2, "localhost", 9094), (3, "127.0.0.1", 9096)], directory.All());
    }

    [Fact]
    public void Brokers_on_one_port_are_told_apart_by_their_hosts()
    {
        var directory = new BrokerDirectory("kafka1:9092,kafka2:9092");
        directory.Learn(2, "kafka2", 9092);

        Assert.Equal([(1, "kafka1", 9092), (2, "kafka2", 9092)], directory.All());
    }

    private void Measure(params (string LogId, int Partition, long? End)[] partitions) => Measure(first: null, partitions);

    private void Measure(long? first, params (string LogId, int Partition, long? End)[] partitions) => _scene.Cluster.Latest = new(
        _scene.Time.GetTimestamp(),
        partitions[0].LogId,
        [],
        partitions.ToDictionary(each => each.Partition, each => new PartitionMeasurement(1, [1], [1], first, each.End)));

    private void Read(params (int Partition, string LogId, long Next)[] partitions) => _scene.Store.Replace(_scene.Rows() with
    {
        Partitions = [.. partitions.Select(each => new PartitionRow(each.Partition, each.LogId, "sensor-consumer-1", 1, each.Next, null, null, null, null))],
    });

    [Fact]
    public void The_quorum_is_read_from_a_brokers_answer()
    {
        byte[] answer =
        [
            0, 0, 0, 1, 0, 0, 0, 2, 19, .. "__cluster_metadata"u8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 44,
            // Voters with the ends of their logs: 290, unknown, 300.
            4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 34, 0, 0, 0, 0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 44, 0, 1, 0, 0, 0,
        ];

        var quorum = QuorumQuery.Read(answer)!;

        Assert.Equal((3, 9), (quorum.Leader, quorum.Epoch));
        Assert.Equal([new QuorumVoterBody(1, "kafka1", 10), new QuorumVoterBody(2, "kafka2", null), new QuorumVoterBody(3, "kafka3", 0)], quorum.Voters);
        for (var length = 0; length < 50; length++) Assert.Null(QuorumQuery.Read(answer.AsSpan(0, length)));
    }

    [Fact]
    public void Sizes_of_logs_and_disks_are_read_from_a_brokers_answer()
    {
        byte[] log = [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] answer =
        [
            0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 3, .. "/a"u8, 2, 2, (byte)'t', 3, .. log, 0, 0, .. log, 1, 0, 0,
            0, 0, 0, 0, 0, 0, 39, 16, 0, 0, 0, 0, 0, 0, 3, 232, 0, 0,
        ];

        var directories = LogDirectoriesQuery.Read(answer)!;

        // The copy that will replace the log is not counted.
        Assert.Equal(new Dictionary<(string, int), long> { [("t", 5)] = 1000 }, directories.Logs);
        Assert.Equal((10_000L, 1000L), (directories.DiskBytes, directories.FreeBytes));
        for (var length = 0; length < answer.Length - 1; length++) Assert.Null(LogDirectoriesQuery.Read(answer.AsSpan(0, length)));
    }

    [Fact]
    public void What_is_written_is_not_known_while_a_log_is_shortened()
    {
        Assert.Equal(300, Written(([100, 200], [600, 1200])));
        Assert.Null(Written(([100, 200], [600, 150])));

        static double? Written((long[] Before, long[] Now) sizes) =>
            ClusterDetailsWorker.WrittenPerSecond(Of(sizes.Before), Of(sizes.Now), TimeSpan.FromSeconds(5));

        static LogDirectories Of(long[] sizes) => new(sizes.Select((bytes, partition) => (partition, bytes)).ToDictionary(each => ("t", each.partition), each => each.bytes), null, null);
    }

    [Fact]
    public void Request_times_are_those_that_the_client_measured()
    {
        var requests = new RequestTimes();
        requests.Update("""
            {"brokers":{"a:1/bootstrap":{"nodeid":-1,"rtt":{"cnt":5,"p50":9,"p99":9}},
             "a:1/1":{"nodeid":1,"rtt":{"cnt":5,"p50":1250,"p99":4000}},"b:1/2":{"nodeid":2,"rtt":{"cnt":0,"p50":0,"p99":0}}}}
            """);

        Assert.Equal((1.25, 4.0), requests.Of(1));
        Assert.Null(requests.Of(2));
        Assert.Null(requests.Of(-1));
    }

    [Fact]
    public void A_broker_is_out_of_sync_by_the_partitions_that_its_replicas_lack()
    {
        var cluster = new ClusterMeasurement(0, null, [new(1, "a", 1, true, null), new(2, "b", 1, true, null), new(3, "c", 1, true, null)], new Dictionary<int, PartitionMeasurement>
        {
            [0] = new(1, [1, 2], [1, 2], 0, 0),
            [1] = new(1, [2, 1], [1], 0, 0),
        }, new(1, 4, []));

        Assert.Equal(
            [new ClusterCondition("replicas", "kafka1", "in sync", null), new ClusterCondition("replicas", "kafka2", "out of sync", "P1"), new ClusterCondition("controller", "controller", "kafka1", null)],
            cluster.Conditions());
    }
}
