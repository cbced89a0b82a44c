using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The envelope of a reading, or of an array of readings: a CloudEvent in its structured JSON form, or Kafka Connect's JSON with its schema.</summary>
internal ref struct Envelope
{
    /// <summary>Of nested envelopes.</summary>
    private const int MaxDepth = 3;

    private enum Part
    {
        Schema,
        Payload,
        Version,
        Data,
        Base64,
        Time,
        Subject,
        Source,
        Other,
    }

    /// <summary>The reading, a JSON object, or an array of readings.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>The event around it; empty if there is none.</summary>
    public ReadOnlySpan<byte> Event { get; private set; }

    /// <summary>Members of the event, by their positions in <see cref="Event"/>.</summary>
    public Found Time { get; private set; }

    public Found Subject { get; private set; }

    public Found Source { get; private set; }

    /// <summary>If it contains neither object nor array: what it is and contains; otherwise null.</summary>
    public string? Problem { get; private set; }

    /// <exception cref="JsonException">The message is not JSON.</exception>
    public static Envelope Open(ReadOnlySpan<byte> message) => default(Envelope).Open(message, depth: 0);

    /// <summary>Opens an element of the array in this envelope. It belongs to this envelope's event, unless it is an event itself.</summary>
    /// <exception cref="JsonException">The element is not JSON.</exception>
    public readonly Envelope OpenElement(ReadOnlySpan<byte> element) => Open(element, depth: 0);

    /// <summary>Returns the same envelope around another body.</summary>
    public readonly Envelope With(ReadOnlySpan<byte> body)
    {
        var envelope = this;
        envelope.Body = body;
        return envelope;
    }

    private readonly Envelope Open(ReadOnlySpan<byte> body, int depth)
    {
        var envelope = this;
        envelope.Body = body;
        while (depth < MaxDepth && envelope.Problem is null && !JsonText.IsArray(envelope.Body) && envelope.OpenOne())
        {
            depth++;
        }

        return envelope;
    }

    private bool OpenOne()
    {
        // Nearly all messages have neither, and searching for the names costs less than reading the message once more.
        if (Body.IndexOf("\"specversion\""u8) < 0 && Body.IndexOf("\"payload\""u8) < 0)
        {
            return false;
        }

        Span<Found> parts = stackalloc Found[(int)Part.Other + 1];
        parts.Clear();
        var json = new Utf8JsonReader(Body);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            ref var part = ref parts[(int)PartOf(ref json)];
            json.Read();
            var (type, start) = (json.TokenType, (int)json.TokenStartIndex);
            json.Skip();
            part = new Found(type, start, (int)json.BytesConsumed - start, 0);
        }

        if (Has(parts, Part.Schema) && Has(parts, Part.Payload))
        {
            var (schema, payload) = (parts[(int)Part.Schema], parts[(int)Part.Payload]);
            if (payload.Type is JsonTokenType.StartObject or JsonTokenType.StartArray && Body.Slice(schema.Start, schema.Length) is var types && ConnectSchema.HasLogicalTypes(types))
            {
                Body = ConnectSchema.Resolve(types, Body.Slice(payload.Start, payload.Length));
                return true;
            }

            Take(parts[(int)Part.Payload], isBase64: false, "payload of Kafka Connect's envelope");
            return true;
        }

        if (!Has(parts, Part.Version))
        {
            return false;
        }

        Event = Body;
        (Time, Subject, Source) = (parts[(int)Part.Time], parts[(int)Part.Subject], parts[(int)Part.Source]);
        var isBase64 = parts[(int)Part.Base64].Type == JsonTokenType.String;
        Take(parts[(int)(isBase64 ? Part.Base64 : Part.Data)], isBase64, "data of the CloudEvent");
        return true;
    }

    private static bool Has(ReadOnlySpan<Found> parts, Part part) => parts[(int)part].Type != JsonTokenType.None;

    private static Part PartOf(ref Utf8JsonReader json) =>
        json.ValueTextEquals("schema"u8) ? Part.Schema
        : json.ValueTextEquals("payload"u8) ? Part.Payload
        : json.ValueTextEquals("specversion"u8) ? Part.Version
        : json.ValueTextEquals("data"u8) ? Part.Data
        : json.ValueTextEquals("data_base64"u8) ? Part.Base64
        : json.ValueTextEquals("time"u8) ? Part.Time
        : json.ValueTextEquals("subject"u8) ? Part.Subject
        : json.ValueTextEquals("source"u8) ? Part.Source
        : Part.Other;

    private void Take(Found found, bool isBase64, string what)
    {
        if (found.Type is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            Body = Body.Slice(found.Start, found.Length);
            return;
        }

        // An object as text, as written by a converter of strings or binary data.
        var content = found.Type == JsonTokenType.String ? JsonText.Of(Body, found).Trim(" \t\r\n"u8) : default;
        if (isBase64)
        {
            var decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(content.Length)];
            content = Base64.DecodeFromUtf8(content, decoded, out _, out var length) == OperationStatus.Done ? decoded.AsSpan(0, length) : default;
        }

        if (content.Length > 0 && content[0] is (byte)'{' or (byte)'[')
        {
            Body = content;
        }
        else
        {
            Problem = $"The {what} is {JsonText.Show(Body, found)}: it must be a JSON object, or an array of objects";
        }
    }
}
