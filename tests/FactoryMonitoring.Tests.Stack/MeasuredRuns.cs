using System.Globalization;
using System.Text;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>The table of measurements in docs/fault-lab.md, of the runs that its pictures show.</summary>
internal static class MeasuredRuns
{
    private const string Begin = "<!-- what was measured: make pictures -->";
    private const string End = "<!-- end of what was measured -->";

    private static readonly string[] Page = ["docs", "fault-lab.md"];

    /// <summary>Replaces the existing table.</summary>
    public static async Task WriteAsync(IReadOnlyList<ExperimentRunBody> runs)
    {
        var path = Path.Combine([Repository.Root, .. Page]);
        var text = await File.ReadAllTextAsync(path);
        var (from, to) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        await File.WriteAllTextAsync(path, string.Concat(text.AsSpan(0, from), "\n", Render(runs), text.AsSpan(to)));
    }

    /// <summary>Returns a sentence that says what was measured, and a row for each run.</summary>
    public static string Render(IReadOnlyList<ExperimentRunBody> runs)
    {
        var text = new StringBuilder();
        var first = runs[0];
        text.Append(CultureInfo.InvariantCulture, $"""
            One run of `make pictures` on {first.StartedAt.UtcDateTime:yyyy-MM-dd}, brokers `{first.KafkaBacking}`, group protocol `{first.GroupProtocol}`, {Environment.ProcessorCount} processors.

            | `make experiment NAME=…` | verdict | closest to its limit | noticed by the page | noticed by the group | all reassigned | all partitions flow | caught up | longest wait for an acknowledgement | lost | doubled |
            |---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|

            """);
        foreach (var run in runs)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{run.Name}` | {run.Verdict} | {Closest(run)} | {Seconds(run.NoticedByUsMs)} | {Seconds(run.NoticedByGroupMs)} | {Seconds(run.ReassignedMs)} | ");
            text.Append(CultureInfo.InvariantCulture, $"{Seconds(run.FirstRecordMs)} | {Seconds(run.CaughtUpMs)} | {Seconds(run.AcknowledgementWaitMs)} | {Count(run.Lost)} | {Count(run.Doubled)} |\n");
        }

        return text.ToString();
    }

    private static string Closest(ExperimentRunBody run) =>
        run.Checks.Where(check => check is { Measured: not null, Unit: "ms", Limit: > 0 }).MaxBy(check => check.Measured / check.Limit) is { } closest
            ? string.Create(CultureInfo.InvariantCulture, $"{closest.What}: {closest.Measured / 1000:0.00} of {closest.Limit / 1000:0.00} s")
            : "–";

    private static string Seconds(int? ms) => ms is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000.0:0.00} s") : "–";

    private static string Count(long? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "–";
}
