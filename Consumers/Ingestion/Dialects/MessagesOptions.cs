using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Section <c>Consumers:Messages</c>: how to read messages that differ from this system's sensors' (docs/messages.md).</summary>
internal sealed class MessagesOptions
{
    public const string Section = "Consumers:Messages";

    /// <summary>The IANA id of the zone for times without a zone.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Whether a message without a time gets its record's timestamp. Otherwise it is rejected.</summary>
    public bool RecordTime { get; init; }

    public MappingOptions Mapping { get; init; } = new();

    public SchemaRegistryOptions SchemaRegistry { get; init; } = new();

    /// <summary>Whether the headers of CloudEvents in binary mode are read. All headers are then copied out of the client, which slows every message.</summary>
    public bool CloudEventHeaders { get; init; }

    /// <summary>Returns the zone.</summary>
    /// <exception cref="TimeZoneNotFoundException">This machine has no zone with that id.</exception>
    /// <exception cref="InvalidTimeZoneException">This machine's data about the zone cannot be read.</exception>
    public TimeZoneInfo Zone() => TimeZone is "UTC" ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(TimeZone);
}

/// <summary>Section <c>Consumers:Messages:SchemaRegistry</c>: the source of the schemas of Avro messages.</summary>
internal sealed class SchemaRegistryOptions
{
    /// <summary>Absolute, http or https. If not set, Avro is not read.</summary>
    public string? Url { get; init; }

    /// <summary>The user for HTTP basic authentication; none if empty.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>The file of <see cref="Password"/>, which is read from it at startup.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>A PEM file with the certificate authority of an https registry; if not set, the machine's trusted authorities.</summary>
    public string? CaFile { get; init; }
}

/// <summary>
/// Section <c>Consumers:Messages:Mapping</c>: which member of a message is which field. A member is named by a JSON pointer (RFC 6901), whose first slash
/// may be omitted: <c>temp</c>, <c>Value/SourceTimestamp</c>, <c>/metrics/0/value</c>. Alternatives are separated by <c>|</c>; the first one that a message
/// has counts.
/// </summary>
internal sealed class MappingOptions
{
    public string? Time { get; init; }

    public string? Id { get; init; }

    public string? Type { get; init; }

    public string? Value { get; init; }

    public string? Unit { get; init; }

    public string? AlertLevel { get; init; }

    public string? Quality { get; init; }

    public string? Section { get; init; }

    public string? Machine { get; init; }

    public string? Zone { get; init; }

    public string? ReadingCount { get; init; }

    public string? SequenceId { get; init; }

    public string? Backfill { get; init; }

    /// <summary>The array of objects, each of which is a reading. Members missing in an element are taken from the object around the array.</summary>
    public string? Readings { get; init; }

    /// <summary>By sensor_type, the member with a value of that type: each is a separate reading, of the sensor <c>{id}-{type}</c>.</summary>
    public Dictionary<string, string> Values { get; init; } = [];

    /// <summary>By sensor_type, its unit if messages name none.</summary>
    public Dictionary<string, string> Units { get; init; } = [];

    /// <summary>Returns the types of <see cref="Values"/>, in the order of their readings in a message.</summary>
    public IEnumerable<string> MeasuredTypes() => Values.Keys.Order(StringComparer.Ordinal);

    /// <summary>The sensor_type of messages that name none.</summary>
    public string? DefaultType { get; init; }

    /// <summary>The unit of messages that name none, if their type has none.</summary>
    public string? DefaultUnit { get; init; }

    /// <summary>What an element of <see cref="Readings"/> adds to its sensor's id. Not a setting: only known forms have it.</summary>
    internal string? Part { get; init; }

    /// <summary>The position of an element's value in the message. Not a setting either.</summary>
    internal string? Place { get; init; }

    /// <summary>The members that identify a device in a message that has no id under any other name. Not a setting either.</summary>
    internal string? OtherIds { get; init; }

    /// <summary>Returns the configured pointers by the field that they map to.</summary>
    public IEnumerable<(string Key, Member Member, string Pointers)> Members()
    {
        (string, Member, string?)[] all =
        [
            (nameof(Time), Member.Time, Time), (nameof(Id), Member.Id, Id), (nameof(Type), Member.Type, Type), (nameof(Value), Member.Value, Value),
            (nameof(Unit), Member.Unit, Unit), (nameof(AlertLevel), Member.Level, AlertLevel), (nameof(Quality), Member.Quality, Quality),
            (nameof(Section), Member.Section, Section), (nameof(Machine), Member.Machine, Machine), (nameof(Zone), Member.Zone, Zone),
            (nameof(ReadingCount), Member.Count, ReadingCount), (nameof(SequenceId), Member.Sequence, SequenceId), (nameof(Backfill), Member.Backfill, Backfill), (nameof(Readings), Member.Readings, Readings),
            (nameof(Part), Member.Part, Part), (nameof(Place), Member.Place, Place),
            .. MeasuredTypes().Select((type, i) => ($"{nameof(Values)}:{type}", Member.Measured + i, (string?)Values[type])),
        ];
        return all.Where(one => !string.IsNullOrEmpty(one.Item3)).Select(one => (one.Item1, one.Item2, one.Item3!));
    }
}

internal sealed class MessagesOptionsValidator(IConfiguration configuration) : IValidateOptions<MessagesOptions>
{
    private const string Mapping = $"{MessagesOptions.Section}:{nameof(MessagesOptions.Mapping)}";
    private const string Registry = $"{MessagesOptions.Section}:{nameof(MessagesOptions.SchemaRegistry)}";

    public ValidateOptionsResult Validate(string? name, MessagesOptions options)
    {
        List<string> failures = [];
        FindUnknown(MessagesOptions.Section, failures, nameof(MessagesOptions.TimeZone), nameof(MessagesOptions.RecordTime), nameof(MessagesOptions.Mapping), nameof(MessagesOptions.SchemaRegistry), nameof(MessagesOptions.CloudEventHeaders));
        FindUnknown(Registry, failures, [.. typeof(SchemaRegistryOptions).GetProperties().Select(property => property.Name)]);
        CheckRegistry(options.SchemaRegistry, failures);
        FindUnknown(Mapping, failures, [.. typeof(MappingOptions).GetProperties().Select(property => property.Name)]);
        FindUntyped(nameof(MappingOptions.Values), "the member that holds a value of that type", failures);
        FindUntyped(nameof(MappingOptions.Units), "the unit of that type", failures);
        try
        {
            options.Zone();
        }
        catch (Exception exception) when (exception is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException)
        {
            failures.Add($"{MessagesOptions.Section}:{nameof(options.TimeZone)} = {options.TimeZone}: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin");
        }

        Dictionary<string, string> taken = [];
        foreach (var (key, _, pointers) in options.Mapping.Members())
        {
            foreach (var pointer in pointers.Split('|'))
            {
                if (MemberMap.Tokens(pointer) is not { } tokens)
                {
                    failures.Add($"{Mapping}:{key} = {pointers}: must be the name of a member, or a JSON pointer as Value/SourceTimestamp (~1 is a slash in a name, ~0 a tilde); | separates alternatives");
                }
                else if (!taken.TryAdd(string.Join('/', tokens), key) && taken[string.Join('/', tokens)] is var other)
                {
                    failures.Add($"{Mapping}:{key} = {pointers}: {pointer} is set for {other} already; must be a member that is set once");
                }
            }
        }

        foreach (var type in options.Mapping.MeasuredTypes())
        {
            CheckLength($"{nameof(MappingOptions.Values)}:{type}", type, ReadingParser.MaxTypeLength, failures);
            if (!SensorCatalog.Types.ContainsKey(type) && !options.Mapping.Units.ContainsKey(type) && string.IsNullOrEmpty(options.Mapping.DefaultUnit))
            {
                failures.Add($"{Mapping}:{nameof(MappingOptions.Values)}:{type} = {options.Mapping.Values[type]}: this type has no unit of its own; set {Mapping}:{nameof(MappingOptions.Units)}:{type}");
            }
        }

        foreach (var (type, unit) in options.Mapping.Units)
        {
            CheckLength($"{nameof(MappingOptions.Units)}:{type}", unit, ReadingParser.MaxUnitLength, failures);
        }

        CheckLength(nameof(MappingOptions.DefaultType), options.Mapping.DefaultType, ReadingParser.MaxTypeLength, failures);
        CheckLength(nameof(MappingOptions.DefaultUnit), options.Mapping.DefaultUnit, ReadingParser.MaxUnitLength, failures);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static void CheckRegistry(SchemaRegistryOptions options, List<string> failures)
    {
        if (options.Url is { Length: > 0 } url && !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
        {
            failures.Add($"{Registry}:{nameof(options.Url)} = {url}: must be an address as http://localhost:8081");
        }

        if (options.CaFile is { Length: > 0 } file && !File.Exists(file))
        {
            failures.Add($"{Registry}:{nameof(options.CaFile)} = {file}: there is no such file; must be a PEM file with certificates");
        }
    }

    /// <summary>Reports misspelt names, which would otherwise have no effect.</summary>
    private void FindUnknown(string section, List<string> failures, params string[] known) => failures.AddRange(
        configuration.GetSection(section).GetChildren()
            .Where(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .Select(child => $"{section}:{child.Key} = {child.Value}: there is no such setting; must be one of {string.Join(", ", known)}"));

    /// <summary>Reports a setting by type without a type, which would have no effect either.</summary>
    private void FindUntyped(string key, string what, List<string> failures)
    {
        var section = configuration.GetSection($"{Mapping}:{key}");
        failures.AddRange(
            section.GetChildren().Where(child => child.Value is null).Append(section).Where(one => one != section || !string.IsNullOrEmpty(one.Value))
                .Select(wrong => $"{wrong.Path} = {wrong.Value}: must be {section.Path}:{{type}}, {what}"));
    }

    private static void CheckLength(string key, string? value, int most, List<string> failures)
    {
        if (value?.Length > most)
        {
            failures.Add($"{Mapping}:{key} = {value}: must have at most {most} characters");
        }
    }
}
