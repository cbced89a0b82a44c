using System.Globalization;
using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>All that is decided about this run before the model is built: settings checked, ports taken, binaries found, backings chosen.</summary>
internal sealed class FactorySetup : IDisposable
{
    private readonly FileStream _lock;

    private FactorySetup(FileStream @lock) => _lock = @lock;

    public required FactorySettings Settings { get; init; }

    public required KafkaChoice Kafka { get; init; }

    public required IReadOnlyList<int> KafkaPorts { get; init; }

    public required IReadOnlyList<int> KafkaControllerPorts { get; init; }

    /// <summary>Where each broker listens for the link to it; empty where there is none.</summary>
    public required IReadOnlyList<KafkaLinkPort> KafkaLinkPorts { get; init; }

    public required PostgresChoice Postgres { get; init; }

    public required int PostgresPort { get; init; }

    /// <summary>Of the link to PostgreSQL; null where there is none.</summary>
    public required int? DatabaseLinkPort { get; init; }

    public required int WebPort { get; init; }

    public required int ApiPort { get; init; }

    /// <summary>Of the fault lab; null where faults are off.</summary>
    public required int? FaultLabPort { get; init; }

    public required int ControlPort { get; init; }

    /// <summary>Made for this run; whoever has it may kill.</summary>
    public string ControlToken { get; } = RandomNumberGenerator.GetHexString(48, lowercase: true);

    public string ControlUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ControlPort}");

    public string LogDirectory => Path.Combine(Settings.RunDirectory, "logs");

    /// <summary>Decides. What it finds wrong it says all at once where it can.</summary>
    /// <param name="appHostDirectory">Directory of the AppHost's project, one below the repository.</param>
    /// <exception cref="SetupException">The factory cannot be started so.</exception>
    public static FactorySetup Prepare(IConfiguration configuration, IHostEnvironment environment, string appHostDirectory)
    {
        var repository = Path.GetFullPath("..", appHostDirectory);
        var settings = FactorySettings.Read(configuration, repository, environment.IsProduction());
        Directory.CreateDirectory(settings.RunDirectory);
        var runLock = Lock(settings.RunDirectory);
        try
        {
            var engine = new Lazy<ContainerEngine>(() => ContainerEngine.Find(configuration));
            var postgres = PostgresChoice.Make(
                settings.Postgres,
                settings.RunDirectory,
                () => engine.Value.Have(settings.PostgresImage),
                directory => PostgresInstallation.Choose(PostgresInstallation.Find(configuration["PG_BIN"]), directory.DataVersion(), directory.Data));
            var kafka = KafkaChoice.Make(
                settings.Kafka, () => engine.Value.Have(settings.KafkaImage), () => KafkaDistribution.Find(configuration["KAFKA_HOME"], repository));
            // On the embedded broker a client that was told of one listener is told of no other.
            var links = !settings.Faults ? 0 : kafka.Backing == KafkaBacking.Embedded ? 1 : 1 + (2 * settings.KafkaPorts.Count);
            var ports = Ports.Take([
                new("monitoring-web", "Factory:Ports:Web", settings.WebPort),
                new("monitoring-api", "Factory:Ports:Api", settings.ApiPort),
                new("postgres", "Factory:Ports:Postgres", settings.PostgresPort),
                .. settings.KafkaPorts.Select((port, index) => new PortRequest($"kafka{index + 1}", $"Factory:Ports:Kafka{index + 1}", port)),
                new("the control endpoint", "", 0),
                new(ResourceNames.FaultLab, "", 0),
                .. settings.KafkaPorts.Select((_, index) => new PortRequest($"the controller of kafka{index + 1}", "", 0)),
                .. Enumerable.Range(1, links).Select(_ => new PortRequest("a link", "", 0)),
            ]);
            // `make reset` finds the data by these when they lie elsewhere.
            if (postgres.Directory is { } directory)
                File.WriteAllText(Path.Combine(settings.RunDirectory, "postgres.directory"), directory.Path + "\n");
            KeepVolumes(settings.RunDirectory, postgres, kafka, settings.KafkaPorts.Count);
            var brokers = settings.KafkaPorts.Count;
            return new FactorySetup(runLock)
            {
                Settings = settings,
                Kafka = kafka,
                Postgres = postgres,
                WebPort = ports[0],
                ApiPort = ports[1],
                PostgresPort = ports[2],
                KafkaPorts = [.. ports.Skip(3).Take(brokers)],
                ControlPort = ports[3 + brokers],
                FaultLabPort = settings.Faults ? ports[4 + brokers] : null,
                KafkaControllerPorts = [.. ports.Skip(5 + brokers).Take(brokers)],
                DatabaseLinkPort = links > 0 ? ports[5 + (2 * brokers)] : null,
                KafkaLinkPorts = [.. ports.Skip(6 + (2 * brokers)).Chunk(2).Select(pair => new KafkaLinkPort(pair[0], pair[1]))],
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
