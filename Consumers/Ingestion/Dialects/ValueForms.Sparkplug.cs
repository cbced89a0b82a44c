using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

internal sealed partial class ValueForms
{
    /// <summary>
    /// A payload of Sparkplug B as JSON: metrics, each with its data type. The end of a metric's name says what it measures; the whole name distinguishes the
    /// sensors of one device. Births and commands (bdSeq, Node Control/Rebirth) are no measurements.
    /// </summary>
    private bool Sparkplug(JsonElement root)
    {
        if (!(Has(root, "metrics", JsonValueKind.Array) && root.GetProperty("metrics") is var metrics && metrics.GetArrayLength() > 0 && metrics.EnumerateArray().All(IsSparkplug)))
        {
            return false;
        }

        foreach (var (index, metric) in metrics.EnumerateArray().Index())
        {
            if (!metric.TryGetProperty("value", out var value) || value.ValueKind != JsonValueKind.Number || Text(metric, "name") is not { Length: > 0 } name)
            {
                continue;
            }

            var place = string.Create(CultureInfo.InvariantCulture, $"metrics/{index}/value");
            var device = name.LastIndexOf('/') is > 0 and var end ? name[..end] : null;
            if (names.Find(device is null ? name : name[(device.Length + 1)..]) is { } known)
            {
                _values.Add(place, known, value, id: null, device is null ? known.Part : $"{device}-{known.Part}", Member(metric, "timestamp"));
            }
            else if (name != "bdSeq" && !name.StartsWith("Node Control/", StringComparison.Ordinal) && !name.StartsWith("Device Control/", StringComparison.Ordinal))
            {
                _values.Pass($"{place} ({name})");
            }
        }

        return true;
    }

    private static bool IsSparkplug(JsonElement metric) => metric.ValueKind == JsonValueKind.Object
        && (metric.TryGetProperty("dataType", out _) || metric.TryGetProperty("datatype", out _)) && (metric.TryGetProperty("name", out _) || metric.TryGetProperty("alias", out _));
}
