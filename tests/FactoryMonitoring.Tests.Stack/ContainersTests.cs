using System.Diagnostics;
using FactoryMonitoring.Tests.Containers;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>On brokers and PostgreSQL as containers; needs a container engine.</summary>
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

    // A fixture is made for tests that are left out, too.
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
