using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Consumers.Ingestion.Storing;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>From a batch to the planned writes, without a database.</summary>
public sealed class BatchPlannerTests : IDisposable
{
    private const double Normal = 30;
    private const double Warning = 36;

    private static readonly LogTopic Old = new(1, "cluster:old", "sensor-data");
    private static readonly LogTopic New = new(2, "cluster:new", "sensor-data");
    private static readonly DateTime DatabaseTime = new(2025, 9, 16, 21, 41, 41, DateTimeKind.Utc);
    private static readonly ConsumerIdentity Identity = new("c1", "group", "sensor-data", "alerts", "dead");
    private static readonly PlanTerms Nothing = new(TimeSpan.Zero, KeyValidity: 1, IsDue: false, IsLast: false, Announces: false);

    private readonly FakeTimeProvider _time = new();
    private readonly ConsumerStatus _status = new();
    private readonly LaneQueue _lane;
    private readonly LeaseTable _leases;
    private readonly ReadingBatch _batch;
    private readonly ReadingParser _parser = new(new SensorDirectory(100), new KeyMemory(), new DialectReader(new MessagesOptions()));
    private readonly DetectionRules _rules = new(new DetectionOptions());
    private readonly BatchPlanner _planner = new(Identity, new ReadingRows(10), () => DatabaseTime.AddTicks(7));

    public BatchPlannerTests()
    {
        (_lane, _leases, _batch) = (new LaneQueue(0, 10, _time), new LeaseTable(_status), new ReadingBatch(100, _time));
    }

    public void Dispose() => _lane.Dispose();

    [Fact]
    public void Readings_move_their_partition_from_where_it_stands_and_are_counted()
    {
        var lease = Claim(3, next: 10);
        Add(lease.Partition, 10, count: 1);
        Add(lease.Partition, 11, count: null);
        Add(lease.Partition, 14, count: 2).LeaderEpoch = 7;

        var write = Assert.Single(Plan().Writes);

        Assert.Equal(
            new PartitionMove(3, 5, 10, 15, MemoryAt: 15, Stored: 3, Messages: 3, Uncounted: 1, 0, 0, 0, Recovered: true, EventId: 44, null, LeaderEpoch: 7),
            Assert.Single(write.Moves));
        Assert.Equal((10L, 15L), (lease.NextOffset, lease.MemoryAt));
        Assert.Empty(write.Snapshots);
        Assert.Empty(write.Latest);
        Assert.Null(write.Settle);
    }

    [Fact]
    public void An_alert_bears_the_databases_time_in_microseconds_and_announces_itself()
    {
        var lease = Claim(0);
        for (var offset = 0; offset < 4; offset++)
        {
            Add(lease.Partition, offset, count: offset, Warning);
        }

        Add(lease.Partition, 4, count: 4, Normal);
        var write = Assert.Single(Plan().Writes);

        var alert = Assert.Single(write.Alerts);
        Assert.Equal((2L, AnomalyTypes.ConsecutiveHigh, "warning", DatabaseTime), (alert.Offset, alert.AnomalyType, alert.AlertLevel, alert.RaisedAt));
        Assert.Equal(("alerts", "s"), (alert.Announcement!.Topic, Encoding.UTF8.GetString(alert.Announcement.Key)));
        Assert.Equal([new EpisodeRow(0, alert.AlertId, 2, Warning, Resolved: true)], write.Episodes);
    }

    [Fact]
    public void A_replay_changes_what_is_remembered_and_writes_nothing()
    {
        var lease = Claim(0, next: 3);
        for (var offset = 0; offset < 3; offset++)
        {
            Add(lease.Partition, offset, count: offset, Warning);
        }

        var write = Assert.Single(Plan().Writes);

        Assert.Empty(write.Alerts);
        Assert.Equal((3L, 3L, 0, 3L), (write.Moves[0].Expected, write.Moves[0].Next, write.Moves[0].Stored, lease.MemoryAt));
        Assert.True(_batch.Readings[2].IsReplay);
        Assert.False(Stores(write, ref _batch.Readings[2]));

        _batch.Clear();
        Add(lease.Partition, 3, count: 3, Warning);
        Add(lease.Partition, 4, count: 2, Warning);
        write = Assert.Single(Plan().Writes);

        Assert.Empty(write.Alerts);
        Assert.Equal((2, 1), (write.Moves[0].Stored, write.Moves[0].Duplicated));
        Assert.Equal(("duplicated", 4L), (Assert.Single(write.Violations).Kind, write.Violations[0].Offset!.Value));
        Assert.True(Stores(write, ref _batch.Readings[0]));
    }

    [Fact]
    public void While_a_partition_is_read_again_the_states_of_its_alerts_and_its_leader_epoch_stay_as_they_are_stored()
    {
        var lease = Claim(0, next: 6);
        for (var offset = 0; offset < 5; offset++)
        {
            Add(lease.Partition, offset, count: offset, Warning).LeaderEpoch = 1;
        }

        // In the database the alert of offset 2 has more occurrences, and the last stored message a later epoch.
        var write = Assert.Single(_planner.Plan(_batch, _leases, Nothing with { IsDue = true }).Writes);
        Assert.Empty(write.Episodes);
        Assert.Empty(write.Latest);
        Assert.Equal((6L, null), (write.Moves[0].Next, write.Moves[0].LeaderEpoch));
        Assert.Equal(5, Assert.Single(write.Snapshots).Offset);

        _batch.Clear();
        Add(lease.Partition, 5, count: 5, Warning).LeaderEpoch = 2;
        write = Assert.Single(_planner.Plan(_batch, _leases, Nothing with { IsDue = true }).Writes);
        Assert.Equal(4, Assert.Single(write.Episodes).Occurrences);
        Assert.Equal(5, Assert.Single(write.Latest).Offset);
        Assert.Null(write.Moves[0].LeaderEpoch);

        _batch.Clear();
        Add(lease.Partition, 6, count: 6, Warning).LeaderEpoch = 3;
        Assert.Equal(3, Assert.Single(_planner.Plan(_batch, _leases, Nothing).Writes).Moves[0].LeaderEpoch);
    }

    [Fact]
    public void What_the_database_has_refused_is_replayed_without_its_count()
    {
        var lease = Claim(0, next: 2, refused: 1);
        Add(lease.Partition, 0, count: 0);
        Add(lease.Partition, 1, count: 1);
        Add(lease.Partition, 2, count: 1);

        var write = Assert.Single(Plan().Writes);

        Assert.Equal((1, 0), (write.Moves[0].Stored, write.Moves[0].Duplicated));
    }

    [Fact]
    public void What_the_database_has_refused_of_a_sensor_that_is_not_remembered_is_replayed_without_effect()
    {
        var rules = new DetectionRules(new DetectionOptions { MaxSensorsPerPartition = 1 });
        var claimed = Claimed(0, next: 2);
        claimed.Refused.Add(1);
        var (lease, _) = PartitionLease.Take(Partition(0), Old, claimed, low: 0, rules, TimeSpan.Zero, _time);
        _leases.Add(lease);
        Add(lease.Partition, 0, count: 0, sensor: "a");
        Add(lease.Partition, 1, count: 0, sensor: "b");
        Add(lease.Partition, 2, count: 1, sensor: "b");

        var write = Assert.Single(Plan().Writes);

        Assert.Equal((2L, 3L, 1), (write.Moves[0].Expected, write.Moves[0].Next, write.Moves[0].Stored));
    }

    [Fact]
    public void A_rejected_message_is_accounted_for_and_becomes_a_dead_letter_once()
    {
        var lease = Claim(0, next: 5);
        Reject(lease.Partition, 4);
        Reject(lease.Partition, 5);

        var write = Assert.Single(Plan().Writes);

        Assert.Equal((5L, 6L, 0, 1), (write.Moves[0].Expected, write.Moves[0].Next, write.Moves[0].Stored, write.Moves[0].Rejected));
        Assert.Equal((5L, "malformed_json"), (Assert.Single(write.Rejected).Offset, write.Rejected[0].Reason));
        Assert.Equal(("dead", 5L, false), (Assert.Single(write.DeadLetters).Topic, write.DeadLetters[0].SourceOffset, write.DeadLetters[0].ValueAtSource));
    }

    [Fact]
    public void Redelivered_messages_are_counted_and_move_nothing()
    {
        var lease = Claim(0, next: 5);
        _batch.AddRedelivered(lease.Partition, 5);
        _batch.AddRedelivered(lease.Partition, 5);

        var move = Assert.Single(Assert.Single(Plan().Writes).Moves);

        Assert.Equal((5L, 5L, 0, 2, false), (move.Expected, move.Next, move.Stored, move.Redelivered, move.Recovered));
    }

    [Fact]
    public void Offsets_without_messages_move_the_partition()
    {
        var lease = Claim(0, next: 5);
        _batch.Pass(lease.Partition, 5, 8);

        var move = Assert.Single(Assert.Single(Plan().Writes).Moves);

        Assert.Equal((5L, 8L, 0, 8L), (move.Expected, move.Next, move.Stored, move.MemoryAt));
    }

    [Fact]
    public void Two_logs_in_one_batch_are_two_transactions_each_with_its_own()
    {
        var old = Claim(3, Old);
        var anew = Claim(0, New);
        var also = Claim(1, Old);
        for (var offset = 0; offset < 3; offset++)
        {
            Add(old.Partition, offset, count: offset, Warning, "a");
            Add(anew.Partition, offset, count: offset, Warning, "b");
        }

        Add(also.Partition, 0, count: 0);
        Reject(anew.Partition, 3);

        var writes = Plan().Writes;

        Assert.Equal([Old, New], writes.Select(write => write.Log));
        Assert.Equal([(1, 1L), (3, 3L)], writes[0].Moves.Select(move => (move.Partition, move.Next)));
        Assert.Equal([(0, 4L)], writes[1].Moves.Select(move => (move.Partition, move.Next)));
        Assert.Equal(("a", "b"), (Assert.Single(writes[0].Alerts).SensorId, Assert.Single(writes[1].Alerts).SensorId));
        Assert.NotEqual(writes[0].Alerts[0].AlertId, writes[1].Alerts[0].AlertId);
        Assert.Empty(writes[0].Rejected);
        Assert.Single(writes[1].Rejected);
        Assert.True(Stores(writes[0], ref _batch.Readings[0]));
        Assert.False(Stores(writes[1], ref _batch.Readings[0]));
    }

    [Fact]
    public void Nothing_is_written_of_an_abandoned_partition_and_the_others_are_not_touched()
    {
        var abandoned = Claim(0);
        var other = Claim(1);
        for (var offset = 0; offset < 3; offset++)
        {
            Add(abandoned.Partition, offset, count: offset, Warning);
        }

        Reject(abandoned.Partition, 3);
        Add(other.Partition, 0, count: 0);
        abandoned.Partition.Abandon();
        _leases.DropAbandoned();

        var write = Assert.Single(Plan().Writes);

        Assert.Equal([1], write.Moves.Select(move => move.Partition));
        Assert.Empty(write.Alerts);
        Assert.Empty(write.Rejected);
        Assert.False(Stores(write, ref _batch.Readings[0]));
        Assert.Null(abandoned.Partition.Lease);
        Assert.Equal([1], _status.Owned);
    }

    [Fact]
    public void The_same_offsets_of_an_assignment_that_is_over_and_of_its_follower_are_stored_once()
    {
        var over = Claim(0);
        Add(over.Partition, 0, count: 0);
        over.Partition.Abandon();
        _leases.DropAbandoned();
        var follower = Claim(0);
        Add(follower.Partition, 0, count: 0);

        var write = Assert.Single(Plan().Writes);

        Assert.Equal((1, 0), (Assert.Single(write.Moves).Stored, write.Moves[0].Duplicated));
        Assert.False(Stores(write, ref _batch.Readings[0]));
        Assert.True(Stores(write, ref _batch.Readings[1]));
    }

    [Fact]
    public void Without_a_batch_there_is_something_to_write_once_it_is_due_or_the_log_has_ended()
    {
        var lease = Claim(0, next: 5);
        Assert.Empty(_planner.Plan(null, _leases, Nothing).Writes);

        lease.Partition.IsAtEnd = true;
        var move = Assert.Single(Assert.Single(_planner.Plan(null, _leases, Nothing).Writes).Moves);
        Assert.Equal((5L, 5L, true), (move.Expected, move.Next, move.Recovered));

        lease.IsRecovered = true;
        Assert.Empty(_planner.Plan(null, _leases, Nothing).Writes);
        move = Assert.Single(Assert.Single(_planner.Plan(null, _leases, Nothing with { IsDue = true }).Writes).Moves);
        Assert.Equal((5L, 5L, false), (move.Expected, move.Next, move.Recovered));
    }

    [Fact]
    public void What_time_has_made_due_is_the_newest_values_the_memory_and_the_settlement()
    {
        var lease = Claim(0);
        Add(lease.Partition, 0, count: 1, Normal);
        Add(lease.Partition, 1, count: 2, Normal + 1);

        var write = Assert.Single(_planner.Plan(_batch, _leases, Nothing with { IsDue = true, Announces = true }).Writes);

        Assert.True(write.Announce);
        Assert.Equal(("s", Normal + 1, 1L), (Assert.Single(write.Latest).SensorId, write.Latest[0].Value, write.Latest[0].Offset));
        Assert.Equal((0, 2L, false), (Assert.Single(write.Snapshots).Partition, write.Snapshots[0].Offset, write.Snapshots[0].IsChange));
        var settlement = write.Settle!([new AcknowledgedRange(1, "p", "s", null, 0, 1, 3, 2)]);
        Assert.Equal([(3L, 3L)], settlement.Select(unseen => (unseen.FirstCount, unseen.LastCount)));
        Assert.Null(Assert.Single(_planner.Plan(null, _leases, Nothing with { IsDue = true, IsLast = true }).Writes).Settle);
    }

    [Fact]
    public void A_large_memory_is_not_written_with_readings_but_in_parts_and_one_of_the_lanes_at_a_time()
    {
        var leases = new[] { Claim(0), Claim(1) };
        foreach (var lease in leases)
        {
            for (var offset = 0; offset < 30_000; lease.NextOffset = offset)
            {
                for (var end = offset + 100; offset < end; offset++)
                {
                    // Each count is followed by a gap.
                    Add(lease.Partition, offset, count: offset / 300 * 2, sensor: $"s{offset % 300}");
                }

                Plan();
                _batch.Clear();
            }
        }

        var write = Assert.Single(_planner.Plan(_batch, _leases, Nothing with { IsDue = true }).Writes);

        Assert.Empty(write.Snapshots);
        var parts = leases[0].Snapshots.Parts!;
        Assert.Equal((0, 30_000L, false), (parts.Row.Partition, parts.Row.Offset, parts.Row.IsChange));
        Assert.Null(leases[1].Snapshots.Parts);
        Assert.False(leases[0].Snapshots.IsDue);

        var stored = new List<byte>();
        for (var part = 1; !parts.IsStored; part++)
        {
            var bytes = parts.Next(100_000);
            Assert.Equal(stored.Count + bytes.Length < parts.Row.State.Length, parts.IsContinuedAfter(bytes));
            stored.AddRange(bytes.Span);
            parts.Stored(bytes, part, DatabaseTime.AddSeconds(part));
        }

        Assert.Equal(parts.Row.State, stored);
        Assert.Equal((1, (parts.Row.State.Length / 100_000) + 1, DatabaseTime.AddSeconds(1)), (parts.First, parts.Last, parts.BegunAt));
        leases[0].Snapshots.Confirm();
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(Assert.Single(_planner.Plan(_batch, _leases, Nothing with { IsDue = true }).Writes).Snapshots);
        Assert.NotNull(leases[1].Snapshots.Parts);
    }

    [Fact]
    public void Memory_that_is_lost_is_told_until_the_database_knows_it()
    {
        var (lease, fate) = PartitionLease.Take(
            Partition(0), Old, Claimed(0, next: 9, snapshotOffset: 2), low: 5, _rules, TimeSpan.Zero, _time);
        _leases.Add(lease);

        Assert.Equal(new MemoryFate.OutOfLog(2), fate);
        Assert.Equal(9, lease.MemoryAt);
        Assert.Equal([new MemoryLoss(0, 9)], Assert.Single(_planner.Plan(null, _leases, Nothing with { IsDue = true }).Writes).MemoryLosses);
        Assert.True(lease.HasLostMemory);
    }

    [Fact]
    public void Readings_of_sensors_beyond_the_limit_are_stored_and_counted_as_not_judged()
    {
        var rules = new DetectionRules(new DetectionOptions { MaxSensorsPerPartition = 1 });
        var (lease, _) = PartitionLease.Take(Partition(0), Old, Claimed(0, next: 0), low: 0, rules, TimeSpan.Zero, _time);
        _leases.Add(lease);
        Add(lease.Partition, 0, count: 1, sensor: "a");
        Add(lease.Partition, 1, count: 1, sensor: "b");

        var plan = Plan();

        Assert.Equal((1, 2), (plan.Unjudged, plan.Writes[0].Moves[0].Stored));
    }

    [Fact]
    public void A_message_that_is_put_into_quarantine_leaves_nothing_behind_in_what_the_others_bring_about()
    {
        var lease = Claim(0);
        for (var offset = 0; offset < 4; offset++)
        {
            Add(lease.Partition, offset, count: offset, Warning);
        }

        var write = Assert.Single(Plan().Writes);
        Assert.Equal(2, Assert.Single(write.Alerts).Offset);
        var division = new BatchDivision(_batch, write);

        new Quarantine(new DeadLetters(Identity)).Add(_batch, write, division[2], new PostgresException("no", "ERROR", "ERROR", "22003"));
        division.Reject(2);

        Assert.Empty(write.Alerts);
        Assert.Equal(new RejectedRow(0, 2, "refused_by_database", "22003: no", "s", null, 2), Assert.Single(write.Rejected));
        Assert.Equal((2L, true), (Assert.Single(write.DeadLetters).SourceOffset, write.DeadLetters[0].ValueAtSource));
        Assert.False(Stores(write, ref _batch.Readings[2]));
        var scope = new WriteScope(write);
        Assert.True(scope.Passes(ref _batch.Readings[2]));
        Assert.Equal([(2L, 2L)], lease.Detector.Find("s")!.Sequences.Unseen(null, 0, 3));
        Assert.Equal(
            [(0L, 2L, 2, 0), (2L, 4L, 1, 1)],
            new[] { division.Part(0, 2), division.Part(2, 4) }.Select(part => part.Moves[0]).Select(move => (move.Expected, move.Next, move.Stored, move.Rejected)));
    }

    [Fact]
    public void The_readings_of_a_message_are_counted_as_readings_and_it_as_one_message_whose_alerts_are_told_apart()
    {
        var lease = Claim(0);
        Add(lease.Partition, 0, count: 0);
        AddSeveral(lease.Partition, 1, ("a", 41), ("b", 42), ("b", null), ("a", 43));
        Add(lease.Partition, 2, count: 1);

        var write = Assert.Single(Plan().Writes);

        Assert.Equal((3L, 6, 3, 1), (write.Moves[0].Next, write.Moves[0].Stored, write.Moves[0].Messages, write.Moves[0].Uncounted));
        Assert.Equal((6, 3), (_batch.Count, _batch.Messages));
        Assert.Equal(["a", "b"], write.Alerts.Where(alert => alert.AnomalyType == AnomalyTypes.CriticalThreshold).Select(alert => alert.SensorId));
        Assert.All(write.Alerts, alert => Assert.Equal(1, alert.Offset));
        Assert.Equal(write.Alerts.Count, write.Alerts.DistinctBy(alert => alert.AlertId).Count());
        // The first alert of a message has the same id as an alert of a message with one reading.
        Assert.Equal(PartitionDetector.AlertIdOf(Old.LogId, 0, 1, Rule.CriticalThreshold), write.Alerts[0].AlertId);
    }

    [Fact]
    public void A_message_of_several_readings_is_never_divided_and_put_into_quarantine_as_a_whole()
    {
        var lease = Claim(0);
        Add(lease.Partition, 0, count: 0);
        AddSeveral(lease.Partition, 1, ("a", 41), ("b", null), ("a", 43));
        Add(lease.Partition, 2, count: 1);
        var write = Assert.Single(Plan().Writes);
        var division = new BatchDivision(_batch, write);

        Assert.Equal([new BatchMessage(0, 0, 1, 0, false), new BatchMessage(0, 1, 3, 1, false), new BatchMessage(0, 2, 1, 0, false)], Enumerable.Range(0, division.Count).Select(i => division[i]));
        var part = division.Part(1, 2).Moves[0];
        Assert.Equal((1L, 2L, 3, 1, 1, 0), (part.Expected, part.Next, part.Stored, part.Messages, part.Uncounted, part.Rejected));

        new Quarantine(new DeadLetters(Identity)).Add(_batch, write, division[1], new PostgresException("no", "ERROR", "ERROR", "22003"));
        division.Reject(1);

        Assert.Empty(write.Alerts);
        Assert.Equal(new RejectedRow(0, 1, "refused_by_database", "22003: no (one of the message's 3 readings)", "a", null, 41), Assert.Single(write.Rejected));
        Assert.Equal([true, false, false, false, true], _batch.Readings.ToArray().Select(reading => new WriteScope(write).Stores(ref reading)));
        Assert.Equal([(41L, 41L), (43L, 43L)], lease.Detector.Find("a")!.Sequences.Unseen(null, 41, 43).Where(range => range.First != 42));
        part = division.Part(0, 3).Moves[0];
        Assert.Equal((0L, 3L, 2, 2, 0, 1), (part.Expected, part.Next, part.Stored, part.Messages, part.Uncounted, part.Rejected));
    }

    [Fact]
    public void A_batch_takes_a_message_for_which_it_has_too_little_room_and_is_full_then()
    {
        var lease = Claim(0);
        var batch = new ReadingBatch(3, _time);
        var readings = Several(lease.Partition, 0, ("a", 1), ("b", 1));
        batch.Add(lease.Partition, readings);
        Assert.False(batch.IsFull);

        readings = Several(lease.Partition, 1, ("a", 2), ("b", 2), ("c", 2), ("d", 2));
        Assert.Equal((0L, 2L), (batch.Add(lease.Partition, readings).First, batch.Slices[0].End));

        Assert.True(batch.IsFull);
        Assert.Equal((6, 2), (batch.Count, batch.Messages));
        Assert.Equal(["a", "b", "a", "b", "c", "d"], batch.Readings.ToArray().Select(reading => reading.Sensor.Identity.Name));
        batch.Clear();
        Assert.Equal((0, 0, false), (batch.Count, batch.Messages, batch.IsFull));
    }

    [Fact]
    public void A_reading_of_a_sensor_that_is_known_costs_no_memory()
    {
        var lease = Claim(0);
        long offset = 0;
        long Allocated(int readings)
        {
            _batch.Clear();
            for (var i = 0; i < readings; i++)
            {
                Add(lease.Partition, offset, count: offset++);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            var write = Assert.Single(Plan().Writes);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(readings, write.Moves[0].Stored);
            lease.NextOffset = offset;
            return allocated;
        }

        Allocated(100);
        Assert.Equal(Allocated(1), Allocated(100));
    }

    private WritePlan Plan() => _planner.Plan(_batch, _leases, Nothing);

    private OwnedPartition Partition(int number) => new(number, _lane, joined: false);

    private PartitionLease Claim(int partition, LogTopic? log = null, long next = 0, long? refused = null)
    {
        var claimed = Claimed(partition, next);
        if (refused is { } offset)
        {
            claimed.Refused.Add(offset);
        }

        var (lease, fate) = PartitionLease.Take(Partition(partition), log ?? Old, claimed, low: 0, _rules, TimeSpan.Zero, _time);
        Assert.Equal(new MemoryFate.Kept(IsStored: false), fate);
        _leases.Add(lease);
        return lease;
    }

    private static ClaimedPartition Claimed(int partition, long next, long? snapshotOffset = null) =>
        new(partition, Epoch: 5, next, FirstOffset: 0, EventId: 44, null, null, false, 0, 0, snapshotOffset, null, null);

    private BatchSlice Add(OwnedPartition partition, long offset, long? count, double value = Normal, string sensor = "s")
    {
        var metadata = count is { } number ? string.Create(CultureInfo.InvariantCulture, $",\"metadata\":{{\"reading_count\":{number}}}") : "";
        var rejection = Parse(string.Create(CultureInfo.InvariantCulture,
            $"{{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"{sensor}\",\"sensor_type\":\"temperature\",\"value\":{value},\"unit\":\"°C\"{metadata}}}"));
        Assert.Equal(Rejection.None, rejection);
        ref var reading = ref _parser.Reading;
        (reading.Partition, reading.Offset) = (partition, offset);
        return _batch.Add(partition, ref reading);
    }

    private void AddSeveral(OwnedPartition partition, long offset, params (string Sensor, long? Count)[] readings) =>
        _batch.Add(partition, Several(partition, offset, readings));

    /// <summary>Returns readings with values above the critical threshold.</summary>
    private Span<Reading> Several(OwnedPartition partition, long offset, params (string Sensor, long? Count)[] readings)
    {
        var elements = readings.Select(one => string.Create(CultureInfo.InvariantCulture,
            $"{{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"{one.Sensor}\",\"sensor_type\":\"temperature\",\"value\":41,\"metadata\":{{\"reading_count\":{one.Count?.ToString(CultureInfo.InvariantCulture) ?? "null"}}}}}"));
        Assert.Equal(Rejection.None, Parse($"[{string.Join(',', elements)}]"));
        foreach (ref var reading in _parser.Several)
        {
            (reading.Partition, reading.Offset) = (partition, offset);
        }

        return _parser.Several;
    }

    private static bool Stores(IngestWrite write, ref Reading reading) => new WriteScope(write).Stores(ref reading);

    private void Reject(OwnedPartition partition, long offset) =>
        _batch.Add(new RejectedMessage(partition, offset, Parse("{"), _parser.Detail, null, null, null, [1], _parser.Rejected));

    private Rejection Parse(string message) => _parser.Deserialize(Encoding.UTF8.GetBytes(message), false, SerializationContext.Empty);
}
