using System.Runtime.Versioning;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>The settings file and the secrets that deploy/compose/env.sh writes; no stack runs.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ComposeSecretsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("compose-secrets-").FullName;

    private string EnvironmentFile => Path.Combine(_directory, ".env");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Secrets_of_an_earlier_version_move_from_the_environment_to_files_and_stay_the_same()
    {
        string[] before =
        [
            "COMPOSE_PROJECT_NAME=factory-monitoring-no-such", "POSTGRES_PASSWORD=of-postgres", "DASHBOARD_TOKEN=of-dashboard", "OTLP_KEY=of-otlp", "GRAFANA_PASSWORD=of-grafana",
            "KAFKA1_PORT=9192", "SIGN_IN_CLIENT_SECRET=of=client",
        ];
        await File.WriteAllLinesAsync(EnvironmentFile, before);

        // The second run changes nothing.
        for (var time = 0; time < 2; time++) await RunAsync();

        Assert.Equal(
            ["COMPOSE_PROJECT_NAME=factory-monitoring-no-such", "KAFKA1_PORT=9192", $"SECRETS={EnvironmentFile}.secrets", "SIGN_IN_CLIENT_SECRET_FILE=/run/secrets/sign-in-client-secret"],
            (await File.ReadAllLinesAsync(EnvironmentFile)).Order(StringComparer.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(EnvironmentFile));
        foreach (var (name, secret) in ((string, string)[])[("postgres-password", "of-postgres"), ("dashboard-token", "of-dashboard"), ("otlp-headers", "x-otlp-api-key=of-otlp"), ("grafana-password", "of-grafana"), ("sign-in-client-secret", "of=client")])
        {
            Assert.Equal((name, secret + "\n"), (name, await ReadAsync(name)));
        }

        Assert.Equal("{ \"Dashboard\": { \"Frontend\": { \"BrowserToken\": \"of-dashboard\" }, \"Otlp\": { \"PrimaryApiKey\": \"of-otlp\" } } }\n", await ReadAsync("dashboard.json"));
    }

    [Fact]
    public async Task New_secrets_differ_and_are_kept_and_a_client_secret_is_none_unless_somebody_gives_one()
    {
        await RunAsync();
        var secrets = await Task.WhenAll(((string[])["postgres-password", "ingest-password", "sensor-password", "monitor-password", "audit-password", "dashboard-token", "otlp-headers", "grafana-password"]).Select(ReadAsync));
        await RunAsync(("SIGN_IN_CLIENT_SECRET", "given"));
        Assert.Equal("given\n", await ReadAsync("sign-in-client-secret"));
        await RunAsync(("SIGN_IN_CLIENT_SECRET", "none"));

        Assert.Equal("", await ReadAsync("sign-in-client-secret"));
        Assert.DoesNotContain("SIGN_IN", await File.ReadAllTextAsync(EnvironmentFile), StringComparison.Ordinal);
        Assert.Equal(secrets.Length, secrets.Distinct().Count());
        Assert.All(secrets, secret => Assert.InRange(secret.Length, 33, 50));
        Assert.Equal(secrets[0], await ReadAsync("postgres-password"));
    }

    private Task<string> ReadAsync(string name) => File.ReadAllTextAsync(Path.Combine($"{EnvironmentFile}.secrets", name));

    private Task<string> RunAsync(params (string Name, string Value)[] environment) => Engine.RunAsync(
        Path.Combine(Repository.Root, "deploy", "compose", "env.sh"),
        [EnvironmentFile],
        environment.Append(("COMPOSE_PROJECT_NAME", "factory-monitoring-no-such")).ToDictionary(pair => pair.Item1, pair => pair.Item2),
        CancellationToken.None);
}
