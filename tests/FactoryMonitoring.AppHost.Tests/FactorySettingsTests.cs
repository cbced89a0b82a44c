using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Replay;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class FactorySettingsTests
{
    [Fact]
    public void Nothing_set_means_three_consumers_of_six_on_the_standard_ports()
    {
        var settings = Read(Configuration(), "/repository");

        Assert.Equal(
            new FactorySettings(
                KafkaPreference.Auto, PostgresPreference.Auto, "docker.io/apache/kafka:4.3.1", "docker.io/postgres:17", 3, 6, 6, 5000, 5080, settings.KafkaPorts, null, settings.KafkaOutsidePorts, 5432, "/repository/artifacts/run", ExternalSettings.None, null, false),
            settings);
        Assert.Equal([9092, 9094, 9096], settings.KafkaPorts);
        Assert.Equal([19092, 19094, 19096], settings.KafkaOutsidePorts);
    }

    [Fact]
    public void The_password_of_a_database_of_ones_own_may_be_in_a_file()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.Path, "secret"), "s3cret\n");
        var configuration = Configuration(("Factory:Postgres", "external"), ("DATABASE_URL", "postgresql://u@h/d"), ("DATABASE_PASSWORD_FILE", "secret"));

        Assert.Equal("Host=h;Port=5432;Database=d;Username=u;Password=s3cret", Read(configuration, directory.Path).External.Database);
    }

    [Fact]
    public void Brokers_and_a_database_of_ones_own_are_taken_with_absolute_paths_of_their_files()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.Path, "ca.pem"), "ca");
        File.WriteAllText(Path.Combine(directory.Path, "secret"), "s3cret\n");
        var configuration = Configuration(
            ("Factory:Kafka", "External"), ("Factory:Postgres", "external"), ("KAFKA_BROKERS", "a:1,b:2"), ("Kafka:Security:Protocol", "sasl_ssl"), ("Kafka:Security:Mechanism", "plain"),
            ("Kafka:Security:Username", "u"), ("Kafka:Security:PasswordFile", "secret"), ("Kafka:Security:CaFile", "ca.pem"), ("DATABASE_URL", "postgresql://u:p@h/d?sslmode=verify-full&sslrootcert=ca.pem"));

        var external = Read(configuration, directory.Path).External;

        Assert.Equal("a:1,b:2", external.Brokers);
        Assert.Equal(("sasl_ssl", "PLAIN", "u", "s3cret"), (external.Security.Properties["security.protocol"], external.Security.Properties["sasl.mechanism"], external.Security.Username, external.Security.Password));
        Assert.Equal(Path.Combine(directory.Path, "ca.pem"), external.Security.Properties["ssl.ca.location"]);
        // The services run in other directories, so the paths that they get must be absolute.
        Assert.Equal(Path.Combine(directory.Path, "secret"), configuration["Kafka:Security:PasswordFile"]);
        Assert.Contains($"Root Certificate={Path.Combine(directory.Path, "ca.pem")}", external.Database, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_can_be_set()
    {
        var settings = Read(
            Configuration(
                ("Factory:Kafka", "embedded"), ("Factory:Postgres", "process"), ("Factory:KafkaImage", "k:1"), ("Factory:PostgresImage", "p:1"), ("Factory:Consumers", "2"),
                ("Factory:MaxConsumers", "4"), ("Factory:Partitions", "12"), ("Factory:Ports:Web", "1"), ("Factory:Ports:Api", "2"),
                ("Factory:Ports:Kafka1", "3"), ("Factory:Ports:Kafka2", "4"), ("Factory:Ports:Kafka3", "0"), ("Factory:Ports:Postgres", "5"),
                ("KAFKA_ADVERTISED_HOST", "plant.example"), ("Factory:Ports:KafkaOutside2", "6"), ("Factory:RunDirectory", "/elsewhere"), ("Factory:Faults", "true"), ("Factory:Retention", "14.00:00:00")),
            "/repository");

        Assert.Equal(
            new FactorySettings(KafkaPreference.Embedded, PostgresPreference.Process, "k:1", "p:1", 2, 4, 12, 1, 2, settings.KafkaPorts, "plant.example", settings.KafkaOutsidePorts, 5, "/elsewhere", ExternalSettings.None, null, true), settings);
        Assert.Equal([3, 4, 0], settings.KafkaPorts);
        Assert.Equal([19092, 6, 19096], settings.KafkaOutsidePorts);
    }

    [Theory]
    [InlineData("Factory:Kafka", "redis", "Factory:Kafka=redis: must be one of auto, containers, processes, embedded, external.")]
    [InlineData("Factory:Kafka", "1", "Factory:Kafka=1: must be one of auto, containers, processes, embedded, external.")]
    [InlineData("Factory:Kafka", "external", "ConnectionStrings:kafka (or KAFKA_BROKERS) is not set, and Factory:Kafka=external needs it: must be a list host:port,host:port,….")]
    [InlineData("Factory:Postgres", "external", "ConnectionStrings:factorydb (or DATABASE_URL) is not set, and Factory:Postgres=external needs it: must be Host=…;Port=…;Username=…;Password=…;Database=… (or postgresql://user:password@host:port/database).")]
    [InlineData("Kafka:Security:Protocol", "ssl", "Kafka:Security is set, but the AppHost's own brokers know no sign-in: Factory:Kafka=external is missing, or the section is to be left out.")]
    [InlineData("Kafka:Security:Protocol", "tls", "Kafka:Security:Protocol = tls: must be one of plaintext, ssl, sasl_plaintext, sasl_ssl.")]
    [InlineData("Factory:Consumers", "7", "Factory:Consumers=7: must be an integer between 1 and 6.")]
    [InlineData("Factory:MaxConsumers", "0", "Factory:MaxConsumers=0: must be an integer between 1 and 64.")]
    [InlineData("Factory:Retention", "01:00:00", "Factory:Retention=01:00:00: must be a time between 1.00:00:00 and 3650.00:00:00.")]
    [InlineData("Factory:Partitions", "many", "Factory:Partitions=many: must be an integer between 1 and 1000.")]
    [InlineData("Factory:Ports:Kafka2", "70000", "Factory:Ports:Kafka2=70000: must be an integer between 0 and 65535.")]
    [InlineData("KAFKA_ADVERTISED_HOST", "plant:9092", "KAFKA_ADVERTISED_HOST=plant:9092: must be a name or an address of this machine without a port.")]
    [InlineData("Factory:Faults", "1", "Factory:Faults=1: must be true or false.")]
    [InlineData("Factory:Prometheus", "0", "Factory:Prometheus=0: must be true or false.")]
    [InlineData("Factory:Ports:Prometheus", "x", "Factory:Ports:Prometheus=x: must be an integer between 0 and 65535.")]
    [InlineData("Sensors:PerType", "-1", "Sensors:PerType=-1: must be an integer between 1 and 100000.")]
    [InlineData("Consumers:Messages:TimeZone", "Mars/Olympus", "Consumers:Messages:TimeZone=Mars/Olympus: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin.")]
    [InlineData("Consumers:GroupProtocol", "bar", "Consumers:GroupProtocol=bar: must be one of consumer, classic, classic-range.")]
    [InlineData("Telemetry:TracesPerSecond", "abc", "Telemetry:TracesPerSecond=abc: must be a number between 0 and 1000000.")]
    [InlineData("MONITORING_PORT", "-1", "MONITORING_PORT=-1: must be an integer between 0 and 65535.")]
    public void A_wrong_setting_is_one_line_with_key_value_and_what_is_allowed(string key, string value, string line)
    {
        var exception = Assert.Throws<SetupException>(() => Read(Configuration((key, value)), "/repository"));

        Assert.Equal(line, exception.Message);
    }

    [Fact]
    public void A_misspelt_key_is_no_setting()
    {
        var exception = Assert.Throws<SetupException>(() => Read(Configuration(("Factory:Kafak", "embedded"), ("Factory:Prometheus", "false")), "/repository"));

        Assert.StartsWith("Factory:Kafak=embedded: there is no such setting; must be one of Factory:Consumers, Factory:Faults, ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Environment.NewLine, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_wrong_settings_are_named_at_once()
    {
        var exception = Assert.Throws<SetupException>(
            () => Read(Configuration(("Factory:Partitions", "0"), ("Factory:Ports:Web", "x")), "/repository"));

        Assert.Equal(2, exception.Message.Split(Environment.NewLine).Length);
    }

    [Fact]
    public void Fewer_consumers_than_the_default_may_exist()
    {
        var settings = Read(Configuration(("Factory:MaxConsumers", "2")), "/repository");

        Assert.Equal((2, 2), (settings.Consumers, settings.MaxConsumers));
    }

    [Theory]
    [InlineData(null, 7000)]
    [InlineData("8000", 8000)]
    public void The_port_people_open_has_a_variable_of_its_own_that_our_setting_overrules(string? setting, int port)
    {
        var settings = Read(Configuration(("MONITORING_PORT", "7000"), ("Factory:Ports:Web", setting)), "/repository");

        Assert.Equal(port, settings.WebPort);
    }

    [Fact]
    public void A_file_is_replayed_as_it_is_told()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "machine.csv");
        File.WriteAllText(file, "timestamp,value\n2024-01-01 00:00:00,1\n2024-01-01 00:10:00,2\n");

        var settings = Read(
            Configuration(("Factory:Replay:File", "machine.csv"), ("Factory:Replay:SpeedUp", "3000"), ("Factory:Replay:WarningThreshold", "96.5"), ("Factory:Replay:CriticalThreshold", "100")), directory.Path);

        var replay = Assert.IsType<ReplayPlan>(settings.Replay);
        Assert.Equal((file, 3000, 2), (replay.File, replay.Options.SpeedUp, replay.Rows));
        var column = Assert.Single(replay.Columns);
        Assert.Equal(("replay-sensor-001", "temperature", 96.5, 100), (column.SensorId, column.SensorType, column.Warning, column.Critical));
    }

    [Fact]
    public void A_file_to_replay_that_is_not_there_is_one_line()
    {
        var exception = Assert.Throws<SetupException>(() => Read(Configuration(("Factory:Replay:File", "gone.csv")), "/repository"));

        Assert.Equal("Factory:Replay:File=gone.csv does not exist (/repository/gone.csv): must be a CSV file, plain or gzip.", exception.Message);
    }

    [Fact]
    public void A_wrong_file_to_replay_is_one_line_with_its_place_and_the_setting_that_helps()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.Path, "machine.csv"), "timestamp,value\n01/02/2024 00:00:00,1\n");

        var ambiguous = Assert.Throws<SetupException>(() => Read(Configuration(("Factory:Replay:File", "machine.csv")), directory.Path));
        var misspelt = Assert.Throws<SetupException>(() => Read(Configuration(("Factory:Replay:File", "machine.csv"), ("Factory:Replay:SpeedUp", "x")), directory.Path));

        Assert.Equal(
            "Factory:Replay:File=machine.csv: line 2, column 1 (timestamp): \"01/02/2024 00:00:00\" can be read day-first or month-first, and no line of the file tells which: give Factory:Replay:DateOrder=day-first or month-first",
            ambiguous.Message);
        Assert.Equal("Factory:Replay:File=machine.csv: Factory:Replay:SpeedUp = x: must be a number between 0.001 and 10000000", misspelt.Message);
        Assert.Equal("day-first", Read(Configuration(("Factory:Replay:File", "machine.csv"), ("Factory:Replay:DateOrder", "day-first")), directory.Path).Replay!.Times.Order);
    }

    [Fact]
    public void Faults_are_refused_in_production()
    {
        var exception = Assert.Throws<SetupException>(() => FactorySettings.Read(Configuration(("Factory:Faults", "true")), "/repository", isProduction: true));

        Assert.Equal("Factory:Faults=true is not allowed in Production: false is, or another environment (DOTNET_ENVIRONMENT=Development).", exception.Message);
        Assert.False(FactorySettings.Read(Configuration(), "/repository", isProduction: true).Faults);
    }

    private static FactorySettings Read(IConfiguration configuration, string repository) => FactorySettings.Read(configuration, repository, isProduction: false);

    private static IConfiguration Configuration(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => setting.Value)).Build();
}
