using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using Npgsql;

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_brokers_and_a_database_of_ones_own_nothing_of_them_is_in_the_model_and_every_service_gets_the_settings(bool withRoles)
    {
        using var directory = new TemporaryDirectory();
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
        [
            "--Factory:Kafka=external", "--Factory:Postgres=external", "--Factory:Prometheus=false", "--Factory:Faults=true", $"--Factory:RunDirectory={directory.Path}",
            "--Factory:Ports:Web=0", "--Factory:Ports:Api=0", "--KAFKA_BROKERS=kafka.plant:9093", "--DATABASE_URL=postgresql://u:p@db.plant/factory?sslmode=verify-full",
            "--Kafka:Security:Protocol=sasl_ssl", "--Kafka:Security:Mechanism=PLAIN", "--Kafka:Security:Username=u", "--Kafka:Security:Password=secret",
            .. withRoles ? ["--DATABASE_INGEST_PASSWORD=i", "--DATABASE_SENSOR_PASSWORD=s", "--DATABASE_MONITOR_PASSWORD=m", "--DATABASE_AUDIT_PASSWORD=a"] : Array.Empty<string>(),
        ]);

        var names = builder.Resources.Select(resource => resource.Name).ToArray();
        Assert.DoesNotContain(names, name => ResourceNames.IsBroker(name) || name is ResourceNames.Postgres or "database-link" or "kafka-link" or KafkaClusterBuilderExtensions.EmbeddedHost);
        (string Name, string Login)[] services =
        [
            (ResourceNames.Provisioner, "Username=u;Password=p"), (ResourceNames.Sensor("temperature"), "Username=factory_sensor;Password=s"),
            (ResourceNames.Consumer(3), "Username=factory_ingest;Password=i"), (ResourceNames.MonitoringApi, "Username=factory_monitor;Password=m"),
            (ResourceNames.FaultLab, "Username=factory_monitor;Password=m"), (ResourceNames.MonitoringWeb, "Username=factory_audit;Password=a"),
        ];
        foreach (var (name, login) in services)
        {
            var service = builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == name);
            // Not all values are available before a start: addresses are allocated by then.
            var context = new EnvironmentCallbackContext(builder.ExecutionContext, service, cancellationToken: CancellationToken.None);
            foreach (var callback in service.Annotations.OfType<EnvironmentCallbackAnnotation>()) await callback.Callback(context);
            var reachesBrokers = name is not (ResourceNames.FaultLab or ResourceNames.MonitoringWeb);
            var isProvisioner = name == ResourceNames.Provisioner;
            if (reachesBrokers) Assert.Equal("kafka.plant:9093", await ((ConnectionStringReference)context.EnvironmentVariables["ConnectionStrings__kafka"]).Resource.GetConnectionStringAsync());
            // If the roles have no passwords, all services sign in as the same user.
            var connection = new NpgsqlConnectionStringBuilder(await TextAsync(context.EnvironmentVariables["ConnectionStrings__factorydb"]));
            Assert.True(
                connection.EquivalentTo(new NpgsqlConnectionStringBuilder($"Host=db.plant;Port=5432;Database=factory;SSL Mode=VerifyFull;{(withRoles ? login : "Username=u;Password=p")}")),
                $"{name}: {connection}");
            // Only the provisioner creates roles.
            Assert.Equal(isProvisioner && withRoles ? "i" : "", await TextAsync(context.EnvironmentVariables["DATABASE_INGEST_PASSWORD"]));
            if (reachesBrokers) Assert.Equal(("sasl_ssl", "u", "secret"), (context.EnvironmentVariables["Kafka__Security__Protocol"], context.EnvironmentVariables["Kafka__Security__Username"], context.EnvironmentVariables["Kafka__Security__Password"]));
        }
    }

    [Theory]
    [InlineData("factory.example.org", "factory.example.org;localhost;127.0.0.1;[::1]")]
    [InlineData("*", "*")]
    [InlineData("", "")]
    public async Task Names_that_are_allowed_are_the_pages_and_the_factory_asks_as_localhost(string allowed, string ofThePage)
    {
        using var directory = new TemporaryDirectory();
        await using var builder = await CreateAsync(directory, $"--AllowedHosts={allowed}");

        // Nor does a proxy stand between them.
        Assert.Contains("localhost", (Environment.GetEnvironmentVariable("no_proxy") ?? Environment.GetEnvironmentVariable("NO_PROXY"))!.Split(','));
        foreach (var service in builder.Resources.OfType<ProjectResource>())
        {
            var context = new EnvironmentCallbackContext(builder.ExecutionContext, service, cancellationToken: CancellationToken.None);
            foreach (var callback in service.Annotations.OfType<EnvironmentCallbackAnnotation>()) await callback.Callback(context);
            Assert.Equal((service.Name, service.Name == ResourceNames.MonitoringWeb ? ofThePage : ""), (service.Name, context.EnvironmentVariables["AllowedHosts"]));
            // By which a later start recognizes what a killed AppHost has left.
            Assert.Equal(directory.Path, context.EnvironmentVariables[EarlierRun.Mark]);
        }
    }

    [Fact]
    public async Task Every_command_of_ours_says_what_it_does_and_asks_before_it_breaks_something()
    {
        using var directory = new TemporaryDirectory();
        await using var builder = await CreateAsync(directory);

        // Aspire adds its own commands to processes.
        var commands = builder.Resources.Where(resource => resource is not ProjectResource and not ExecutableResource)
            .SelectMany(resource => resource.Annotations.OfType<ResourceCommandAnnotation>().Select(command => (Name: $"{resource.Name}: {command.Name}", Command: command))).ToArray();
        string[] harmless = [KnownResourceCommands.StartCommand, "restore"];
        Assert.Empty(commands.Where(one => one.Command.DisplayDescription is null).Select(one => one.Name));
        Assert.Empty(commands.Where(one => one.Command.ConfirmationMessage is null && !harmless.Contains(one.Command.Name)).Select(one => one.Name));
        // An embedded broker is no process that could be paused.
        Assert.All(builder.Resources.OfType<IKafkaBroker>(), broker => Assert.Equal(
            [KnownResourceCommands.StartCommand, KnownResourceCommands.StopCommand, KnownResourceCommands.RestartCommand, "kill"],
            broker.Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name)));
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(TemporaryDirectory directory, params string[] arguments) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
        [
            "--Factory:Kafka=embedded", "--Factory:Postgres=process", "--Factory:Prometheus=false", "--Factory:Faults=true", $"--Factory:RunDirectory={directory.Path}",
            .. ((string[])["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres"]).Select(port => $"--Factory:Ports:{port}=0"), .. arguments,
        ]);

    private static async Task<string?> TextAsync(object value) => value switch
    {
        ConnectionStringReference reference => await reference.Resource.GetConnectionStringAsync(),
        IValueProvider provider => await provider.GetValueAsync(),
        _ => (string)value,
    };

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
