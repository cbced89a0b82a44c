using System.Globalization;

namespace FactoryMonitoring.Tests.Containers;

[CollectionDefinition(Name)]
public sealed class ComposeCollection : ICollectionFixture<ComposeStack>
{
    public const string Name = "Compose stack";
}

/// <summary>
/// The stack of deploy/compose, started with make as a user does, with a separate project, ports and volumes. The container names are those of the stack: if a
/// stack already runs, the engine refuses the second one, and the tests fail with its message.
/// </summary>
public sealed class ComposeStack : IAsyncLifetime
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(15);
    private readonly Dictionary<string, string> _settings = new()
    {
        ["COMPOSE_ENV"] = Path.Combine("artifacts", "test-compose.env"),
        ["COMPOSE_PROJECT_NAME"] = "factory-monitoring-test",
        // Twice the usual load.
        ["SENSORS_PER_TYPE"] = "48",
    };

    public Uri Address { get; private set; } = null!;

    /// <summary>Directory of the stack's secrets.</summary>
    public string Secrets => $"{EnvironmentFile}.secrets";

    private string EnvironmentFile => Path.Combine(Repository.Root, _settings["COMPOSE_ENV"]);

    public async Task InitializeAsync()
    {
        // A fixture is also created for tests that are skipped.
        if (!TestImages.AreNeeded) return;
        using var limit = new CancellationTokenSource(BuildLimit);
        foreach (var name in (string[])["MONITORING_PORT", "POSTGRES_PORT", "KAFKA1_PORT", "KAFKA2_PORT", "KAFKA3_PORT"])
        {
            _settings[name] = Ports.Free().ToString(CultureInfo.InvariantCulture);
        }

        Address = new Uri($"http://localhost:{_settings["MONITORING_PORT"]}");
        foreach (var (name, image) in new[] { ("KAFKA_IMAGE", TestImages.Kafka), ("POSTGRES_IMAGE", TestImages.Postgres), ("BASE_IMAGE", TestImages.Base) })
        {
            if (image is not null) _settings[name] = image;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(EnvironmentFile)!);
        await RemoveAsync(limit.Token);
        await MakeAsync("images", limit.Token);
        await MakeAsync("compose-up", limit.Token);
    }

    public async Task DisposeAsync()
    {
        using var limit = new CancellationTokenSource(BuildLimit);
        await RemoveAsync(limit.Token);
    }

    public Task<string> MakeAsync(string target, CancellationToken cancellationToken, params (string Name, string Value)[] more) =>
        Engine.RunAsync(
            "make",
            ["--no-print-directory", target],
            // The last value of a name applies.
            _settings.Concat(more.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)))
                .GroupBy(pair => pair.Key).ToDictionary(setting => setting.Key, setting => setting.Last().Value),
            cancellationToken);

    /// <summary>Changes the files to those of a version that did not have files for secrets.</summary>
    public void PutSecretsIntoTheEnvironment()
    {
        var password = File.ReadAllText(Path.Combine(Secrets, "postgres-password")).Trim();
        File.WriteAllLines(EnvironmentFile, [.. File.ReadAllLines(EnvironmentFile).Where(line => !line.StartsWith("SECRETS=", StringComparison.Ordinal)), $"POSTGRES_PASSWORD={password}"]);
        Directory.Delete(Secrets, recursive: true);
    }

    // Also removes what an aborted run left behind.
    private async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(EnvironmentFile)) return;
        await MakeAsync("compose-down", cancellationToken, ("DATA", "remove"));
        File.Delete(EnvironmentFile);
        if (Directory.Exists(Secrets)) Directory.Delete(Secrets, recursive: true);
    }
}
