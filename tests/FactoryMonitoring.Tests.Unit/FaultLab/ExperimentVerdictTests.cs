using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.FaultLab.Experiments;
using static FactoryMonitoring.Tests.Unit.FaultLab.ExperimentScene;

namespace FactoryMonitoring.Tests.Unit.FaultLab;

public sealed class ExperimentVerdictTests
{
    [Fact]
    public void What_held_passes_with_each_time_as_it_was_measured()
    {
        var run = Verdict(Well());

        Assert.Equal(Verdicts.Pass, run.Verdict);
        Assert.Equal(
            (Killed, "exit", 6000, 5500, 6100, 6400, 8000, 12),
            (run.KilledAt, run.KilledAtSource, run.NoticedByGroupMs, run.NoticedByUsMs, run.ReassignedMs, run.FirstRecordMs, run.CaughtUpMs, run.AcknowledgementWaitMs));
        Assert.Equal(
            [
                new(1, Victim, "sensor-consumer-1", 6000, 6200, 8000, 6400),
                new ExperimentPartition(4, Victim, "sensor-consumer-3", 6100, 6400, 8000, 6600),
            ],
            run.Partitions);
        Assert.Equal(new ExperimentReadings(2000, 40, 6200, 500, 0, 0, 0), run.Readings);
        Assert.Equal((6400, 0), (run.RecoveryMs, run.UnexpectedRebalances));
        Assert.All(run.Checks, check => Assert.True(check.Passed, check.Reason));
        Assert.Equal("6.4 s, within the 7.0 s that is allowed.", run.Checks.Single(check => check.Name == "flowing").Reason);
    }

    [Fact]
    public void Partitions_that_flow_too_late_fail() => Fails(
        "flowing", 7100, Well() with { Rows = Rows() with { Claims = [.. Rows().Claims.Where(claim => claim is not { Partition: 4, Epoch: 2 }), Claim(4, 2, 7, 7.1, by: "sensor-consumer-3")] } });

    [Fact]
    public void A_partition_that_nobody_takes_fails_as_not_measured() => Fails(
        "flowing", null, Well() with { Rows = Rows() with { Claims = [.. Rows().Claims.Where(claim => claim is not { Partition: 4, Epoch: 2 })] } });

    [Fact]
    public void A_partition_that_is_taken_and_does_not_flow_fails_as_not_measured() => Fails(
        "flowing", null, Well() with { Rows = Rows() with { Claims = [.. Rows().Claims.Where(claim => claim is not { Partition: 4, Epoch: 2 }), Claim(4, 2, 6, null, by: "sensor-consumer-3")] } });

    [Fact]
    public void A_dashboard_that_says_nothing_fails() => Fails("noticed", null, Well() with { Rows = Rows() with { Alerts = [], StatusChanges = [] } });

    [Fact]
    public void A_dashboard_that_says_it_late_fails() => Fails(
        "noticed", 7500, Well() with { Rows = Rows() with { Alerts = [new(Victim, "consumer_down", At(7.5))], StatusChanges = [] } });

    [Fact]
    public void A_lost_reading_fails() => Fails("lost", 1, Well() with { Rows = Rows() with { Totals = new(1500, 5, 1, 0) } });

    [Fact]
    public void A_doubled_reading_fails() => Fails("doubled", 1, Well() with { Rows = Rows() with { Totals = new(1500, 5, 0, 1) } });

    [Fact]
    public void Partitions_that_move_from_one_survivor_to_another_fail() => Fails(
        "unexpected_rebalances", 1, Well() with { Rows = Rows() with { Claims = [.. Rows().Claims, Claim(0, 2, 6.5, 6.6, by: "sensor-consumer-3")] } });

    [Fact]
    public void An_account_that_is_not_settled_fails_and_tells_no_numbers()
    {
        var run = Verdict(Well() with { SettledAt = null });

        Assert.Equal(Verdicts.Fail, run.Verdict);
        Assert.Equal((null, null), (run.Lost, run.Doubled));
        Assert.Equal(["lost", "doubled", "whole_again"], run.Checks.Where(check => check.Passed != true).Select(check => check.Name));
    }

    [Fact]
    public void Losses_of_before_are_not_of_this_run() =>
        Assert.Equal(Verdicts.Pass, Verdict(Well() with { Before = new(1000, 5, 3, 2), Rows = Rows() with { Totals = new(1500, 5, 3, 2) } }).Verdict);

    [Fact]
    public void Who_comes_back_may_take_partitions_again() => Assert.Equal(
        0, Verdict(Well() with { Rows = Rows() with { Claims = [.. Rows().Claims, Claim(0, 2, 10, 10.1, by: Victim)] } }).UnexpectedRebalances);

    [Fact]
    public void An_eager_group_may_hand_out_everything_anew()
    {
        var run = Verdict(
            Well() with { Rows = Rows() with { Claims = [.. Rows().Claims, Claim(0, 2, 6.5, 6.6, by: "sensor-consumer-3")] } },
            site: Kafka with { GroupProtocol = "classic-range" });

        Assert.Equal(Verdicts.Pass, run.Verdict);
        Assert.DoesNotContain("unexpected_rebalances", run.Checks.Select(check => check.Name));
    }

    [Fact]
    public void The_embedded_broker_may_take_2_s_longer_and_the_report_says_so()
    {
        var late = Well() with { Rows = Rows() with { Claims = [.. Rows().Claims.Where(claim => claim is not { Partition: 4, Epoch: 2 }), Claim(4, 2, 8.8, 8.9, by: "sensor-consumer-3")] } };

        var run = Verdict(late, site: Kafka with { KafkaBacking = "embedded" });

        Assert.Equal(Verdicts.Pass, run.Verdict);
        Assert.Equal(
            "8.9 s, within the 9.0 s that is allowed (2.0 s more than on Kafka: the brokers are embedded).",
            run.Checks.Single(check => check.Name == "flowing").Reason);
        Assert.Equal(Verdicts.Fail, Verdict(late).Verdict);
    }

    [Fact]
    public void While_it_runs_what_is_past_has_passed_and_what_can_still_grow_is_open()
    {
        var run = Verdict(Well() with { UndoneAt = null, WholeAt = null, SettledAt = null, Stored = null }, phase: ExperimentPhases.Observation);

        Assert.Equal(Verdicts.Running, run.Verdict);
        Assert.Equal(
            [("flowing", true), ("noticed", true), ("unexpected_rebalances", null), ("lost", null), ("doubled", null), ("whole_again", (bool?)null)],
            run.Checks.Select(check => (check.Name, check.Passed)));
    }

    [Fact]
    public void A_limit_that_is_broken_while_it_runs_is_broken() => Assert.False(
        Verdict(
            Well() with { SettledAt = null, Rows = Rows() with { Claims = [.. Rows().Claims, Claim(0, 2, 6.5, 6.6, by: "sensor-consumer-3")] } },
            phase: ExperimentPhases.Observation).Checks.Single(check => check.Name == "unexpected_rebalances").Passed);

    [Fact]
    public void Until_the_exit_is_known_the_time_of_the_request_stands()
    {
        var run = Verdict(Well() with { Rows = Rows() with { Exits = [] } });

        Assert.Equal((At(-0.1), "request"), (run.KilledAt, run.KilledAtSource));
    }

    [Fact]
    public void Readings_that_wait_too_long_for_a_dead_broker_fail()
    {
        var experiment = ExperimentCatalog.Find("broker-killed")!;
        var seen = Broker(1400);
        Assert.Equal((Verdicts.Pass, 1400), (Verdict(seen, experiment).Verdict, Verdict(seen, experiment).RecoveryMs));

        Fails("acknowledgement_wait", 1600, Broker(1600), experiment);
        Fails("acknowledgement_wait", null, Broker(null), experiment);
        Fails("unexpected_rebalances", 1, seen with { Rows = seen.Rows! with { Claims = [.. seen.Rows.Claims, Claim(0, 2, 3, 3.1)] } }, experiment);

        static Observations Broker(int? wait) => Well() with
        {
            Victims = ["kafka2"],
            Rows = Rows() with
            {
                Exits = [new("kafka2", Killed, 137, ExitCause.Killed, "experiment")],
                StatusChanges = [new("broker", "kafka2", "down", null, At(1.2))],
                Alerts = [],
                Rebalances = [],
                Claims = [.. Rows().Claims.Where(claim => claim.Epoch == 1).Select(claim => claim with { EndedAt = null, EndedBy = null })],
                AcknowledgementWaitMs = wait,
            },
        };
    }

    [Fact]
    public void Partitions_that_stand_still_too_long_when_they_are_handed_over_fail()
    {
        var experiment = ExperimentCatalog.Find("scale")!;
        Assert.Equal((Verdicts.Pass, 900), (Verdict(Scaled(0.9), experiment).Verdict, Verdict(Scaled(0.9), experiment).RecoveryMs));

        Fails("hand_over", 1100, Scaled(1.1), experiment);
        Fails("hand_over", null, Scaled(null), experiment);

        static Observations Scaled(double? stall) => Well() with
        {
            Victims = [],
            Rows = Rows() with { Exits = [], Claims = [Claim(0, 1, -100, -99, 5), Claim(0, 2, 5.1, 5 + stall, by: "sensor-consumer-4"), Claim(1, 1, -100, -99)] },
        };
    }

    [Fact]
    public void A_database_that_is_back_and_readings_that_are_not_fail()
    {
        var experiment = ExperimentCatalog.Find("database-restarted")!;
        Assert.Equal((Verdicts.Pass, 3000), (Verdict(Restarted(5), experiment).Verdict, Verdict(Restarted(5), experiment).RecoveryMs));

        Fails("return", 5500, Restarted(7.5), experiment);
        Fails("return", null, Restarted(5) with { Stored = null }, experiment);
        Fails("return", null, Restarted(5) with { Rows = Restarted(5).Rows! with { DatabaseStartedAt = At(-1000) } }, experiment);

        static Observations Restarted(double flowing) => Well() with
        {
            Victims = ["postgres"],
            AwaySeenAt = At(0.5),
            Rows = Rows() with
            {
                Exits = [new("postgres", Killed, 0, ExitCause.Stopped, "experiment")],
                Claims = [.. Rows().Claims.Where(claim => claim.Epoch == 1)],
                DatabaseStartedAt = At(2),
            },
            Stored = new(500, 40, 6200, 0, [.. Enumerable.Range(0, 6).Select(partition => new CommitGap(partition, At(-0.1), At(flowing)))]),
        };
    }

    [Fact]
    public void A_sensor_that_is_not_active_again_fails()
    {
        var experiment = ExperimentCatalog.Find("sensor-killed")!;
        Assert.Equal((Verdicts.Pass, 4000), (Verdict(Sensor(12), experiment).Verdict, Verdict(Sensor(12), experiment).RecoveryMs));

        Fails("active_again", 16000, Sensor(24), experiment);
        Fails("active_again", null, Sensor(null), experiment);

        static Observations Sensor(double? active) => Well() with
        {
            Victims = ["temperature-sensor"],
            Rows = Rows() with
            {
                Exits = [new("temperature-sensor", Killed, 137, ExitCause.Killed, "experiment")],
                StatusChanges =
                [
                    new("producer", "temperature-sensor", "inactive", null, At(5.5)),
                    .. active is { } at ? [new FactoryMonitoring.Data.Monitoring.StatusChangeRow("producer", "temperature-sensor", "active", null, At(at))] : Array.Empty<FactoryMonitoring.Data.Monitoring.StatusChangeRow>(),
                ],
                Alerts = [],
                Claims = [.. Rows().Claims.Where(claim => claim.Epoch == 1)],
            },
        };
    }

    [Fact]
    public void Poison_that_is_not_set_aside_or_holds_up_a_partition_fails()
    {
        var experiment = ExperimentCatalog.Find("poison-burst")!;
        Assert.Equal((Verdicts.Pass, 500), (Verdict(Poisoned(100), experiment).Verdict, Verdict(Poisoned(100), experiment).RecoveryMs));

        Fails("not_rejected", 1, Poisoned(99), experiment);
        Fails("not_rejected", null, Poisoned(100) with { PoisonSent = null }, experiment);
        Fails("stall", 2500, Poisoned(100) with { Stored = new(500, 0, 100, 0, [new(0, At(1), At(3.5))]) }, experiment);

        static Observations Poisoned(long rejected) => Well() with
        {
            Victims = [],
            PoisonSent = 100,
            Rows = Rows() with { Exits = [], Claims = [.. Rows().Claims.Where(claim => claim.Epoch == 1)], Totals = new(1500, 5 + rejected, 0, 0) },
        };
    }

    [Fact]
    public void Load_that_is_lost_or_leaves_a_lag_behind_fails()
    {
        var experiment = ExperimentCatalog.Find("load-step")!;
        Assert.Equal((Verdicts.Pass, 1000), (Verdict(Loaded(7), experiment).Verdict, Verdict(Loaded(7), experiment).RecoveryMs));

        Fails("load_lost", 1, Loaded(7) with { LoadAcknowledged = 301 }, experiment);
        Fails("load_lost", null, Loaded(7) with { LoadAcknowledged = null }, experiment);
        Fails("caught_up", 6000, Loaded(3), experiment);
        Fails("caught_up", null, Loaded(10), experiment);

        static Observations Loaded(double ended) => Well() with
        {
            Victims = [],
            BurstEndedAt = At(ended),
            LoadAcknowledged = 300,
            Rows = Rows() with { Exits = [], Claims = [.. Rows().Claims.Where(claim => claim.Epoch == 1)] },
            Stored = new(800, 0, 100, 300, []),
            Lags = [Lag(-1, 1), Lag(6, 20), Lag(8, 3), Lag(ended == 7 ? 8.000 : 9, 2)],
        };
    }

    [Fact]
    public void A_run_that_was_aborted_has_neither_passed_nor_failed()
    {
        var run = RunReport.Body(
            new(7, ConsumerKilled, Kafka, ExperimentPhases.Verdict, Aborted: "There was no steady state.", EndedAt: At(60)), new Observations(At(0)));

        Assert.Equal((Verdicts.Aborted, "There was no steady state.", null, null), (run.Verdict, run.Reason, run.RecoveryMs, run.Lost));
    }

    [Fact]
    public void The_page_tells_the_verdict_the_limits_and_what_happened()
    {
        var page = RunReport.Markdown(Verdict(Well()));

        Assert.StartsWith("# A consumer is killed: PASS\n", page, StringComparison.Ordinal);
        Assert.Contains("| From the fault until every partition of the victim flows again | 7.000 s | 6.400 s | PASS |\n", page, StringComparison.Ordinal);
        Assert.Contains("| 4 | sensor-consumer-2 | sensor-consumer-3 | 6.100 s | 6.400 s | 8.000 s | 6.600 s |\n", page, StringComparison.Ordinal);
        Assert.Contains("| 0.000 s | sensor-consumer-2 is killed, exit code 137 |\n", page, StringComparison.Ordinal);
        Assert.Contains("| +6.100 s | sensor-consumer-3 takes partition 4 |\n", page, StringComparison.Ordinal);
        Assert.Contains("| not measured | FAIL |", RunReport.Markdown(Verdict(Well() with { SettledAt = null })), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_experiment_says_what_its_recovery_is_and_holds_the_account_exact()
    {
        Assert.Equal(
            [
                "consumer-killed", "consumer-paused", "broker-killed", "controller-killed", "database-restarted", "scale", "two-consumers-killed", "sensor-killed",
                "rolling-restart", "database-away", "network-cut", "poison-burst", "load-step",
            ],
            ExperimentCatalog.All.Select(experiment => experiment.Name));
        Assert.All(ExperimentCatalog.All, experiment =>
        {
            Assert.Contains(experiment.Recovery, experiment.Limits.Select(limit => limit.Measure));
            Assert.Contains(Measure.Lost, experiment.Limits.Select(limit => limit.Measure));
            Assert.Contains(Measure.Doubled, experiment.Limits.Select(limit => limit.Measure));
        });
    }

    [Theory]
    [InlineData(KafkaBackings.External, false, "broker-killed controller-killed rolling-restart network-cut")]
    [InlineData(KafkaBackings.Processes, true, "database-restarted database-away")]
    [InlineData(KafkaBackings.Embedded, true, "controller-killed database-restarted database-away network-cut")]
    public void What_breaks_brokers_or_a_database_that_are_not_the_apphosts_own_is_not_to_be_had(string backing, bool externalDatabase, string off)
    {
        var site = new ExperimentSite(null, backing, "consumer", externalDatabase);

        Assert.Equal(off.Split(' '), ExperimentCatalog.All.Where(experiment => site.ObstacleTo(experiment) is not null).Select(experiment => experiment.Name));
    }

    private static void Fails(string limit, double? measured, Observations seen, Experiment? experiment = null)
    {
        var run = Verdict(seen, experiment);
        Assert.Equal(Verdicts.Fail, run.Verdict);
        var failed = Assert.Single(run.Checks, check => check.Passed != true);
        Assert.Equal((limit, measured, false), (failed.Name, failed.Measured, failed.Passed));
    }
}
