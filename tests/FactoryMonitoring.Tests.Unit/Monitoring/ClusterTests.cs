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

        // Offset 115 was first seen in the log when it ended at 120, two seconds ago.
        Assert.Equal((25L, 2.0), (_scene.Lag.Latest.Total, _scene.Lag.Latest.Seconds));
    }

    [Fact]
    public void The_time_to_catch_up_is_the_lag_by_the_messages_that_it_falls_by()
    {
        // 20 messages a second come and 120 are stored, whatever they hold.
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
    public void The_active_controller_is_read_from_a_brokers_answer()
    {
        byte[] answer =
        [
            0, 0, 0, 1, 0, 0, 0, 2, 19, .. "__cluster_metadata"u8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 44,
        ];

        Assert.Equal(3, ControllerQuery.Leader(answer));
        Assert.Null(ControllerQuery.Leader([0, 0, 0, 1, 0, 0, 35]));
        Assert.Null(ControllerQuery.Leader([]));
    }
}
