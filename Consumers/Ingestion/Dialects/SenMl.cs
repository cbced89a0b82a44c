using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>SenML packs (RFC 8428) in JSON: records with short names, which inherit base values from earlier records.</summary>
internal static class SenMl
{
    private static readonly HashSet<string> Labels = new(StringComparer.Ordinal) { "bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut" };

    /// <summary>By SenML unit (RFC 8428, 12.1): its symbol here, and the type if only one type is measured in it.</summary>
    private static readonly Dictionary<string, (string Symbol, string? Type)> Units = new(StringComparer.Ordinal)
    {
        ["Cel"] = ("°C", SensorCatalog.Temperature.Name), ["K"] = ("K", SensorCatalog.Temperature.Name), ["%RH"] = ("%", SensorCatalog.Humidity.Name),
        ["Pa"] = ("Pa", SensorCatalog.Pressure.Name), ["%EL"] = ("%", null),
    };

    /// <summary>Resolves a pack to an array of readings in the contract's form. Texts, data and sums are skipped; a Boolean is 1 or 0.</summary>
    /// <returns>False if it is not a pack.</returns>
    public static bool ToReadings(JsonElement pack, out byte[] readings)
    {
        readings = [];
        var records = pack.EnumerateArray().ToList();
        if (records.Count == 0 || !records.TrueForAll(IsRecord) || !records.Exists(record => record.TryGetProperty("n", out _) || record.TryGetProperty("bn", out _)))
        {
            return false;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        string? baseName = null, baseUnit = null;
        var (baseTime, baseValue) = (0m, 0m);
        json.WriteStartArray();
        foreach (var record in records)
        {
            baseName = Text(record, "bn") ?? baseName;
            baseUnit = Text(record, "bu") ?? baseUnit;
            baseTime = Number(record, "bt") ?? baseTime;
            baseValue = Number(record, "bv") ?? baseValue;
            if (!record.TryGetProperty("v", out var value) && !record.TryGetProperty("vb", out value))
            {
                continue;
            }

            var own = Text(record, "n") ?? "";
            var unit = Text(record, "u") ?? baseUnit ?? (value.ValueKind is JsonValueKind.True or JsonValueKind.False ? "/" : null);
            json.WriteStartObject();
            json.WriteString("sensor_id", baseName + own);
            WriteTime(json, baseTime + (Number(record, "t") ?? 0));
            if (TypeOf(own, baseName, unit) is { } type)
            {
                json.WriteString("sensor_type", type);
            }

            json.WritePropertyName("value");
            WriteValue(json, value, baseValue);
            if (unit is not null)
            {
                json.WriteString("unit", Units.TryGetValue(unit, out var known) ? known.Symbol : unit);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        readings = buffer.WrittenSpan.ToArray();
        return true;
    }

    private static bool IsRecord(JsonElement record) =>
        record.ValueKind == JsonValueKind.Object && record.EnumerateObject().All(member => Labels.Contains(member.Name));

    /// <summary>
    /// Writes a time. A time below 2^28 is relative to the sending of the pack, which no message names: it is written as a text that is rejected with that
    /// wording.
    /// </summary>
    private static void WriteTime(Utf8JsonWriter json, decimal time)
    {
        if (time < 268_435_456)
        {
            json.WriteString("timestamp", string.Create(CultureInfo.InvariantCulture, $"{time} s from the sending of the pack"));
        }
        else
        {
            json.WriteNumber("timestamp", time);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, JsonElement value, decimal baseValue)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            json.WriteNumberValue(value.ValueKind == JsonValueKind.True ? 1 : 0);
        }
        else if (baseValue != 0 && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number))
        {
            json.WriteNumberValue(baseValue + number);
        }
        else
        {
            value.WriteTo(json);
        }
    }

    /// <summary>
    /// Returns the type: the last part of the name, if that is a type; the only type measured in the unit; otherwise the part of the name after the base name.
    /// </summary>
    private static string? TypeOf(string own, string? baseName, string? unit)
    {
        var part = own[(own.LastIndexOfAny([':', '/', '.']) + 1)..];
        return SensorCatalog.Types.Keys.FirstOrDefault(type => string.Equals(type, part, StringComparison.OrdinalIgnoreCase))
            ?? (unit is not null && Units.TryGetValue(unit, out var known) ? known.Type : null)
            ?? (string.IsNullOrEmpty(baseName) || part.Length == 0 ? null : part);
    }

    private static string? Text(JsonElement record, string label) =>
        record.TryGetProperty(label, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    private static decimal? Number(JsonElement record, string label) =>
        record.TryGetProperty(label, out var member) && member.ValueKind == JsonValueKind.Number && member.TryGetDecimal(out var number) ? number : null;
}
