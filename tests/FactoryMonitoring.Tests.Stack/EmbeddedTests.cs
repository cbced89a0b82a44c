namespace FactoryMonitoring.Tests.Stack;

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedTests(EmbeddedStack stack)
{
    // The embedded broker replaces a dead member up to 1.5 s later than Apache Kafka does.
    [Fact]
    public Task A_killed_consumers_partitions_flow_again_and_the_account_is_exact() =>
        DeathScenarios.ConsumerIsKilledAsync(stack, "sensor-consumer-3", TimeSpan.FromSeconds(10));

    [Fact]
    public Task A_killed_broker_loses_nothing() => DeathScenarios.BrokerIsKilledAsync(stack, "kafka2");

    [Fact]
    public Task The_API_measures_what_it_measures_on_every_backing() => stack.MeasuresEverythingAsync();
}
