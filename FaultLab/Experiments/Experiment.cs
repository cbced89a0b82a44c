using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>A deliberate fault, as data: hypothesis, victims, commands to the AppHost's control endpoint, and limits that must hold.</summary>
/// <param name="Recovery">The measure that is its recovery.</param>
/// <param name="Fault">The fault, in words.</param>
/// <param name="Steps">The steps, in their order.</param>
/// <param name="Undo">The steps that are run at the end in any case; undoing what is already undone is not an error.</param>
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
    /// <summary>What the experiment needs and the embedded broker does not have; null if there is nothing.</summary>
    public string? NotOnEmbedded { get; init; }

    /// <summary>Whether the fault is one that only the AppHost's own brokers allow, for themselves or for the connection to them.</summary>
    public bool BreaksBrokers => Victims is VictimKind.Broker or VictimKind.Controller or VictimKind.AllBrokers or VictimKind.LinkedConsumer;

    /// <summary>Whether the group has to rebalance, so that partitions are expected to change hands.</summary>
    public bool Rebalances => Victims is VictimKind.Consumer or VictimKind.TwoConsumers or VictimKind.LinkedConsumer or VictimKind.Scaled;
}

/// <summary>The victims of an experiment.</summary>
internal enum VictimKind
{
    /// <summary>No particular component.</summary>
    None,

    /// <summary>The active consumer that owns the most partitions.</summary>
    Consumer,

    /// <summary>All active consumers but one.</summary>
    TwoConsumers,

    /// <summary>The consumer behind the link that can be cut.</summary>
    LinkedConsumer,

    /// <summary>The consumers that start and stop when their number changes.</summary>
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

/// <summary>The data that commands depend on and that are only known when the experiment runs.</summary>
/// <param name="Victims">Names of resources.</param>
/// <param name="Consumers">Number of consumers that were active in the steady state.</param>
/// <param name="ReadingsPerSecond">The present rate of acknowledged readings.</param>
internal sealed record Scene(IReadOnlyList<string> Victims, int Consumers, double ReadingsPerSecond);

/// <param name="Commands">Sent to the control endpoint, all at the same time.</param>
/// <param name="Until">The condition to wait for afterwards.</param>
/// <param name="Words">The step in words, as an imperative; null if the words of the commands suffice.</param>
internal sealed record Step(Func<Scene, IReadOnlyList<ControlCommand>> Commands, Until Until, Func<Scene, string>? Words = null)
{
    public string Describe(Scene scene) => Words?.Invoke(scene) ?? string.Join(" and ", Commands(scene));

    /// <summary>Applies the same action to each victim.</summary>
    public static Step Victims(ResourceAction action, Until until) => new(scene => [.. scene.Victims.Select(victim => new ResourceCommand(victim, action))], until);

    /// <param name="consumers">The number of consumers; null for the number in the steady state.</param>
    public static Step Scale(int? consumers, Until until) => new(scene => [new ScaleCommand(consumers ?? scene.Consumers)], until);

    public static Step Link(FactoryLink link, LinkAction action, Until until, Func<Scene, string> words) => new(_ => [new LinkCommand(link, action)], until, words);

    public static Step Poison(int count) => new(_ => [new PoisonCommand(count)], new(Condition.Rejected));

    /// <summary>Sends load in addition to the present rate, as a multiple of it.</summary>
    public static Step Load(int times, int seconds) => new(
        scene => [new LoadCommand(Math.Max(1, (int)Math.Round(times * scene.ReadingsPerSecond)), seconds)], new(Condition.CaughtUp, TimeSpan.FromSeconds(seconds)));

    public static Step RollingRestart(Until until) => new(_ => [new RollingRestartCommand()], until);
}

/// <summary>The condition to wait for after a step.</summary>
/// <param name="For">The minimum time to wait.</param>
/// <param name="Consumers">The number of active consumers, each with partitions, and all partitions recovered; null for the number in the steady state.</param>
internal sealed record Until(Condition Condition, TimeSpan For = default, int? Consumers = null)
{
    public static readonly Until Answered = new(Condition.Answered);

    /// <summary>The partitions that the fault affected have recovered, and the dashboard has noticed the fault.</summary>
    public static readonly Until Flowing = new(Condition.Flowing);
}

internal enum Condition
{
    /// <summary>The control endpoint has answered.</summary>
    Answered,

    Flowing,

    /// <summary>A given number of consumers share all partitions.</summary>
    Shared,

    /// <summary>All malformed messages that were sent were rejected.</summary>
    Rejected,

    /// <summary>The whole burst is acknowledged, and no partition is behind.</summary>
    CaughtUp,
}

/// <summary>The measures of a run. Times are in ms.</summary>
internal enum Measure
{
    /// <summary>Time from the fault to the recovery of the last affected partition.</summary>
    Flowing,

    /// <summary>The longest stall of a partition that a consumer handed over when it left gracefully.</summary>
    HandOver,

    /// <summary>The longest wait of a reading for its acknowledgement, from the fault on.</summary>
    AcknowledgementWait,

    /// <summary>Time from the return of the unavailable component to the last partition's first commit.</summary>
    Return,

    /// <summary>Time from the fault to its first sign on the dashboard.</summary>
    Noticed,

    /// <summary>Time from the fault (for a burst, from its end) until the lag is back at its previous level.</summary>
    CaughtUp,

    /// <summary>The longest time without a commit on any partition.</summary>
    Stall,

    /// <summary>Time from the start of the victim until it is active again.</summary>
    ActiveAgain,

    Lost,

    Doubled,

    UnexpectedRebalances,

    /// <summary>Malformed messages that were sent and did not become dead letters.</summary>
    NotRejected,

    /// <summary>Acknowledged readings of the burst that are not stored.</summary>
    LoadLost,

    /// <summary>Time from the end of the fault until all parts are well and the account is settled.</summary>
    WholeAgain,
}

/// <summary>A limit that must hold: a measure and its maximum.</summary>
/// <param name="What">The measure, in words.</param>
/// <param name="OnEmbedded">By how much the maximum is higher on the embedded broker.</param>
internal sealed record Limit(Measure Measure, string What, double AtMost, string Unit, double OnEmbedded = 0)
{
    public string Name { get; } = NameOf(Measure);

    public bool IsTime => Unit == "ms";

    public double On(bool embedded) => embedded ? AtMost + OnEmbedded : AtMost;

    private static string NameOf(Measure measure) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(measure.ToString());
}
