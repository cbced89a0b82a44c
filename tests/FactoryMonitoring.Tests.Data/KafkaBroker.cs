using System.Buffers.Binary;
using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace FactoryMonitoring.Tests.Data;

/// <summary>One broker of Apache Kafka as a process, with free ports and a separate directory; needs KAFKA_HOME.</summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("factory-kafka-").FullName;
    private readonly string? _data;
    private readonly KafkaPrograms _programs;
    private readonly int _port = Ports.Free();
    private readonly int _controllerPort = Ports.Free();
    private Process? _process;

    /// <param name="data">Directory for its logs, for example on a separate disk.</param>
    public KafkaBroker(string? data = null)
    {
        _data = data;
        _programs = new(Path.Combine(_directory, "log"), heap: 384);
    }

    /// <summary>What the broker has written to stdout and stderr.</summary>
    public string Output => _programs.Output;

    public string BootstrapServers => $"127.0.0.1:{_port}";

    private string Data => _data ?? Path.Combine(_directory, "data");

    private string Properties => Path.Combine(_directory, "server.properties");

    /// <summary>Formats the storage, starts the broker and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await File.WriteAllLinesAsync(
            Properties,
            [
                "process.roles=broker,controller",
                "node.id=1",
                $"controller.quorum.voters=1@127.0.0.1:{_controllerPort}",
                $"listeners=PLAINTEXT://127.0.0.1:{_port},CONTROLLER://127.0.0.1:{_controllerPort}",
                $"advertised.listeners=PLAINTEXT://127.0.0.1:{_port}",
                "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                $"log.dirs={Data}",
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "transaction.state.log.num.partitions=1",
                "share.coordinator.state.topic.replication.factor=1",
                "share.coordinator.state.topic.min.isr=1",
                "group.initial.rebalance.delay.ms=0",
                "auto.create.topics.enable=false",
            ],
            cancellationToken);
        using (var format = _programs.Run("kafka-storage.sh", "format", "-t", KafkaPrograms.NewId(), "-c", Properties))
        {
            await format.WaitForExitAsync(cancellationToken);
        }

        await StartAgainAsync(cancellationToken);
    }

    /// <summary>Starts the broker with its existing data, and waits until it answers.</summary>
    public async Task StartAgainAsync(CancellationToken cancellationToken)
    {
        _process = _programs.Run("kafka-server-start.sh", Properties);
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers }).SetLogHandler((_, _) => { }).Build();
        while (!await Task.Run(() => IsUp(admin), cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Kills the broker as a power cut would.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Waits until the broker has exited by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndedAsync(CancellationToken cancellationToken)
    {
        await _process!.WaitForExitAsync(cancellationToken);
        var code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    /// <summary>Removes a partition's log from an offset on, as a power cut loses what was not yet on disk. The broker must not be running.</summary>
    public void Cut(string topic, int partition, long offset)
    {
        var data = Data;
        var directory = Path.Combine(data, $"{topic}-{partition}");
        using (var log = File.Open(Path.Combine(directory, "00000000000000000000.log"), FileMode.Open))
        {
            // Each batch begins with its first offset and the number of bytes that follow.
            Span<byte> header = stackalloc byte[12];
            while (log.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length && BinaryPrimitives.ReadInt64BigEndian(header) < offset)
            {
                log.Seek(BinaryPrimitives.ReadInt32BigEndian(header[8..]), SeekOrigin.Current);
            }

            log.SetLength(log.Position - header.Length);
        }

        string[] derived = [.. Directory.GetFiles(directory, "*index"), .. Directory.GetFiles(directory, "*.snapshot"), .. Directory.GetFiles(data, "*-checkpoint")];
        foreach (var file in derived)
        {
            File.Delete(file);
        }
    }

    public async Task CreateTopicAsync(string name, int partitions)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = BootstrapServers }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = name, NumPartitions = partitions, ReplicationFactor = 1 }]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private static bool IsUp(IAdminClient admin)
    {
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(1)).Brokers.Count == 1;
        }
        catch (KafkaException)
        {
            return false;
        }
    }
}
