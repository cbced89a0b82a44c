using System.Text.Json;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Data;

/// <summary>The embedded cluster as a separate process, on free ports.</summary>
public sealed class EmbeddedBrokers : IAsyncDisposable
{
    private readonly int[] _ports = [.. Enumerable.Range(0, 3).Select(_ => Ports.Free())];
    private ServiceProcess? _process;

    public string BootstrapServers => string.Join(',', _ports.Select(port => $"127.0.0.1:{port}"));

    /// <summary>Starts the cluster, also after a kill; it keeps nothing in between.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        _process = ServiceProcess.Start("FactoryMonitoring.EmbeddedKafka", new()
        {
            ["EmbeddedKafka__Ports__0"] = $"{_ports[0]}",
            ["EmbeddedKafka__Ports__1"] = $"{_ports[1]}",
            ["EmbeddedKafka__Ports__2"] = $"{_ports[2]}",
        });
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await _process.GetAsync("health", cancellationToken))?.StartsWith("{\"status\":\"healthy\"", StringComparison.Ordinal) != true)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    public Task KillAsync(CancellationToken cancellationToken) => _process!.KillAsync(cancellationToken);

    /// <summary>Returns everything in the sensor topic, ordered by partition and offset.</summary>
    public async Task<List<(int Partition, long Offset, SensorReadingMessage Reading, string? TraceParent)>> ReadAllAsync(CancellationToken cancellationToken)
    {
        using var consumer = new ConsumerBuilder<string, byte[]>(new ConsumerConfig { BootstrapServers = BootstrapServers, GroupId = "none", EnablePartitionEof = true }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var partitions = (await Task.Run(() => admin.GetMetadata(TimeSpan.FromSeconds(10)), cancellationToken)).Topics
            .Single(topic => topic.Topic == KafkaNames.Default.SensorTopic).Partitions.Count;
        consumer.Assign(Enumerable.Range(0, partitions).Select(partition => new TopicPartitionOffset(KafkaNames.Default.SensorTopic, partition, Offset.Beginning)));
        return await Task.Run(
            () =>
            {
                var readings = new List<(int, long, SensorReadingMessage, string?)>();
                for (var ended = 0; ended < partitions;)
                {
                    var result = consumer.Consume(cancellationToken);
                    if (result.IsPartitionEOF)
                    {
                        ended++;
                        continue;
                    }

                    var reading = JsonSerializer.Deserialize(result.Message.Value, MessageJsonContext.Default.SensorReadingMessage)!;
                    Assert.Equal(reading.SensorId, result.Message.Key);
                    var traceParent = result.Message.Headers.TryGetLastBytes("traceparent", out var bytes) ? System.Text.Encoding.ASCII.GetString(bytes) : null;
                    readings.Add((result.Partition.Value, result.Offset.Value, reading, traceParent));
                }

                return readings.OrderBy(reading => reading.Item1).ThenBy(reading => reading.Item2).ToList();
            },
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
