using Aspire.Hosting.Testing;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class ModelTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_fault_lab_runs_only_where_faults_are_allowed(bool faults)
    {
        using var directory = new TemporaryDirectory();
        string[] ports = ["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres"];
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
        [
            "--Factory:Kafka=embedded", "--Factory:Postgres=process", "--Factory:Prometheus=false", $"--Factory:Faults={faults}", $"--Factory:RunDirectory={directory.Path}",
            .. ports.Select(port => $"--Factory:Ports:{port}=0"),
        ]);

        var names = builder.Resources.Select(resource => resource.Name).ToArray();
        Assert.Equal(faults, names.Contains(ResourceNames.FaultLab));
        Assert.Equal(faults, names.Contains("database-link"));
        Assert.Contains(ResourceNames.MonitoringApi, names);
        Assert.Contains(ResourceNames.MonitoringWeb, names);
    }

    [Fact]
    public void The_dead_letter_topic_is_named_after_the_topic_of_the_readings_everywhere()
    {
        var names = KafkaNames.Of(name => name == EnvironmentNames.SensorTopic ? "readings" : null);

        Assert.Equal([new("readings", 12), new("alerts", 2), new TopicShape("readings.dlq", 1)], names.Topics(12));
        Assert.Contains($"the topic {KafkaNames.Default.DeadLetterTopic} ", File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "alerts.yml")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_session_is_the_same_for_brokers_and_clients()
    {
        Assert.Equal($"{Liveness.SessionTimeoutMs}", KafkaServerProperties.Common["group.consumer.session.timeout.ms"]);
        Assert.Equal($"{Liveness.SessionTimeoutMs}", KafkaServerProperties.Common["group.consumer.min.session.timeout.ms"]);
    }
}
