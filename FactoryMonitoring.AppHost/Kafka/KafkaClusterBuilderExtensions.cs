using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Services;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>Adds the three-broker cluster to the model.</summary>
internal static class KafkaClusterBuilderExtensions
{
    /// <summary>The process that hosts the embedded brokers.</summary>
    public const string EmbeddedHost = "embedded-kafka";

    /// <summary>Property of the cluster: the addresses for clients on other machines.</summary>
    public const string OutsideProperty = "kafka.bootstrap.outside";

    private const string Heap = "-Xms256m -Xmx256m";

    // With these options three small JVMs start in 5 s, without them in 8 s. Huge pages: 22,000 page faults in a start instead of 53,000.
    private const string SmallJvm = "-server -XX:+UseSerialGC -Xmn160m -XX:+UseTransparentHugePages -XX:TieredStopAtLevel=1 -Djava.awt.headless=true";

    /// <summary>
    /// Adds the cluster and its brokers kafka1, kafka2, kafka3. It is healthy when all of them answer. The provisioner reports problems with external brokers.
    /// </summary>
    public static IResourceBuilder<KafkaClusterResource> AddKafkaCluster(
        this IDistributedApplicationBuilder builder, string name, FactorySetup setup)
    {
        var (choice, ports, runDirectory) = (setup.Kafka, setup.KafkaPorts, setup.Settings.RunDirectory);
        var cluster = builder.AddResource(new KafkaClusterResource(name, choice.Backing, ports, choice.Backing == KafkaBacking.External ? setup.Settings.External : null))
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "Cluster", Properties = [], State = KnownResourceStates.NotStarted })
            .OnInitializeResource(async (resource, started, cancellationToken) =>
            {
                await started.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, started.Services), cancellationToken);
                await started.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with
                {
                    State = KnownResourceStates.Running,
                    Properties =
                    [
                        .. snapshot.Properties, new("kafka.backing", choice.Backing.ToString()), new("kafka.bootstrap", resource.Bootstrap),
                        .. setup.KafkaOutsidePorts.Count > 0 ? new[] { new ResourcePropertySnapshot(OutsideProperty, string.Join(',', setup.KafkaOutsidePorts)) } : [],
                    ],
                });
            })
            .WithIconName("Cloud");
        foreach (var (index, port) in ports.Index())
        {
            var broker = ResourceNames.Broker(index + 1);
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(broker, _ => new KafkaProbe(port), null, null));
            cluster.WithHealthCheck(broker);
        }
        if (choice.Image is { } image) cluster.AddBrokerContainers(image, setup.KafkaLinkPorts, setup.KafkaOutsidePorts, runDirectory);
        else if (choice.Home is { } home) cluster.AddBrokerProcesses(home, setup, Path.Combine(runDirectory, "kafka"));
        else if (choice.Backing == KafkaBacking.Embedded) cluster.AddEmbeddedBrokers();
        return cluster;
    }

    /// <summary>Declares a topic that clients need.</summary>
    public static IResourceBuilder<KafkaClusterResource> WithTopic(
        this IResourceBuilder<KafkaClusterResource> cluster, string topic, int partitions)
    {
        cluster.Resource.Topics.Add(new(topic, partitions));
        return cluster;
    }

    /// <summary>Declares a consumer group.</summary>
    public static IResourceBuilder<KafkaClusterResource> WithGroup(this IResourceBuilder<KafkaClusterResource> cluster, string group)
    {
        cluster.Resource.Groups.Add(group);
        return cluster;
    }

    private static void AddBrokerContainers(
        this IResourceBuilder<KafkaClusterResource> cluster, ContainerImage image, IReadOnlyList<KafkaLinkPort> links, IReadOnlyList<KafkaOutsidePort> outsides, string runDirectory)
    {
        var builder = cluster.ApplicationBuilder;
        var resource = cluster.Resource;
        var clusterId = ClusterId(Path.Combine(runDirectory, "kafka-containers.id"));
        var start = File.ReadAllText(Shipped("kafka-container.sh"));
        foreach (var (index, port) in resource.Ports.Index())
        {
            var name = ResourceNames.Broker(index + 1);
            var broker = builder.AddResource(new KafkaContainerResource(name, port))
                .WithBrokerDefaults(cluster)
                .WithImage(image)
                .WithEntrypoint("bash")
                .WithArgs("-c", start)
                .WithVolume(ContainerEngine.Volume(runDirectory, name), KafkaContainerEnvironment.Data)
                .WithEndpoint(port: port, targetPort: KafkaContainerEnvironment.Port, scheme: "tcp", name: "tcp", isProxied: false)
                .WithEnvironment("CLUSTER_ID", clusterId)
                .WithEnvironment("KAFKA_HEAP_OPTS", Heap)
                .WithEnvironment("KAFKA_JVM_PERFORMANCE_OPTS", SmallJvm)
                .WithContainerKill(image.Engine);
            var link = links.ElementAtOrDefault(index);
            if (link is not null) broker.WithEndpoint(port: link.Listener, targetPort: KafkaContainerEnvironment.LinkPort, scheme: "tcp", name: "link", isProxied: false);
            var outside = outsides.ElementAtOrDefault(index);
            // Aspire publishes ports only on loopback.
            if (outside is not null) broker.WithContainerRuntimeArgs("--publish", string.Create(CultureInfo.InvariantCulture, $"{outside.Address}:{outside.Port}:{KafkaContainerEnvironment.OutsidePort}"));
            foreach (var (variable, value) in KafkaContainerEnvironment.Of(index + 1, port, link, outside)) broker.WithEnvironment(variable, value);
        }
    }

    private static void AddBrokerProcesses(
        this IResourceBuilder<KafkaClusterResource> cluster, KafkaDistribution home, FactorySetup setup, string directory)
    {
        var builder = cluster.ApplicationBuilder;
        var resource = cluster.Resource;
        Directory.CreateDirectory(directory);
        var clusterId = ClusterId(Path.Combine(directory, "cluster.id"));
        foreach (var (index, port) in resource.Ports.Index())
        {
            var name = ResourceNames.Broker(index + 1);
            var own = Directory.CreateDirectory(Path.Combine(directory, name)).FullName;
            File.WriteAllText(
                Path.Combine(own, "server.properties"),
                KafkaServerProperties.Write(
                    index + 1, resource.Ports, setup.KafkaControllerPorts, Path.Combine(own, "data"), setup.KafkaLinkPorts.ElementAtOrDefault(index), setup.KafkaOutsidePorts.ElementAtOrDefault(index)));
            builder.AddResource(new KafkaBrokerResource(name, port, "bash", own))
                .WithBrokerDefaults(cluster)
                .WithArgs(Shipped("kafka-broker.sh"), home.Directory, own, clusterId)
                .WithEndpoint(port: port, scheme: "tcp", name: "tcp", isProxied: false)
                .WithEnvironment("KAFKA_HEAP_OPTS", Heap)
                .WithEnvironment("KAFKA_JVM_PERFORMANCE_OPTS", SmallJvm)
                .WithEnvironment("KAFKA_LOG4J_OPTS", $"-Dlog4j2.configurationFile={Shipped("log4j2.yaml")}")
                // Without it, the script of the official distribution would write garbage collection logs next to its own logs.
                .WithEnvironment("EXTRA_ARGS", "-name kafkaServer")
                .WithDataDirectory(own)
                .WithKill();
        }
    }

    private static void AddEmbeddedBrokers(this IResourceBuilder<KafkaClusterResource> cluster)
    {
        var builder = cluster.ApplicationBuilder;
        var resource = cluster.Resource;
        var token = RandomNumberGenerator.GetHexString(48, lowercase: true);
        var host = builder.AddProject<Projects.FactoryMonitoring_EmbeddedKafka>(EmbeddedHost)
            .AsService()
            .WithIconName("ServerMultiple")
            .WithEnvironment("EmbeddedKafka__ControlToken", token)
            .WithEnvironment(context =>
            {
                foreach (var (index, port) in resource.Ports.Index()) context.EnvironmentVariables[$"EmbeddedKafka__Ports__{index}"] = $"{port}";
                foreach (var (index, group) in resource.Groups.Index()) context.EnvironmentVariables[$"EmbeddedKafka__Groups__{index}"] = group;
                foreach (var (index, topic) in resource.Topics.Index())
                {
                    context.EnvironmentVariables[$"EmbeddedKafka__Topics__{index}__Name"] = topic.Name;
                    context.EnvironmentVariables[$"EmbeddedKafka__Topics__{index}__Partitions"] = $"{topic.Partitions}";
                }
            })
            .WithParentRelationship(cluster);
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<EmbeddedBrokers>(services, host.Resource, token));
        builder.Services.AddHostedService(services => services.GetRequiredService<EmbeddedBrokers>());
        foreach (var (index, port) in resource.Ports.Index())
        {
            builder.AddResource(new EmbeddedBrokerResource(ResourceNames.Broker(index + 1), index + 1, port))
                .WithBrokerDefaults(cluster)
                .WithInitialState(new CustomResourceSnapshot { ResourceType = "EmbeddedBroker", Properties = [], State = KnownResourceStates.NotStarted })
                .WithEmbeddedBrokerCommands();
        }
    }

    /// <summary>Places the broker below the cluster in the dashboard. The cluster's health does not apply to it: that is the health of all brokers.</summary>
    private static IResourceBuilder<T> WithBrokerDefaults<T>(this IResourceBuilder<T> broker, IResourceBuilder<KafkaClusterResource> cluster) where T : IKafkaBroker =>
        broker.WithParentRelationship(cluster).WithIconName("Server").WithHealthCheck(broker.Resource.Name);

    // All brokers of a cluster share one id for as long as their data exist: 16 bytes in URL-safe Base64.
    private static string ClusterId(string file)
    {
        if (File.Exists(file)) return File.ReadAllText(file).Trim();
        // Kafka's own ids never begin with a dash, which its command line would parse as an option.
        string id;
        do id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        while (id.StartsWith('-'));
        File.WriteAllText(file, id + "\n");
        return id;
    }

    private static string Shipped(string file) => Path.Combine(AppContext.BaseDirectory, "Kafka", file);
}
