using System.Globalization;
using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Prometheus;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>All that is decided about this run before the model is built: settings checked, ports taken, binaries found, backings chosen.</summary>
internal sealed class FactorySetup : IDisposable
{
    private readonly FileStream _lock;

    private FactorySetup(FileStream @lock) => _lock = @lock;

    public required FactorySettings Settings { get; init; }

    public required KafkaChoice Kafka { get; init; }

    /// <summary>Of the AppHost's own brokers.</summary>
    public required IReadOnlyList<int> KafkaPorts { get; init; }

    public required IReadOnlyList<int> KafkaControllerPorts { get; init; }

    /// <summary>Where each broker listens for the link to it; empty where there is none.</summary>
    public required IReadOnlyList<KafkaLinkPort> KafkaLinkPorts { get; init; }

    /// <summary>Where each broker listens for other machines; empty where none does.</summary>
    public required IReadOnlyList<KafkaOutsidePort> KafkaOutsidePorts { get; init; }

    public required PostgresChoice Postgres { get; init; }

    /// <summary>0 where it is somebody else's.</summary>
    public required int PostgresPort { get; init; }

    /// <summary>Of the link to PostgreSQL; null where there is none.</summary>
    public required int? DatabaseLinkPort { get; init; }

    public required int WebPort { get; init; }

    public required int ApiPort { get; init; }

    /// <summary>Of the fault lab; null where faults are off.</summary>
    public required int? FaultLabPort { get; init; }

    public required int ControlPort { get; init; }

    /// <summary>Null where there is no Prometheus.</summary>
    public required int? PrometheusPort { get; init; }

    /// <summary>Where to log in to the Aspire dashboard; null where it is off.</summary>
    public string? DashboardUrl { get; init; }

    /// <summary>Made for this run; whoever has it may kill.</summary>
    public string ControlToken { get; } = RandomNumberGenerator.GetHexString(48, lowercase: true);

    public string ControlUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ControlPort}");

    public string LogDirectory => Path.Combine(Settings.RunDirectory, "logs");

    /// <summary>Decides. What it finds wrong it says all at once where it can.</summary>
    /// <exception cref="SetupException">The factory cannot be started so.</exception>
    public static FactorySetup Prepare(IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        // The AppHost's project is one below the repository.
        var repository = Path.GetFullPath("..", builder.AppHostDirectory);
        var settings = FactorySettings.Read(configuration, repository, builder.Environment.IsProduction());
        Directory.CreateDirectory(settings.RunDirectory);
        var runLock = Lock(settings.RunDirectory);
        try
        {
            var engine = new Lazy<ContainerEngine>(() => ContainerEngine.Find(configuration));
            var postgres = settings.External.Database is { } database ? PostgresChoice.External(database) : PostgresChoice.Make(
                settings.Postgres,
                settings.RunDirectory,
                () => engine.Value.Have(settings.PostgresImage),
                directory => PostgresInstallation.Choose(PostgresInstallation.Find(configuration["PG_BIN"]), directory.DataVersion(), directory.Data));
            var kafka = KafkaChoice.Make(
                settings.Kafka, () => engine.Value.Have(settings.KafkaImage), () => KafkaDistribution.Find(configuration["KAFKA_HOME"], repository));
            // What is not ours has none of our ports, and no link leads to it.
            var kafkaPorts = kafka.Backing == KafkaBacking.External ? [] : settings.KafkaPorts;
            var outside = settings.KafkaAdvertisedHost;
            if (outside is not null && kafka.Backing is KafkaBacking.Embedded or KafkaBacking.External)
            {
                throw new SetupException($"{EnvironmentNames.KafkaAdvertisedHost}={outside} cannot be had: {(kafka.Backing == KafkaBacking.External ? "the brokers are not the AppHost's own (Factory:Kafka=external)" : "the embedded brokers serve this machine alone; set Factory:Kafka to processes or containers")}.");
            }

            var outsidePorts = outside is null ? [] : settings.KafkaOutsidePorts;
            var databaseLinks = settings.Faults && !postgres.IsExternal ? 1 : 0;
            // On the embedded broker a client that was told of one listener is told of no other.
            var kafkaLinks = settings.Faults && kafka.Backing != KafkaBacking.Embedded ? 2 * kafkaPorts.Count : 0;
            PortRequest[] dashboard = [.. AspireDefaults.DashboardPorts(builder)];
            PortRequest[] lab = settings.Faults ? [new(ResourceNames.FaultLab, "", 0)] : [];
            PortRequest[] prometheus = [.. PrometheusBuilderExtensions.Ports(configuration)];
            var taken = new Queue<int>(Ports.Take([
                new("monitoring-web", "Factory:Ports:Web", settings.WebPort, IsOpen: configuration[EnvironmentNames.MonitoringHost] is { Length: > 0 }),
                new("monitoring-api", "Factory:Ports:Api", settings.ApiPort),
                .. postgres.IsExternal ? Array.Empty<PortRequest>() : [new("postgres", "Factory:Ports:Postgres", settings.PostgresPort)],
                .. kafkaPorts.Select((port, index) => new PortRequest($"kafka{index + 1}", $"Factory:Ports:Kafka{index + 1}", port)),
                .. outsidePorts.Select((port, index) => new PortRequest($"kafka{index + 1} for other machines", $"Factory:Ports:KafkaOutside{index + 1}", port, IsOpen: true)),
                new("the control endpoint", "", 0),
                .. lab,
                .. kafkaPorts.Select((_, index) => new PortRequest($"the controller of kafka{index + 1}", "", 0)),
                .. Enumerable.Range(1, databaseLinks + kafkaLinks).Select(_ => new PortRequest("a link", "", 0)),
                .. dashboard,
                .. prometheus,
            ]));
            int[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => taken.Dequeue())];
            // `make reset` finds the data by these when they lie elsewhere.
            if (postgres.Directory is { } directory)
                File.WriteAllText(Path.Combine(settings.RunDirectory, "postgres.directory"), directory.Path + "\n");
            var brokers = kafkaPorts.Count;
            KeepVolumes(settings.RunDirectory, postgres, kafka, brokers);
            return new FactorySetup(runLock)
            {
                Settings = settings,
                Kafka = kafka,
                Postgres = postgres,
                WebPort = taken.Dequeue(),
                ApiPort = taken.Dequeue(),
                PostgresPort = postgres.IsExternal ? 0 : taken.Dequeue(),
                KafkaPorts = Next(brokers),
                KafkaOutsidePorts = [.. Next(outsidePorts.Count).Select(port => new KafkaOutsidePort(outside!, port))],
                ControlPort = taken.Dequeue(),
                FaultLabPort = lab.Length > 0 ? taken.Dequeue() : null,
                KafkaControllerPorts = Next(brokers),
                DatabaseLinkPort = databaseLinks > 0 ? taken.Dequeue() : null,
                KafkaLinkPorts = [.. Next(kafkaLinks).Chunk(2).Select(pair => new KafkaLinkPort(pair[0], pair[1]))],
                DashboardUrl = builder.UseFactoryDefaults(Next(dashboard.Length)),
                PrometheusPort = prometheus.Length > 0 ? taken.Dequeue() : null,
            };
        }
        catch
        {
            runLock.Dispose();
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    // A line for each: the engine's command and the volume's name.
    private static void KeepVolumes(string runDirectory, PostgresChoice postgres, KafkaChoice kafka, int brokers)
    {
        var file = Path.Combine(runDirectory, "volumes");
        var volumes = File.Exists(file) ? File.ReadAllLines(file).ToHashSet() : [];
        if (postgres is { Image: { } server, Volume: { } volume }) volumes.Add($"{server.Engine.Command} {volume}");
        if (kafka.Image is { } broker)
            volumes.UnionWith(Enumerable.Range(1, brokers).Select(number => $"{broker.Engine.Command} {ContainerEngine.Volume(runDirectory, $"kafka{number}")}"));
        if (volumes.Count > 0) File.WriteAllLines(file, volumes);
    }

    // The system lets go of it when this process ends, however that comes about.
    private static FileStream Lock(string runDirectory)
    {
        try
        {
            return new FileStream(Path.Combine(runDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new SetupException($"A stack already runs from {runDirectory}: stop it with `make stop`, or set Factory__RunDirectory to another directory.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new SetupException($"{runDirectory} cannot be written to: make it yours, or set Factory__RunDirectory to another directory.");
        }
    }
}
