using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>A test that needs a container engine: left out where none answers, but never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContainerFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => TestImages.AreNeeded ? null : "No container engine answers (docker info)";
        set => throw new NotSupportedException();
    }
}

/// <summary>
/// The images that tests run on: those of the settings, else those that a machine without a registry has under these names, else the
/// product's own defaults (null).
/// </summary>
internal static class TestImages
{
    // The client alone proves nothing: it is on machines without an engine too.
    private static readonly Lazy<bool> EngineAnswers = new(() => Docker("info") is not null);

    /// <summary>Whether the tests that need an engine are run.</summary>
    public static bool AreNeeded => EngineAnswers.Value || Environment.GetEnvironmentVariable("CI") is "true";

    public static string? Kafka => Choose("Factory__KafkaImage", "localhost/factory/kafka:4.3.1");

    public static string? Postgres => Choose("Factory__PostgresImage", "localhost/factory/postgres:15");

    public static string? Base => Choose("BASE_IMAGE", "localhost:15001/dotnet:10.0");

    private static string? Choose(string variable, string local) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } image
        ? image
        : Docker("images", "--quiet", local) is { Length: > 0 } ? local : null;

    private static string? Docker(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("docker", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
