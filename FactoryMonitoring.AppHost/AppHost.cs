using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Prometheus;
using FactoryMonitoring.AppHost.Services;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using static System.FormattableString;

var builder = DistributedApplication.CreateBuilder(args);

// Reports every problem with this machine or the settings before anything starts.
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

// The resources that everything else depends on: brokers with their topics, and the database.
var names = KafkaNames.Of(name => builder.Configuration[name]);
var kafka = builder.AddKafkaCluster(ResourceNames.Kafka, factory)
    .WithGroup(names.ConsumerGroup);
foreach (var topic in names.Topics(settings.Partitions)) kafka.WithTopic(topic.Name, topic.Partitions);
var database = builder.AddPostgresDatabase(ResourceNames.Database, "factory_monitoring", factory.Postgres, "factory_user", factory.PostgresPort);

// Links that can be cut if faults are allowed: between the services and the database, and between one consumer and the brokers.
var databaseLink = builder.AddDatabaseLink(factory, database);
var kafkaLink = builder.AddKafkaLink(factory, kafka);

// Creates the topics, the schema and the roles that the services sign in as, once.
var provisioner = builder.AddProject<Projects.FactoryMonitoring_Provisioner>(ResourceNames.Provisioner)
    .WithReference(kafka).WaitFor(kafka, WaitBehavior.WaitOnResourceUnavailable)
    .WithReference(database.Resource).WaitFor(database.Resource, WaitBehavior.WaitOnResourceUnavailable)
    .WithEnvironment("Factory__Partitions", Invariant($"{settings.Partitions}"))
    .WithSettingsOf("Factory:Retention").WithSettingsOf(KafkaSecurity.Section)
    .WithServiceDefaults().WithRolePasswords(database)
    .WithIconName("Wrench");

// Readings: sensors send them, consumers store them.
var sensors = builder.AddGroup("sensors", "Temperature");
foreach (var type in SensorCatalog.Types.Values)
{
    builder.AddProject<Projects.Sensors>(ResourceNames.Sensor(type.Name))
        .AsService(provisioner, databaseLink.As(DatabaseRoles.Sensor), kafka)
        .WithEnvironment(EnvironmentNames.ProducerId, ResourceNames.Sensor(type.Name))
        .WithEnvironment(EnvironmentNames.SensorType, type.Name)
        .WithSettingsOf("Sensors")
        .WithIconName("Pulse").WithParentRelationship(sensors);
}

if (settings.Replay is { } replay)
{
    builder.AddProject<Projects.Sensors>(ResourceNames.ReplaySensor)
        .AsService(provisioner, databaseLink.As(DatabaseRoles.Sensor), kafka)
        .WithEnvironment(EnvironmentNames.ProducerId, ResourceNames.ReplaySensor)
        .WithReplay(replay)
        .WithIconName("ArrowRepeatAll").WithParentRelationship(sensors);
}

var consumers = builder.AddGroup("consumers", "PeopleTeam");
for (var number = 1; number <= settings.MaxConsumers; number++)
{
    var consumer = builder.AddProject<Projects.Consumers>(ResourceNames.Consumer(number))
        .AsService(provisioner, databaseLink.As(DatabaseRoles.Ingest), number == ResourceNames.LinkedConsumer ? kafkaLink : kafka)
        .WithEnvironment(EnvironmentNames.ConsumerId, ResourceNames.Consumer(number))
        .WithSettingsOf("Consumers").WithSettingsOf("Detection")
        .WithIconName("Person").WithParentRelationship(consumers);
    if (number > settings.Consumers) consumer.WithExplicitStart();
}

// The page reads from the API, which sends no commands. The page acts through the fault lab, the only service that may command the AppHost. In the database the
// page writes only who signed in and what it refused.
var api = builder.AddProject<Projects.Monitoring_Api>(ResourceNames.MonitoringApi)
    .AsService(provisioner, databaseLink.As(DatabaseRoles.Monitor), kafka, factory.ApiPort)
    .WithEnvironment(EnvironmentNames.MonitoringApiPort, Invariant($"{factory.ApiPort}"))
    .WithSettingsOf("Detection")
    .WithDisks()
    .WithIconName("DataUsage");

var web = builder.AddProject<Projects.Monitoring_Web>(ResourceNames.MonitoringWeb)
    .AsService(database: databaseLink.As(DatabaseRoles.Audit), port: factory.WebPort)
    .WithExternalHttpEndpoints()
    .WithReference(api)
    .WithEnvironment(EnvironmentNames.MonitoringPort, Invariant($"{factory.WebPort}"))
    .WithAccess(factory)
    .WithDashboardLink()
    .WithIconName("Desktop");

if (factory.FaultLabPort is { } port)
{
    var lab = builder.AddProject<Projects.FaultLab>(ResourceNames.FaultLab)
        .AsService(provisioner, databaseLink.As(DatabaseRoles.Monitor), port: port)
        .WithReference(api)
        .WithControl(factory)
        .WithIconName("Beaker");
    web.WithReference(lab);

    // Faults that the dashboard, `aspire resource` and its MCP server can inject. Killing, pausing and resuming a single process are commands of that process.
    kafka.WithFaultCommands();
    sensors.WithLoadCommand();
    consumers.WithScaleCommand(settings.MaxConsumers);
    lab.WithExperimentCommand(factory.WebPort);
}

builder.AddPrometheus(factory);
builder.AddControl(factory, kafka.Resource, database);
builder.AddFaults(factory, kafka.Resource, names);

Console.WriteLine(StartScreen.Render(factory));
await builder.Build().RunToEndAsync();
return 0;
