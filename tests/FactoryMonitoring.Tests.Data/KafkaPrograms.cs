using System.Diagnostics;

namespace FactoryMonitoring.Tests.Data;

/// <summary>The scripts of the Apache Kafka in KAFKA_HOME, which must be set, and their output.</summary>
/// <param name="logs">Directory for their logs.</param>
/// <param name="heap">Heap of each program in MB.</param>
internal sealed class KafkaPrograms(string logs, int heap)
{
    /// <summary>Settings of a cluster of three brokers that quickly notices a dead one.</summary>
    public static readonly string[] QuickCluster =
    [
        "auto.create.topics.enable=false",
        "offsets.topic.replication.factor=3",
        "offsets.topic.num.partitions=3",
        "group.initial.rebalance.delay.ms=0",
        "group.consumer.min.session.timeout.ms=6000",
        "group.consumer.session.timeout.ms=6000",
        "group.consumer.min.heartbeat.interval.ms=250",
        "group.consumer.heartbeat.interval.ms=250",
        "broker.session.timeout.ms=2000",
        "broker.heartbeat.interval.ms=200",
        "replica.lag.time.max.ms=3000",
    ];

    private readonly string _home = Environment.GetEnvironmentVariable("KAFKA_HOME") is { Length: > 0 } home
        ? home
        : throw new InvalidOperationException("This test needs KAFKA_HOME, an unpacked Apache Kafka 4, and Java 17");

    private readonly List<string> _lines = [];

    /// <summary>What the programs have written to stdout and stderr.</summary>
    public string Output
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    /// <summary>Returns a new id in the format of a cluster id.</summary>
    public static string NewId() => Convert.ToBase64String(Guid.NewGuid().ToByteArray()).TrimEnd('=').Replace('+', 'a').Replace('/', 'b');

    public Process Run(string script, params string[] arguments) => RunOn([], script, arguments);

    /// <param name="prefix">The command that runs it on another host: <see cref="Hosts.HostNetwork.Prefix"/>.</param>
    public Process RunOn(IReadOnlyList<string> prefix, string script, params string[] arguments)
    {
        string[] command = [.. prefix, Path.Combine(_home, "bin", script), .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LOG_DIR"] = logs;
        start.Environment["KAFKA_HEAP_OPTS"] = $"-Xms{heap}m -Xmx{heap}m";
        start.Environment["KAFKA_JVM_PERFORMANCE_OPTS"] = "-server -XX:+UseSerialGC -XX:+UseTransparentHugePages -XX:TieredStopAtLevel=1";
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        lock (_lines)
        {
            if (line is not null)
            {
                _lines.Add(line);
            }
        }
    }
}
