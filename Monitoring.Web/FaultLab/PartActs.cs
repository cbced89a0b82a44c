using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>Parts of one kind.</summary>
internal sealed record PartGroup(string Title, IReadOnlyList<ResourceBody> Parts);

/// <summary>An action on a part.</summary>
/// <param name="What">What the action does, in words.</param>
internal sealed record PartAct(string Name, ResourceAction Action, string What)
{
    /// <summary>Whether the part no longer works after the action.</summary>
    public bool Breaks => Action is ResourceAction.Kill or ResourceAction.Pause or ResourceAction.Stop;

    public string Title(string part) => $"{Name} {part}?";

    public ResourceCommand On(ResourceBody part) => new(part.Name, Action);
}

/// <summary>The parts that can be broken, and how.</summary>
internal static class PartActs
{
    public const string Consumers = "Consumers";

    private static readonly PartAct Kill = new("Kill", ResourceAction.Kill, "SIGKILL to the process that does the work: it ends at once and leaves the group without notice.");
    private static readonly PartAct Pause = new("Pause", ResourceAction.Pause, "SIGSTOP: it does nothing until it is resumed.");
    private static readonly PartAct Resume = new("Resume", ResourceAction.Resume, "SIGCONT: it continues where it was, and must find out what happened meanwhile.");
    private static readonly PartAct Stop = new("Stop", ResourceAction.Stop, "SIGTERM: it finishes its work and leaves the group.");
    private static readonly PartAct Start = new("Start", ResourceAction.Start, "Starts it.");

    public static IReadOnlyList<PartGroup> Groups(IReadOnlyList<ResourceBody> resources) =>
    [
        .. new (string Title, Func<string, bool> Is)[]
        {
            (Consumers, ResourceNames.IsConsumer),
            ("Sensors", ResourceNames.IsSensor),
            ("Brokers", ResourceNames.IsBroker),
            ("Database", name => name == ResourceNames.Postgres),
        }
        .Select(kind => new PartGroup(kind.Title, [.. resources.Where(each => each.Actions.Count > 0 && kind.Is(each.Name)).OrderBy(each => each.Name, StringComparer.Ordinal)]))
        .Where(group => group.Parts.Count > 0),
    ];

    /// <summary>Returns the actions that are useful in the present state of the part.</summary>
    public static IEnumerable<PartAct> Of(ResourceBody part) => part switch
    {
        { Paused: true } => [Resume, Kill],
        { State: "Running" } => [Kill, Pause, Stop],
        _ => [Start],
    };
}
