using System.Text.Json.Nodes;
using Json.Schema;
using k8s;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>Reads an object as an API server that rejects unknown members would: by KubernetesClient's models, and custom resources by their schemas.</summary>
internal static class StrictReader
{
    private static readonly Dictionary<string, Lazy<JsonSchema>> Schemas =
        Directory.GetFiles(Path.Combine(Repository.Root, "tests", "FactoryMonitoring.Tests.Unit", "Kubernetes", "Schemas"), "*.json")
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => new Lazy<JsonSchema>(() => JsonSchema.FromText(File.ReadAllText(file))));

    public static IEnumerable<string> Problems(JsonObject manifest)
    {
        var version = manifest.Text("apiVersion") ?? "";
        var group = version.Split('/')[0];
        var isCustom = group.Contains('.', StringComparison.Ordinal) && !group.EndsWith(".k8s.io", StringComparison.Ordinal);
        if (!isCustom) return OfModel(manifest);
        return Schemas.TryGetValue($"{group}.{manifest.Kind()}", out var schema)
            ? OfSchema(manifest, schema.Value)
            : [$"{manifest.Title()}: there is no schema of {version} {manifest.Kind()}"];
    }

    private static IEnumerable<string> OfSchema(JsonObject manifest, JsonSchema schema)
    {
        var result = schema.Evaluate(manifest, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return result.IsValid ? [] : result.Details.Where(detail => detail.Errors is not null)
            .SelectMany(detail => detail.Errors!.Select(error => $"{manifest.Title()}: {detail.InstanceLocation} {error.Value}"));
    }

    private static IEnumerable<string> OfModel(JsonObject manifest)
    {
        object model;
        try
        {
            model = KubernetesYaml.LoadAllFromString(manifest.ToJsonString(), null, strict: true).Single();
        }
        catch (Exception exception) when (exception is YamlDotNet.Core.YamlException or InvalidOperationException or KeyNotFoundException)
        {
            return [$"{manifest.Title()}: {exception.Message} {exception.InnerException?.Message}"];
        }

        // The reader accepts "8080" as a number, which a server does not: what was read must be the same when it is written again.
        var again = JsonNode.Parse(KubernetesJson.Serialize(model))!;
        return Differences(manifest, again, manifest.Title());
    }

    private static IEnumerable<string> Differences(JsonNode? written, JsonNode? read, string path)
    {
        switch (written, read)
        {
            case (JsonObject before, JsonObject after):
                return before.SelectMany(pair => Differences(pair.Value, after[pair.Key], $"{path}/{pair.Key}"));
            case (JsonArray before, JsonArray after) when before.Count == after.Count:
                return before.SelectMany((item, index) => Differences(item, after[index], $"{path}/{index}"));
            case (JsonObject { Count: 0 } or JsonArray { Count: 0 }, null):
                return [];
            default:
                return JsonNode.DeepEquals(written, read) ? [] : [$"{path} is {written?.ToJsonString()} and is read as {read?.ToJsonString() ?? "nothing"}"];
        }
    }
}
