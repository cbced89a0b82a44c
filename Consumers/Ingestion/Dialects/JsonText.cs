using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Extracts text from a message.</summary>
internal static class JsonText
{
    private const int MaxShown = 80;
    private const int MaxNames = 200;
    private const int MaxNumbers = 4;
    private const int Around = 10;

    /// <summary>Returns the text of a string, unescaped, or of a number as written.</summary>
    /// <exception cref="InvalidOperationException">The text is not valid Unicode.</exception>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> message, Found found)
    {
        var raw = message.Slice(found.Start, found.Length);
        if (found.Type != JsonTokenType.String)
        {
            return raw;
        }

        if (!raw.Contains((byte)'\\'))
        {
            return raw[1..^1];
        }

        var json = new Utf8JsonReader(raw);
        json.Read();
        var text = new byte[raw.Length];
        return text.AsSpan(0, json.CopyString(text));
    }

    public static bool IsArray(ReadOnlySpan<byte> message) => message.TrimStart(" \t\r\n"u8) is [(byte)'[', ..];

    public static string KindOf(JsonTokenType type) => type switch
    {
        JsonTokenType.String => "a text",
        JsonTokenType.Number => "a number",
        JsonTokenType.StartArray => "an array",
        _ => type.ToString().ToLowerInvariant(),
    };

    /// <summary>Returns the name of a member as written in the message.</summary>
    public static string NameOf(ReadOnlySpan<byte> message, Found found)
    {
        var name = message[..found.Start].TrimEnd(" \t\r\n:"u8)[..^1];
        return Shorten(Encoding.UTF8.GetString(name[(name.LastIndexOf((byte)'"') + 1)..]), MaxShown);
    }

    /// <summary>Returns a value as written in the message, in one short line.</summary>
    public static string Show(ReadOnlySpan<byte> message, Found found) => found.Type switch
    {
        JsonTokenType.None => "missing",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        _ => Shorten(Encoding.UTF8.GetString(message.Slice(found.Start, Math.Min(found.Length, MaxShown * 4))), MaxShown),
    };

    /// <summary>Returns the names of an object's members, for an error about a missing one.</summary>
    public static string Members(ReadOnlySpan<byte> message)
    {
        var json = new Utf8JsonReader(message);
        List<string> names = [];
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            names.Add(Encoding.UTF8.GetString(json.ValueSpan));
            json.Read();
            json.Skip();
        }

        return names.Count == 0 ? "it has no members" : $"its members are {Shorten(string.Join(", ", names), MaxNames)}";
    }

    /// <summary>Returns pointers to an object's first few numbers that may be measurements, as the settings name members.</summary>
    public static IReadOnlyList<string> Numbers(ReadOnlySpan<byte> message)
    {
        using var document = JsonDocument.Parse(message.ToArray());
        List<string> pointers = [];
        Collect(
            document.RootElement,
            "",
            pointers,
            (place, value) => value.ValueKind == JsonValueKind.Number && !IsTime(place, value.ToString()),
            member => (member.Value.ValueKind != JsonValueKind.Number || !FormValues.IsNoMeasurement(member.Name)) && !IsMetadata(member.Name));
        return pointers;
    }

    /// <summary>Returns pointers to an object's first few members whose names and values are those of a time, as the settings name members.</summary>
    public static IReadOnlyList<string> Times(ReadOnlySpan<byte> message)
    {
        using var document = JsonDocument.Parse(message.ToArray());
        List<string> pointers = [];
        Collect(document.RootElement, "", pointers, (place, value) => IsTime(place, value.ToString()), member => member.Name != FormValues.Readings);
        return pointers;
    }

    /// <summary>Describes where the reader stopped: the line, the byte and the surrounding text.</summary>
    public static string Where(ReadOnlySpan<byte> message, JsonException exception)
    {
        if (exception.LineNumber is not { } line || exception.BytePositionInLine is not { } at)
        {
            return "";
        }

        var start = 0;
        for (var passed = 0; passed < line && message[start..].IndexOf((byte)'\n') is >= 0 and var length; passed++)
        {
            start += length + 1;
        }

        var end = Math.Min(message.Length, start + (int)at);
        var from = Math.Max(start, end - Around);
        var found = end == message.Length ? "where it ends" : $"near {Shorten(Encoding.UTF8.GetString(message[from..Math.Min(message.Length, end + Around)]), 2 * Around)}";
        return string.Create(CultureInfo.InvariantCulture, $" at line {line + 1}, byte {at + 1} ({found})");
    }

    /// <summary>Returns the pointer to the array of objects that contains a number; null if there is none.</summary>
    /// <param name="pointer">As returned by <see cref="Numbers"/>.</param>
    public static string? ArrayOf(ReadOnlySpan<byte> message, string pointer)
    {
        using var document = JsonDocument.Parse(message.ToArray());
        var (value, tokens) = (document.RootElement, pointer.Split('/'));
        for (var i = 0; i < tokens.Length; i++)
        {
            if (value.ValueKind == JsonValueKind.Array)
            {
                return value[0].ValueKind == JsonValueKind.Object ? string.Join('/', tokens[..i]) : null;
            }

            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(tokens[i].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), out value))
            {
                return null;
            }
        }

        return null;
    }

    /// <param name="isFound">Whether the text or number at a place is one of those.</param>
    /// <param name="isEntered">Whether a member may be one, or contain one.</param>
    private static void Collect(JsonElement value, string place, List<string> pointers, Func<string, JsonElement, bool> isFound, Func<JsonProperty, bool> isEntered)
    {
        if (pointers.Count >= MaxNumbers)
        {
            return;
        }

        var before = place.Length == 0 ? "" : $"{place}/";
        switch (value.ValueKind)
        {
            case JsonValueKind.Number or JsonValueKind.String:
                if (isFound(place, value))
                {
                    pointers.Add(place);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject().Where(isEntered))
                {
                    Collect(member.Value, before + Shorten(member.Name, MaxShown).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal), pointers, isFound, isEntered);
                }

                break;
            case JsonValueKind.Array:
                foreach (var (index, element) in value.EnumerateArray().Index())
                {
                    Collect(element, string.Create(CultureInfo.InvariantCulture, $"{before}{index}"), pointers, isFound, isEntered);
                }

                break;
            default:
                break;
        }
    }

    // A time of this century, so that no other number and no text is offered as one.
    private static bool IsTime(string place, string text)
    {
        const int FirstYear = 2001, LastYear = 2099;
        var lower = place.ToLowerInvariant();
        var (name, bytes) = (lower[(lower.LastIndexOf('/') + 1)..], Encoding.UTF8.GetBytes(text));
        var isNamed = lower.Contains("time", StringComparison.Ordinal) || lower.Contains("date", StringComparison.Ordinal) || name is "ts" or "dt" or "at" || name.EndsWith("_at", StringComparison.Ordinal) || name.EndsWith("_ts", StringComparison.Ordinal);
        return ((TimeText.TryRead(bytes, TimeZoneInfo.Utc, out var time) && (isNamed || text.Contains(':', StringComparison.Ordinal))) || (isNamed && TimeText.TryReadEpoch(bytes, out time)))
            && PostgresTime.ToUtc(time).Year is >= FirstYear and <= LastYear;
    }

    /// <summary>Whether a name is about the transmission or the device, and not offered as the value.</summary>
    private static bool IsMetadata(string name) =>
        name.ToLowerInvariant() is "time" or "ts" or "timestamp" or "rssi" or "snr" or "lqi" or "linkquality" or "qos" or "score" or "wifi" or "uptime" or "uptimesec" or "heap" or "retain" or "rx_metadata" or "rxinfo" or "txinfo";

    /// <summary>Shortens a text, and replaces unprintable characters with a question mark.</summary>
    public static string Shorten(string text, int most)
    {
        var shown = string.Concat(text.Take(most).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return text.Length > most ? shown + "…" : shown;
    }
}
