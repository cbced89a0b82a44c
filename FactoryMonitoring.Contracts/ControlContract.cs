using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FactoryMonitoring.Contracts.Control;

// The contract of the AppHost's control endpoint: snake_case JSON, times in UTC. The fault lab forwards the same commands and bodies to the page.

/// <summary>Routes of the control endpoint. Each responds with JSON, or with lines of text if the client accepts <c>text/plain</c>.</summary>
public static class ControlRoutes
{
    /// <summary>GET: a list of <see cref="ResourceBody"/>.</summary>
    public const string Resources = "/resources";

    /// <summary>POST of a <see cref="ControlCommand"/>: a <see cref="CommandAnswer"/>.</summary>
    public const string Commands = "/commands";

    /// <summary>GET: a <see cref="FaultsBody"/>.</summary>
    public const string Faults = "/faults";

    /// <summary>GET: a <see cref="LoadBody"/>.</summary>
    public const string Load = "/load";

    /// <summary>GET: a list of <see cref="ResourceExit"/>, oldest first.</summary>
    public const string Exits = "/exits";

    /// <summary>GET: lines of text, one for each part; 503 if one of them is unhealthy.</summary>
    public const string Doctor = "/doctor";
}

/// <summary>Actions on a resource.</summary>
[JsonConverter(typeof(WireEnumConverter<ResourceAction>))]
public enum ResourceAction
{
    Start,

    /// <summary>SIGTERM, and time to shut down.</summary>
    Stop,
    Restart,

    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGSTOP; only if faults are enabled.</summary>
    Pause,

    /// <summary>SIGCONT; only if faults are enabled.</summary>
    Resume,
}

/// <summary>Actions on a network link.</summary>
[JsonConverter(typeof(WireEnumConverter<LinkAction>))]
public enum LinkAction
{
    /// <summary>Blocks all traffic until the link is restored; neither side is notified.</summary>
    Cut,

    /// <summary>Delays all traffic until the link is restored.</summary>
    Slow,
    Restore,
}

/// <summary>The network links that can be cut.</summary>
[JsonConverter(typeof(WireEnumConverter<FactoryLink>))]
public enum FactoryLink
{
    /// <summary>Between the services and PostgreSQL.</summary>
    Database,

    /// <summary>Between the consumer <see cref="ResourceNames.LinkedConsumer"/> and the brokers.</summary>
    Kafka,
}

/// <summary>What a link does with the traffic on it.</summary>
[JsonConverter(typeof(WireEnumConverter<LinkState>))]
public enum LinkState
{
    /// <summary>Forwards it.</summary>
    Up,

    /// <summary>Forwards it with a delay.</summary>
    Slow,

    /// <summary>Holds it back, as a cut cable does: neither a close nor a reset of a connection gets through.</summary>
    Cut,
}

/// <summary>Why a process exited.</summary>
[JsonConverter(typeof(WireEnumConverter<ExitCause>))]
public enum ExitCause
{
    /// <summary>It exited by itself, with exit code 0.</summary>
    Finished,

    /// <summary>It exited otherwise, and not on a request to the AppHost.</summary>
    Died,

    /// <summary>It was asked to stop.</summary>
    Stopped,

    /// <summary>SIGKILL was sent to it.</summary>
    Killed,
}

/// <summary>A command for the control endpoint. <see cref="object.ToString"/> returns it as an imperative.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = ControlCommand.Discriminator)]
[JsonDerivedType(typeof(ResourceCommand), "resource")]
[JsonDerivedType(typeof(ScaleCommand), "scale")]
[JsonDerivedType(typeof(PoisonCommand), "poison")]
[JsonDerivedType(typeof(LoadCommand), "load")]
[JsonDerivedType(typeof(SendCommand), "send")]
[JsonDerivedType(typeof(LinkCommand), "link")]
[JsonDerivedType(typeof(RollingRestartCommand), "rolling-restart")]
public abstract record ControlCommand
{
    /// <summary>The requester (make, experiment, fault lab, …); stored with the exits that follow.</summary>
    public string? By { get; init; }

    /// <summary>The requester's role, if the page's service knows it; for the audit log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FactoryRole? Role { get; init; }

    /// <summary>The requester's address, if the page's service knows it; for the audit log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Address { get; init; }

    /// <summary>Reads a command.</summary>
    /// <returns>The command, or what is wrong with it in one line.</returns>
    public static (ControlCommand? Command, string? Problem) Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ControlJson.Context.ControlCommand) is { } command ? (command, null) : (null, "a command is a JSON object");
        }
        catch (JsonException wrong)
        {
            return (null, Problem(json, wrong));
        }
        catch (NotSupportedException wrong)
        {
            // The reader throws this for a command without its discriminator.
            return (null, Problem(json, new(wrong.Message)));
        }
    }

    internal const string Discriminator = "command";

    private static IEnumerable<JsonDerivedType> Kinds => ControlJson.Context.ControlCommand.PolymorphismOptions!.DerivedTypes;

    // The member's name and value say more than the reader's message.
    private static string Problem(string json, JsonException wrong)
    {
        JsonElement body;
        try
        {
            body = JsonSerializer.Deserialize(json.Length == 0 ? "null" : json, ControlJson.Context.JsonElement);
        }
        catch (JsonException)
        {
            return $"not JSON: {wrong.Message}";
        }

        if (body.ValueKind != JsonValueKind.Object) return "a command is a JSON object";
        if (!body.TryGetProperty(Discriminator, out var kind) || kind.ValueKind != JsonValueKind.String || Type(kind.GetString()!) is not { } type)
            return $"{Discriminator} {(kind.ValueKind == JsonValueKind.Undefined ? "is missing" : $"= {kind}")}: must be one of {string.Join(", ", Kinds.Select(each => each.TypeDiscriminator))}";
        if (type.Properties.FirstOrDefault(property => property.IsRequired && !body.TryGetProperty(property.Name, out _)) is { } missing)
            return $"{missing.Name} is missing: {Allowed(missing.Name)}";
        if (body.EnumerateObject().Select(member => member.Name).FirstOrDefault(member => member != Discriminator && type.Properties.All(property => property.Name != member)) is { } foreign)
            return $"{foreign} is not part of this command";
        var name = wrong.Path?.Split('.')[^1] ?? "";
        return body.TryGetProperty(name, out var value) ? $"{name} = {value}: {Allowed(name)}" : wrong.Message;
    }

    private static JsonTypeInfo? Type(string kind) =>
        Kinds.Where(each => kind.Equals(each.TypeDiscriminator)).Select(each => ControlJson.Context.GetTypeInfo(each.DerivedType)).FirstOrDefault();

    private static string Allowed(string name) => name switch
    {
        "action" => $"must be one of {WireName.All<ResourceAction>()} for a resource, {WireName.All<LinkAction>()} for a link",
        "link" => $"must be one of {WireName.All<FactoryLink>()}",
        "name" or "by" or "address" or "sensor_id" or "sensor_type" or "unit" => "must be a string",
        "role" => $"must be one of {WireName.All<FactoryRole>()}",
        "value" => "must be a finite number",
        _ => "must be an integer",
    };
}

/// <summary>Does something with one resource.</summary>
/// <param name="Name">The resource's name.</param>
public sealed record ResourceCommand(string Name, ResourceAction Action) : ControlCommand
{
    public override string ToString() => $"{WireName.Of(Action)} {Name}";
}

/// <summary>Starts and stops consumers until this number runs.</summary>
public sealed record ScaleCommand(int Consumers) : ControlCommand
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"scale to {Consumers} consumers");
}

/// <summary>Sends messages that are not readings to the topic of readings.</summary>
public sealed record PoisonCommand(int Count) : ControlCommand
{
    /// <summary>The maximum of <see cref="Count"/>.</summary>
    public const int Most = 10_000;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {Count} malformed messages");
}

/// <summary>Sends readings in addition to the sensors'. Answers immediately; <see cref="ControlRoutes.Load"/> reports the progress.</summary>
public sealed record LoadCommand(int ReadingsPerSecond, int Seconds) : ControlCommand
{
    /// <summary>The maximum of <see cref="ReadingsPerSecond"/>.</summary>
    public const int MostPerSecond = 20_000;

    /// <summary>The maximum of <see cref="Seconds"/>.</summary>
    public const int MostSeconds = 600;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {ReadingsPerSecond} readings/s more for {Seconds} s");
}

/// <summary>Sends one reading with the current time, as a device does.</summary>
/// <param name="SensorId">1 to 255 characters.</param>
/// <param name="SensorType">1 to 100 characters.</param>
/// <param name="Value">In <paramref name="Unit"/>.</param>
/// <param name="Unit">At most 32 characters; null for the type's unit.</param>
public sealed record SendCommand(string SensorId, string SensorType, double Value, string? Unit = null) : ControlCommand
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {Value}{(Unit is null ? "" : $" {Unit}")} of {SensorId}");
}

/// <summary>Cuts a link, slows it down or restores it.</summary>
/// <param name="DelayMs">The delay in each direction; only used by <see cref="LinkAction.Slow"/>.</param>
public sealed record LinkCommand(FactoryLink Link, LinkAction Action, int DelayMs = LinkCommand.UsualDelayMs) : ControlCommand
{
    public const int UsualDelayMs = 200;

    /// <summary>The maximum of <see cref="DelayMs"/>.</summary>
    public const int LongestDelayMs = 10_000;

    public override string ToString() => $"{WireName.Of(Action)} the {WireName.Of(Link)} link";
}

/// <summary>Restarts the brokers one after another; answers when the last one is up again.</summary>
public sealed record RollingRestartCommand : ControlCommand
{
    public override string ToString() => "restart the brokers one after another";
}

/// <summary>The outcome of a <see cref="ControlCommand"/>.</summary>
/// <param name="Message">One line.</param>
/// <param name="At">When the action began; null if there was none.</param>
/// <param name="Acknowledged">The messages sent that the brokers acknowledged; null for commands that send none.</param>
public sealed record CommandAnswer(string Message, DateTimeOffset? At = null, int? Acknowledged = null);

/// <summary>The state of a resource.</summary>
/// <param name="State">Aspire's state: Running, Exited, NotStarted, …</param>
/// <param name="Health">healthy, degraded, unhealthy; null while it does not run.</param>
/// <param name="Pid">The process that does the work.</param>
/// <param name="ExitCode">
/// From its last exit; null while it runs, if it has never exited, and if a signal from outside the AppHost ended it.
/// </param>
/// <param name="Paused">It was paused and has not been resumed.</param>
/// <param name="Actions">The actions that a <see cref="ResourceCommand"/> may take on it; empty if it takes none.</param>
public sealed record ResourceBody(
    string Name,
    string Type,
    string? State,
    string? Health,
    int? Pid,
    string? ContainerId,
    IReadOnlyList<string> Urls,
    int? ExitCode,
    DateTimeOffset? Started,
    DateTimeOffset? Stopped,
    bool Paused,
    IReadOnlyList<ResourceAction> Actions);

/// <summary>Whether faults are enabled, and the state of what they act on.</summary>
/// <param name="Reason">Why faults are disabled; null if they are enabled.</param>
/// <param name="Kafka">One of <see cref="KafkaBackings"/>.</param>
/// <param name="ExternalDatabase">Whether PostgreSQL is not started by the AppHost.</param>
public sealed record FaultsBody(bool Enabled, string? Reason, string Kafka, int Consumers, int MaxConsumers, IReadOnlyList<LinkBody> Links, LoadBody Load, bool ExternalDatabase = false);

/// <summary>The state of a link.</summary>
public sealed record LinkBody(FactoryLink Name, LinkState State, double DelayMs, int Connections);

/// <summary>The state of a load burst.</summary>
/// <param name="Running">True until the last reading is acknowledged or given up.</param>
/// <param name="Started">Null before the first load.</param>
/// <param name="ToSend">Readings in total.</param>
/// <param name="LongestWaitMs">The longest time from sending a reading to its acknowledgement; null before the first.</param>
public sealed record LoadBody(
    bool Running, DateTimeOffset? Started, int ReadingsPerSecond, int Seconds, long ToSend, long Sent, long Acknowledged, long Failed, double? LongestWaitMs)
{
    public static readonly LoadBody None = new(false, null, 0, 0, 0, 0, 0, 0, null);

    public override string ToString() => Started is null
        ? "no load was asked for"
        : string.Create(CultureInfo.InvariantCulture, $"load {(Running ? "runs" : "ended")}: {Acknowledged} acknowledged and {Failed} given up of {Sent} sent of {ToSend}, longest wait {LongestWaitMs ?? 0:F0} ms");
}

/// <summary>The exit of a process.</summary>
/// <param name="Id">Increases by one, from 1, within a run of the AppHost.</param>
/// <param name="At">For a kill: immediately before the signal. Otherwise when the exit was noticed.</param>
/// <param name="ExitCode">137 (128 + SIGKILL) after a kill; null if a signal from outside the AppHost ended it.</param>
/// <param name="By">The requester: make, Aspire (its dashboard or command line), …; null if nobody requested it.</param>
/// <param name="Pid">The process that did the work; null if unknown.</param>
public sealed record ResourceExit(long Id, string Resource, DateTimeOffset At, int? ExitCode, ExitCause Cause, string? By, int? Pid);

/// <summary>How the brokers run.</summary>
public static class KafkaBackings
{
    public const string Containers = "containers";
    public const string Processes = "processes";
    public const string Embedded = "embedded";

    /// <summary>Not started by the AppHost.</summary>
    public const string External = "external";
}

/// <summary>Why faults are disabled for external brokers or an external PostgreSQL.</summary>
public static class NotOurs
{
    public const string Brokers = "the brokers are not the AppHost's own (Factory:Kafka=external)";
    public const string Database = "PostgreSQL is not the AppHost's own (Factory:Postgres=external)";
}

/// <summary>The name of an enum's value in JSON and in the database.</summary>
public static class WireName
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <exception cref="FormatException">There is no such value.</exception>
    public static T Parse<T>(string name)
        where T : struct, Enum => Enum.GetValues<T>().Where(value => Of(value) == name).Select(value => (T?)value).FirstOrDefault()
            ?? throw new FormatException($"{name}: must be one of {All<T>()}");

    /// <summary>All names, separated by commas.</summary>
    public static string All<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(Of));
}

/// <summary>Converts an enum to and from its <see cref="WireName"/>.</summary>
public sealed class WireEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowOutOfOrderMetadataProperties = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters = [typeof(Api.UtcTimestampConverter)])]
[JsonSerializable(typeof(ControlCommand))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(IReadOnlyList<ResourceBody>))]
[JsonSerializable(typeof(FaultsBody))]
[JsonSerializable(typeof(LoadBody))]
[JsonSerializable(typeof(IReadOnlyList<ResourceExit>))]
public sealed partial class ControlJsonContext : JsonSerializerContext;

public static class ControlJson
{
    /// <summary>The context that writes ° and similar characters unescaped.</summary>
    public static ControlJsonContext Context { get; } =
        new(new JsonSerializerOptions(ControlJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
