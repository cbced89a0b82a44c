using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Partitions;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>Draws the effects of a run on the affected partitions, as lanes around the moment of the fault.</summary>
internal static class RunLanes
{
    private const int MostTicks = 9;
    private static readonly int[] Steps = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000];

    /// <param name="limitMs">The time in which all partitions must flow again; null if there is no such limit.</param>
    /// <returns>The lanes, and the time at their right end.</returns>
    public static (Lanes Lanes, string End) Of(ExperimentRunBody run, int? limitMs)
    {
        int?[] moments =
        [
            run.ReassignedMs, run.FirstRecordMs, run.CaughtUpMs, run.NoticedByGroupMs, run.NoticedByUsMs, limitMs,
            .. run.Partitions.SelectMany(each => new[] { each.FirstRecordMs, each.CaughtUpMs, each.StallMs }),
        ];
        var last = Math.Max(moments.Max() ?? 0, 1_000);
        var end = last + Math.Max(last / 8, 400);
        var begin = -Math.Max(end / 6, 400);
        double At(double ms) => Math.Clamp((ms - begin) / (end - begin), 0, 1);

        var rows = run.Partitions.OrderBy(each => each.Partition).Select(each => new Lane(each.Partition, [.. Pieces(each, begin, end)
            .Select(piece => new LanePiece(At(piece.From), At(piece.To), piece.ConsumerId, piece.Note, piece.Tip))
            .Where(piece => piece.To > piece.From)])).ToArray();
        var step = Steps.FirstOrDefault(each => (end - begin) / each <= MostTicks, Steps[^1]);
        return (new(rows, [.. Marks(run, limitMs).Where(mark => mark.Ms <= end).Select(mark => new LaneMark(At(mark.Ms), mark.Label, mark.Critical, mark.Tip))],
            [.. Enumerable.Range(0, MostTicks + 2).Select(i => ((begin / step) + i) * step).Where(ms => ms > begin && At(ms) < 0.95).Select(ms => (At(ms), Tick(ms)))]), Tick(end / 100 * 100));
    }

    private static IEnumerable<(double From, double To, string? ConsumerId, string? Note, string Tip)> Pieces(ExperimentPartition partition, int begin, int end)
    {
        var name = $"P{partition.Partition}";
        if (partition.FirstRecordMs is null && partition.FromConsumer is { } same && same == partition.ToConsumer)
        {
            yield return (begin, end, same, null, $"{name}: {same}, before and after{(partition.StallMs is { } pause ? $"\nnever longer than {LabWords.Exact(pause)} without a commit" : "")}");
            yield break;
        }

        // The stall ends with the recovery; if neither was measured, it lasts until the end of what is known.
        double? recovered = partition.FirstRecordMs;
        var stalled = recovered is { } at ? Math.Max(at - (partition.StallMs ?? at), begin) : 0;
        if (partition.FromConsumer is { } from)
        {
            yield return (begin, stalled, from, null, $"{name}: {from}\nuntil the fault");
        }

        yield return (stalled, recovered ?? end, null, partition.StallMs is { } ms ? $"stalled {DurationMs(ms)}" : null,
            $"{name} waited {(recovered is null ? "until the end of the run" : DurationMs(partition.StallMs ?? (int)(recovered.Value - stalled)))}");
        if (recovered is { } first && (partition.ToConsumer ?? partition.FromConsumer) is { } to)
        {
            yield return (first, end, to, null,
                $"{name}: {to}\nflowing at {LabWords.Difference(first)}{(partition.CaughtUpMs is { } caught ? $"\ncaught up at {LabWords.Difference(caught)}" : "")}");
        }
    }

    private static IEnumerable<(int Ms, string Label, bool Critical, string Tip)> Marks(ExperimentRunBody run, int? limitMs)
    {
        yield return (0, "fault", true, $"{run.Victim ?? run.Title}\n{Iso(run.KilledAt)}");
        if (run.NoticedByGroupMs is { } group) yield return (group, "group", false, $"noticed by the group at {LabWords.Difference(group)}");
        if (run.NoticedByUsMs is { } us) yield return (us, "noticed", false, $"noticed by the monitoring at {LabWords.Difference(us)}");
        if (limitMs is { } limit) yield return (limit, "limit", false, $"all must flow by {LabWords.Difference(limit)}");
    }

    private static string Tick(int ms) => ms == 0 ? "0\u00a0s" : $"{(ms < 0 ? "−" : "+")}{Number(Math.Abs(ms) / 1000.0)}\u00a0s";
}
