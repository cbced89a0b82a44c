using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FactoryMonitoring.Contracts.Control;

// The contract of the AppHost's control endpoint: snake_case JSON, times in UTC. The fault lab passes the same commands and bodies on to the page.

/// <summary>Routes of the control endpoint. Each answers in JSON, or in lines of text to those who accept <c>text/plain</c>.</summary>
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

    /// <summary>GET: lines of text, one for each part; 503 where one of them is not well.</summary>
    public const string Doctor = "/doctor";
}

/// <summary>What can be done with a resource.</summary>
[JsonConverter(typeof(WireEnumConverter<ResourceAction>))]
public enum ResourceAction
{
    Start,

    /// <summary>SIGTERM, and time to finish.</summary>
    Stop,
    Restart,

    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGSTOP; only where faults are allowed.</summary>
    Pause,

    /// <summary>SIGCONT; only where faults are allowed.</summary>
    Resume,
}

/// <summary>What can be done with a network link.</summary>
[JsonConverter(typeof(WireEnumConverter<LinkAction>))]
public enum LinkAction
{
    /// <summary>Nothing gets through until it is restored, and neither side learns of it.</summary>
    Cut,

    /// <summary>Everything arrives late until it is restored.</summary>
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

/// <summary>What a link does with what is sent over it.</summary>
[JsonConverter(typeof(WireEnumConverter<LinkState>))]
public enum LinkState
{
    /// <summary>Passes it on.</summary>
    Up,

    /// <summary>Passes it on late.</summary>
    Slow,

    /// <summary>Keeps it, as a cable does that is cut: no end of a connection and no reset gets through either.</summary>
    Cut,
}

/// <summary>Why a process is gone.</summary>
[JsonConverter(typeof(WireEnumConverter<ExitCause>))]
public enum ExitCause
{
    /// <summary>It ended of itself, with exit code 0.</summary>
    Finished,

    /// <summary>It ended otherwise, and nobody here had a hand in it.</summary>
    Died,

    /// <summary>It was asked to stop.</summary>
    Stopped,

    /// <summary>SIGKILL was sent to it.</summary>
    Killed,
}

/// <summary>What the control endpoint is asked to do. <see cref="object.ToString"/> says it as an imperative.</summary>
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
    /// <summary>Who asks for it (make, experiment, fault lab, …); it is kept beside the exits that follow.</summary>
    public string? By { get; init; }

    /// <summary>The role of who asks, where the page's service knows it; for the audit log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FactoryRole? Role { get; init; }

    /// <summary>The address of who asks, where the page's service knows it; for the audit log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Address { get; init; }

    /// <summary>Reads a command.</summary>
    /// <returns>The command, or in one line what is wrong with it.</returns>
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
            // The reader throws this for a command without its kind.
            return (null, Problem(json, new(wrong.Message)));
        }
    }

    internal const string Discriminator = "command";

    private static IEnumerable<JsonDerivedType> Kinds => ControlJson.Context.ControlCommand.PolymorphismOptions!.DerivedTypes;

    // The member's name and value say more than what the reader was about to do.
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
/// <param name="Name">Of the resource.</param>
public sealed record ResourceCommand(string Name, ResourceAction Action) : ControlCommand
{
    public override string ToString() => $"{WireName.Of(Action)} {Name}";
}

/// <summary>Starts and stops consumers until so many run.</summary>
public sealed record ScaleCommand(int Consumers) : ControlCommand
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"scale to {Consumers} consumers");
}

/// <summary>Sends messages that are not readings to the topic of readings.</summary>
public sealed record PoisonCommand(int Count) : ControlCommand
{
    /// <summary>The most that <see cref="Count"/> may be.</summary>
    public const int Most = 10_000;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {Count} malformed messages");
}

/// <summary>Sends readings on top of the sensors'. The answer comes at once; <see cref="ControlRoutes.Load"/> says how far it is.</summary>
public sealed record LoadCommand(int ReadingsPerSecond, int Seconds) : ControlCommand
{
    /// <summary>The most that <see cref="ReadingsPerSecond"/> may be.</summary>
    public const int MostPerSecond = 20_000;

    /// <summary>The most that <see cref="Seconds"/> may be.</summary>
    public const int MostSeconds = 600;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {ReadingsPerSecond} readings/s more for {Seconds} s");
}

/// <summary>Sends one reading with the present time, as a device would.</summary>
/// <param name="SensorId">1 to 255 characters.</param>
/// <param name="SensorType">1 to 100 characters.</param>
/// <param name="Value">In <paramref name="Unit"/>.</param>
/// <param name="Unit">At most 32 characters; null is the type's own.</param>
public sealed record SendCommand(string SensorId, string SensorType, double Value, string? Unit = null) : ControlCommand
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"send {Value}{(Unit is null ? "" : $" {Unit}")} of {SensorId}");
}

/// <summary>Cuts a link, slows it down or restores it.</summary>
/// <param name="DelayMs">How much later everything arrives, each way; only <see cref="LinkAction.Slow"/> looks at it.</param>
public sealed record LinkCommand(FactoryLink Link, LinkAction Action, int DelayMs = LinkCommand.UsualDelayMs) : ControlCommand
{
    public const int UsualDelayMs = 200;

    /// <summary>The most that <see cref="DelayMs"/> may be.</summary>
    public const int LongestDelayMs = 10_000;

    public override string ToString() => $"{WireName.Of(Action)} the {WireName.Of(Link)} link";
}

/// <summary>Restarts the brokers one after another; answered when the last one is back.</summary>
public sealed record RollingRestartCommand : ControlCommand
{
    public override string ToString() => "restart the brokers one after another";
}

/// <summary>What became of a <see cref="ControlCommand"/>.</summary>
/// <param name="Message">One line.</param>
/// <param name="At">When it began; null where nothing was done.</param>
/// <param name="Acknowledged">Of messages that were sent: those that the brokers took. Null of other commands.</param>
public sealed record CommandAnswer(string Message, DateTimeOffset? At = null, int? Acknowledged = null);

/// <summary>A resource as it stands.</summary>
/// <param name="State">Aspire's word: Running, Exited, NotStarted, …</param>
/// <param name="Health">healthy, degraded, unhealthy; null while it does not run.</param>
/// <param name="Pid">The process that does the work.</param>
/// <param name="ExitCode">Of its last end; null where a signal of somebody else ended it, while it runs, and of what has never ended.</param>
/// <param name="Paused">It was paused and not yet resumed.</param>
/// <param name="Actions">What a <see cref="ResourceCommand"/> may do with it; empty of what takes none.</param>
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

/// <summary>What may be broken, and how things stand.</summary>
/// <param name="Reason">Why nothing may; null when it may.</param>
/// <param name="Kafka">One of <see cref="KafkaBackings"/>.</param>
/// <param name="ExternalDatabase">Whether PostgreSQL is not the AppHost's own.</param>
public sealed record FaultsBody(bool Enabled, string? Reason, string Kafka, int Consumers, int MaxConsumers, IReadOnlyList<LinkBody> Links, LoadBody Load, bool ExternalDatabase = false);

/// <summary>A link as it stands.</summary>
public sealed record LinkBody(FactoryLink Name, LinkState State, double DelayMs, int Connections);

/// <summary>A burst of load as it stands.</summary>
/// <param name="Running">Until the last reading is acknowledged or given up.</param>
/// <param name="Started">Null where no load was asked for yet.</param>
/// <param name="ToSend">Readings in all.</param>
/// <param name="LongestWaitMs">Between the sending of a reading and its acknowledgement; null before the first.</param>
public sealed record LoadBody(
    bool Running, DateTimeOffset? Started, int ReadingsPerSecond, int Seconds, long ToSend, long Sent, long Acknowledged, long Failed, double? LongestWaitMs)
{
    public static readonly LoadBody None = new(false, null, 0, 0, 0, 0, 0, 0, null);

    public override string ToString() => Started is null
        ? "no load was asked for"
        : string.Create(CultureInfo.InvariantCulture, $"load {(Running ? "runs" : "ended")}: {Acknowledged} acknowledged and {Failed} given up of {Sent} sent of {ToSend}, longest wait {LongestWaitMs ?? 0:F0} ms");
}

/// <summary>The end of a process.</summary>
/// <param name="Id">Rises by one, from 1, within a run of the AppHost.</param>
/// <param name="At">Of a kill: immediately before the signal. Otherwise when the end was seen.</param>
/// <param name="ExitCode">137 (128 + SIGKILL) after a kill; null where a signal of somebody else ended it.</param>
/// <param name="By">Who asked for it: make, Aspire (its dashboard or command line), …; null where nobody did.</param>
/// <param name="Pid">The process that did the work; null where it was not known.</param>
public sealed record ResourceExit(long Id, string Resource, DateTimeOffset At, int? ExitCode, ExitCause Cause, string? By, int? Pid);

/// <summary>What the brokers run as.</summary>
public static class KafkaBackings
{
    public const string Containers = "containers";
    public const string Processes = "processes";
    public const string Embedded = "embedded";

    /// <summary>Not the AppHost's own.</summary>
    public const string External = "external";
}

/// <summary>Why faults are off for external brokers or an external PostgreSQL.</summary>
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

    /// <summary>All names, with commas between.</summary>
    public static string All<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(Of));
}

/// <summary>Reads and writes an enum by <see cref="WireName"/>.</summary>
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
    /// <summary>The context, with ° and the like written as they are.</summary>
    public static ControlJsonContext Context { get; } =
        new(new JsonSerializerOptions(ControlJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
