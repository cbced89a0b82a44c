using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>Three brokers of the benchmark: Apache Kafka if a distribution is found, else the embedded one.</summary>
internal sealed class Brokers : IAsyncDisposable
{
    public const int Partitions = 6;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private static readonly string[] CommonProperties =
    [
        "process.roles=broker,controller", "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", "auto.create.topics.enable=false", "default.replication.factor=3",
        "min.insync.replicas=2", "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=6", "log.segment.bytes=67108864",
        $"group.consumer.min.session.timeout.ms={Liveness.SessionTimeoutMs}", $"group.consumer.session.timeout.ms={Liveness.SessionTimeoutMs}", "group.consumer.min.heartbeat.interval.ms=250",
        "group.consumer.heartbeat.interval.ms=250", "group.consumer.assignment.interval.ms=0", "group.initial.rebalance.delay.ms=0",
        "log.cleaner.dedupe.buffer.size=4194304",
    ];

    /// <summary>Topics of the embedded broker, which creates topics only at its start.</summary>
    private static readonly string[] EmbeddedTopics = [.. KafkaNames.Default.Topics().Select(topic => topic.Name)];

    private readonly List<ServerProcess> _processes = [];

    private readonly string _directory;

    private Brokers(string name, string directory, string bootstrap, bool isEmbedded) =>
        (Name, _directory, Bootstrap, IsEmbedded) = (name, directory, bootstrap, isEmbedded);

    public string Name { get; }

    public string Bootstrap { get; }

    /// <summary>Whether the brokers are embedded: they keep 5 MiB per partition, and cannot delete topics.</summary>
    public bool IsEmbedded { get; }

    public static async Task<Brokers> StartAsync(string directory, string repository)
    {
        var ports = Enumerable.Range(0, 6).Select(_ => FreePort()).ToArray();
        var brokers = KafkaHome(repository) is { } home
            ? await StartKafkaAsync(home, directory, ports)
            : StartEmbedded(directory, repository, ports);
        await brokers.WaitAsync();
        return brokers;
    }

    /// <summary>Returns the folder of Apache Kafka; null if there is none.</summary>
    public static string? KafkaHome(string repository)
    {
        var home = Environment.GetEnvironmentVariable("KAFKA_HOME") is { Length: > 0 } set ? set : Path.Combine(repository, ".tools", "kafka");
        return File.Exists(Path.Combine(home, "bin", "kafka-server-start.sh")) ? home : null;
    }

    /// <summary>Recreates the topics, empty.</summary>
    public Task RecreateTopicsAsync(params string[] topics) => RecreateTopicsAsync(3, topics);

    /// <param name="replicas">Replicas of each partition.</param>
    public Task RecreateTopicsAsync(short replicas, params string[] topics) => RecreateTopicsAsync(replicas, null, topics);

    /// <param name="partitions">Null for the product's number of partitions of the topic.</param>
    public async Task RecreateTopicsAsync(short replicas, int? partitions, params string[] topics)
    {
        if (IsEmbedded)
        {
            return;
        }

        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap }).Build();
        await admin.CreateTopicsAsync(topics.Select(topic => new TopicSpecification
        {
            Name = topic,
            NumPartitions = partitions ?? PartitionsOf(topic),
            ReplicationFactor = replicas,
        }));
    }

    /// <summary>Returns the size of the topic's log on the disks of all brokers, in bytes.</summary>
    public long LogBytes(string topic) => new DirectoryInfo(_directory).EnumerateFiles("*.log", SearchOption.AllDirectories)
        .Where(file => file.Directory!.Name.StartsWith($"{topic}-", StringComparison.Ordinal)).Sum(file => file.Length);

    public double CpuSeconds() => _processes.Sum(process => process.CpuSeconds());

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<Brokers> StartKafkaAsync(string home, string directory, int[] ports)
    {
        var brokers = new Brokers("three processes of Apache Kafka", directory, string.Join(',', ports[..3].Select(port => $"127.0.0.1:{port}")), isEmbedded: false);
        var cluster = Convert.ToBase64String(Guid.NewGuid().ToByteArray()).TrimEnd('=').Replace('+', 'a').Replace('/', 'b');
        var environment = new Dictionary<string, string?>
        {
            ["KAFKA_HEAP_OPTS"] = "-Xms256m -Xmx256m",
            ["KAFKA_JVM_PERFORMANCE_OPTS"] = "-server -XX:+UseSerialGC -Xmn160m -XX:+UseTransparentHugePages -XX:TieredStopAtLevel=1",
        };
        for (var node = 1; node <= 3; node++)
        {
            var own = Path.Combine(directory, $"kafka{node}");
            Directory.CreateDirectory(own);
            var properties = Path.Combine(own, "server.properties");
            await File.WriteAllLinesAsync(properties,
            [
                .. CommonProperties,
                $"node.id={node}",
                $"controller.quorum.voters={string.Join(',', ports[3..].Select((port, index) => $"{index + 1}@127.0.0.1:{port}"))}",
                $"listeners=PLAINTEXT://127.0.0.1:{ports[node - 1]},CONTROLLER://127.0.0.1:{ports[node + 2]}",
                $"advertised.listeners=PLAINTEXT://127.0.0.1:{ports[node - 1]}",
                $"log.dirs={Path.Combine(own, "data")}",
            ]);
            environment["LOG_DIR"] = Path.Combine(own, "log");
            await using (var format = ServerProcess.Start(Path.Combine(own, "format.log"), Path.Combine(home, "bin", "kafka-storage.sh"), ["format", "-t", cluster, "-c", properties], environment))
            {
                await UntilAsync(() => Task.FromResult(format.HasExited));
            }

            brokers._processes.Add(ServerProcess.Start(Path.Combine(own, "server.log"), Path.Combine(home, "bin", "kafka-server-start.sh"), [properties], environment));
        }

        return brokers;
    }

    private static int PartitionsOf(string topic) => topic == KafkaNames.Default.AlertTopic ? KafkaNames.AlertPartitions
        : topic.EndsWith(KafkaNames.DeadLetterSuffix, StringComparison.Ordinal) ? KafkaNames.DeadLetterPartitions
        : Partitions;

    private static Brokers StartEmbedded(string directory, string repository, int[] ports)
    {
        var brokers = new Brokers("the embedded broker (KAFKA_HOME is not set)", directory, string.Join(',', ports[..3].Select(port => $"127.0.0.1:{port}")), isEmbedded: true);
        var environment = new Dictionary<string, string?> { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0" };
        for (var i = 0; i < 3; i++)
        {
            environment[$"EmbeddedKafka__Ports__{i}"] = ports[i].ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (index, topic) in EmbeddedTopics.Index())
        {
            environment[$"EmbeddedKafka__Topics__{index}__Name"] = topic;
            environment[$"EmbeddedKafka__Topics__{index}__Partitions"] = PartitionsOf(topic).ToString(CultureInfo.InvariantCulture);
        }

        brokers._processes.Add(ServerProcess.Start(
            Path.Combine(directory, "kafka.log"), "dotnet", [Services.AssemblyOf(repository, "FactoryMonitoring.EmbeddedKafka")], environment));
        return brokers;
    }

    private async Task WaitAsync()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap, LogConnectionClose = false }).SetLogHandler((_, _) => { }).Build();
        await UntilAsync(() => Task.Run(() =>
        {
            try
            {
                return admin.GetMetadata(TimeSpan.FromSeconds(2)).Brokers.Count == 3;
            }
            catch (KafkaException)
            {
                return false;
            }
        }));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > StartLimit)
            {
                throw new TimeoutException("the brokers did not start; their logs say why");
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
