using System.Globalization;
using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Prometheus;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Everything that is decided about this run before the model is built: settings checked, ports taken, binaries found, backings chosen.</summary>
internal sealed class FactorySetup : IDisposable
{
    private readonly FileStream _lock;

    private FactorySetup(FileStream @lock) => _lock = @lock;

    public required FactorySettings Settings { get; init; }

    public required KafkaChoice Kafka { get; init; }

    /// <summary>Ports of the AppHost's own brokers.</summary>
    public required IReadOnlyList<int> KafkaPorts { get; init; }

    public required IReadOnlyList<int> KafkaControllerPorts { get; init; }

    /// <summary>Each broker's ports for the link to it; empty if there is no link.</summary>
    public required IReadOnlyList<KafkaLinkPort> KafkaLinkPorts { get; init; }

    /// <summary>Each broker's address for other machines; empty if they cannot reach the brokers.</summary>
    public required IReadOnlyList<KafkaOutsidePort> KafkaOutsidePorts { get; init; }

    public required PostgresChoice Postgres { get; init; }

    /// <summary>Port of PostgreSQL; 0 if it is external.</summary>
    public required int PostgresPort { get; init; }

    /// <summary>Port of the link to PostgreSQL; null if there is none.</summary>
    public required int? DatabaseLinkPort { get; init; }

    public required int WebPort { get; init; }

    public required int ApiPort { get; init; }

    /// <summary>Port of the fault lab; null if faults are off.</summary>
    public required int? FaultLabPort { get; init; }

    public required int ControlPort { get; init; }

    /// <summary>Port of Prometheus; null if there is none.</summary>
    public required int? PrometheusPort { get; init; }

    /// <summary>The login URL of the Aspire dashboard; null if it is off.</summary>
    public string? DashboardUrl { get; init; }

    /// <summary>The token of the control endpoint, generated for this run; it authorizes its holder to kill.</summary>
    public string ControlToken { get; } = RandomNumberGenerator.GetHexString(48, lowercase: true);

    public string ControlUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ControlPort}");

    public string LogDirectory => Path.Combine(Settings.RunDirectory, "logs");

    /// <summary>Makes all decisions. Reports problems together where possible.</summary>
    /// <exception cref="SetupException">The factory cannot be started with this setup.</exception>
    public static FactorySetup Prepare(IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        // The AppHost's project directory is directly below the repository.
        var repository = Path.GetFullPath("..", builder.AppHostDirectory);
        var settings = FactorySettings.Read(configuration, repository, builder.Environment.IsProduction());
        Directory.CreateDirectory(settings.RunDirectory);
        var runLock = Lock(settings.RunDirectory);
        try
        {
            EarlierRun.AwaitEnd(settings.RunDirectory);
            var engine = new Lazy<ContainerEngine>(() => ContainerEngine.Find(configuration));
            var postgres = settings.External.Database is { } database ? PostgresChoice.External(database) : PostgresChoice.Make(
                settings.Postgres,
                settings.RunDirectory,
                () => engine.Value.EnsureImage(settings.PostgresImage),
                directory => PostgresInstallation.Choose(PostgresInstallation.Find(configuration["PG_BIN"]), directory.DataVersion(), directory.Data));
            var kafka = KafkaChoice.Make(
                settings.Kafka, () => engine.Value.EnsureImage(settings.KafkaImage), () => KafkaDistribution.Find(configuration["KAFKA_HOME"], repository));
            // External brokers use none of the AppHost's ports, and no link leads to them.
            var kafkaPorts = kafka.Backing == KafkaBacking.External ? [] : settings.KafkaPorts;
            var outside = settings.KafkaAdvertisedHost;
            if (outside is not null && kafka.Backing is KafkaBacking.Embedded or KafkaBacking.External)
            {
                throw new SetupException($"{EnvironmentNames.KafkaAdvertisedHost}={outside} cannot be had: {(kafka.Backing == KafkaBacking.External ? "the brokers are not the AppHost's own (Factory:Kafka=external)" : "the embedded brokers serve this machine alone; set Factory:Kafka to processes or containers")}.");
            }

            var outsidePorts = outside is null ? [] : settings.KafkaOutsidePorts;
            var databaseLinks = settings.Faults && !postgres.IsExternal ? 1 : 0;
            // A client that has learned one listener of an embedded broker learns no other.
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
            // `make reset` uses this file to find data outside the run directory.
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

    // One line per volume: the engine's command and the volume's name.
    private static void KeepVolumes(string runDirectory, PostgresChoice postgres, KafkaChoice kafka, int brokers)
    {
        var file = ContainerEngine.VolumesFile(runDirectory);
        var volumes = File.Exists(file) ? File.ReadAllLines(file).ToHashSet() : [];
        if (postgres is { Image: { } server, Volume: { } volume }) volumes.Add($"{server.Engine.Command} {volume}");
        if (kafka.Image is { } broker)
            volumes.UnionWith(Enumerable.Range(1, brokers).Select(number => $"{broker.Engine.Command} {ContainerEngine.Volume(runDirectory, $"kafka{number}")}"));
        if (volumes.Count > 0) File.WriteAllLines(file, volumes);
    }

    // The system releases the lock when this process exits for any reason.
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
