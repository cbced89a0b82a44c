using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Prometheus;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using static System.FormattableString;

var builder = DistributedApplication.CreateBuilder(args);

// Whatever is wrong with this machine or the settings is said before anything starts.
FactorySetup factory;
try
{
    factory = FactorySetup.Prepare(builder);
}
catch (SetupException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return 1;
}

using var running = factory;
var settings = factory.Settings;

var sensorTopic = builder.Configuration[EnvironmentNames.SensorTopic] ?? ResourceNames.SensorTopic;
var kafka = builder.AddKafkaCluster(ResourceNames.Kafka, factory.Kafka, factory.KafkaPorts, factory.KafkaControllerPorts, factory.KafkaLinkPorts, settings.RunDirectory)
    .WithTopic(sensorTopic, settings.Partitions)
    .WithTopic(builder.Configuration[EnvironmentNames.AlertTopic] ?? ResourceNames.AlertTopic, 2)
    .WithTopic(ResourceNames.DeadLetterTopic, 1)
    .WithGroup(builder.Configuration[EnvironmentNames.ConsumerGroup] ?? ResourceNames.ConsumerGroup);

var database = builder.AddPostgresDatabase(ResourceNames.Database, "factory_monitoring", factory.Postgres, "factory_user", factory.PostgresPort);

// Where faults are allowed, these can be cut: the services' way to the database, and one consumer's to the brokers.
var databaseLink = builder.AddDatabaseLink(factory, database);
var kafkaLink = builder.AddKafkaLink(factory, kafka);

var provisioner = builder.AddProject<Projects.FactoryMonitoring_Provisioner>("provisioner")
    .WithReference(kafka).WaitFor(kafka)
    .WithReference(database.Resource).WaitFor(database.Resource)
    .WithEnvironment("Factory__Partitions", Invariant($"{settings.Partitions}"))
    .WithServiceDefaults()
    .WithKill();

foreach (var type in SensorCatalog.Types.Values)
{
    builder.AddProject<Projects.Sensors>($"{type.Name}-sensor")
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(kafka)
        .WithReference(databaseLink, ResourceNames.Database)
        .WaitForCompletion(provisioner)
        .WithEnvironment(EnvironmentNames.ProducerId, $"{type.Name}-sensor")
        .WithEnvironment(EnvironmentNames.SensorType, type.Name)
        .WithSettingsOf("Sensors")
        .WithServiceDefaults()
        .WithKill();
}

if (settings.Replay is { } replay)
{
    builder.AddProject<Projects.Sensors>("replay-sensor")
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(kafka)
        .WithReference(databaseLink, ResourceNames.Database)
        .WaitForCompletion(provisioner)
        .WithEnvironment(EnvironmentNames.ProducerId, "replay-sensor")
        .WithReplay(replay)
        .WithServiceDefaults()
        .WithKill();
}

for (var number = 1; number <= settings.MaxConsumers; number++)
{
    var name = ConsumerScale.Name(number);
    var consumer = builder.AddProject<Projects.Consumers>(name)
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(number == FactorySettings.LinkedConsumer ? kafkaLink : kafka, ResourceNames.Kafka)
        .WithReference(databaseLink, ResourceNames.Database)
        .WaitForCompletion(provisioner)
        .WithEnvironment(EnvironmentNames.ConsumerId, name)
        .WithSettingsOf("Consumers")
        .WithServiceDefaults()
        .WithKill();
    if (number > settings.Consumers) consumer.WithExplicitStart();
}

// Others call these two: not behind Aspire's proxy, which accepts connections for a service that is dead.
var api = builder.AddProject<Projects.Monitoring_Api>(ResourceNames.MonitoringApi)
    .WithHttpEndpoint(port: factory.ApiPort, isProxied: false)
    .WithHttpHealthCheck("/health")
    .WithReference(kafka)
    .WithReference(databaseLink, ResourceNames.Database)
    .WaitForCompletion(provisioner)
    .WithEnvironment(EnvironmentNames.MonitoringApiPort, Invariant($"{factory.ApiPort}"))
    .WithControl(factory)
    .WithServiceDefaults()
    .WithKill();

builder.AddProject<Projects.Monitoring_Web>(ResourceNames.MonitoringWeb)
    .WithHttpEndpoint(port: factory.WebPort, isProxied: false)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReference(api)
    .WithEnvironment(EnvironmentNames.MonitoringPort, Invariant($"{factory.WebPort}"))
    .WithControl(factory)
    .WithDashboardLink()
    .WithServiceDefaults()
    .WithKill();

builder.AddPrometheus(factory);
builder.AddControl(factory, kafka.Resource, database);
builder.AddFaults(factory, kafka.Resource, sensorTopic);

Console.WriteLine(StartScreen.Render(factory));
await builder.Build().RunAsync();
return 0;
