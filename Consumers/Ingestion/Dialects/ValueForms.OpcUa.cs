using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>OPC 10000-14: data set messages. Publisher and writer distinguish their sensors from others.</summary>
    private bool OpcUa(JsonElement root)
    {
        if (!(Has(root, "MessageType", JsonValueKind.String) && root.TryGetProperty("Messages", out var messages) && messages.ValueKind is JsonValueKind.Array or JsonValueKind.Object))
        {
            return false;
        }

        var publisher = Word(root, "PublisherId");
        foreach (var (index, message) in (messages.ValueKind == JsonValueKind.Array ? [.. messages.EnumerateArray()] : (JsonElement[])[messages]).Index())
        {
            if (message.ValueKind != JsonValueKind.Object || !Has(message, "Payload", JsonValueKind.Object))
            {
                continue;
            }

            var writer = Word(message, "DataSetWriterName") ?? Word(message, "DataSetWriterId");
            var id = string.Join('/', new[] { Word(message, "PublisherId") ?? publisher, writer }.Where(part => part is not null));
            var ofMessage = message.TryGetProperty("Status", out var status) ? QualityOf(status) : null;
            var place = string.Create(CultureInfo.InvariantCulture, $"Messages/{index}/Payload/");
            foreach (var field in message.GetProperty("Payload").EnumerateObject())
            {
                var (value, time, quality) = Unpacked(field.Value);
                if (names.Find(field.Name) is { } known)
                {
                    _values.Add(place + FormValues.Escaped(field.Name), known, value, id.Length > 0 ? id : null, known.Part, time ?? Member(message, "Timestamp"), ofMessage < (quality ?? 1) ? ofMessage : quality);
                }
                else if (value.ValueKind == JsonValueKind.Number)
                {
                    _values.Pass(place + FormValues.Escaped(field.Name));
                }
            }
        }

        return true;
    }

    /// <summary>Unpacks a field: a value, a variant (its type and body) or a value with its time and status.</summary>
    private static (JsonElement Value, JsonElement? Time, float? Quality) Unpacked(JsonElement field)
    {
        (JsonElement? time, float? quality) = (null, null);
        for (var depth = 0; depth < 2 && field.ValueKind == JsonValueKind.Object; depth++)
        {
            time ??= Member(field, "SourceTimestamp");
            quality ??= field.TryGetProperty("StatusCode", out var status) ? QualityOf(status) : field.TryGetProperty("Status", out status) ? QualityOf(status) : null;
            field = field.TryGetProperty("Value", out var value) || field.TryGetProperty("Body", out value) ? value : default;
        }

        return (field, time, quality);
    }

    private static float? QualityOf(JsonElement status) => status.ValueKind switch
    {
        JsonValueKind.Number when status.TryGetUInt32(out var code) => Words.QualityOf(code),
        JsonValueKind.String when Words.TryReadQuality(Encoding.UTF8.GetBytes(status.GetString()!), out var quality) => quality,
        JsonValueKind.Object when status.TryGetProperty("Symbol", out var symbol) || status.TryGetProperty("Code", out symbol) => QualityOf(symbol),
        _ => null,
    };
}
