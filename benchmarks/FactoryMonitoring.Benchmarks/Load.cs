using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.Sensors.Sequences;
using FactoryMonitoring.Sensors.Simulation;

namespace FactoryMonitoring.Benchmarks;

/// <summary>Produces readings as the factory's sensors do: the same models, the same JSON, the same keys and headers.</summary>
internal sealed class Load : IDisposable
{
    private const int SensorsPerType = 24;

    /// <summary>The precision of the pace: waking up for every message would cost more than sending it.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private readonly (Sensor Sensor, SensorModel Model)[] _sensors;
    private readonly long[] _counts;
    private readonly string _sequenceId = Guid.NewGuid().ToString("N")[..11];
    private readonly ReadingJson _json = new();
    private readonly Random _random;
    private readonly bool _isEachOfAnother;
    private long _next;

    /// <param name="isEachOfAnother">Whether each reading is of another sensor, with an id that has not occurred before.</param>
    public Load(int seed, bool isEachOfAnother = false)
    {
        var random = _random = new Random(seed);
        _isEachOfAnother = isEachOfAnother;
        _sensors = [.. Enumerable.Range(0, SensorsPerType).SelectMany(index => SensorCatalog.Types.Values.OrderBy(type => type.Name, StringComparer.Ordinal).Select((type, n) =>
        {
            var thresholds = new Thresholds(type.Warning, type.Critical);
            var sensor = new Sensor(
                (index * SensorCatalog.Types.Count) + n,
                $"{type.IdPrefix}-sensor-{index + 1:000}",
                type,
                thresholds,
                new SensorLocation("production", $"machine-{index + 1:000}", $"zone-{(char)('a' + (index / 6))}"));
            return (sensor, new SensorModel(type, thresholds, random.NextDouble(), random.NextDouble(), new Random(random.Next())));
        }))];
        _counts = new long[_sensors.Length];
    }

    public void Dispose() => _json.Dispose();

    public Message<byte[], byte[]> Next()
    {
        var index = _next++ % _sensors.Length;
        var (sensor, model) = _sensors[index];
        if (_isEachOfAnother)
        {
            sensor = new Sensor(sensor.Index, $"{sensor.Type.IdPrefix}-{_random.NextInt64():x16}", sensor.Type, sensor.Thresholds, sensor.Location);
        }

        var sample = new Sample(sensor, model.Next(), default, null);
        return new Message<byte[], byte[]>
        {
            Key = sensor.Key,
            Value = _json.Write(sample, new ReadingNumber(++_counts[index], _sequenceId), DateTime.UtcNow),
            Headers = new Headers { { "traceparent", Encoding.ASCII.GetBytes($"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00") } },
        };
    }

    /// <summary>Produces as fast as the brokers accept messages, or at a rate; returns how many were acknowledged.</summary>
    public long Produce(string bootstrap, string topic, long count, double? rate, CompressionType compression = CompressionType.Lz4, CancellationToken cancellationToken = default)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap,
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 20,
            BatchSize = rate is null ? 256 * 1024 : null,
            QueueBufferingMaxMessages = 200_000,
            CompressionType = compression,
            EnableDeliveryReports = true,
            DeliveryReportFields = "status",
        };
        using var producer = new ProducerBuilder<byte[], byte[]>(config).Build();
        long acknowledged = 0;
        void Count(DeliveryReport<byte[], byte[]> report)
        {
            if (report.Error.Code == ErrorCode.NoError)
            {
                Interlocked.Increment(ref acknowledged);
            }
        }

        var started = Stopwatch.GetTimestamp();
        for (long sent = 0; sent < count && !cancellationToken.IsCancellationRequested; sent++)
        {
            var message = Next();
            while (!TryProduce(producer, topic, message, Count))
            {
                producer.Poll(TimeSpan.FromMilliseconds(20));
            }

            if (rate is { } perSecond && TimeSpan.FromSeconds((sent + 1) / perSecond) - Stopwatch.GetElapsedTime(started) is var ahead && ahead > Tick)
            {
                // Paced by the client's poll, which waits that long and meanwhile serves delivery reports.
                producer.Poll(ahead);
            }
        }

        producer.Flush(TimeSpan.FromMinutes(2));
        return Interlocked.Read(ref acknowledged);
    }

    private static bool TryProduce(IProducer<byte[], byte[]> producer, string topic, Message<byte[], byte[]> message, Action<DeliveryReport<byte[], byte[]>> report)
    {
        try
        {
            producer.Produce(topic, message, report);
            return true;
        }
        catch (ProduceException<byte[], byte[]> exception) when (exception.Error.Code == ErrorCode.Local_QueueFull)
        {
            return false;
        }
    }
}
