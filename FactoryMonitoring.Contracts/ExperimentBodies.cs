using System.Globalization;

namespace FactoryMonitoring.Contracts.Api;

// Bodies of the fault lab: faults on purpose, and the verdict on what they did.

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

    /// <summary>GET: the run as a file of JSON.</summary>
    public const string ReportJson = $"{RunById}/report.json";

    /// <summary>GET: the run as a page of Markdown.</summary>
    public const string ReportMarkdown = $"{RunById}/report.md";

    /// <summary>GET: the list of <see cref="Control.ResourceBody"/> of the control endpoint.</summary>
    public const string Resources = "/api/resources";

    /// <summary>POST of a <see cref="Control.ControlCommand"/>: what the control endpoint answered to it.</summary>
    public const string Commands = "/api/commands";

    public static string RunOf(string experiment) => $"{Experiments}/{Uri.EscapeDataString(experiment)}/run";

    /// <param name="limit">1 to 500.</param>
    public static string RunsOf(string experiment, int limit) =>
        string.Create(CultureInfo.InvariantCulture, $"{Runs}?name={Uri.EscapeDataString(experiment)}&limit={limit}");

    public static string RunWith(long id) => string.Create(CultureInfo.InvariantCulture, $"{Runs}/{id}");

    /// <param name="extension">json, md.</param>
    public static string ReportOf(long id, string extension) => $"{RunWith(id)}/report.{extension}";
}

/// <summary>GET /api/experiments.</summary>
/// <param name="Enabled">Whether a run may be started here at all.</param>
/// <param name="Reason">Why not; null where it may.</param>
/// <param name="GroupProtocol">Of the active consumers (consumer, classic, classic-range); null while none is known, or they differ.</param>
/// <param name="KafkaBacking">One of <see cref="Control.KafkaBackings"/>; null where nobody said.</param>
public sealed record ExperimentsBody(
    bool Enabled,
    string? Reason,
    string? GroupProtocol,
    string? KafkaBacking,
    ExperimentRunBody? Running,
    IReadOnlyList<ExperimentBody> Experiments);

/// <summary>What is done on purpose, and what must hold.</summary>
/// <param name="Recovery">What <see cref="ExperimentRunSummary.RecoveryMs"/> is of it, in words.</param>
/// <param name="Unavailable">Why it cannot be run on this stack; null where it can.</param>
/// <param name="Limits">As they hold on this stack: on the embedded broker, recovery by the group may take longer.</param>
/// <param name="Last">The newest run of any kind.</param>
/// <param name="Runs">Runs that came to a verdict with the present group protocol and brokers, and so are the next three.</param>
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

/// <param name="LimitMs">Null where it is no time: then <see cref="Limit"/> counts <see cref="Unit"/>.</param>
/// <param name="Limit">What is measured must not exceed it.</param>
public sealed record ExperimentLimit(string Name, string What, int? LimitMs, double Limit, string Unit);

/// <summary>GET /api/experiments/runs, newest first.</summary>
public sealed record ExperimentRunsBody(IReadOnlyList<ExperimentRunSummary> Runs);

/// <summary>202 of POST /api/experiments/{name}/run.</summary>
public sealed record ExperimentStartedBody(long Id);

/// <summary>One line of a run. Null is what was not measured, or not yet.</summary>
/// <param name="Verdict">RUNNING, PASS, FAIL, ABORTED (nothing can be concluded).</param>
/// <param name="Victim">Who suffered the fault, several with commas between; null where it is nobody in particular.</param>
/// <param name="RecoveryMs">What <see cref="ExperimentBody.Recovery"/> says.</param>
/// <param name="Delayed">Readings committed later after their event than <see cref="ExperimentReadings.DelayedAfterMs"/>.</param>
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
/// GET /api/experiments/runs/{id}: all there is to know of a run. Times are ms from <see cref="KilledAt"/>; null is what was not measured, or not
/// yet.
/// </summary>
/// <param name="Phase">steady, fault, observation, recovery (the fault is undone), verdict.</param>
/// <param name="Step">What is being done or waited for now, in words.</param>
/// <param name="Reason">Why it was aborted, else null.</param>
/// <param name="KilledAt">When the fault struck: the end of the process, or where none ended, when it was asked for.</param>
/// <param name="KilledAtSource">exit (seen by the AppHost), request.</param>
/// <param name="NoticedByGroupMs">To the first assignment or revocation after the fault.</param>
/// <param name="NoticedByUsMs">To the first status change, alert or outage that names a victim.</param>
/// <param name="ReassignedMs">To the last claim of a partition that was the victim's.</param>
/// <param name="FirstRecordMs">To the last partition's recovery: its first committed record, or its new owner's stand at the end of the log.</param>
/// <param name="CaughtUpMs">To the first measurement (one a second) with every partition's lag back at its level before the fault or under it.</param>
/// <param name="AcknowledgementWaitMs">The longest that a reading waited for the brokers' acknowledgement from the fault on.</param>
/// <param name="Partitions">Those that the fault touched.</param>
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

/// <param name="FromConsumer">Who owned it when the fault struck.</param>
/// <param name="ToConsumer">Who owns it since; the same one where it did not move.</param>
/// <param name="StallMs">From the predecessor's last sign or release to its recovery; where it did not move, the longest time without a commit.</param>
public sealed record ExperimentPartition(
    int Partition,
    string? FromConsumer,
    string? ToConsumer,
    int? ReassignedMs,
    int? FirstRecordMs,
    int? CaughtUpMs,
    int? StallMs);

/// <param name="Delayed">Committed more than <see cref="DelayedAfterMs"/> after their event.</param>
/// <param name="LongestMs">The longest time from event to commit.</param>
/// <param name="Lost">Acknowledged by the brokers and not stored, once the account is settled.</param>
/// <param name="Doubled">Stored twice.</param>
/// <param name="Rejected">Messages that were no readings, kept as dead letters.</param>
public sealed record ExperimentReadings(int DelayedAfterMs, long? Delayed, int? LongestMs, long? Stored, long? Lost, long? Doubled, long? Rejected);

/// <summary>A limit and what was measured against it.</summary>
/// <param name="Passed">Null while it is open.</param>
/// <param name="Reason">One sentence.</param>
public sealed record ExperimentCheck(string Name, string What, double Limit, double? Measured, string Unit, bool? Passed, string Reason);

/// <param name="AtMs">From <see cref="ExperimentRunBody.KilledAt"/>, negative before it; from the start of the run while there is no fault.</param>
public sealed record ExperimentEvent(int AtMs, string What);

/// <summary>Values of <see cref="ExperimentRunSummary.Verdict"/>.</summary>
public static class Verdicts
{
    public const string Running = "RUNNING";
    public const string Pass = "PASS";
    public const string Fail = "FAIL";
    public const string Aborted = "ABORTED";
}

/// <summary>Values of <see cref="ExperimentRunBody.Phase"/>, in their order.</summary>
public static class ExperimentPhases
{
    /// <summary>Waits until all is whole, and takes its level.</summary>
    public const string Steady = "steady";

    public const string Fault = "fault";

    /// <summary>Waits until what the fault touched has recovered.</summary>
    public const string Observation = "observation";

    /// <summary>The fault is undone; waits until all is whole again and the account is settled.</summary>
    public const string Recovery = "recovery";

    public const string Verdict = "verdict";
}
