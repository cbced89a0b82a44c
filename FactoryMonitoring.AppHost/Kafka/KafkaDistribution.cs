using System.Text.RegularExpressions;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>An unpacked Apache Kafka 4 and the Java that runs it.</summary>
internal sealed partial record KafkaDistribution(string Directory, string Version, int JavaVersion)
{
    private const int LeastJava = 17;

    /// <summary>Looks in KAFKA_HOME, or if that is not set in .tools/kafka of the repository, where `make kafka` unpacks a distribution.</summary>
    /// <param name="kafkaHome">The value of KAFKA_HOME; null or empty if it is not set.</param>
    /// <param name="repository">Absolute path of the directory that relative paths refer to.</param>
    /// <exception cref="SetupException">There is no distribution, or no Java for it; the message has the remedy.</exception>
    public static KafkaDistribution Find(string? kafkaHome, string repository)
    {
        var directory = Path.GetFullPath(kafkaHome is { Length: > 0 } ? kafkaHome : Path.Combine(".tools", "kafka"), repository);
        if (!File.Exists(Path.Combine(directory, "bin", "kafka-server-start.sh")))
        {
            throw new SetupException(kafkaHome is { Length: > 0 }
                ? $"KAFKA_HOME={kafkaHome} has no bin/kafka-server-start.sh; set it to an unpacked Apache Kafka 4"
                : $"KAFKA_HOME is not set and .tools/kafka has no Apache Kafka; fetch it with `make kafka` (it needs Java {LeastJava} or newer)");
        }
        var libraries = new DirectoryInfo(Path.Combine(directory, "libs"));
        var jar = libraries.Exists ? libraries.EnumerateFiles("kafka-clients-*.jar").FirstOrDefault() : null;
        var version = JarVersion().Match(jar?.Name ?? "").Groups[1].Value;
        if (!System.Version.TryParse(version, out var parsed) || parsed.Major < 4)
            throw new SetupException($"{directory} is Kafka {(version.Length > 0 ? version : "of unknown version")}; version 4 or newer is needed");
        return new KafkaDistribution(directory, version, FindJava());
    }

    public override string ToString() => $"Apache Kafka {Version} in {Directory}, Java {JavaVersion}";

    private static int FindJava()
    {
        // Kafka's launch scripts search in the same order.
        var java = Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home ? Path.Combine(home, "bin", "java") : "java";
        var output = Commands.Output(java, "-version")
            ?? throw new SetupException($"{java} cannot be run; install Java {LeastJava} or newer, or set JAVA_HOME");
        var match = JavaVersionText().Match(output);
        if (!match.Success || !int.TryParse(match.Groups[1].Value, out var version) || version < LeastJava)
            throw new SetupException($"{java} is too old ({output.Split('\n')[0].Trim()}); install Java {LeastJava} or newer, or set JAVA_HOME");
        return version;
    }

    [GeneratedRegex(@"^kafka-clients-(\d+\.\d+(?:\.\d+)?).*\.jar$")]
    private static partial Regex JarVersion();

    [GeneratedRegex("version \"(\\d+)")]
    private static partial Regex JavaVersionText();
}
