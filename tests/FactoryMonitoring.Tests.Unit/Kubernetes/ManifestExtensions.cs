using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>The ways through rendered objects.</summary>
internal static class ManifestExtensions
{
    /// <summary>The kinds that have pods of ours.</summary>
    private static readonly string[] Workloads = ["Deployment", "Job"];

    public static string Kind(this JsonObject manifest) => manifest["kind"]!.GetValue<string>();

    public static string Name(this JsonObject manifest) => manifest["metadata"]!["name"]!.GetValue<string>();

    /// <summary>As a problem names it.</summary>
    public static string Title(this JsonObject manifest) => $"{manifest.Kind()} {manifest.Name()}";

    public static IEnumerable<JsonObject> OfKind(this IEnumerable<JsonObject> manifests, params string[] kinds) => manifests.Where(manifest => kinds.Contains(manifest.Kind()));

    public static IEnumerable<JsonObject> OfWorkloads(this IEnumerable<JsonObject> manifests) => manifests.OfKind(Workloads);

    public static JsonObject Template(this JsonObject workload) => workload["spec"]!["template"]!.AsObject();

    public static JsonObject Pod(this JsonObject workload) => workload.Template()["spec"]!.AsObject();

    public static IEnumerable<JsonObject> Containers(this JsonObject workload) => workload.Pod().Objects("initContainers").Concat(workload.Pod().Objects("containers"));

    /// <summary>The members of a list; none where there is no list.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonNode? node, string name) => (node?[name] as JsonArray ?? []).Select(item => item!.AsObject());

    public static string? Text(this JsonNode? node, string name) => node?[name]?.ToString();

    public static IReadOnlyDictionary<string, string> Map(this JsonNode? node, string name) =>
        (node?[name] as JsonObject ?? []).ToDictionary(pair => pair.Key, pair => pair.Value!.ToString());
}
