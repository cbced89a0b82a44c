using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>An AppHost with the real control endpoint, whose consumers, and a parent process with two children, are small processes that sleep.</summary>
internal sealed class FaultsApp : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly HttpClient _client = new();
    private FactorySetup? _setup;
    private DistributedApplication? _app;

    public CancellationToken Token => _limit.Token;

    /// <summary>What the parent process wrote when it exited; null if it was killed. Available after the application has stopped.</summary>
    public string? LastWord { get; private set; }

    public ExitLog Exits => _app!.Services.GetRequiredService<ExitLog>();

    /// <param name="prepare">Prepares the run directory before the start.</param>
    /// <param name="consumer">What each consumer does, as a shell script.</param>
    /// <param name="configure">Adds resources.</param>
    public static async Task<FaultsApp> StartAsync(
        bool faults, int consumers, Action<string>? prepare = null, string consumer = "exec sleep 600", Action<IDistributedApplicationBuilder>? configure = null)
    {
        var test = new FaultsApp();
        prepare?.Invoke(test._directory.Path);
        string[] ports = ["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres"];
        // The AppHost's assembly has the path of Aspire's orchestrator.
        string[] arguments =
        [
            "--environment=Development", "--Factory:Kafka=embedded", "--Factory:Postgres=process", $"--Factory:RunDirectory={test._directory.Path}", $"--Factory:Faults={faults}",
            $"--Factory:Consumers={consumers.ToString(CultureInfo.InvariantCulture)}", "--Factory:MaxConsumers=5", .. ports.Select(port => $"--Factory:Ports:{port}=0"),
        ];
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = arguments, AssemblyName = typeof(FactorySetup).Assembly.GetName().Name, DisableDashboard = true });
        var setup = test._setup = FactorySetup.Prepare(builder);
        for (var number = 1; number <= setup.Settings.MaxConsumers; number++)
        {
            var one = builder.AddExecutable(ResourceNames.Consumer(number), "sh", ".", "-c", consumer).WithKill();
            if (number > setup.Settings.Consumers) one.WithExplicitStart();
        }

        var family = "echo begins; trap 'echo SIGTERM > ended; kill $(jobs -p); exit' TERM; sleep 600 & sleep 600 & wait";
        builder.AddExecutable("family", "sh", test._directory.Path, "-c", family).WithKill(Pid);
        configure?.Invoke(builder);
        // The endpoint requires it; the tests do not use it.
        var kafka = new KafkaClusterResource("kafka", KafkaBacking.Embedded, setup.KafkaPorts);
        var password = builder.AddParameter("password", "none", secret: true);
        var database = builder.AddConnectionString("factorydb", ReferenceExpression.Create($"Host=none"));
        builder.AddControl(setup, kafka, new FactoryDatabase(database, "none", "user", password.Resource, setup.PostgresPort));
        builder.AddFaults(setup, kafka, KafkaNames.Default);
        test._app = builder.Build();
        await test._app.StartAsync(test.Token);
        test._client.BaseAddress = new Uri(setup.ControlUrl);
        test._client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", setup.ControlToken);
        foreach (var name in (string[])["family", .. Enumerable.Range(1, consumers).Select(ResourceNames.Consumer)])
            await test.UntilAsync(name, resource => resource["state"]?.GetValue<string>() == "Running");
        return test;
    }

    public Task<(HttpStatusCode Status, string Message)> SendAsync(ControlCommand command) => SendAsync(JsonSerializer.Serialize(command, ControlJson.Context.ControlCommand));

    public Task<(HttpStatusCode Status, string Message)> SendAsync(string name, ResourceAction action) => SendAsync(new ResourceCommand(name, action));

    /// <param name="command">The command as sent.</param>
    public async Task<(HttpStatusCode Status, string Message)> SendAsync(string command)
    {
        using var content = new StringContent(command);
        using var response = await _client.PostAsync(new Uri(ControlRoutes.Commands, UriKind.Relative), content, Token);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!;
        return (response.StatusCode, body["message"]!.GetValue<string>());
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _client.GetStringAsync(new Uri(path, UriKind.Relative), Token))!;

    public async Task<JsonNode> ResourceAsync(string name) => (await GetAsync("/resources")).AsArray().Single(item => item!["name"]!.GetValue<string>() == name)!;

    public async Task<string[]> RunningConsumersAsync() =>
        [.. (await GetAsync("/resources")).AsArray().Where(item => item!["state"]?.GetValue<string>() == "Running").Select(item => item!["name"]!.GetValue<string>())
            .Where(name => name.StartsWith("sensor-consumer-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public async Task UntilAsync(Func<bool> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!condition()) await poll.WaitForNextTickAsync(Token);
    }

    public async Task UntilAsync(string resource, Func<JsonNode, bool> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!condition(await ResourceAsync(resource))) await poll.WaitForNextTickAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_app is not null)
        {
            // As Ctrl+C does; disposing alone does not stop the hosted services.
            await _app.StopAsync(CancellationToken.None);
            await _app.DisposeAsync();
        }

        var ended = Path.Combine(_directory.Path, "ended");
        LastWord = File.Exists(ended) ? (await File.ReadAllTextAsync(ended)).Trim() : null;
        _setup?.Dispose();
        _limit.Dispose();
        _directory.Dispose();
    }

    private static int? Pid(CustomResourceSnapshot snapshot) =>
        snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value is { } value && int.TryParse(value.ToString(), CultureInfo.InvariantCulture, out var pid)
            ? pid
            : null;
}
