using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>Values written to asset properties, and notifications of such values. The type is the last part of the alias, if that is a type.</summary>
    private bool SiteWise(JsonElement root)
    {
        if (Has(root, "entries", JsonValueKind.Array))
        {
            foreach (var (index, entry) in root.GetProperty("entries").EnumerateArray().Index())
            {
                if (entry.ValueKind == JsonValueKind.Object && Has(entry, "propertyValues", JsonValueKind.Array))
                {
                    ReadSiteWise(entry, entry.GetProperty("propertyValues"), string.Create(CultureInfo.InvariantCulture, $"entries/{index}/propertyValues/"));
                }
            }

            return true;
        }

        if (Has(root, "payload", JsonValueKind.Object) && root.GetProperty("payload") is var payload && Has(payload, "values", JsonValueKind.Array) && Has(payload, "propertyId", JsonValueKind.String))
        {
            ReadSiteWise(payload, payload.GetProperty("values"), "payload/values/");
            return true;
        }

        return false;
    }

    private void ReadSiteWise(JsonElement property, JsonElement values, string place)
    {
        var alias = Text(property, "propertyAlias");
        var id = alias ?? string.Join('/', new[] { Text(property, "assetId"), Text(property, "propertyId") }.Where(part => part is not null));
        var named = names.Find((alias ?? "").Split('/')[^1]);
        foreach (var (index, value) in values.EnumerateArray().Index())
        {
            if (value.ValueKind != JsonValueKind.Object || !Has(value, "value", JsonValueKind.Object) || !Has(value, "timestamp", JsonValueKind.Object))
            {
                continue;
            }

            var (variant, time) = (value.GetProperty("value"), value.GetProperty("timestamp"));
            if (!(variant.TryGetProperty("doubleValue", out var number) || variant.TryGetProperty("integerValue", out number) || variant.TryGetProperty("booleanValue", out number)))
            {
                continue;
            }

            float? quality = Text(value, "quality") is { } word && Words.TryReadQuality(Encoding.UTF8.GetBytes(word), out var known) ? known : null;
            _values.Add(
                string.Create(CultureInfo.InvariantCulture, $"{place}{index}/value"), named ?? new("", null, "", false), number, id.Length > 0 ? id : null, part: null, TimeOf(time), quality);
        }
    }

    // Combines the seconds and their nanoseconds into one text.
    private JsonElement? TimeOf(JsonElement time)
    {
        if (!(time.TryGetProperty("timeInSeconds", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetInt64(out var whole)))
        {
            return null;
        }

        var nanoseconds = time.TryGetProperty("offsetInNanos", out var offset) && offset.ValueKind == JsonValueKind.Number && offset.TryGetInt32(out var part) && part is > 0 and < 1_000_000_000 ? part : 0;
        return Parse(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{whole}.{nanoseconds:000000000}")));
    }
}
