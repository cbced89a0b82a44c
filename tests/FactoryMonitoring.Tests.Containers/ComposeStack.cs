using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FactoryMonitoring.Tests.Containers;

[CollectionDefinition(Name)]
public sealed class ComposeCollection : ICollectionFixture<ComposeStack>
{
    public const string Name = "Compose stack";
}

/// <summary>
/// The stack of deploy/compose by make, as a person starts it, under a project, ports and volumes of the tests' own. The container names are
/// the stack's: where a stack runs already, the engine refuses the second, and the tests fail with its words.
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

    /// <summary>Where its secrets are.</summary>
    public string Secrets => $"{EnvironmentFile}.secrets";

    private string EnvironmentFile => Path.Combine(Repository.Root, _settings["COMPOSE_ENV"]);

    public async Task InitializeAsync()
    {
        // A fixture is made for tests that are left out, too.
        if (!TestImages.AreNeeded) return;
        using var limit = new CancellationTokenSource(BuildLimit);
        foreach (var name in (string[])["MONITORING_PORT", "POSTGRES_PORT", "KAFKA1_PORT", "KAFKA2_PORT", "KAFKA3_PORT"])
        {
            _settings[name] = FreePort().ToString(CultureInfo.InvariantCulture);
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
            // What is said last holds.
            _settings.Concat(more.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)))
                .GroupBy(pair => pair.Key).ToDictionary(setting => setting.Key, setting => setting.Last().Value),
            cancellationToken);

    /// <summary>Makes the files those of a version that knew no files of secrets.</summary>
    public void PutSecretsIntoTheEnvironment()
    {
        var password = File.ReadAllText(Path.Combine(Secrets, "postgres-password")).Trim();
        File.WriteAllLines(EnvironmentFile, [.. File.ReadAllLines(EnvironmentFile).Where(line => !line.StartsWith("SECRETS=", StringComparison.Ordinal)), $"POSTGRES_PASSWORD={password}"]);
        Directory.Delete(Secrets, recursive: true);
    }

    // Also what a run left behind that was ended before its end.
    private async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(EnvironmentFile)) return;
        await MakeAsync("compose-down", cancellationToken, ("DATA", "remove"));
        File.Delete(EnvironmentFile);
        if (Directory.Exists(Secrets)) Directory.Delete(Secrets, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
