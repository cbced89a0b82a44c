using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class KafkaChoiceTests
{
    private static readonly KafkaDistribution Distribution = new("/opt/kafka", "4.3.1", 21);
    private static readonly ContainerImage Image = new(new ContainerEngine("docker"), "apache/kafka:4.3.1");
    private static readonly Func<ContainerImage> NoEngine = () => throw new SetupException("no engine");

    [Fact]
    public void An_image_that_can_be_had_is_used_whatever_else_there_is()
    {
        var choice = KafkaChoice.Make(KafkaPreference.Auto, () => Image, () => Distribution);

        Assert.Equal(new KafkaChoice(KafkaBacking.Containers, "apache/kafka:4.3.1 by docker", Image: Image), choice);
    }

    [Fact]
    public void Containers_that_are_asked_for_and_cannot_be_had_are_an_error()
    {
        var exception = Assert.Throws<SetupException>(() => KafkaChoice.Make(KafkaPreference.Containers, NoEngine, () => Distribution));

        Assert.Equal("Factory:Kafka=containers cannot be had: no engine", exception.Message);
    }

    [Fact]
    public void A_distribution_that_is_found_is_used_without_an_engine()
    {
        var choice = KafkaChoice.Make(KafkaPreference.Auto, NoEngine, () => Distribution);

        Assert.Equal(
            new KafkaChoice(KafkaBacking.Processes, "found Apache Kafka 4.3.1 in /opt/kafka, Java 21; no containers: no engine", Home: Distribution), choice);
    }

    [Fact]
    public void Without_a_distribution_the_embedded_broker_takes_its_place_and_the_reason_is_said()
    {
        var choice = KafkaChoice.Make(KafkaPreference.Auto, NoEngine, () => throw new SetupException("KAFKA_HOME is not set"));

        Assert.Equal(new KafkaChoice(KafkaBacking.Embedded, "no containers: no engine; no Apache Kafka: KAFKA_HOME is not set"), choice);
    }

    [Fact]
    public void Processes_that_are_asked_for_and_cannot_be_had_are_an_error()
    {
        var exception = Assert.Throws<SetupException>(
            () => KafkaChoice.Make(KafkaPreference.Processes, () => Image, () => throw new SetupException("KAFKA_HOME is not set")));

        Assert.Equal("Factory:Kafka=processes cannot be had: KAFKA_HOME is not set", exception.Message);
    }

    [Fact]
    public void The_embedded_broker_is_used_where_it_is_asked_for_whatever_else_there_is()
    {
        var choice = KafkaChoice.Make(KafkaPreference.Embedded, () => Image, () => Distribution);

        Assert.Equal(new KafkaChoice(KafkaBacking.Embedded, "as Factory:Kafka asks"), choice);
    }

    [Fact]
    public void A_directory_that_is_no_Kafka_is_named()
    {
        var exception = Assert.Throws<SetupException>(() => KafkaDistribution.Find("/nowhere", "/repository"));

        Assert.Equal("KAFKA_HOME=/nowhere has no bin/kafka-server-start.sh; set it to an unpacked Apache Kafka 4", exception.Message);
    }

    [Fact]
    public void A_Kafka_older_than_4_is_refused()
    {
        using var home = new TemporaryDirectory();
        Directory.CreateDirectory(Path.Combine(home.Path, "bin"));
        Directory.CreateDirectory(Path.Combine(home.Path, "libs"));
        File.WriteAllText(Path.Combine(home.Path, "bin", "kafka-server-start.sh"), "");
        File.WriteAllText(Path.Combine(home.Path, "libs", "kafka-clients-3.9.0.jar"), "");

        var exception = Assert.Throws<SetupException>(() => KafkaDistribution.Find(home.Path, "/repository"));

        Assert.Equal($"{home.Path} is Kafka 3.9.0; version 4 or newer is needed", exception.Message);
    }

    [Fact]
    public void Every_broker_knows_itself_and_the_others()
    {
        var lines = KafkaServerProperties.Write(2, [1, 2, 3], [11, 12, 13], "/data").Split('\n');

        Assert.Contains("node.id=2", lines);
        Assert.Contains("listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:12", lines);
        Assert.Contains("advertised.listeners=PLAINTEXT://127.0.0.1:2", lines);
        Assert.Contains("controller.quorum.voters=1@127.0.0.1:11,2@127.0.0.1:12,3@127.0.0.1:13", lines);
        Assert.Contains("log.dirs=/data", lines);
        Assert.All(KafkaServerProperties.Common, setting => Assert.Contains($"{setting.Key}={setting.Value}", lines));
    }

    [Fact]
    public void A_broker_with_a_link_tells_the_links_port_to_those_who_come_over_it()
    {
        var lines = KafkaServerProperties.Write(2, [1, 2, 3], [11, 12, 13], "/data", new KafkaLinkPort(22, 32)).Split('\n');

        Assert.Contains("listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:12,LINK://127.0.0.1:22", lines);
        Assert.Contains("advertised.listeners=PLAINTEXT://127.0.0.1:2,LINK://127.0.0.1:32", lines);
        Assert.Contains("listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT", lines);
        var variables = KafkaContainerEnvironment.Of(2, 9094, new KafkaLinkPort(22, 32)).ToDictionary();
        Assert.Equal("INTERNAL://:19092,HOST://:9092,CONTROLLER://:9093,LINK://:9095", variables["KAFKA_LISTENERS"]);
        Assert.Equal("INTERNAL://kafka2:19092,HOST://127.0.0.1:9094,LINK://127.0.0.1:32", variables["KAFKA_ADVERTISED_LISTENERS"]);
    }

    [Theory]
    [InlineData("192.168.1.20", "192.168.1.20:29094", "192.168.1.20:29094")]
    [InlineData("plant", "0.0.0.0:29094", "plant:29094")]
    [InlineData("fd00::20", "[fd00::20]:29094", "[fd00::20]:29094")]
    public void A_broker_that_is_open_to_other_machines_tells_them_a_host_of_theirs_and_its_own_clients_none(string host, string listens, string tells)
    {
        var outside = new KafkaOutsidePort(host, 29094);
        var lines = KafkaServerProperties.Write(2, [1, 2, 3], [11, 12, 13], "/data", outside: outside).Split('\n');

        Assert.Contains($"listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:12,OUTSIDE://{listens}", lines);
        Assert.Contains($"advertised.listeners=PLAINTEXT://127.0.0.1:2,OUTSIDE://{tells}", lines);
        var variables = KafkaContainerEnvironment.Of(2, 9094, outside: outside).ToDictionary();
        Assert.Equal("INTERNAL://:19092,HOST://:9092,CONTROLLER://:9093,OUTSIDE://:9097", variables["KAFKA_LISTENERS"]);
        Assert.Equal($"INTERNAL://kafka2:19092,HOST://127.0.0.1:9094,OUTSIDE://{tells}", variables["KAFKA_ADVERTISED_LISTENERS"]);
    }

    [Fact]
    public void A_container_takes_the_same_settings_as_variables()
    {
        var variables = KafkaContainerEnvironment.Of(2, 9094).ToDictionary();

        Assert.Equal("2", variables["KAFKA_NODE_ID"]);
        Assert.Equal("INTERNAL://kafka2:19092,HOST://127.0.0.1:9094", variables["KAFKA_ADVERTISED_LISTENERS"]);
        Assert.Equal("6000", variables["KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS"]);
        Assert.True(variables.Count > KafkaServerProperties.Common.Count);
    }

    [Fact]
    public void The_compose_stack_has_the_settings_of_the_AppHost()
    {
        var compose = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "compose.yaml"))
            .Select(line => line.Trim().Replace("\"", "", StringComparison.Ordinal)).ToHashSet();
        var own = KafkaServerProperties.Common.Where(setting => !setting.Key.Contains("listener", StringComparison.Ordinal));

        Assert.All(own, setting => Assert.Contains($"KAFKA_{setting.Key.ToUpperInvariant().Replace('.', '_')}: {setting.Value}", compose));
    }
}
