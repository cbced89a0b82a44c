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
            ReadTelegraf(root, "", series: null, isOneOfSeveral: false);
            return true;
        }

        if (!(Has(root, "metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var batch && batch.GetArrayLength() > 0 && batch.EnumerateArray().All(IsTelegraf)))
        {
            return false;
        }

        // Quantities of one device are several sensors, whose names their ids then contain.
        var several = batch.EnumerateArray().Where(HasValue).GroupBy(metric => IdOf(metric) ?? "").Where(same => same.Select(metric => Text(metric, "name")).Distinct().Count() > 1).Select(same => same.Key).ToHashSet();
        var series = SeriesOf([.. batch.EnumerateArray()]);
        foreach (var (index, metric) in batch.EnumerateArray().Index())
        {
            ReadTelegraf(metric, string.Create(CultureInfo.InvariantCulture, $"metrics/{index}/"), series[index], several.Contains(IdOf(metric) ?? ""));
        }

        return true;
    }

    /// <summary>Returns what distinguishes the series of each metric from others of the same id and quantity: its other tags, and its name for fields by their names; null if nothing must.</summary>
    private string?[] SeriesOf(JsonElement[] batch)
    {
        var metrics = batch.Select(metric => (Id: IdOf(metric) ?? "", Name: HasValue(metric) ? "" : Text(metric, "name") ?? "", Tags: OtherTags(metric))).ToArray();
        var isOneHost = metrics.Select(metric => metric.Tags.GetValueOrDefault("host")).Distinct().Count() < 2;
        var named = new HashSet<(string, string)>();
        var tagged = new HashSet<(string, string)>();
        var readings = batch.SelectMany((metric, index) => QuantitiesOf(metric).Select(quantity => (Key: (metrics[index].Id, quantity), Metric: metrics[index])));
        foreach (var same in readings.GroupBy(reading => reading.Key, reading => reading.Metric))
        {
            if (same.Select(metric => metric.Name).Distinct().Count() > 1)
            {
                named.Add(same.Key);
            }

            if (same.GroupBy(metric => metric.Name).Any(ofName => ofName.Select(metric => Whole(metric.Tags)).Distinct().Count() > 1))
            {
                tagged.Add(same.Key);
            }
        }

        var parts = metrics.Select((metric, index) => QuantitiesOf(batch[index]).Select(quantity => (metric.Id, quantity)).ToList() is var keys && keys.Exists(key => named.Contains(key) || tagged.Contains(key))
            ? string.Join('-', [.. keys.Exists(named.Contains) ? [metric.Name] : Array.Empty<string>(), .. keys.Exists(tagged.Contains) ? metric.Tags.Where(IsTold).Select(tag => tag.Value) : []]) : "").ToArray();
        // Values alone may be alike: their names tell them apart.
        var isAlike = metrics.Select((metric, index) => (Series: $"{metric.Id}\n{metric.Name}\n{Whole(metric.Tags)}", Part: $"{metric.Id}\n{parts[index]}", IsNone: parts[index].Length == 0))
            .Where(metric => !metric.IsNone).GroupBy(metric => metric.Part).Any(same => same.Select(metric => metric.Series).Distinct().Count() > 1);
        return [.. parts.Select((part, index) => part.Length == 0 ? null : isAlike ? $"{metrics[index].Name}{(metrics[index].Name.Length > 0 ? "," : "")}{Whole(metrics[index].Tags)}" : part)];

        // The host of Telegraf itself distinguishes nothing where all metrics have the same.
        bool IsTold(KeyValuePair<string, string> tag) => tag.Key != "unit" && !(isOneHost && tag.Key == "host");

        static string Whole(SortedDictionary<string, string> tags) => string.Join(',', tags.Select(tag => $"{tag.Key}={tag.Value}"));
    }

    // What the metric's readings measure: the value of its name, or its fields that are read.
    private IEnumerable<string> QuantitiesOf(JsonElement metric) => HasValue(metric) ? [$"value\n{Text(metric, "name")}"]
        : metric.GetProperty("fields").EnumerateObject().Select(field => names.Find(field.Name)?.Part).OfType<string>();

    private static SortedDictionary<string, string> OtherTags(JsonElement metric)
    {
        var others = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Has(metric, "tags", JsonValueKind.Object))
        {
            var tags = metric.GetProperty("tags");
            var ofId = Array.Find(IdTags, tag => Text(tags, tag) is { Length: > 0 });
            foreach (var tag in tags.EnumerateObject().Where(tag => tag.Name != ofId))
            {
                others[tag.Name] = tag.Value.ToString();
            }
        }

        return others;
    }

    private static readonly string[] IdTags = ["sensor_id", "device_id", "device", "sensor", "id"];

    private static bool HasValue(JsonElement metric) => metric.GetProperty("fields").TryGetProperty("value", out _);

    private static string? IdOf(JsonElement metric) => Has(metric, "tags", JsonValueKind.Object) && metric.GetProperty("tags") is var tags
        ? IdTags.Select(tag => Text(tags, tag)).FirstOrDefault(text => text is { Length: > 0 }) : null;

    /// <param name="series">What distinguishes its sensors from those of other metrics with the same id; null if nothing must.</param>
    private void ReadTelegraf(JsonElement metric, string place, string? series, bool isOneOfSeveral)
    {
        var (fields, time) = (metric.GetProperty("fields"), metric.GetProperty("timestamp"));
        var tags = Has(metric, "tags", JsonValueKind.Object) ? metric.GetProperty("tags") : default;
        var id = IdOf(metric);
        if (fields.TryGetProperty("value", out var value))
        {
            var name = Text(metric, "name") ?? "";
            var unit = (tags.ValueKind == JsonValueKind.Object ? Text(tags, "unit") : null) ?? Text(fields, "unit");
            _values.Add($"{place}fields/value", new(name, unit, "", unit is not null), value, id, !isOneOfSeveral ? series : series is null ? name : $"{series}-{name}", time);
            foreach (var other in fields.EnumerateObject().Where(other => other.Value.ValueKind == JsonValueKind.Number && other.Name != "value"))
            {
                _values.Pass($"{place}fields/{FormValues.Escaped(other.Name)}");
            }

            return;
        }

        _values.AddAll(fields, $"{place}fields/", id, series, time);
    }

    /// <summary>Whether an element is a Telegraf metric.</summary>
    public static bool IsTelegraf(JsonElement metric) => metric.ValueKind == JsonValueKind.Object
        && metric.TryGetProperty("name", out _) && metric.TryGetProperty("timestamp", out _)
        && metric.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Object;
}
