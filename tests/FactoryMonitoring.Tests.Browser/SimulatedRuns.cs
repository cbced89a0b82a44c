using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>Runs as the monitoring API would report them; every number is invented.</summary>
internal static class SimulatedRuns
{
    private const int DelayedAfterMs = 1_000;
    private const string Victim = "sensor-consumer-2";

    /// <summary>Returns finished runs, newest first.</summary>
    public static IReadOnlyList<ExperimentRunBody> Past(IReadOnlyList<ExperimentBody> experiments, DateTimeOffset now) =>
    [
        .. new (string Name, string Protocol, int Recovery, string Verdict)[]
        {
            ("consumer-killed", "consumer", 6_412, Verdicts.Pass), ("consumer-killed", "consumer", 6_804, Verdicts.Pass), ("broker-killed", "consumer", 1_120, Verdicts.Pass),
            ("controller-killed", "consumer", 3_310, Verdicts.Fail), ("consumer-killed", "classic", 6_930, Verdicts.Pass), ("consumer-killed", "classic", 7_420, Verdicts.Fail),
            ("consumer-killed", "consumer", 6_120, Verdicts.Pass), ("consumer-killed", "classic-range", 9_240, Verdicts.Fail), ("consumer-killed", "classic-range", 8_815, Verdicts.Fail),
            ("database-restarted", "consumer", 3_904, Verdicts.Pass), ("scale", "consumer", 640, Verdicts.Pass), ("sensor-killed", "consumer", 5_200, Verdicts.Aborted),
            ("consumer-killed", "consumer", 6_300, Verdicts.Pass), ("consumer-killed", "consumer", 6_500, Verdicts.Pass),
        }.Select((run, index) =>
        {
            var experiment = experiments.Single(each => each.Name == run.Name);
            var at = now.AddMinutes(-4 - (7 * index));
            return End(experiment, Begin(experiment, 100 - index, at) with { GroupProtocol = run.Protocol }, at.AddSeconds(8), run.Recovery, run.Verdict);
        }),
    ];

    /// <summary>Returns a run that has just begun.</summary>
    public static ExperimentRunBody Begin(ExperimentBody experiment, long id, DateTimeOffset at) => new(
        id, experiment.Name, experiment.Title, at, null, Verdicts.Running, "consumer", "processes", null, null, null, null, null, ExperimentPhases.Steady,
        "waits until every partition flows and the lag stands", null, null, null, null, null, null, null, null, null, [], new(DelayedAfterMs, null, null, null, null, null, null), null, [],
        [new(0, "waits for the steady state")]);

    /// <summary>Returns the run after the fault has struck.</summary>
    public static ExperimentRunBody Strike(ExperimentRunBody run, DateTimeOffset at) => run with
    {
        Phase = ExperimentPhases.Observation,
        Step = "waits until P1 and P4 flow again",
        Victim = Victim,
        KilledAt = at,
        KilledAtSource = "exit",
        Partitions = [new(1, Victim, null, null, null, null, null), new(4, Victim, null, null, null, null, null)],
        Events = [new(-4_100, "steady: 130.2 readings/s, lag 3"), new(0, $"{Victim} is killed")],
    };

    /// <summary>Returns the run after the group has noticed the fault and the partitions have new owners.</summary>
    public static ExperimentRunBody Reassign(ExperimentRunBody run) => run with
    {
        NoticedByGroupMs = 6_010,
        NoticedByUsMs = 5_240,
        ReassignedMs = 6_122,
        Partitions = [new(1, Victim, "sensor-consumer-3", 6_101, null, null, null), new(4, Victim, "sensor-consumer-1", 6_122, null, null, null)],
        Checks = [new("noticed", "From the fault until the dashboard says so", 7_000, 5_240, "ms", true, "The status said so.")],
        Events = [.. run.Events, new(5_240, $"{Victim} is silent: noticed by the monitoring"), new(6_010, "the group gives P1 and P4 to others")],
    };

    /// <summary>Returns the finished run.</summary>
    public static ExperimentRunBody End(ExperimentBody experiment, ExperimentRunBody run, DateTimeOffset killedAt, int recovery, string verdict)
    {
        var struck = Reassign(Strike(run, killedAt));
        return struck with
        {
            EndedAt = killedAt.AddMilliseconds(recovery + 2_000),
            Verdict = verdict,
            Reason = verdict == Verdicts.Aborted ? "No steady state within 60 s: P3 did not flow." : null,
            RecoveryMs = recovery,
            Delayed = 143,
            Lost = 0,
            Doubled = 0,
            Phase = ExperimentPhases.Verdict,
            Step = null,
            NoticedByUsMs = recovery * 8 / 10,
            NoticedByGroupMs = recovery * 9 / 10,
            ReassignedMs = recovery * 95 / 100,
            FirstRecordMs = recovery,
            CaughtUpMs = recovery + 700,
            AcknowledgementWaitMs = 24,
            Partitions =
            [
                new(1, Victim, "sensor-consumer-3", recovery * 94 / 100, recovery - 90, recovery + 300, recovery + 20),
                new(4, Victim, "sensor-consumer-1", recovery * 95 / 100, recovery, recovery + 700, recovery + 110),
            ],
            Readings = new(DelayedAfterMs, 143, recovery + 240, 1_284, 0, 0, 0),
            UnexpectedRebalances = 0,
            Checks = [.. experiment.Limits.Select(limit => Check(limit, limit.What == experiment.Recovery ? recovery : limit.LimitMs / 3 ?? 0))],
            Events = [.. struck.Events, new(recovery, "P4 flows, the last one"), new(recovery + 700, "the lag is back under its level before")],
        };
    }

    private static ExperimentCheck Check(ExperimentLimit limit, double measured) =>
        new(limit.Name, limit.What, limit.Limit, measured, limit.Unit, measured <= limit.Limit, measured <= limit.Limit ? "It held." : "It took longer than it may.");
}
