using System.Diagnostics;
using System.Text.Json.Nodes;
using FactoryMonitoring.Tests.Containers;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>A stack with brokers and PostgreSQL as containers; needs a container engine.</summary>
public sealed class ContainersStack : FactoryStack
{
    protected override string Kafka => "containers";

    protected override string Postgres => "container";

    protected override IEnumerable<string> Settings =>
    [
        .. Outside,
        .. TestImages.Kafka is { } kafka ? new[] { $"--Factory:KafkaImage={kafka}" } : [],
        .. TestImages.Postgres is { } postgres ? new[] { $"--Factory:PostgresImage={postgres}" } : [],
    ];

    // A fixture is also created for tests that are skipped.
    public override Task InitializeAsync() => TestImages.AreNeeded ? base.InitializeAsync() : Task.CompletedTask;
}

[CollectionDefinition(Name)]
public sealed class ContainersCollection : ICollectionFixture<ContainersStack>
{
    public const string Name = "Apache Kafka and PostgreSQL as containers";
}

[Collection(ContainersCollection.Name)]
public sealed class ContainersTests(ContainersStack stack)
{
    [ContainerFact]
    public Task A_killed_consumers_partitions_flow_again_within_10_seconds_and_the_account_is_exact() =>
        DeathScenarios.ConsumerIsKilledAsync(stack, "sensor-consumer-1", TimeSpan.FromSeconds(10));

    [ContainerFact]
    public Task Brokers_that_are_open_serve_other_machines() => stack.ServesOtherMachinesAsync();

    [ContainerFact]
    public Task A_killed_broker_loses_nothing() => DeathScenarios.BrokerIsKilledAsync(stack, "kafka2");

    [ContainerFact]
    public Task The_API_measures_what_it_measures_on_every_backing() => stack.MeasuresEverythingAsync();

    [ContainerFact]
    public async Task The_engine_shows_no_secret_of_the_database()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var password = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(stack.RunDirectory, "stack.json")))!["postgres_password"]!.GetValue<string>();
        var container = (await stack.ResourceAsync("postgres"))["container_id"]!.GetValue<string>();

        var shown = await DockerAsync("inspect", container) + await DockerAsync("top", container, "-eo", "pid,args")
            + await DockerAsync("logs", container);

        Assert.Contains("docker-entrypoint.sh", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(password, shown, StringComparison.Ordinal);
    }

    private static async Task<string> DockerAsync(params string[] arguments)
    {
        using var docker = Process.Start(new ProcessStartInfo("docker", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = docker.StandardError.ReadToEndAsync();
        var output = await docker.StandardOutput.ReadToEndAsync() + await error;
        await docker.WaitForExitAsync();
        Assert.True(docker.ExitCode == 0, output);
        return output;
    }

    [ContainerFact]
    public async Task A_container_killed_from_outside_shows_its_end_and_its_start_command_keeps_the_data()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var stored = await stack.StoredAsync(CancellationToken.None);
        var container = (await stack.ResourceAsync("postgres"))["container_id"]!.GetValue<string>();

        using (var kill = Process.Start(new ProcessStartInfo("docker", ["kill", container]) { RedirectStandardOutput = true })!) await kill.WaitForExitAsync();

        await Wait.ForAsync("postgres exited with 137", TimeSpan.FromSeconds(5), token => stack.ResourceAsync("postgres", token),
            resource => resource["state"]!.GetValue<string>() == "Exited" && resource["exit_code"]!.GetValue<int>() == 137);
        await stack.ControlAsync("postgres", "start");
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        Assert.True(await stack.StoredAsync(CancellationToken.None) >= stored);
        await stack.AccountIsExactAsync();
    }
}
