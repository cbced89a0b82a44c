using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>The recoveries of one experiment under one group protocol and one kind of brokers.</summary>
/// <param name="Recoveries">The recovery times of the runs that reached a verdict and recovered, in ms, ascending.</param>
internal sealed record ProtocolBar(string Protocol, string? Backing, IReadOnlyList<int> Recoveries, int Runs, int Passed, long Lost, long Doubled)
{
    public int? P50 => Percentile(0.50);

    public int? P95 => Percentile(0.95);

    /// <summary>Returns one bar for each protocol and kind of brokers; protocols without a run have an empty one.</summary>
    public static IReadOnlyList<ProtocolBar> Of(IReadOnlyList<ExperimentRunSummary> runs) =>
    [
        .. LabWords.Protocols.Select(protocol => protocol.Value)
            .Union(runs.Where(Counts).Select(run => run.GroupProtocol!))
            .SelectMany(protocol => runs.Where(run => Counts(run) && run.GroupProtocol == protocol).GroupBy(run => run.KafkaBacking)
                .Select(group => Of(protocol, group.Key, [.. group]))
                .DefaultIfEmpty(new(protocol, null, [], 0, 0, 0, 0))),
    ];

    private static ProtocolBar Of(string protocol, string? backing, IReadOnlyList<ExperimentRunSummary> runs) => new(
        protocol,
        backing,
        [.. runs.Where(run => run.RecoveryMs is not null).Select(run => run.RecoveryMs!.Value).Order()],
        runs.Count,
        runs.Count(run => run.Verdict == Verdicts.Pass),
        runs.Sum(run => run.Lost ?? 0),
        runs.Sum(run => run.Doubled ?? 0));

    private static bool Counts(ExperimentRunSummary run) => run.GroupProtocol is not null && run.Verdict is Verdicts.Pass or Verdicts.Fail;

    /// <summary>Returns the percentile by nearest rank, which is a measured value; null if there are too few.</summary>
    private int? Percentile(double share) => Recoveries.Count < LabWords.LeastForPercentiles ? null : Recoveries[(int)Math.Ceiling(share * Recoveries.Count) - 1];
}
