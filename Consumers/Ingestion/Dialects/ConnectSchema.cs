using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// The logical types in the schema of Kafka Connect's envelope, of Connect and of Debezium: without them, days and microseconds since 1970 look like seconds, and
/// the bytes of a decimal look like a number.
/// </summary>
internal static class ConnectSchema
{
    private const string Connect = "org.apache.kafka.connect.data.", Debezium = "io.debezium.time.";

    /// <summary>More bytes than a double has digits for; writing a number of a megabyte takes seconds.</summary>
    private const int MostDecimalBytes = 128;

    private const decimal MostTicks = 1e24m;

    /// <summary>Whether a schema names logical types.</summary>
    public static bool HasLogicalTypes(ReadOnlySpan<byte> schema) => schema.IndexOf("org.apache.kafka.connect.data."u8) >= 0 || schema.IndexOf("io.debezium."u8) >= 0;

    /// <summary>Writes times as ISO 8601, and decimals as numbers.</summary>
    /// <exception cref="JsonException">One of them is not JSON.</exception>
    /// <exception cref="InvalidOperationException">Its text is not valid Unicode.</exception>
    public static byte[] Resolve(ReadOnlySpan<byte> schema, ReadOnlySpan<byte> payload)
    {
        using var types = JsonDocument.Parse(schema.ToArray());
        using var values = JsonDocument.Parse(payload.ToArray());
        var buffer = new ArrayBufferWriter<byte>(payload.Length + 64);
        using var json = new Utf8JsonWriter(buffer);
        Write(json, types.RootElement, values.RootElement);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, JsonElement schema, JsonElement value)
    {
        var name = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("name", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when name == "io.debezium.data.VariableScaleDecimal" && value.TryGetProperty("scale", out var scale) && value.TryGetProperty("value", out var bytes):
                WriteDecimal(json, bytes, scale.ToString());
                break;
            case JsonValueKind.Object:
                json.WriteStartObject();
                var fields = Fields(schema);
                foreach (var member in value.EnumerateObject())
                {
                    json.WritePropertyName(member.Name);
                    Write(json, fields.TryGetValue(member.Name, out var field) ? field : Part(schema, "values"), member.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(json, Part(schema, "items"), item);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.Number when TicksOf(name) is { } ticks && value.TryGetInt64(out var number):
                WriteTime(json, ticks, number, isOfDay: name.EndsWith("Time", StringComparison.Ordinal), name);
                break;
            case JsonValueKind.String when name == $"{Connect}Decimal":
                WriteDecimal(json, value, Part(Part(schema, "parameters"), "scale").ToString());
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static decimal? TicksOf(string name) => name switch
    {
        $"{Connect}Date" or $"{Debezium}Date" => TimeSpan.TicksPerDay,
        $"{Connect}Timestamp" or $"{Debezium}Timestamp" or $"{Connect}Time" or $"{Debezium}Time" => TimeSpan.TicksPerMillisecond,
        $"{Debezium}MicroTimestamp" or $"{Debezium}MicroTime" => TimeSpan.TicksPerMicrosecond,
        $"{Debezium}NanoTimestamp" or $"{Debezium}NanoTime" => 1m / TimeSpan.NanosecondsPerTick,
        _ => null,
    };

    private static void WriteTime(Utf8JsonWriter json, decimal unit, long number, bool isOfDay, string name)
    {
        if (Math.Abs((decimal)number) > MostTicks / unit)
        {
            // A product beyond a decimal: no point in time either.
            json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{name} {number}"));
            return;
        }

        var ticks = decimal.Floor(unit * number);
        if (isOfDay || ticks < -DateTime.UnixEpoch.Ticks || ticks > (DateTime.MaxValue - DateTime.UnixEpoch).Ticks)
        {
            // No point in time: rejected in these words where a time is needed.
            json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{name} {ticks / TimeSpan.TicksPerSecond} s"));
        }
        else
        {
            json.WriteStringValue(DateTime.UnixEpoch.AddTicks((long)ticks).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture));
        }
    }

    private static void WriteDecimal(Utf8JsonWriter json, JsonElement bytes, string scale)
    {
        if (bytes.ValueKind == JsonValueKind.String && bytes.TryGetBytesFromBase64(out var unscaled) && unscaled.Length is > 0 and <= MostDecimalBytes && int.TryParse(scale, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var digits))
        {
            var number = new BigInteger(unscaled, isBigEndian: true);
            json.WriteRawValue(string.Create(CultureInfo.InvariantCulture, $"{number}{(digits == 0 ? "" : $"E{-digits}")}"));
        }
        else
        {
            // Not the bytes of a decimal: rejected where a number is needed.
            json.WriteStringValue($"{JsonText.Shorten(bytes.ToString(), MostDecimalBytes)} in base64");
        }
    }

    private static Dictionary<string, JsonElement> Fields(JsonElement schema)
    {
        Dictionary<string, JsonElement> fields = [];
        if (Part(schema, "fields") is { ValueKind: JsonValueKind.Array } list)
        {
            foreach (var field in list.EnumerateArray())
            {
                fields[Part(field, "field").ToString()] = field;
            }
        }

        return fields;
    }

    private static JsonElement Part(JsonElement schema, string name) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var part) ? part : default;
}
