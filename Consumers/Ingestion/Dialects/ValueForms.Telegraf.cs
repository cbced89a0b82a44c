using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>A metric, or a batch of them. A field <c>value</c> is named after the metric; other fields have their own names.</summary>
    private bool Telegraf(JsonElement root)
    {
        if (IsTelegraf(root))
        {
            ReadTelegraf(root, "", isOneOfSeveral: false);
            return true;
        }

        if (!(Has(root, "metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var batch && batch.GetArrayLength() > 0 && batch.EnumerateArray().All(IsTelegraf)))
        {
            return false;
        }

        // Quantities of one device are several sensors, whose names their ids then contain.
        var several = batch.EnumerateArray().Where(HasValue).GroupBy(metric => IdOf(metric) ?? "").Where(same => same.Select(metric => Text(metric, "name")).Distinct().Count() > 1).Select(same => same.Key).ToHashSet();
        foreach (var (index, metric) in batch.EnumerateArray().Index())
        {
            ReadTelegraf(metric, string.Create(CultureInfo.InvariantCulture, $"metrics/{index}/"), several.Contains(IdOf(metric) ?? ""));
        }

        return true;
    }

    private static bool HasValue(JsonElement metric) => metric.GetProperty("fields").TryGetProperty("value", out _);

    private static string? IdOf(JsonElement metric) => Has(metric, "tags", JsonValueKind.Object) && metric.GetProperty("tags") is var tags
        ? ((string[])["sensor_id", "device_id", "device", "sensor", "id"]).Select(tag => Text(tags, tag)).FirstOrDefault(text => text is { Length: > 0 }) : null;

    private void ReadTelegraf(JsonElement metric, string place, bool isOneOfSeveral)
    {
        var (fields, time) = (metric.GetProperty("fields"), metric.GetProperty("timestamp"));
        var tags = Has(metric, "tags", JsonValueKind.Object) ? metric.GetProperty("tags") : default;
        var id = IdOf(metric);
        if (fields.TryGetProperty("value", out var value))
        {
            var name = Text(metric, "name") ?? "";
            var unit = (tags.ValueKind == JsonValueKind.Object ? Text(tags, "unit") : null) ?? Text(fields, "unit");
            _values.Add($"{place}fields/value", new(name, unit, "", unit is not null), value, id, isOneOfSeveral ? name : null, time);
            foreach (var other in fields.EnumerateObject().Where(other => other.Value.ValueKind == JsonValueKind.Number && other.Name != "value"))
            {
                _values.Pass($"{place}fields/{FormValues.Escaped(other.Name)}");
            }

            return;
        }

        _values.AddAll(fields, $"{place}fields/", id, time: time);
    }

    /// <summary>Whether an element is a Telegraf metric.</summary>
    public static bool IsTelegraf(JsonElement metric) => metric.ValueKind == JsonValueKind.Object
        && metric.TryGetProperty("name", out _) && metric.TryGetProperty("timestamp", out _)
        && metric.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Object;
}
