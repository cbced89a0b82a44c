using System.Globalization;

namespace FactoryMonitoring.Contracts.Api;

// Bodies of the fault lab: intentional faults, and the verdict on their effect.

/// <summary>Routes of the fault lab.</summary>
public static class LabRoutes
{
    /// <summary>GET: an <see cref="ExperimentsBody"/>.</summary>
    public const string Experiments = "/api/experiments";

    /// <summary>POST: an <see cref="ExperimentStartedBody"/>.</summary>
    public const string Run = $"{Experiments}/{{name}}/run";

    /// <summary>GET: an <see cref="ExperimentRunsBody"/>.</summary>
    public const string Runs = $"{Experiments}/runs";

    /// <summary>GET: an <see cref="ExperimentRunBody"/>.</summary>
    public const string RunById = $"{Runs}/{{id:long}}";

    /// <summary>GET: the run as a JSON file.</summary>
    public const string ReportJson = $"{RunById}/report.json";

    /// <summary>GET: the run as a Markdown page.</summary>
    public const string ReportMarkdown = $"{RunById}/report.md";

    /// <summary>GET: the control endpoint's list of <see cref="Control.ResourceBody"/>.</summary>
    public const string Resources = "/api/resources";

    /// <summary>POST of a <see cref="Control.ControlCommand"/>: the control endpoint's answer to it.</summary>
    public const string Commands = "/api/commands";

    public static string RunOf(string experiment) => $"{Experiments}/{Uri.EscapeDataString(experiment)}/run";

    /// <param name="limit">1 to 500.</param>
    /// <param name="range">The parameters of a time range, window or from and to; null for all runs.</param>
    public static string RunsOf(string experiment, int limit, string? range = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{Runs}?name={Uri.EscapeDataString(experiment)}&limit={limit}{(range is null ? "" : $"&{range}")}");

    public static string RunWith(long id) => string.Create(CultureInfo.InvariantCulture, $"{Runs}/{id}");

    /// <param name="extension">json, md.</param>
    public static string ReportOf(long id, string extension) => $"{RunWith(id)}/report.{extension}";
}

/// <summary>GET /api/experiments.</summary>
/// <param name="Enabled">Whether experiments can be started here at all.</param>
/// <param name="Reason">Why not; null if they can.</param>
/// <param name="GroupProtocol">Of the active consumers (consumer, classic, classic-range); null if unknown, or if they differ.</param>
/// <param name="KafkaBacking">One of <see cref="Control.KafkaBackings"/>; null if unknown.</param>
public sealed record ExperimentsBody(
    bool Enabled,
    string? Reason,
    string? GroupProtocol,
    string? KafkaBacking,
    ExperimentRunBody? Running,
    IReadOnlyList<ExperimentBody> Experiments);

/// <summary>The fault of an experiment, and the limits that must hold.</summary>
/// <param name="Recovery">What <see cref="ExperimentRunSummary.RecoveryMs"/> measures in this experiment, in words.</param>
/// <param name="Unavailable">Why it cannot run on this stack; null if it can.</param>
/// <param name="Limits">The limits on this stack: on the embedded broker, recovery by the group may take longer.</param>
/// <param name="Last">The newest run with any verdict.</param>
/// <param name="Runs">Runs that reached a verdict with the current group protocol and brokers; the next three count the same runs.</param>
public sealed record ExperimentBody(
    string Name,
    string Title,
    string Hypothesis,
    string Fault,
    string Recovery,
    string? Unavailable,
    IReadOnlyList<ExperimentLimit> Limits,
    ExperimentRunSummary? Last,
    int Runs,
    int Passed,
    int? RecoveryP50Ms,
    int? RecoveryP95Ms);

/// <param name="LimitMs">Null if the limit is not a time: then <see cref="Limit"/> counts <see cref="Unit"/>.</param>
/// <param name="Limit">The maximum of the measured value.</param>
public sealed record ExperimentLimit(string Name, string What, int? LimitMs, double Limit, string Unit);

/// <summary>GET /api/experiments/runs, newest first.</summary>
public sealed record ExperimentRunsBody(IReadOnlyList<ExperimentRunSummary> Runs);

/// <summary>202 of POST /api/experiments/{name}/run.</summary>
public sealed record ExperimentStartedBody(long Id);

/// <summary>A run in one line; null where a value is not measured, or not yet.</summary>
/// <param name="Verdict">RUNNING, PASS, FAIL, ABORTED (nothing can be concluded).</param>
/// <param name="Victim">What the fault struck, several separated by commas; null if nothing in particular.</param>
/// <param name="RecoveryMs">The time that <see cref="ExperimentBody.Recovery"/> describes.</param>
/// <param name="Delayed">Readings committed more than <see cref="ExperimentReadings.DelayedAfterMs"/> after their event.</param>
public sealed record ExperimentRunSummary(
    long Id,
    string Name,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    string Verdict,
    string? GroupProtocol,
    string? KafkaBacking,
    string? Victim,
    int? RecoveryMs,
    long? Delayed,
    long? Lost,
    long? Doubled);

/// <summary>
/// GET /api/experiments/runs/{id}: everything recorded about a run. Times are in ms from <see cref="KilledAt"/>; null where a value is not measured,
/// or not yet.
/// </summary>
/// <param name="Phase">steady, fault, observation, recovery (the fault is undone), verdict.</param>
/// <param name="Step">The current action or wait, in words.</param>
/// <param name="Reason">Why it was aborted; null otherwise.</param>
/// <param name="KilledAt">When the fault struck: the exit of the process, or, if none exited, the request.</param>
/// <param name="KilledAtSource">exit (seen by the AppHost), request.</param>
/// <param name="NoticedByGroupMs">To the first assignment or revocation after the fault.</param>
/// <param name="NoticedByUsMs">To the first status change, alert or outage that names a victim.</param>
/// <param name="ReassignedMs">To the last claim of a partition that the victim owned.</param>
/// <param name="FirstRecordMs">To the last partition's recovery: its new owner commits its first record or reaches the end of the log.</param>
/// <param name="CaughtUpMs">To the first measurement (one per second) in which every partition's lag is at or below its level before the fault.</param>
/// <param name="AcknowledgementWaitMs">The longest time that a reading waited for the brokers' acknowledgement after the fault.</param>
/// <param name="Partitions">The partitions that the fault affected.</param>
public sealed record ExperimentRunBody(
    long Id,
    string Name,
    string Title,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    string Verdict,
    string? GroupProtocol,
    string? KafkaBacking,
    string? Victim,
    int? RecoveryMs,
    long? Delayed,
    long? Lost,
    long? Doubled,
    string Phase,
    string? Step,
    string? Reason,
    DateTimeOffset? KilledAt,
    string? KilledAtSource,
    int? NoticedByGroupMs,
    int? NoticedByUsMs,
    int? ReassignedMs,
    int? FirstRecordMs,
    int? CaughtUpMs,
    int? AcknowledgementWaitMs,
    IReadOnlyList<ExperimentPartition> Partitions,
    ExperimentReadings Readings,
    int? UnexpectedRebalances,
    IReadOnlyList<ExperimentCheck> Checks,
    IReadOnlyList<ExperimentEvent> Events)
{
    public ExperimentRunSummary Summary() =>
        new(Id, Name, StartedAt, EndedAt, Verdict, GroupProtocol, KafkaBacking, Victim, RecoveryMs, Delayed, Lost, Doubled);
}

/// <param name="FromConsumer">The owner when the fault struck.</param>
/// <param name="ToConsumer">The owner since then; the same consumer if the partition did not move.</param>
/// <param name="StallMs">From the predecessor's last sign or its release to the recovery; if it did not move, the longest time without a commit.</param>
public sealed record ExperimentPartition(
    int Partition,
    string? FromConsumer,
    string? ToConsumer,
    int? ReassignedMs,
    int? FirstRecordMs,
    int? CaughtUpMs,
    int? StallMs);

/// <param name="Delayed">Readings committed more than <see cref="DelayedAfterMs"/> after their event.</param>
/// <param name="LongestMs">The longest time from event to commit.</param>
/// <param name="Lost">Acknowledged by the brokers and not stored, once the ledger is settled.</param>
/// <param name="Doubled">Stored twice.</param>
/// <param name="Rejected">Messages that were not readings, kept as dead letters.</param>
public sealed record ExperimentReadings(int DelayedAfterMs, long? Delayed, int? LongestMs, long? Stored, long? Lost, long? Doubled, long? Rejected);

/// <summary>A limit and the value measured against it.</summary>
/// <param name="Passed">Null while undecided.</param>
/// <param name="Reason">One sentence.</param>
public sealed record ExperimentCheck(string Name, string What, double Limit, double? Measured, string Unit, bool? Passed, string Reason);

/// <param name="AtMs">From <see cref="ExperimentRunBody.KilledAt"/>, negative before it; from the start of the run before the fault.</param>
public sealed record ExperimentEvent(int AtMs, string What);

/// <summary>Values of <see cref="ExperimentRunSummary.Verdict"/>.</summary>
public static class Verdicts
{
    public const string Running = "RUNNING";
    public const string Pass = "PASS";
    public const string Fail = "FAIL";
    public const string Aborted = "ABORTED";
}

/// <summary>Values of <see cref="ExperimentRunBody.Phase"/>, in order.</summary>
public static class ExperimentPhases
{
    /// <summary>Waits until everything is healthy, and records its level.</summary>
    public const string Steady = "steady";

    public const string Fault = "fault";

    /// <summary>Waits until everything that the fault affected has recovered.</summary>
    public const string Observation = "observation";

    /// <summary>The fault is undone; waits until everything is healthy again and the ledger is settled.</summary>
    public const string Recovery = "recovery";

    public const string Verdict = "verdict";
}
