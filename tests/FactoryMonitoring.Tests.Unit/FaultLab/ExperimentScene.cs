using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.FaultLab.Experiments;

namespace FactoryMonitoring.Tests.Unit.FaultLab;

/// <summary>A successful run: sensor-consumer-2, which owned partitions 1 and 4 of six, died and was replaced.</summary>
internal static class ExperimentScene
{
    public const string Victim = "sensor-consumer-2";

    /// <summary>When the victim died.</summary>
    public static readonly DateTimeOffset Killed = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static readonly Experiment ConsumerKilled = ExperimentCatalog.Find("consumer-killed")!;

    public static readonly ExperimentSite Kafka = new(null, KafkaBackings.Processes, "consumer");

    public static DateTimeOffset At(double seconds) => Killed.AddMilliseconds(Math.Round(seconds * 1000));

    public static Observations Well() => new(At(-10))
    {
        Victims = [Victim],
        Owners = Enumerable.Range(0, 6).ToDictionary(partition => partition, Owner),
        LagLevel = Enumerable.Range(0, 6).ToDictionary(partition => partition, _ => 2L),
        Before = new(1000, 5, 0, 0),
        AskedAt = At(-0.1),
        UndoneAt = At(8),
        WholeAt = At(14),
        SettledAt = At(17),
        Rows = Rows(),
        Lags = [Lag(-1, 1), Lag(6, 20), Lag(7, 3), Lag(8, 2), Lag(9, 1)],
        Stored = new(500, 40, 6200, 0, [.. Enumerable.Range(0, 6).Select(partition => new CommitGap(partition, At(1), At(1.5)))]),
    };

    public static ExperimentRows Rows() => new(
        [new(Victim, Killed, 137, ExitCause.Killed, "experiment")],
        [new("consumer", Victim, "inactive", "no heartbeat for 5 s", At(5.5)), new("consumer", Victim, "active", null, At(9))],
        [new(Victim, "consumer_down", At(5.6))],
        [
            new("lost", Victim, 1, At(0.01), 1), new("assigned", "sensor-consumer-1", 1, At(6), 2),
            new("lost", Victim, 4, At(-0.2), 3), new("assigned", "sensor-consumer-3", 4, At(6.1), 4),
        ],
        [
            Claim(0, 1, -100, -99.9), Claim(1, 1, -100, -99.9, -0.2), Claim(1, 2, 6, 6.2, by: "sensor-consumer-1"), Claim(2, 1, -100, -99.9),
            Claim(3, 1, -100, -99.9), Claim(4, 1, -100, -99.9, -0.2), Claim(4, 2, 6.1, 6.4, by: "sensor-consumer-3"), Claim(5, 1, -100, -99.9),
        ],
        Enumerable.Range(0, 6).ToDictionary(partition => partition, _ => At(16)),
        new(1500, 5, 0, 0),
        12,
        0,
        At(-1000));

    public static ClaimRow Claim(int partition, long epoch, double claimed, double? recovered, double? ended = null, string? by = null) =>
        new(partition, epoch, by ?? Owner(partition), At(claimed), recovered is { } at ? At(at) : null, ended is { } end ? At(end) : null, ended is null ? null : "lost");

    public static LagSample Lag(double at, long each) => new(At(at), Enumerable.Range(0, 6).ToDictionary(partition => partition, _ => each));

    public static ExperimentRunBody Verdict(Observations seen, Experiment? experiment = null, ExperimentSite? site = null, string phase = ExperimentPhases.Verdict) =>
        RunReport.Body(new(7, experiment ?? ConsumerKilled, site ?? Kafka, phase, EndedAt: At(18)), seen);

    private static string Owner(int partition) => $"sensor-consumer-{(partition % 3) + 1}";
}
