using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>deploy/compose/compose.yaml: the other file that specifies how each service runs.</summary>
internal static class Compose
{
    private static readonly JsonObject Stack = Yaml.Documents(Repository.Read("deploy", "compose", "compose.yaml"))[0];

    /// <summary>The factory's services by their image, without its tag: one for each image.</summary>
    public static IReadOnlyDictionary<string, JsonObject> Images { get; } = Stack["services"]!.AsObject().Select(pair => pair.Value!.AsObject())
        .Where(service => service.Text("image")!.StartsWith("factory-monitoring/", StringComparison.Ordinal))
        .GroupBy(service => service.Text("image")!.Split(':')[0]).ToDictionary(group => group.Key, group => group.First());

    public static JsonObject Services { get; } = Stack["services"]!.AsObject();

    public static JsonObject Service(string name) => Stack["services"]![name]!.AsObject();

    public static IReadOnlyDictionary<string, string> Environment(string image) => Images[image].Map("environment");

    /// <summary>Returns the default of a Compose variable: <c>${NAME:-this}</c>.</summary>
    public static string Default(string text)
    {
        var begin = text.IndexOf(":-", StringComparison.Ordinal);
        return text.StartsWith("${", StringComparison.Ordinal) && begin > 0 ? text[(begin + 2)..].TrimEnd('}') : text;
    }
}
