using System.Collections.Frozen;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>The built-in experiments, in the order in which they are shown and run.</summary>
internal static class ExperimentCatalog
{
    // The embedded broker checks its groups less often than Kafka does.
    private const double EmbeddedSlack = 2_000;

    // The embedded broker assigns partitions in ranges of their numbers: when a member leaves, partitions next to its range move, too.
    private const double EmbeddedShuffle = 2;

    private static readonly Limit NothingLost = new(Measure.Lost, "Acknowledged readings that are not stored, once the account is settled", 0, "readings");
    private static readonly Limit NothingDoubled = new(Measure.Doubled, "Readings stored twice", 0, "readings");
    private static readonly Limit WholeAgain =
        new(Measure.WholeAgain, "From the end of the fault until every part is well and the account is settled", 120_000, "ms");

    private static readonly Limit NoRebalance =
        new(Measure.UnexpectedRebalances, "Partitions that changed hands though nothing was done to who owned them", 0, "rebalances");

    private static readonly Limit NoOtherRebalance = NoRebalance with { OnEmbedded = EmbeddedShuffle };

    private static readonly Limit FlowingAfterSession =
        new(Measure.Flowing, "From the fault until every partition of the victim flows again", Liveness.SessionTimeoutMs + 1_000, "ms", EmbeddedSlack);

    // Heartbeats are checked once a second.
    private static readonly Limit NoticedBySilence =
        new(Measure.Noticed, "From the fault until the dashboard says so", (Liveness.HeartbeatLimitSeconds + 2) * 1_000, "ms");

    public static readonly IReadOnlyList<Experiment> All =
    [
        new(
            "consumer-killed",
            "A consumer is killed",
            "When a consumer dies, the group gives its partitions to the others within session + 1 s, and no reading is lost or stored twice.",
            VictimKind.Consumer,
            "SIGKILL to the consumer with the most partitions; it is started again when its partitions flow.",
            [Step.Victims(ResourceAction.Kill, Until.Flowing)],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.Flowing,
            [FlowingAfterSession, NoticedBySilence, NoOtherRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "consumer-paused",
            "A consumer freezes beyond its session",
            "A consumer that freezes is replaced like a dead one, holds up nobody with what it has locked, and when it wakes up it can store nothing twice.",
            VictimKind.Consumer,
            "SIGSTOP to the consumer with the most partitions; SIGCONT when its partitions flow elsewhere.",
            [Step.Victims(ResourceAction.Pause, Until.Flowing)],
            [Step.Victims(ResourceAction.Resume, Until.Answered)],
            Measure.Flowing,
            [FlowingAfterSession, NoticedBySilence, NoOtherRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "broker-killed",
            "A broker is killed",
            "When a broker dies that is not the active controller, no reading waits longer than 1.5 s for its acknowledgement, and the consumers keep their partitions.",
            VictimKind.Broker,
            "SIGKILL to a broker that leads partitions and is not the active controller; it is started again when all flows.",
            [Step.Victims(ResourceAction.Kill, new(Condition.Flowing, TimeSpan.FromSeconds(5)))],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.AcknowledgementWait,
            [Acknowledged(1_500), NoticedBySilence, NoRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "controller-killed",
            "The active controller is killed",
            "When the broker dies that is the active controller, another takes over and no reading waits longer than 3 s for its acknowledgement.",
            VictimKind.Controller,
            "SIGKILL to the broker that is the active controller, and leads partitions too; it is started again when all flows.",
            [Step.Victims(ResourceAction.Kill, new(Condition.Flowing, TimeSpan.FromSeconds(5)))],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.AcknowledgementWait,
            [Acknowledged(3_000), NoticedBySilence, NoRebalance, NothingLost, NothingDoubled, WholeAgain])
        {
            NotOnEmbedded = "the embedded broker has no quorum of controllers",
        },
        new(
            "database-restarted",
            "PostgreSQL is restarted",
            "Consumers wait for the database and keep their partitions; when it is back they go on where they were, within 5 s.",
            VictimKind.Database,
            "PostgreSQL is stopped and started again.",
            [Step.Victims(ResourceAction.Restart, Until.Flowing)],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.Return,
            [Returned, NoRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "scale",
            "Three consumers become five, then two, then three",
            "Consumers that come and go politely hand their partitions over within 1 s.",
            VictimKind.Scaled,
            "Two consumers more are started, then three are stopped, then one is started.",
            [
                Step.Scale(5, new(Condition.Shared, Consumers: 5)),
                Step.Scale(2, new(Condition.Shared, Consumers: 2)),
                Step.Scale(null, new(Condition.Shared)),
            ],
            [Step.Scale(null, Until.Answered)],
            Measure.HandOver,
            [new(Measure.HandOver, "The longest that a partition stood still when it was handed over", 1_000, "ms", EmbeddedSlack), NothingLost, NothingDoubled, WholeAgain]),
        new(
            "two-consumers-killed",
            "All consumers but one are killed",
            "One consumer that is left takes over all partitions within session + 1 s.",
            VictimKind.TwoConsumers,
            "SIGKILL to all consumers but the first, at the same time; they are started again when all partitions flow.",
            [Step.Victims(ResourceAction.Kill, Until.Flowing)],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.Flowing,
            [FlowingAfterSession, NoticedBySilence, NoOtherRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "sensor-killed",
            "A sensor is killed",
            "When a sensor dies the others go on, nothing it had acknowledged is lost, and its counts do not repeat when it comes back.",
            VictimKind.Sensor,
            "SIGKILL to the temperature sensor; it is started again when its silence is noticed.",
            [Step.Victims(ResourceAction.Kill, Until.Flowing)],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.ActiveAgain,
            [NoticedBySilence, new(Measure.ActiveAgain, "From its start until it is active again", 15_000, "ms"), NoRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "rolling-restart",
            "The brokers are restarted one after another",
            "Brokers can be restarted one by one while readings flow; none waits longer than 3 s, and the group stays as it is.",
            VictimKind.AllBrokers,
            "Each broker is stopped and started, the next when the one before is healthy again.",
            [Step.RollingRestart(new(Condition.Flowing, TimeSpan.FromSeconds(5)))],
            [],
            Measure.AcknowledgementWait,
            [Acknowledged(3_000), NoRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "database-away",
            "PostgreSQL is away for 60 s",
            "While the database is away readings wait in Kafka; when it is back all are stored, each once, and flow within 5 s.",
            VictimKind.Database,
            "SIGKILL to PostgreSQL; it is started again after 60 s.",
            [Step.Victims(ResourceAction.Kill, new(Condition.Answered, TimeSpan.FromSeconds(60)))],
            [Step.Victims(ResourceAction.Start, Until.Answered)],
            Measure.Return,
            [Returned, NoRebalance, NothingLost, NothingDoubled, WholeAgain]),
        new(
            "network-cut",
            "A consumer is cut off from the brokers",
            "A consumer that reaches the database but not the brokers is replaced within session + 1 s, and can store nothing twice.",
            VictimKind.LinkedConsumer,
            $"The link between {ResourceNames.Consumer(ResourceNames.LinkedConsumer)} and the brokers swallows everything, as a cut cable does; it is mended when the partitions flow elsewhere.",
            [Step.Link(FactoryLink.Kafka, LinkAction.Cut, Until.Flowing, scene => $"cut the link of {string.Join(" and ", scene.Victims)}")],
            [Step.Link(FactoryLink.Kafka, LinkAction.Restore, Until.Answered, _ => "mend the link")],
            Measure.Flowing,
            [FlowingAfterSession, NoRebalance, NothingLost, NothingDoubled, WholeAgain])
        {
            NotOnEmbedded = "the embedded broker has no listener of its own for the link",
        },
        new(
            "poison-burst",
            "100 malformed messages",
            "A message that is no reading costs itself: it is set aside with its reason, and the readings around it flow on.",
            VictimKind.None,
            "100 messages that are no readings are sent to the readings' topic.",
            [Step.Poison(100)],
            [],
            Measure.Stall,
            [
                new(Measure.NotRejected, "Malformed messages that were not set aside", 0, "messages"),
                new(Measure.Stall, "The longest that a partition stood still", 2_000, "ms"),
                NoRebalance,
                NothingLost,
                NothingDoubled,
                WholeAgain,
            ]),
        new(
            "load-step",
            "Ten times the load, for 30 s",
            "Ten times as many readings are acknowledged and stored without anyone falling behind.",
            VictimKind.None,
            "Nine times the present rate is sent on top of it, for 30 s.",
            [Step.Load(9, 30)],
            [],
            Measure.CaughtUp,
            [
                new(Measure.CaughtUp, "From the end of the load until the lag is back at its level", 5_000, "ms"),
                Acknowledged(1_500),
                new(Measure.LoadLost, "Acknowledged readings of the burst that are not stored", 0, "readings"),
                NoRebalance,
                NothingLost,
                NothingDoubled,
                WholeAgain,
            ]),
    ];

    private static readonly FrozenDictionary<string, Experiment> ByName = All.ToFrozenDictionary(experiment => experiment.Name, StringComparer.Ordinal);

    public static Experiment? Find(string name) => ByName.GetValueOrDefault(name);

    private static Limit Returned => new(Measure.Return, "From the database's return until every partition flows again", 5_000, "ms");

    private static Limit Acknowledged(double milliseconds) =>
        new(Measure.AcknowledgementWait, "The longest that a reading waited for its acknowledgement", milliseconds, "ms");
}
