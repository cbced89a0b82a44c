using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>Access to the members of rendered objects.</summary>
internal static class ManifestExtensions
{
    /// <summary>The kinds that have the factory's pods.</summary>
    private static readonly string[] Workloads = ["Deployment", "Job"];

    public static string Kind(this JsonObject manifest) => manifest["kind"]!.GetValue<string>();

    public static string Name(this JsonObject manifest) => manifest["metadata"]!["name"]!.GetValue<string>();

    /// <summary>Returns the name of the object in a problem.</summary>
    public static string Title(this JsonObject manifest) => $"{manifest.Kind()} {manifest.Name()}";

    public static IEnumerable<JsonObject> OfKind(this IEnumerable<JsonObject> manifests, params string[] kinds) => manifests.Where(manifest => kinds.Contains(manifest.Kind()));

    public static IEnumerable<JsonObject> OfWorkloads(this IEnumerable<JsonObject> manifests) => manifests.OfKind(Workloads);

    public static JsonObject Template(this JsonObject workload) => workload["spec"]!["template"]!.AsObject();

    public static JsonObject Pod(this JsonObject workload) => workload.Template()["spec"]!.AsObject();

    public static IEnumerable<JsonObject> Containers(this JsonObject workload) => workload.Pod().Objects("initContainers").Concat(workload.Pod().Objects("containers"));

    /// <summary>Returns the members of a list; none if there is no list.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonNode? node, string name) => (node?[name] as JsonArray ?? []).Select(item => item!.AsObject());

    public static string? Text(this JsonNode? node, string name) => node?[name]?.ToString();

    public static IReadOnlyDictionary<string, string> Map(this JsonNode? node, string name) =>
        (node?[name] as JsonObject ?? []).ToDictionary(pair => pair.Key, pair => pair.Value!.ToString());
}
