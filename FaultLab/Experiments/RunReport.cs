using System.Globalization;
using System.Text;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Renders the findings of a run as a body and as a page.</summary>
internal static class RunReport
{
    /// <summary>Time from event to commit above which a reading is delayed.</summary>
    public static readonly TimeSpan DelayedAfter = TimeSpan.FromSeconds(2);

    private const int MostEvents = 200;

    /// <param name="run">The run and its phase.</param>
    /// <param name="seen">The observations of the run.</param>
    public static ExperimentRunBody Body(RunHeader run, Observations seen)
    {
        var findings = new Findings(run.Experiment, seen);
        var final = run.Phase == ExperimentPhases.Verdict;
        var checks = Verdict.Judge(run.Site.LimitsOf(run.Experiment), findings.Of, run.Site.IsEmbedded, final);
        var verdict = !final ? Verdicts.Running : run.Aborted is not null ? Verdicts.Aborted : Verdict.Of(checks);
        return new(
            run.Id,
            run.Experiment.Name,
            run.Experiment.Title,
            seen.StartedAt,
            run.EndedAt,
            verdict,
            run.Site.GroupProtocol,
            run.Site.KafkaBacking,
            seen.Victims is [] ? null : string.Join(", ", seen.Victims),
            findings.Of(run.Experiment.Recovery) is { } recovery ? (int)recovery : null,
            seen.Stored?.Delayed,
            findings.Lost,
            findings.Doubled,
            run.Phase,
            run.Step,
            run.Aborted,
            findings.KilledAt,
            findings.KilledAtSource,
            findings.SinceKilled(findings.NoticedByGroup),
            findings.SinceKilled(findings.NoticedByUs),
            findings.SinceKilled(findings.Reassigned),
            findings.SinceKilled(findings.Flowing),
            findings.SinceKilled(findings.CaughtUp),
            findings.AcknowledgementWaitMs,
            [.. findings.Partitions.Select(partition => new ExperimentPartition(
                partition.Partition,
                partition.From,
                partition.To,
                findings.SinceKilled(partition.ReassignedAt),
                findings.SinceKilled(partition.FlowingAt),
                findings.SinceKilled(partition.CaughtUpAt),
                partition.StallMs))],
            new(
                (int)DelayedAfter.TotalMilliseconds,
                seen.Stored?.Delayed,
                seen.Stored?.LongestMs,
                seen.Stored?.Stored,
                findings.Lost,
                findings.Doubled,
                findings.Rejected),
            findings.UnexpectedRebalances,
            checks,
            Events(seen, findings.KilledAt ?? seen.StartedAt));
    }

    /// <summary>Renders the run as a Markdown page.</summary>
    public static string Markdown(ExperimentRunBody run)
    {
        var text = new StringBuilder();
        Line($"# {run.Title}: {run.Verdict}");
        Line();
        Line($"Experiment `{run.Name}`, run {run.Id}, {Utc(run.StartedAt)}{(run.EndedAt is { } ended ? $" to {Utc(ended)}" : "")}, UTC.");
        Line($"Group protocol {run.GroupProtocol ?? "not known"}, brokers {run.KafkaBacking ?? "not known"}, victim {run.Victim ?? "none"}.");
        if (ExperimentCatalog.Find(run.Name) is { } experiment)
        {
            Line();
            Line($"**Hypothesis.** {experiment.Hypothesis}");
            Line();
            Line($"**Fault.** {experiment.Fault}");
        }

        if (run.Reason is { } reason)
        {
            Line();
            Line($"**Aborted.** {reason}");
        }

        Line();
        Line($"| limit | allowed | measured | |");
        Line($"|---|---:|---:|---|");
        foreach (var check in run.Checks)
        {
            Line($"| {check.What} | {Amount(check.Limit, check.Unit)} | {(check.Measured is { } value ? Amount(value, check.Unit) : "not measured")} | {check.Passed switch { true => "PASS", false => "FAIL", _ => "open" }} |");
        }

        Line();
        Line($"| what | measured |");
        Line($"|---|---:|");
        Line($"| Fault struck | {(run.KilledAt is { } at ? $"{Utc(at)} ({run.KilledAtSource})" : "not measured")} |");
        Line($"| Noticed by the group | {Ms(run.NoticedByGroupMs)} |");
        Line($"| Noticed by the dashboard | {Ms(run.NoticedByUsMs)} |");
        Line($"| Reassigned | {Ms(run.ReassignedMs)} |");
        Line($"| All partitions flow | {Ms(run.FirstRecordMs)} |");
        Line($"| Caught up | {Ms(run.CaughtUpMs)} |");
        Line($"| Longest wait for an acknowledgement | {Ms(run.AcknowledgementWaitMs)} |");
        Line($"| Readings stored meanwhile | {Count(run.Readings.Stored)} |");
        Line($"| Delayed (more than {run.Readings.DelayedAfterMs / 1000.0:0.#} s from event to commit) | {Count(run.Readings.Delayed)} |");
        Line($"| Longest from event to commit | {Ms(run.Readings.LongestMs)} |");
        Line($"| Lost | {Count(run.Readings.Lost)} |");
        Line($"| Doubled | {Count(run.Readings.Doubled)} |");
        Line($"| Set aside as no readings | {Count(run.Readings.Rejected)} |");
        Line($"| Unexpected rebalances | {Count(run.UnexpectedRebalances)} |");
        if (run.Partitions.Count > 0)
        {
            Line();
            Line($"| partition | from | to | reassigned | flows | caught up | stood still |");
            Line($"|---:|---|---|---:|---:|---:|---:|");
            foreach (var partition in run.Partitions)
            {
                Line($"| {partition.Partition} | {partition.FromConsumer ?? "–"} | {partition.ToConsumer ?? "–"} | {Ms(partition.ReassignedMs)} | {Ms(partition.FirstRecordMs)} | {Ms(partition.CaughtUpMs)} | {Ms(partition.StallMs)} |");
            }
        }

        Line();
        Line($"| after the fault | what |");
        Line($"|---:|---|");
        foreach (var each in run.Events)
        {
            Line($"| {each.AtMs / 1000.0:+0.000;-0.000;0.000} s | {each.What.Replace("|", "\\|", StringComparison.Ordinal)} |");
        }

        return text.ToString();

        void Line(FormattableString? line = null) => text.Append(line is null ? "" : FormattableString.Invariant(line)).Append('\n');
        static string Utc(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        static string Ms(int? ms) => ms is { } value ? Amount(value, "ms") : "–";
        static string Count(long? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "–";
        static string Amount(double value, string unit) => unit == "ms"
            ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.000} s")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0} {unit}");
    }

    private static List<ExperimentEvent> Events(Observations seen, DateTimeOffset zero)
    {
        var rows = seen.Rows;
        var all = seen.Said
            .Concat(rows?.Exits.Select(exit => (exit.At, What: End(exit))) ?? [])
            .Concat(rows?.StatusChanges.Select(row => (row.At, What: $"{row.ComponentId} is {row.Status}{(row.Reason is { } why ? $": {why}" : "")}")) ?? [])
            .Concat(rows?.Alerts.Select(row => (At: row.RaisedAt, What: $"alert {row.Rule}: {row.ComponentId}")) ?? [])
            .Concat(rows?.Claims.Where(claim => claim.ClaimedAt >= seen.StartedAt).Select(claim =>
                (At: claim.ClaimedAt, What: $"{claim.ConsumerId} takes partition {claim.Partition}")) ?? [])
            .Concat(rows?.Claims.Where(claim => claim.ClaimedAt >= seen.StartedAt && claim.RecoveredAt is not null).Select(claim =>
                (At: claim.RecoveredAt!.Value, What: $"partition {claim.Partition} flows")) ?? [])
            .Concat(rows?.Rebalances.Where(row => row.EventType == "revoked").Select(row =>
                (At: row.Timestamp, What: $"{row.ConsumerId} gives up partition {row.PartitionNumber}{(row.Reason is { } why ? $": {why}" : "")}")) ?? []);
        return [.. all.OrderBy(each => each.At).TakeLast(MostEvents).Select(each => new ExperimentEvent((int)(each.At - zero).TotalMilliseconds, each.What))];
    }

    private static string End(ComponentExitRow exit) =>
        $"{exit.ComponentId} {(exit.IsKill ? "is killed" : exit.Cause == ExitCause.Stopped ? "is stopped" : "ends")}{(exit.ExitCode is { } code ? $", exit code {code}" : "")}";
}

/// <summary>The identity of a run and its phase.</summary>
/// <param name="Step">The present action or condition to wait for.</param>
/// <param name="Aborted">Why the run has no verdict; null if it was not aborted.</param>
internal sealed record RunHeader(
    long Id, Experiment Experiment, ExperimentSite Site, string Phase, string? Step = null, string? Aborted = null, DateTimeOffset? EndedAt = null);
