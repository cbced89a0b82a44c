using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Sequences;
using FactoryMonitoring.Sensors.Simulation;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class DeliveryAccountTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Start);
    private readonly SimulatedFleet _fleet = new(Options.Create(new SensorsOptions { SensorType = "humidity", PerType = 2, Seed = 1 }));
    private readonly DeliveryAccount _account;

    public DeliveryAccountTests() => _account = new DeliveryAccount(_fleet, _time);

    [Fact]
    public void Consecutive_counts_of_a_sensor_become_one_range()
    {
        _account.Resolve(_account.Epoch, "log");
        Acknowledge(0, partition: 3, offset: 10, 1, 2, 3);
        Acknowledge(1, partition: 4, offset: 20, 7);
        Acknowledge(0, partition: 3, offset: 13, 1001, 1002);

        Assert.Equal(
            [
                new AcknowledgedRange("humid-sensor-001", "log", 3, 1, 3, 12, "q"),
                new AcknowledgedRange("humid-sensor-001", "log", 3, 1001, 1002, 14, "q"),
                new AcknowledgedRange("humid-sensor-002", "log", 4, 7, 7, 20, "q"),
            ],
            _account.Take(atTheEnd: false).Ranges);
        Assert.Empty(_account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void Counts_of_two_sequences_are_two_ranges()
    {
        _account.Resolve(_account.Epoch, "log");
        foreach (var number in (ReadingNumber[])[new(1, "q"), new(2, "q"), new(3, "another")])
        {
            _account.Sent(_fleet.Sensors[0]);
            _account.Acknowledged(_fleet.Sensors[0], number, 3, number.Count);
        }

        Assert.Equal(
            [new AcknowledgedRange("humid-sensor-001", "log", 3, 1, 2, 2, "q"), new AcknowledgedRange("humid-sensor-001", "log", 3, 3, 3, 3, "another")],
            _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void Ranges_wait_until_the_log_is_known()
    {
        Acknowledge(0, partition: 0, offset: 0, 1, 2);
        Assert.Empty(_account.Take(atTheEnd: false).Ranges);

        _account.Resolve(_account.Epoch, "log");

        Assert.Equal([new AcknowledgedRange("humid-sensor-001", "log", 0, 1, 2, 1, "q")], _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void What_is_acknowledged_after_all_brokers_were_away_belongs_to_the_log_they_came_back_with()
    {
        _account.Resolve(_account.Epoch, "first");
        Acknowledge(0, partition: 0, offset: 8, 1);
        _account.BeginEpoch();
        Acknowledge(0, partition: 0, offset: 0, 2, 3);
        _account.Resolve(_account.Epoch, "second");
        Acknowledge(0, partition: 0, offset: 2, 4);

        Assert.Equal(
            [new AcknowledgedRange("humid-sensor-001", "first", 0, 1, 1, 8, "q"), new AcknowledgedRange("humid-sensor-001", "second", 0, 2, 4, 2, "q")],
            _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void An_answer_to_a_question_of_an_earlier_epoch_is_not_taken()
    {
        var asked = _account.Epoch;
        _account.BeginEpoch();

        Assert.False(_account.Resolve(asked, "old"));
        Assert.Null(_account.Epoch.LogId);
    }

    [Fact]
    public void Brokers_that_go_away_again_before_they_said_their_log_leave_no_answer_to_be_trusted()
    {
        _account.BeginEpoch();
        var asked = _account.Epoch;
        _account.BeginEpoch();
        Acknowledge(0, partition: 0, offset: 0, 1);

        Assert.False(_account.Resolve(asked, "gone"));
        Assert.True(_account.Resolve(_account.Epoch, "there"));
        Assert.Equal([new AcknowledgedRange("humid-sensor-001", "there", 0, 1, 1, 0, "q")], _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void An_offset_that_falls_back_is_of_another_log_before_anyone_has_asked()
    {
        _account.Resolve(_account.Epoch, "first");
        Acknowledge(0, partition: 0, offset: 5, 1, 2);
        Acknowledge(1, partition: 1, offset: 7, 1);
        Acknowledge(0, partition: 0, offset: 0, 3);
        Acknowledge(1, partition: 1, offset: 9, 2);
        var before = _account.Take(atTheEnd: false).Ranges;
        _account.Resolve(_account.Epoch, "second");

        Assert.Equal([new AcknowledgedRange("humid-sensor-001", "first", 0, 1, 2, 6, "q"), new AcknowledgedRange("humid-sensor-002", "first", 1, 1, 1, 7, "q")], before);
        Assert.Equal(
            [new AcknowledgedRange("humid-sensor-001", "second", 0, 3, 3, 0, "q"), new AcknowledgedRange("humid-sensor-002", "second", 1, 2, 2, 9, "q")],
            _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void A_log_that_has_lost_its_end_stays_the_same_log()
    {
        _account.Resolve(_account.Epoch, "log");
        Acknowledge(0, partition: 0, offset: 5, 1);
        Acknowledge(0, partition: 0, offset: 3, 2);
        _account.Resolve(_account.Epoch, "log");

        Assert.Equal([new AcknowledgedRange("humid-sensor-001", "log", 0, 1, 1, 5, "q"), new AcknowledgedRange("humid-sensor-001", "log", 0, 2, 2, 3, "q")], _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void A_log_made_anew_behind_brokers_that_stayed_begins_an_epoch()
    {
        _account.Resolve(_account.Epoch, "first");
        Acknowledge(0, partition: 0, offset: 5, 1);
        _account.Resolve(_account.Epoch, "second");
        Acknowledge(0, partition: 0, offset: 0, 2);

        Assert.Equal(
            [new AcknowledgedRange("humid-sensor-001", "first", 0, 1, 1, 5, "q"), new AcknowledgedRange("humid-sensor-001", "second", 0, 2, 2, 0, "q")],
            _account.Take(atTheEnd: false).Ranges);
    }

    [Fact]
    public void What_could_not_be_written_grows_together_with_what_came_later()
    {
        var earlier = new ProducerAccount(
            [new("a", "log", 1, 1, 5, 50), new("b", "log", 2, 1, 1, 9)], [new ProducerSample(Start, 6, 3)], FailedDeliveries: 1);
        var later = new ProducerAccount(
            [new("a", "log", 1, 6, 8, 60), new("b", "other", 2, 2, 2, 0)], [new ProducerSample(Start.AddSeconds(1), 4, 2)], FailedDeliveries: 2);

        var joined = DeliveryAccount.Join(earlier, later);

        Assert.Equal([new("a", "log", 1, 1, 8, 60), new("b", "log", 2, 1, 1, 9), new("b", "other", 2, 2, 2, 0)], joined.Ranges);
        Assert.Equal([new(Start, 6, 3), new(Start.AddSeconds(1), 4, 2)], joined.Samples);
        Assert.Equal((10L, 3L), (joined.Acknowledged, joined.FailedDeliveries));
    }

    [Fact]
    public void Each_whole_second_gets_its_sample_also_where_nothing_came()
    {
        _account.Sent(_fleet.Sensors[0]);
        _account.Sent(_fleet.Sensors[1]);
        _time.Advance(TimeSpan.FromMilliseconds(40));
        Assert.Equal(TimeSpan.FromMilliseconds(40), _account.Acknowledged(_fleet.Sensors[0], new(1, "q"), 0, 0));
        _time.Advance(TimeSpan.FromMilliseconds(60));
        _account.Acknowledged(_fleet.Sensors[1], new(1, "q"), 0, 1);
        Assert.Empty(_account.Take(atTheEnd: false).Samples);

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([new(Start, 2, 100), new(Start.AddSeconds(1), 0, null)], _account.Take(atTheEnd: false).Samples);
        Assert.Equal([new(Start.AddSeconds(2), 0, null)], _account.Take(atTheEnd: true).Samples);
    }

    [Fact]
    public void Standing_tells_what_is_queued_and_for_how_long()
    {
        _account.Sent(_fleet.Sensors[0]);
        _time.Advance(TimeSpan.FromSeconds(1));
        _account.Sent(_fleet.Sensors[0]);
        _account.Sent(_fleet.Sensors[1]);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(new DeliveryStanding(3, TimeSpan.FromSeconds(3), 0, null), _account.Snapshot());

        _account.Acknowledged(_fleet.Sensors[0], new(1, "q"), 0, 0);
        Assert.Equal(new DeliveryStanding(2, TimeSpan.FromSeconds(2), 1, Start.AddSeconds(3)), _account.Snapshot());

        _account.NotSent(_fleet.Sensors[0]);
        _account.Failed(_fleet.Sensors[1]);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(new DeliveryStanding(0, TimeSpan.Zero, 0, Start.AddSeconds(3)), _account.Snapshot());
        Assert.Equal(1, _account.Take(atTheEnd: false).FailedDeliveries);
    }

    private void Acknowledge(int sensor, int partition, long offset, params long[] counts)
    {
        foreach (var count in counts)
        {
            _account.Sent(_fleet.Sensors[sensor]);
            _account.Acknowledged(_fleet.Sensors[sensor], new ReadingNumber(count, "q"), partition, offset++);
        }
    }
}
