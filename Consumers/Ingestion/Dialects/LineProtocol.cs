using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>InfluxDB's line protocol: <c>measurement,tag=a field=1.5,other="text" 1769860800000000000</c>, one metric per line.</summary>
internal static class LineProtocol
{
    /// <summary>Converts the metrics to Telegraf's JSON.</summary>
    /// <returns>Null if the message is not line protocol.</returns>
    public static byte[]? ToTelegraf(ReadOnlySpan<byte> message)
    {
        // The cheapest test first.
        if (message.IndexOf((byte)'=') < 0 || message.Length > ReadingParser.MaxBytes || !System.Text.Unicode.Utf8.IsValid(message))
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>(message.Length * 2);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray("metrics");
        foreach (var line in Encoding.UTF8.GetString(message).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!line.StartsWith('#') && !TryWrite(json, line))
            {
                return null;
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static bool TryWrite(Utf8JsonWriter json, string line)
    {
        if (Split(line, ' ') is not [var series, var fields, .. var time] || time.Length > 1 || Split(series, ',') is not [var name, .. var tags])
        {
            return false;
        }

        json.WriteStartObject();
        json.WriteString("name", Plain(name));
        // Without a time, the line protocol uses the receiver's clock; here the settings decide.
        if (time is [var written])
        {
            if (!long.TryParse(written, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var nanoseconds))
            {
                return false;
            }

            json.WriteNumber("timestamp", nanoseconds);
        }

        json.WriteStartObject("tags");
        foreach (var tag in tags)
        {
            if (Split(tag, '=') is not [var key, var value])
            {
                return false;
            }

            json.WriteString(Plain(key), Plain(value));
        }

        json.WriteEndObject();
        json.WriteStartObject("fields");
        foreach (var field in Split(fields, ','))
        {
            if (Split(field, '=') is not [var key, var value] || !TryWriteField(json, Plain(key), value))
            {
                return false;
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
        return true;
    }

    private static bool TryWriteField(Utf8JsonWriter json, string key, string value)
    {
        if (value is ['"', .., '"'])
        {
            json.WriteString(key, Plain(value[1..^1]));
            return true;
        }

        if (value.ToUpperInvariant() is "T" or "TRUE" or "F" or "FALSE")
        {
            json.WriteBoolean(key, value[0] is 't' or 'T');
            return true;
        }

        // 12i is an integer, 12u an unsigned one.
        var number = value[^1] is 'i' or 'u' ? value[..^1] : value;
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var read) || !double.IsFinite(read))
        {
            return false;
        }

        json.WriteNumber(key, read);
        return true;
    }

    /// <summary>Splits at each separator that is neither escaped nor in quotation marks.</summary>
    private static string[] Split(string text, char separator)
    {
        List<string> parts = [];
        var (start, isQuoted) = (0, false);
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (text[at] == separator && !isQuoted)
            {
                parts.Add(text[start..at]);
                start = at + 1;
            }
        }

        parts.Add(text[start..]);
        return parts.TrueForAll(part => part.Length > 0) ? [.. parts] : [];
    }

    private static string Plain(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            plain.Append(text[at] == '\\' && at + 1 < text.Length && text[at + 1] is ',' or '=' or ' ' or '"' or '\\' ? text[++at] : text[at]);
        }

        return plain.ToString();
    }
}
