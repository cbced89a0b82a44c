using System.Text;
using System.Text.Json;
using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// A CloudEvent in binary mode: its attributes are the record's headers, its data is the record's value (CloudEvents, Kafka protocol binding 1.0.2, 3.2).
/// </summary>
internal static class BinaryEvent
{
    private static readonly string[] Attributes = ["time", "subject", "source"];

    /// <summary>Returns the same event in structured mode, which is read like any other message; null if the record is not an event.</summary>
    public static byte[]? ToStructured(Headers? headers, ReadOnlySpan<byte> data)
    {
        if (Value(headers, "specversion") is not { } version)
        {
            return null;
        }

        using var stream = new MemoryStream(data.Length + 256);
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("specversion", version);
            foreach (var name in Attributes)
            {
                if (Value(headers, name) is { } value)
                {
                    json.WriteString(name, value);
                }
            }

            json.WritePropertyName("data");
            json.WriteRawValue(data, skipInputValidation: true);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string? Value(Headers? headers, string attribute) =>
        headers is not null && headers.TryGetLastBytes("ce_" + attribute, out var value) && value is not null ? Encoding.UTF8.GetString(value) : null;
}
