using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The settings of the AppHost, section <c>Factory</c>, read and checked before the model is built.</summary>
/// <param name="Kafka">The requested backing.</param>
/// <param name="Consumers">Number of consumers that are started.</param>
/// <param name="MaxConsumers">Number of consumers in the model; those beyond <paramref name="Consumers"/> wait for their start command.</param>
/// <param name="Partitions">Partitions of the topic of readings.</param>
/// <param name="KafkaAdvertisedHost">The host by which clients on other machines reach the brokers; null if they cannot.</param>
/// <param name="Faults">Whether faults and load are allowed, beyond starting, stopping and killing the parts of the stack.</param>
/// <param name="External">External brokers and database.</param>
/// <param name="Replay">The recorded file to replay, section <c>Factory:Replay</c>, already read to its end; null if there is none.</param>
/// <param name="RunDirectory">Holds stack.json, logs and data; an absolute path.</param>
internal sealed record FactorySettings(
    KafkaPreference Kafka,
    PostgresPreference Postgres,
    string KafkaImage,
    string PostgresImage,
    int Consumers,
    int MaxConsumers,
    int Partitions,
    int WebPort,
    int ApiPort,
    IReadOnlyList<int> KafkaPorts,
    string? KafkaAdvertisedHost,
    IReadOnlyList<int> KafkaOutsidePorts,
    int PostgresPort,
    string RunDirectory,
    ExternalSettings External,
    ReplayPlan? Replay,
    bool Faults)
{
    public const string FaultsKey = "Factory:Faults";

    /// <summary>Reads the settings; a missing setting has its default.</summary>
    /// <param name="repository">Directory that relative paths refer to.</param>
    /// <param name="isProduction">Whether the environment is Production, where faults are not allowed.</param>
    /// <exception cref="SetupException">A setting is invalid; one line for each.</exception>
    public static FactorySettings Read(IConfiguration configuration, string repository, bool isProduction)
    {
        var reader = new Reader(configuration);
        var maxConsumers = reader.Integer("Factory:MaxConsumers", 6, 1, 64);
        var settings = new FactorySettings(
            reader.Choice("Factory:Kafka", KafkaPreference.Auto),
            reader.Choice("Factory:Postgres", PostgresPreference.Auto),
            reader.Text("Factory:KafkaImage", "docker.io/apache/kafka:4.3.1"),
            reader.Text("Factory:PostgresImage", "docker.io/postgres:17"),
            reader.Integer("Factory:Consumers", Math.Min(3, maxConsumers), 1, maxConsumers),
            maxConsumers,
            reader.Integer("Factory:Partitions", KafkaNames.SensorPartitions, 1, 1000),
            // The port of the page also has a short name that all ways of running the system understand.
            reader.Port("Factory:Ports:Web", reader.Port("MONITORING_PORT", 5000)),
            reader.Port("Factory:Ports:Api", reader.Port("MONITORING_API_PORT", 5080)),
            [reader.Port("Factory:Ports:Kafka1", 9092), reader.Port("Factory:Ports:Kafka2", 9094), reader.Port("Factory:Ports:Kafka3", 9096)],
            reader.Host(EnvironmentNames.KafkaAdvertisedHost),
            [reader.Port("Factory:Ports:KafkaOutside1", 19092), reader.Port("Factory:Ports:KafkaOutside2", 19094), reader.Port("Factory:Ports:KafkaOutside3", 19096)],
            reader.Port("Factory:Ports:Postgres", 5432),
            Path.TrimEndingDirectorySeparator(Path.GetFullPath(reader.Text("Factory:RunDirectory", Path.Combine("artifacts", "run")), repository)),
            reader.External(repository),
            reader.Replay(repository),
            reader.Boolean(FaultsKey, false));
        // Checked here; read where they are used.
        reader.Boolean("Factory:Prometheus", true);
        reader.Port("Factory:Ports:Prometheus", 0);
        reader.Days("Factory:Retention", 1, 3650);
        reader.FindUnknown("Factory");
        // The services check these too, but report problems only in their own logs.
        reader.Integer("Sensors:PerType", 24, 1, 100_000);
        reader.Between("Telemetry:TracesPerSecond", 0, 1_000_000);
        reader.Between("Telemetry:MessageTracesPerSecond", 0, 1_000_000);
        reader.OneOf("Consumers:GroupProtocol", "consumer", "classic", "classic-range");
        reader.TimeZone("Consumers:Messages:TimeZone");
        if (settings.Faults && isProduction)
            reader.Problems.Add($"{FaultsKey}=true is not allowed in Production: false is, or another environment (DOTNET_ENVIRONMENT=Development).");
        if (reader.Problems.Count > 0) throw new SetupException(string.Join(Environment.NewLine, reader.Problems));
        return settings;
    }

    private sealed class Reader(IConfiguration configuration)
    {
        private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

        /// <summary>Size in bytes from which reading a file takes seconds.</summary>
        private const long LongFile = 50_000_000;

        public List<string> Problems { get; } = [];

        public string Text(string key, string absent) => Value(key) ?? absent;

        /// <summary>Returns the host; null if it means only this machine: none, localhost.</summary>
        public string? Host(string key)
        {
            if (Value(key) is not { } text || text.ToLowerInvariant() is "none" or "localhost") return null;
            if (Uri.CheckHostName(text) != UriHostNameType.Unknown) return text;
            Problems.Add($"{key}={text}: must be a name or an address of this machine without a port.");
            return null;
        }

        public int Port(string key, int absent) => Integer(key, absent, 0, 65535);

        public int Integer(string key, int absent, int least, int most)
        {
            if (Value(key) is not { } text) return absent;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most) return value;
            Problems.Add($"{key}={text}: must be an integer between {least} and {most}.");
            return absent;
        }

        public bool Boolean(string key, bool absent)
        {
            if (Value(key) is not { } text) return absent;
            if (bool.TryParse(text, out var value)) return value;
            Problems.Add($"{key}={text}: must be true or false.");
            return absent;
        }

        public T Choice<T>(string key, T absent) where T : struct, Enum
        {
            if (Value(key) is not { } text) return absent;
            if (!int.TryParse(text, out _) && Enum.TryParse<T>(text, ignoreCase: true, out var value)) return value;
            Problems.Add($"{key}={text}: must be one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}.");
            return absent;
        }

        /// <summary>
        /// Reads the settings of external brokers and database. Makes paths absolute in the configuration, for services that run in other directories.
        /// </summary>
        public ExternalSettings External(string repository)
        {
            var (external, problems) = ExternalSettings.Read(configuration, repository);
            Problems.AddRange(problems);
            return external;
        }

        public void Between(string key, double least, double most)
        {
            if (Value(key) is { } text && !(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most))
                Problems.Add(string.Create(CultureInfo.InvariantCulture, $"{key}={text}: must be a number between {least} and {most}."));
        }

        public void OneOf(string key, params string[] allowed)
        {
            if (Value(key) is { } text && !allowed.Contains(text, StringComparer.Ordinal))
                Problems.Add($"{key}={text}: must be one of {string.Join(", ", allowed)}.");
        }

        public void TimeZone(string key)
        {
            if (Value(key) is { } text && !TimeZoneInfo.TryFindSystemTimeZoneById(text, out _))
                Problems.Add($"{key}={text}: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin.");
        }

        public ReplayPlan? Replay(string repository)
        {
            string Key(string name) => $"Factory:Replay:{name}";
            var file = Value(Key(nameof(ReplayOptions.File)));
            try
            {
                var options = ReplayOptions.Read(name => Value(Key(name)), Key);
                if (file is null) return null;
                options.File = Path.GetFullPath(file, repository);
                if (!File.Exists(options.File))
                {
                    Problems.Add($"Factory:Replay:File={file} does not exist ({options.File}): must be a CSV file, plain or gzip.");
                    return null;
                }

                if (new FileInfo(options.File).Length > LongFile) Console.WriteLine($"Reading {options.File} to its end before anything starts…");
                return ReplayPlan.Check(options, Key);
            }
            catch (ReplayFileException problem)
            {
                Problems.Add(file is null ? problem.Message : $"Factory:Replay:File={file}: {problem.Message}");
                return null;
            }
        }

        /// <summary>Reports every key of the section that was not read as a problem: it is misspelt.</summary>
        public void FindUnknown(string section) => Problems.AddRange(configuration.GetSection(section).AsEnumerable()
            .Where(pair => pair.Value is { Length: > 0 } && !_known.Contains(pair.Key))
            .Select(pair => $"{pair.Key}={pair.Value}: there is no such setting; must be one of {string.Join(", ", _known.Order(StringComparer.Ordinal))}."));

        public void Days(string key, int least, int most)
        {
            if (Value(key) is { } text && !(TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) && value.TotalDays >= least && value.TotalDays <= most))
                Problems.Add(string.Create(CultureInfo.InvariantCulture, $"{key}={text}: must be a time between {least}.00:00:00 and {most}.00:00:00."));
        }

        private string? Value(string key)
        {
            _known.Add(key);
            return configuration[key] is { Length: > 0 } value ? value : null;
        }
    }
}

/// <summary>The requested Kafka.</summary>
internal enum KafkaPreference
{
    /// <summary>Containers if an engine answers and the image is available, else a Kafka distribution if one is found, else the embedded broker.</summary>
    Auto,

    /// <summary>Apache Kafka as three containers.</summary>
    Containers,

    /// <summary>Apache Kafka as three Java processes.</summary>
    Processes,

    /// <summary>librdkafka's mock cluster in a .NET process; keeps nothing over a restart.</summary>
    Embedded,

    /// <summary>A cluster that is already running anywhere: <c>ConnectionStrings:kafka</c> or KAFKA_BROKERS.</summary>
    External,
}

/// <summary>The requested PostgreSQL.</summary>
internal enum PostgresPreference
{
    /// <summary>A container if an engine answers and the image is available, else a process.</summary>
    Auto,
    Container,

    /// <summary>A process from the binaries on this machine.</summary>
    Process,

    /// <summary>A database that already exists anywhere: <c>ConnectionStrings:factorydb</c> or DATABASE_URL.</summary>
    External,
}
