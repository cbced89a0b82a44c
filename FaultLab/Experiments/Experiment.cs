using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>A fault on purpose, as data: what is expected, who suffers, what is asked of the AppHost's control endpoint, and what must hold.</summary>
/// <param name="Recovery">What the recovery of it is.</param>
/// <param name="Fault">In words.</param>
/// <param name="Steps">One after the other.</param>
/// <param name="Undo">Done at the end whatever has happened; what is undone already is no error.</param>
internal sealed record Experiment(
    string Name,
    string Title,
    string Hypothesis,
    VictimKind Victims,
    string Fault,
    IReadOnlyList<Step> Steps,
    IReadOnlyList<Step> Undo,
    Measure Recovery,
    IReadOnlyList<Limit> Limits)
{
    /// <summary>What it needs that the embedded broker has not; null where it needs nothing of the kind.</summary>
    public string? NotOnEmbedded { get; init; }

    /// <summary>Whether it is something that only the AppHost's own brokers let be done to them, or to the way there.</summary>
    public bool BreaksBrokers => Victims is VictimKind.Broker or VictimKind.Controller or VictimKind.AllBrokers or VictimKind.LinkedConsumer;

    /// <summary>Where the group has to rebalance, so that partitions changing hands is what is to be seen.</summary>
    public bool Rebalances => Victims is VictimKind.Consumer or VictimKind.TwoConsumers or VictimKind.LinkedConsumer or VictimKind.Scaled;
}

/// <summary>Who suffers.</summary>
internal enum VictimKind
{
    /// <summary>Nobody in particular.</summary>
    None,

    /// <summary>The active consumer that owns the most partitions.</summary>
    Consumer,

    /// <summary>All active consumers but one.</summary>
    TwoConsumers,

    /// <summary>The one behind the link that can be cut.</summary>
    LinkedConsumer,

    /// <summary>Whoever comes and goes when their number changes.</summary>
    Scaled,

    /// <summary>A broker that leads partitions and is not the active controller.</summary>
    Broker,

    /// <summary>The broker that is the active controller.</summary>
    Controller,

    /// <summary>All brokers, one after another.</summary>
    AllBrokers,

    Database,

    Sensor,
}

/// <summary>What commands depend on that is only known when the experiment runs.</summary>
/// <param name="Victims">Names of resources.</param>
/// <param name="Consumers">How many were active in the steady state.</param>
/// <param name="ReadingsPerSecond">How many readings are acknowledged now.</param>
internal sealed record Scene(IReadOnlyList<string> Victims, int Consumers, double ReadingsPerSecond);

/// <param name="Commands">Sent to the control endpoint, all at the same time.</param>
/// <param name="Until">What is waited for then.</param>
/// <param name="Words">In words, as an imperative; null where those of the commands will do.</param>
internal sealed record Step(Func<Scene, IReadOnlyList<ControlCommand>> Commands, Until Until, Func<Scene, string>? Words = null)
{
    public string Says(Scene scene) => Words?.Invoke(scene) ?? string.Join(" and ", Commands(scene));

    /// <summary>Does the same with each victim.</summary>
    public static Step Victims(ResourceAction action, Until until) => new(scene => [.. scene.Victims.Select(victim => new ResourceCommand(victim, action))], until);

    /// <param name="consumers">Null for as many as there were.</param>
    public static Step Scale(int? consumers, Until until) => new(scene => [new ScaleCommand(consumers ?? scene.Consumers)], until);

    public static Step Link(FactoryLink link, LinkAction action, Until until, Func<Scene, string> words) => new(_ => [new LinkCommand(link, action)], until, words);

    public static Step Poison(int count) => new(_ => [new PoisonCommand(count)], new(Condition.Rejected));

    /// <summary>Sends so many times the present rate on top of it.</summary>
    public static Step Load(int times, int seconds) => new(
        scene => [new LoadCommand(Math.Max(1, (int)Math.Round(times * scene.ReadingsPerSecond)), seconds)], new(Condition.CaughtUp, TimeSpan.FromSeconds(seconds)));

    public static Step RollingRestart(Until until) => new(_ => [new RollingRestartCommand()], until);
}

/// <summary>What is waited for after a step.</summary>
/// <param name="For">At least this long.</param>
/// <param name="Consumers">As many active consumers, each with partitions, and all partitions recovered: null for as many as there were.</param>
internal sealed record Until(Condition Condition, TimeSpan For = default, int? Consumers = null)
{
    public static readonly Until Answered = new(Condition.Answered);

    /// <summary>What the fault touched has recovered, and somebody here has noticed.</summary>
    public static readonly Until Flowing = new(Condition.Flowing);
}

internal enum Condition
{
    /// <summary>The control endpoint has answered.</summary>
    Answered,

    Flowing,

    /// <summary>A given number of consumers share all partitions.</summary>
    Shared,

    /// <summary>As many messages were rejected as were sent to be.</summary>
    Rejected,

    /// <summary>All of the burst is acknowledged, and nobody is behind.</summary>
    CaughtUp,
}

/// <summary>What can be measured of a run. Times in ms.</summary>
internal enum Measure
{
    /// <summary>From the fault to the last touched partition's recovery.</summary>
    Flowing,

    /// <summary>The longest stall of a partition that was handed over by one who left politely.</summary>
    HandOver,

    /// <summary>The longest wait of a reading for its acknowledgement, from the fault on.</summary>
    AcknowledgementWait,

    /// <summary>From the return of what was away to the last partition's first commit.</summary>
    Return,

    /// <summary>From the fault to the first sign of it on the dashboard.</summary>
    Noticed,

    /// <summary>From the fault (of a burst: its end) to the lag's return to its level before.</summary>
    CaughtUp,

    /// <summary>The longest time without a commit on any partition.</summary>
    Stall,

    /// <summary>From the victim's start to its being active again.</summary>
    ActiveAgain,

    Lost,

    Doubled,

    UnexpectedRebalances,

    /// <summary>Malformed messages sent that were not set aside.</summary>
    NotRejected,

    /// <summary>Acknowledged readings of the burst that are not stored.</summary>
    LoadLost,

    /// <summary>From the end of the fault until all parts are well and the account is settled.</summary>
    WholeAgain,
}

/// <summary>What must hold: a measure and the most that it may be.</summary>
/// <param name="What">In words.</param>
/// <param name="OnEmbedded">How much more it may be on the embedded broker.</param>
internal sealed record Limit(Measure Measure, string What, double AtMost, string Unit, double OnEmbedded = 0)
{
    public string Name { get; } = NameOf(Measure);

    public bool IsTime => Unit == "ms";

    public double On(bool embedded) => embedded ? AtMost + OnEmbedded : AtMost;

    private static string NameOf(Measure measure) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(measure.ToString());
}
