using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Avro;
using Avro.Generic;
using Confluent.SchemaRegistry;
using FactoryMonitoring.Consumers.Health;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Converts the Avro messages of a Schema Registry's serializer to JSON, which is then read like any other message (docs/messages.md).
/// Used by the polling thread, which never waits for the registry: a message whose schema is not known yet is read again later.
/// </summary>
internal sealed partial class AvroMessages : IDisposable
{
    private const int MaxUnreadable = 10_000;

    private const int MaxReaders = 10_000;

    /// <summary>
    /// After this many ids in a row that the registry does not know, it is not asked for a while for ids that no registry that counts could have given out: those
    /// are unreadable at once.
    /// </summary>
    private const int MaxMisses = 20;

    /// <summary>A registry numbers its schemas one after the other: a new schema's id is at most this much higher than those that it had when it was surveyed.</summary>
    private const int MaxNewSchemas = 1_000;

    /// <summary>The bytes before the value: a zero, and the schema's id in four bytes.</summary>
    private const int FramingBytes = 5;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    /// <summary>After this time an unknown schema is requested again: it may have been restored in the registry.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan RestAfterMisses = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SurveyAgainAfter = TimeSpan.FromMinutes(10);

    /// <summary>How long, and how often, the registry may fail for one id while it answers for others.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private const int MaxFailures = 5;

    /// <summary>An id that no registry has: that it is unknown shows that the registry answers.</summary>
    private const int NoSchema = int.MaxValue;

    private readonly Uri _url;
    private readonly CachedSchemaRegistryClient _registry;
    private readonly ConsumerStatus _status;
    private readonly TimeProvider _time;
    private readonly ILogger<AvroMessages> _logger;
    private readonly Dictionary<int, GenericDatumReader<object>> _readers = [];
    private readonly Dictionary<int, (string Why, long Since)> _unreadable = [];
    private readonly Dictionary<int, Failure> _failing = [];
    private readonly ArrayBufferWriter<byte> _json = new();
    private Task<GenericDatumReader<object>>? _asked;
    private int _askedFor;
    private bool _isProbe;
    private long _failedAt;
    private Task<int>? _survey;
    private long _surveyedAt;
    private bool? _isSurveyed;
    private int _misses;
    private int _highest;
    private long _restsSince;
    private long _answeredAt;

    /// <param name="options">Must contain an address.</param>
    public AvroMessages(SchemaRegistryOptions options, ConsumerStatus status, TimeProvider time, ILogger<AvroMessages> logger)
    {
        _url = new Uri(options.Url!);
        _registry = new CachedSchemaRegistryClient(new SchemaRegistryConfig
        {
            Url = options.Url,
            BasicAuthUserInfo = options.User is { Length: > 0 } user ? $"{user}:{options.Password}" : null,
            SslCaLocation = options.CaFile,
            RequestTimeoutMs = 5_000,
            // This class retries by itself. With 0 the client sends no request at all.
            MaxRetries = 1,
        });
        (_status, _time, _logger) = (status, time, logger);
    }

    /// <summary>The result of reading a message.</summary>
    internal enum Outcome
    {
        /// <summary>It is converted to JSON.</summary>
        Read,

        /// <summary>Its schema has been requested: the message must be read again.</summary>
        AwaitsSchema,

        /// <summary>It is not a message of a readable schema.</summary>
        Unreadable,
    }

    /// <summary>The last message read, as JSON. Valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Json => _json.WrittenSpan;

    /// <summary>Why the last unreadable message could not be read.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>Reads a message.</summary>
    /// <param name="message">A zero byte, the schema's id in four bytes, and a value in Avro's binary encoding.</param>
    public Outcome Read(ReadOnlySpan<byte> message)
    {
        var id = BinaryPrimitives.ReadInt32BigEndian(message[1..]);
        if (!_readers.TryGetValue(id, out var reader) && !IsUnreadable(id))
        {
            Survey();
            if (_misses >= MaxMisses && !IsPlausible(id) && _time.GetElapsedTime(_restsSince) < RestAfterMisses)
            {
                Detail = $"The message is of schema {id}, and the Schema Registry {_url} does not know the last {_misses} schemas that it was asked for: it is not asked for {RestAfterMisses.TotalSeconds} s";
                return Outcome.Unreadable;
            }

            Ask(id);
            if (!_readers.TryGetValue(id, out reader) && !IsUnreadable(id))
            {
                return Outcome.AwaitsSchema;
            }
        }

        if (reader is null)
        {
            Detail = _unreadable[id].Why;
            return Outcome.Unreadable;
        }

        try
        {
            using var stream = new MemoryStream(message[FramingBytes..].ToArray());
            Write(reader.Read(null!, new BoundedDecoder(stream)));
            return Outcome.Read;
        }
        catch (Exception exception)
        {
            // The library throws arbitrary exceptions for bytes that do not match the schema.
            Detail = $"Cannot read the message as Avro of schema {id}: {JsonText.Shorten(exception.Message, 200)}";
            return Outcome.Unreadable;
        }
    }

    /// <summary>The request in progress, whose answer the next <see cref="Read"/> processes; completed if there is none.</summary>
    internal Task Asking => _asked ?? Task.CompletedTask;

    public void Dispose() => _registry.Dispose();

    /// <summary>Sends a request to the registry, or processes its answer. One request at a time: a producer of unknown schemas does not cause more.</summary>
    private void Ask(int id)
    {
        if (_asked is null)
        {
            if (_failedAt == 0 || _time.GetElapsedTime(_failedAt) >= AskAgainAfter)
            {
                // After a while of failures for one id, another question shows whether the registry fails or only that id.
                _isProbe = _failing.TryGetValue(id, out var failing) && _time.GetElapsedTime(failing.Since) >= Patience && _answeredAt <= failing.At;
                _askedFor = id;
                _asked = _isProbe ? ProbeAsync() : FetchAsync(id);
            }

            return;
        }

        if (!_asked.IsCompleted)
        {
            return;
        }

        var (answer, asked, isProbe) = (_asked, _askedFor, _isProbe);
        (_asked, _failedAt) = (null, 0);
        switch (answer.Exception?.GetBaseException())
        {
            case null when answer.IsCompletedSuccessfully && isProbe:
                Answered();
                break;
            case null when answer.IsCompletedSuccessfully:
                if (_readers.Count >= MaxReaders)
                {
                    _readers.Clear();
                }

                _readers[asked] = answer.Result;
                _highest = Math.Max(_highest, asked);
                _misses = 0;
                _failing.Remove(asked);
                Answered();
                break;
            case SchemaRegistryException { Status: System.Net.HttpStatusCode.NotFound } unknown when !isProbe && IsOwn(unknown):
                _misses++;
                _restsSince = _time.GetTimestamp();
                Cannot(asked, $"The message is of schema {asked}, which the Schema Registry {_url} does not know ({unknown.Message})");
                break;
            case SchemaRegistryException refused when !isProbe && IsOwn(refused) && IsOfId(refused.Status):
                Cannot(asked, $"The message is of schema {asked}, which the Schema Registry {_url} refuses ({(int)refused.Status}: {JsonText.Shorten(refused.Message, 200)})");
                break;
            case SchemaParseException unreadable:
                Cannot(asked, $"The message is of schema {asked}, which cannot be read: {JsonText.Shorten(unreadable.Message, 200)}");
                break;
            case { } failure when HasFailedAlone(asked):
                Cannot(asked, $"The message is of schema {asked}, for which the Schema Registry {_url} has failed for {Patience.TotalMinutes} min, while it answers for others ({JsonText.Shorten(failure.Message, 200)})");
                break;
            case var failure:
                // The message is not at fault. It waits, as it does while the database is unavailable.
                _failedAt = _time.GetTimestamp();
                var reason = failure?.Message ?? "no answer within 5 s";
                if (_status.RegistryProblem is null)
                {
                    Log.NoSchema(_logger, asked, _url, reason);
                }

                _status.RegistryProblem = $"cannot read schema {asked} from the Schema Registry {_url}: {reason}";
                break;
        }
    }

    /// <summary>
    /// Whether the registry can have given out the id. Any id can be its own before it is surveyed, and if it refuses that and no schema is known.
    /// </summary>
    private bool IsPlausible(int id) => _isSurveyed is null || (_isSurveyed is false && _highest == 0) || (id >= 0 && id <= (long)_highest + MaxNewSchemas);

    /// <summary>After many misses asks for the registry's highest id, beside other requests, or processes the answer.</summary>
    private void Survey()
    {
        if (_survey is null)
        {
            if (_misses >= MaxMisses && (_isSurveyed is null || _time.GetElapsedTime(_surveyedAt) >= (_isSurveyed is true ? SurveyAgainAfter : ForgetAfter)))
            {
                _survey = Task.Run(HighestAsync);
            }

            return;
        }

        if (!_survey.IsCompleted)
        {
            return;
        }

        if (_survey.Exception is null && _survey.IsCompletedSuccessfully)
        {
            (_highest, _isSurveyed) = (Math.Max(_highest, _survey.Result), true);
        }
        else
        {
            // What an earlier survey has found is still true.
            _isSurveyed ??= false;
        }

        (_survey, _surveyedAt) = (null, _time.GetTimestamp());
    }

    /// <returns>The highest id of the newest schemas of the registry's subjects; 0 if it has none.</returns>
    /// <exception cref="SchemaRegistryException">The registry answers with an error.</exception>
    private async Task<int> HighestAsync()
    {
        _registry.ClearLatestCaches();
        var highest = 0;
        foreach (var subject in await _registry.GetAllSubjectsAsync().ConfigureAwait(false))
        {
            try
            {
                highest = Math.Max(highest, (await _registry.GetLatestSchemaAsync(subject).ConfigureAwait(false)).Id);
            }
            catch (SchemaRegistryException exception) when (exception.Status == System.Net.HttpStatusCode.NotFound && IsOwn(exception))
            {
                // It has been deleted meanwhile.
            }
        }

        return highest;
    }

    /// <summary>Whether the id's schema is known to be unreadable, from an answer that is not too old.</summary>
    private bool IsUnreadable(int id) => _unreadable.TryGetValue(id, out var unreadable) && _time.GetElapsedTime(unreadable.Since) < ForgetAfter;

    /// <summary>
    /// Whether a refusal is the registry's: a code of its own begins with the status, as 40403 does, or is the status. A proxy that is being changed refuses every
    /// request.
    /// </summary>
    private static bool IsOwn(SchemaRegistryException refusal) => refusal.ErrorCode / 100 == (int)refusal.Status || refusal.ErrorCode == (int)refusal.Status;

    /// <summary>Whether a refusal is of the schema that was asked for; the others are of every request: the credentials, a right, or the load.</summary>
    private static bool IsOfId(System.Net.HttpStatusCode status) => (int)status is >= 400 and < 500
        && status is not (System.Net.HttpStatusCode.Unauthorized or System.Net.HttpStatusCode.Forbidden or System.Net.HttpStatusCode.RequestTimeout or System.Net.HttpStatusCode.TooManyRequests);

    /// <summary>Records a failure.</summary>
    /// <returns>Whether the registry has failed for this id for long, and has answered another question before each of the last failures.</returns>
    private bool HasFailedAlone(int id)
    {
        var now = _time.GetTimestamp();
        if (_failing.Count >= MaxUnreadable)
        {
            _failing.Clear();
        }

        var failing = _failing.GetValueOrDefault(id, new Failure(now, now, 0));
        failing = failing with { At = now, Alone = failing.Alone + (_answeredAt > failing.At ? 1 : 0) };
        _failing[id] = failing;
        return failing.Alone >= MaxFailures && _time.GetElapsedTime(failing.Since) >= Patience;
    }

    /// <param name="Since">The first.</param>
    /// <param name="At">The last.</param>
    /// <param name="Alone">Those before which the registry has answered another question.</param>
    private readonly record struct Failure(long Since, long At, int Alone);

    private void Cannot(int id, string why)
    {
        _failing.Remove(id);
        Answered();
        if (_unreadable.Count >= MaxUnreadable)
        {
            foreach (var old in _unreadable.Keys.Where(old => !IsUnreadable(old)).ToList())
            {
                _unreadable.Remove(old);
            }
        }

        if (_unreadable.Count >= MaxUnreadable)
        {
            _unreadable.Clear();
        }

        _unreadable[id] = (why, _time.GetTimestamp());
    }

    private void Answered()
    {
        _answeredAt = _time.GetTimestamp();
        if (_status.RegistryProblem is not null)
        {
            _status.RegistryProblem = null;
            Log.Answers(_logger, _url);
        }
    }

    /// <summary>Asks for a schema that no registry has; where it does not say that as Confluent's does, for its subjects. An answer shows that it is well.</summary>
    private async Task<GenericDatumReader<object>> ProbeAsync()
    {
        try
        {
            await _registry.GetSchemaAsync(NoSchema).ConfigureAwait(false);
        }
        catch (SchemaRegistryException refusal)
        {
            if (refusal.Status != System.Net.HttpStatusCode.NotFound || !IsOwn(refusal))
            {
                await _registry.GetAllSubjectsAsync().ConfigureAwait(false);
            }
        }

        return null!;
    }

    /// <exception cref="SchemaRegistryException">The registry answers with an error.</exception>
    /// <exception cref="SchemaParseException">It is not an Avro schema that can be read.</exception>
    private async Task<GenericDatumReader<object>> FetchAsync(int id)
    {
        var schema = await _registry.GetSchemaAsync(id).ConfigureAwait(false);
        if (schema.SchemaType != SchemaType.Avro)
        {
            throw new SchemaParseException($"it is of {schema.SchemaType}; Avro and JSON are read");
        }

        List<string> texts = [];
        await AddAsync(schema, texts, []).ConfigureAwait(false);
        try
        {
            // In a union, a type may refer to earlier ones.
            var parsed = texts.Count == 1 ? Avro.Schema.Parse(texts[0]) : ((UnionSchema)Avro.Schema.Parse($"[{string.Join(',', texts)}]")).Schemas[^1];
            return new GenericDatumReader<object>(parsed, parsed);
        }
        catch (Exception exception) when (exception is not SchemaParseException)
        {
            // The registry has answered: waiting for another answer would block the partition forever.
            throw new SchemaParseException(exception.Message, exception);
        }
    }

    /// <summary>Adds the schemas that a schema references, and then the schema itself.</summary>
    private async Task AddAsync(Confluent.SchemaRegistry.Schema schema, List<string> texts, HashSet<string> names)
    {
        foreach (var reference in schema.References.Where(reference => names.Add(reference.Name)))
        {
            await AddAsync((await _registry.GetRegisteredSchemaAsync(reference.Subject, reference.Version).ConfigureAwait(false)).Schema, texts, names).ConfigureAwait(false);
        }

        texts.Add(schema.SchemaString);
    }

    private void Write(object value)
    {
        _json.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_json, new JsonWriterOptions { SkipValidation = true });
        Write(json, value);
    }

    /// <summary>Writes a value of a schema as JSON.</summary>
    internal static void Write(Utf8JsonWriter json, object? value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (json.BytesCommitted + json.BytesPending > ReadingParser.MaxBytes)
        {
            throw new AvroException($"it has more than {ReadingParser.MaxBytes} bytes as JSON, which are allowed");
        }

        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case GenericRecord record:
                json.WriteStartObject();
                foreach (var field in record.Schema.Fields)
                {
                    json.WritePropertyName(field.Name);
                    var inner = record.GetValue(field.Pos);
                    // A date has no time of day and no zone, so that a time of day in another field can have it.
                    Write(json, inner is DateTime date && IsDate(field.Schema) ? date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : inner);
                }

                json.WriteEndObject();
                break;
            case IDictionary<string, object> map:
                json.WriteStartObject();
                foreach (var (name, each) in map)
                {
                    json.WritePropertyName(name);
                    Write(json, each);
                }

                json.WriteEndObject();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case float number:
                WriteNumber(json, number, float.IsFinite(number));
                break;
            case double number:
                WriteNumber(json, number, double.IsFinite(number));
                break;
            case AvroDecimal number:
                json.WriteRawValue(number.ToString("G", CultureInfo.InvariantCulture));
                break;
            case DateTime time:
                json.WriteStringValue(time.ToUniversalTime());
                break;
            case byte[] bytes:
                json.WriteBase64StringValue(bytes);
                break;
            case GenericFixed bytes:
                json.WriteBase64StringValue(bytes.Value);
                break;
            case GenericEnum symbol:
                json.WriteStringValue(symbol.Value);
                break;
            case System.Collections.IEnumerable array:
                json.WriteStartArray();
                foreach (var each in array)
                {
                    Write(json, each);
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static bool IsDate(Avro.Schema schema) => schema switch
    {
        LogicalSchema logical => logical.LogicalTypeName == Avro.Util.Date.LogicalTypeName,
        UnionSchema union => union.Schemas.OfType<LogicalSchema>().ToList() is [var only] && IsDate(only),
        _ => false,
    };

    /// <summary>JSON has no NaN; as text it is treated like a missing value.</summary>
    private static void WriteNumber<T>(Utf8JsonWriter json, T number, bool isFinite) where T : IFormattable
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        if (isFinite)
        {
            json.WriteRawValue(text);
        }
        else
        {
            json.WriteStringValue(text);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot read schema {Id} from the Schema Registry {Url}: {Reason}; partitions whose next message has this schema wait")]
        public static partial void NoSchema(ILogger logger, int id, Uri url, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "The Schema Registry {Url} answers")]
        public static partial void Answers(ILogger logger, Uri url);
    }
}
