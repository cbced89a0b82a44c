using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>The output of `kubectl kustomize` for a folder of deploy/kubernetes. It needs no cluster.</summary>
internal static class Kustomize
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> Rendered = new(StringComparer.Ordinal);

    /// <summary>Returns a new copy of the objects each time, because a test may change them.</summary>
    public static IReadOnlyList<JsonObject> Render(string folder) => Yaml.Documents(Rendered.GetOrAdd(folder, _ => new(() => Run(folder))).Value);

    private static string Run(string folder)
    {
        var start = new ProcessStartInfo("kubectl", ["kustomize", Path.Combine(Repository.Root, "deploy", "kubernetes", folder)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var kubectl = Process.Start(start)!;
            var errors = kubectl.StandardError.ReadToEndAsync();
            var output = kubectl.StandardOutput.ReadToEnd();
            kubectl.WaitForExit();
            return kubectl.ExitCode == 0 ? output : throw new InvalidOperationException($"kubectl kustomize {folder} ended with {kubectl.ExitCode}: {errors.Result}");
        }
        catch (Win32Exception exception)
        {
            throw new InvalidOperationException("This test needs kubectl 1.20 or newer: apt-get install kubernetes-client", exception);
        }
    }
}
