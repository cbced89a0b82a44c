using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>A test that needs a container engine: skipped if none answers, but never in CI.</summary>
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
/// The images that the tests use: those of the settings, else those that a machine without a registry has under these names, else the product's defaults
/// (null).
/// </summary>
internal static class TestImages
{
    // The client alone proves nothing: it also exists on machines without a running engine.
    private static readonly Lazy<bool> EngineAnswers = new(() => Docker("info") is not null);

    /// <summary>Whether the tests that need an engine run.</summary>
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
