using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Status;
using static FactoryMonitoring.Tests.Unit.Monitoring.MonitoringScene;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

public sealed class RecoveryTests
{
    private readonly MonitoringScene _scene = new();

    private DateTimeOffset Killed => _scene.DatabaseNow - TimeSpan.FromSeconds(20);

    [Fact]
    public void Nobody_died() => Assert.Null(Recovery.Newest(_scene.Rows(), Nobody, []));

    [Fact]
    public void Before_anyone_takes_over_only_the_death_is_known()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-2", Killed)) with { Partitions = [Owned(1, "sensor-consumer-2", Killed.AddMilliseconds(300))] };

        Assert.Equal(
            """{"component_id":"sensor-consumer-2","killed_at":"2026-01-02T04:03:45.3Z","killed_at_source":"commit","noticed_ms":null,"reassigned_ms":null,"first_record_ms":null,"caught_up_ms":null,"partitions":[1]}""",
            Json(rows));
    }

    [Fact]
    public void Half_taken_over_is_not_reassigned()
    {
        var rows = _scene.Rows(Consumer("sensor-consumer-2", Killed.AddMilliseconds(400))) with
        {
            Partitions = [Owned(1, "sensor-consumer-1", Killed), Owned(4, "sensor-consumer-2", Killed)],
            Successions = [new(1, 2, "sensor-consumer-2", Killed, "sensor-consumer-1", Killed.AddSeconds(6), Killed.AddSeconds(7))],
        };

        Assert.Equal(
            """{"component_id":"sensor-consumer-2","killed_at":"2026-01-02T04:03:45.4Z","killed_at_source":"heartbeat","noticed_ms":5600,"reassigned_ms":null,"first_record_ms":null,"caught_up_ms":null,"partitions":[1,4]}""",
            Json(rows));
    }

    [Fact]
    public void Only_the_newest_death_counts_and_an_exit_that_was_no_kill_does_not()
    {
        var rows = _scene.Rows() with
        {
            Successions =
            [
                new(1, 5, "sensor-consumer-3", Killed, "sensor-consumer-1", Killed.AddSeconds(6), null),
                new(1, 4, "sensor-consumer-2", Killed.AddMinutes(-10), "sensor-consumer-3", Killed.AddMinutes(-9), Killed.AddMinutes(-9)),
            ],
            Exits = [new("sensor-consumer-3", Killed, 0, ExitCause.Stopped, "make")],
        };

        Assert.Equal(
            """{"component_id":"sensor-consumer-3","killed_at":"2026-01-02T04:03:45Z","killed_at_source":"commit","noticed_ms":6000,"reassigned_ms":6000,"first_record_ms":null,"caught_up_ms":null,"partitions":[1]}""",
            Json(rows));
    }

    private static Judgement Nobody => new(new HashSet<string>(), new HashSet<string>(), null, false);

    private static string Json(MonitoringRows rows) =>
        System.Text.Json.JsonSerializer.Serialize(Recovery.Newest(rows, Nobody, [])!, Contracts.Api.ApiJson.Context.RecoveryStopwatch);

    private static PartitionRow Owned(int partition, string owner, DateTimeOffset commit) => new(partition, "log-a", owner, 1, 0, commit, null, commit, commit);
}
