using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>A metric, or a batch of them. A sensor's id does not depend on the other metrics of the batch: batches differ from one flush to the next.</summary>
    private bool Telegraf(JsonElement root)
    {
        if (IsTelegraf(root))
        {
            ReadTelegraf(root, "");
            return true;
        }

        if (!(Has(root, "metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var array && array.GetArrayLength() > 0 && array.EnumerateArray().All(IsTelegraf)))
        {
            return false;
        }

        JsonElement[] batch = [.. array.EnumerateArray()];
        foreach (var (index, metric) in batch.Index())
        {
            ReadTelegraf(metric, string.Create(CultureInfo.InvariantCulture, $"metrics/{index}/"));
        }

        Problem = Mixed(batch);
        return true;
    }

    /// <summary>Describes two series of a batch that would be one sensor; null if there are none.</summary>
    private string? Mixed(JsonElement[] batch)
    {
        var readings = batch.SelectMany((metric, index) => QuantitiesOf(metric).Select(quantity => (Sensor: (IdOf(metric), SeriesOf(metric), quantity), Series: $"{(HasValue(metric) ? "" : Text(metric, "name"))}{Whole(TagsOf(metric))}", Index: index)));
        foreach (var same in readings.GroupBy(reading => reading.Sensor))
        {
            var first = same.First();
            if (same.FirstOrDefault(other => other.Series != first.Series) is { Series: not null } other)
            {
                return string.Create(CultureInfo.InvariantCulture, $"metrics/{first.Index} ({JsonText.Shorten(first.Series, MaxSeriesShown)}) and metrics/{other.Index} ({JsonText.Shorten(other.Series, MaxSeriesShown)}) are different series, and would be one sensor: name the tag that distinguishes them sensor_id, or set Readings=metrics, Id=tags/TAG, Type=name and Value=fields/value in {MessagesOptions.Section}:{nameof(MessagesOptions.Mapping)}");
            }
        }

        return null;
    }

    private const int MaxSeriesShown = 80;

    /// <summary>
    /// Returns what distinguishes a metric from others of its device: its tags, and its name for fields by their names. The settings or a tag of the id say
    /// which sensor it is, and the record's key is a tag already. Null if there is nothing.
    /// </summary>
    private string? SeriesOf(JsonElement metric)
    {
        if (hasId || IdOf(metric) is not null)
        {
            return null;
        }

        var tags = TagsOf(metric);
        string[] parts =
        [
            .. HasValue(metric) || Text(metric, "name") is not { Length: > 0 } name ? [] : (string[])[name],
            // Values alone may be alike: x and y-z, x-y and z.
            .. tags.Count > 1 && tags.Values.Any(value => value.Contains('-', StringComparison.Ordinal)) ? [Whole(tags)] : tags.Values.ToArray(),
        ];
        return parts.Length > 0 ? string.Join('-', parts) : null;
    }

    private static string Whole(SortedDictionary<string, string> tags) => string.Join(',', tags.Select(tag => $"{tag.Key}={tag.Value}"));

    // What the metric's readings measure: the value of its name, or its fields that are read.
    private IEnumerable<string> QuantitiesOf(JsonElement metric) => HasValue(metric) ? [$"value\n{Text(metric, "name")}"]
        : metric.GetProperty("fields").EnumerateObject().Select(field => names.Find(field.Name)?.Part).OfType<string>();

    // The host is the one on which Telegraf runs: it distinguishes devices only where nothing else names them.
    private SortedDictionary<string, string> TagsOf(JsonElement metric)
    {
        var others = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Has(metric, "tags", JsonValueKind.Object))
        {
            var tags = metric.GetProperty("tags");
            var ofId = Array.Find(IdTags, tag => Text(tags, tag) is { Length: > 0 });
            foreach (var tag in tags.EnumerateObject().Where(tag => tag.Name != "unit" && tag.Name != ofId && !(tag.Name == "host" && (hasId || ofId is not null))))
            {
                if (tag.Value.ToString() is { Length: > 0 } text && text != _key)
                {
                    others[tag.Name] = text;
                }
            }
        }

        return others;
    }

    private static readonly string[] IdTags = ["sensor_id", "device_id", "device", "sensor", "id"];

    private static bool HasValue(JsonElement metric) => metric.GetProperty("fields").TryGetProperty("value", out _);

    private static string? IdOf(JsonElement metric) => Has(metric, "tags", JsonValueKind.Object) && metric.GetProperty("tags") is var tags
        ? IdTags.Select(tag => Text(tags, tag)).FirstOrDefault(text => text is { Length: > 0 }) : null;

    /// <summary>Reads a field <c>value</c>, which is named after the metric, or other fields by their own names.</summary>
    private void ReadTelegraf(JsonElement metric, string place)
    {
        var (fields, time, series) = (metric.GetProperty("fields"), metric.GetProperty("timestamp"), SeriesOf(metric));
        var tags = Has(metric, "tags", JsonValueKind.Object) ? metric.GetProperty("tags") : default;
        var id = IdOf(metric);
        if (fields.TryGetProperty("value", out var value))
        {
            var name = Text(metric, "name") ?? "";
            var unit = (tags.ValueKind == JsonValueKind.Object ? Text(tags, "unit") : null) ?? Text(fields, "unit");
            _values.Add($"{place}fields/value", new(name, unit, "", unit is not null), value, id, series is null ? name : name.Length == 0 ? series : $"{series}-{name}", time);
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
