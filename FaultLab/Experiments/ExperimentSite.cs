using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.FaultLab.Control;
using FactoryMonitoring.FaultLab.Factory;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>The environment in which experiments run.</summary>
/// <param name="Obstacle">Why no experiment can run; null if experiments can run.</param>
/// <param name="KafkaBacking">containers, processes, embedded or external; null if it is not known.</param>
/// <param name="GroupProtocol">The protocol of the active consumers; null if none is active or they differ.</param>
/// <param name="ExternalDatabase">Whether PostgreSQL is not managed by the AppHost.</param>
internal sealed record ExperimentSite(string? Obstacle, string? KafkaBacking, string? GroupProtocol, bool ExternalDatabase = false)
{
    // On a busy machine, the first request of a process that has just started is slow.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public bool IsEmbedded => KafkaBacking == KafkaBackings.Embedded;

    /// <summary>Whether every rebalance reassigns all partitions.</summary>
    public bool IsEager => GroupProtocol == "classic-range";

    public static async Task<ExperimentSite> ReadAsync(ControlClient control, FactoryView factory, CancellationToken cancellationToken)
    {
        var reading = factory.ReadAsync(Patience, cancellationToken);
        var faults = await control.FaultsAsync(cancellationToken);
        var snapshot = await reading;
        var protocols = snapshot?.ActiveConsumers().Select(consumer => consumer.GroupProtocol).Distinct().ToList();
        return new(
            faults is null ? "The control endpoint of the AppHost does not answer."
                : faults.Reason ?? (snapshot is null ? "The monitoring API does not answer: nobody would see what an experiment does." : null),
            faults?.Kafka,
            protocols is [{ } one] ? one : null,
            faults?.ExternalDatabase == true);
    }

    /// <summary>Returns why an experiment cannot run here; null if it can.</summary>
    public string? ObstacleTo(Experiment experiment) => experiment switch
    {
        { NotOnEmbedded: { } missing } when IsEmbedded => missing,
        { BreaksBrokers: true } when KafkaBacking == KafkaBackings.External => NotOurs.Brokers,
        { Victims: VictimKind.Database } when ExternalDatabase => NotOurs.Database,
        _ => null,
    };

    /// <summary>Returns the limits of an experiment that apply here.</summary>
    public IEnumerable<Limit> LimitsOf(Experiment experiment) =>
        experiment.Limits.Where(limit => !(IsEager && experiment.Rebalances && limit.Measure == Measure.UnexpectedRebalances));

    /// <summary>Returns the experiments with the results of their runs.</summary>
    public ExperimentsBody Describe(ExperimentRunBody? running, RunRecord record) => new(
        Obstacle is null,
        Obstacle,
        GroupProtocol,
        KafkaBacking,
        running,
        [.. ExperimentCatalog.All.Select(experiment => Describe(
            experiment,
            record.Newest.FirstOrDefault(run => run.Name == experiment.Name),
            record.Records.FirstOrDefault(each => each.Name == experiment.Name)))]);

    private ExperimentBody Describe(Experiment experiment, ExperimentRunSummary? last, ExperimentRecord? record) => new(
        experiment.Name,
        experiment.Title,
        experiment.Hypothesis,
        experiment.Fault,
        experiment.Limits.First(limit => limit.Measure == experiment.Recovery).What,
        ObstacleTo(experiment),
        [.. LimitsOf(experiment).Select(limit =>
            new ExperimentLimit(limit.Name, limit.What, limit.IsTime ? (int)limit.On(IsEmbedded) : null, limit.On(IsEmbedded), limit.Unit))],
        last,
        record?.Runs ?? 0,
        record?.Passed ?? 0,
        record?.RecoveryP50Ms,
        record?.RecoveryP95Ms);
}
