namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>Parts of one kind.</summary>
internal sealed record PartGroup(string Title, IReadOnlyList<ControlledResource> Parts);

/// <summary>What can be done to a part.</summary>
/// <param name="What">What it means, in words.</param>
internal sealed record PartAct(string Name, string Action, string What)
{
    public string Title(string part) => $"{Name} {part}?";

    public string Path(string part) => $"resources/{Uri.EscapeDataString(part)}/{Action}?{PartActs.By}";
}

/// <summary>Which parts can be broken, and how.</summary>
internal static class PartActs
{
    public const string Consumers = "Consumers";

    /// <summary>Who did it, as it is written down beside the end of a process.</summary>
    public const string By = "by=fault%20lab";

    private static readonly PartAct Kill = new("Kill", "kill", "SIGKILL to the process that does the work: a death without a word to anybody.");
    private static readonly PartAct Pause = new("Pause", "pause", "SIGSTOP: it lives and does nothing, until it is resumed.");
    private static readonly PartAct Resume = new("Resume", "resume", "SIGCONT: it goes on where it was, and has to find out what happened meanwhile.");
    private static readonly PartAct Stop = new("Stop", "stop", "A polite stop: it finishes what it does and says goodbye.");
    private static readonly PartAct Start = new("Start", "start", "It is started again, or for the first time.");

    public static IReadOnlyList<PartGroup> Groups(IReadOnlyList<ControlledResource> resources) =>
    [
        .. new (string Title, Func<string, bool> Is)[]
        {
            (Consumers, name => name.StartsWith("sensor-consumer-", StringComparison.Ordinal)),
            ("Sensors", name => name.EndsWith("-sensor", StringComparison.Ordinal)),
            ("Brokers", name => name.StartsWith("kafka", StringComparison.Ordinal) && char.IsAsciiDigit(name[^1])),
            ("Database", name => name == "postgres"),
        }
        .Select(kind => new PartGroup(kind.Title, [.. resources.Where(each => each.Actions.Count > 0 && kind.Is(each.Name)).OrderBy(each => each.Name, StringComparer.Ordinal)]))
        .Where(group => group.Parts.Count > 0),
    ];

    /// <summary>What makes sense as the part stands.</summary>
    public static IEnumerable<PartAct> Of(ControlledResource part) => part switch
    {
        { Paused: true } => [Resume, Kill],
        { State: "Running" } => [Kill, Pause, Stop],
        _ => [Start],
    };
}
