using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>
/// Sends well-formed readings of separate sensors on top of the sensors' readings. They carry no reading_count and their acknowledgements are not recorded, so
/// the ledger does not account for them. To check that all were stored, compare the acknowledged count here with the rows of load-sensor-*.
/// </summary>
internal sealed class LoadBurst(KafkaClusterResource cluster, KafkaNames names, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>Enough to keep every partition busy.</summary>
    private const int Sensors = 30;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly SensorTypeInfo[] Types = [SensorCatalog.Temperature, SensorCatalog.Vibration, SensorCatalog.Energy, SensorCatalog.Humidity, SensorCatalog.Pressure];
    private static readonly byte[][] Keys = [.. Enumerable.Range(0, Sensors).Select(sensor => Encoding.UTF8.GetBytes(SensorId(sensor)))];

    private readonly Lock _lock = new();
    private Burst? _burst;

    /// <summary>Returns the current burst, or the last one.</summary>
    public LoadBody Snapshot()
    {
        lock (_lock) return _burst?.Snapshot() ?? LoadBody.None;
    }

    /// <summary>Starts a burst and returns at once.</summary>
    /// <returns>Null if a burst is already running.</returns>
    public LoadBody? Start(int readingsPerSecond, int seconds)
    {
        lock (_lock)
        {
            if (_burst?.Snapshot().Running == true) return null;
            _burst = new Burst(readingsPerSecond, seconds, time);
            _ = _burst.RunAsync(cluster, names.SensorTopic, lifetime.ApplicationStopping);
            return _burst.Snapshot();
        }
    }

    /// <summary>Returns the value of a message: close to the base of its type, so that it raises no alert.</summary>
    public static byte[] Reading(long number, DateTimeOffset now)
    {
        var sensor = (int)(number % Sensors);
        var type = Types[sensor % Types.Length];
        var value = type.Base * (1 + (number / Sensors % 7 / 1000.0));
        return Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"timestamp":"{{now.UtcDateTime:yyyy-MM-ddTHH:mm:ss.ffffff}}Z","sensor_id":"{{SensorId(sensor)}}","sensor_type":"{{type.Name}}","value":{{value:R}},"unit":"{{type.Unit}}","alert_level":"normal","quality":1.0}"""));
    }

    private static string SensorId(int sensor) => string.Create(CultureInfo.InvariantCulture, $"load-sensor-{sensor + 1:D3}");

    private sealed class Burst(int readingsPerSecond, int seconds, TimeProvider time)
    {
        private readonly DateTimeOffset _started = time.GetUtcNow();
        private readonly long _toSend = (long)readingsPerSecond * seconds;
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _sent;
        private long _acknowledged;
        private long _failed;
        private long _longestTicks = -1;
        private volatile bool _ended;

        public LoadBody Snapshot()
        {
            var longest = Interlocked.Read(ref _longestTicks);
            return new(
                !_ended, _started, readingsPerSecond, seconds, _toSend, Interlocked.Read(ref _sent), Interlocked.Read(ref _acknowledged), Interlocked.Read(ref _failed),
                longest < 0 ? null : TimeSpan.FromTicks(longest).TotalMilliseconds);
        }

        public async Task RunAsync(KafkaClusterResource cluster, string topic, CancellationToken stopping)
        {
            await Task.Yield();
            var config = cluster.Configure(new ProducerConfig
            {
                Acks = Acks.All,
                EnableIdempotence = true,
                // As in the sensors: with more than 1, a change of leader can store a reading twice.
                MaxInFlight = 1,
                LingerMs = 5,
                CompressionType = CompressionType.Lz4,
                ReconnectBackoffMs = 50,
                ReconnectBackoffMaxMs = 500,
            });
            try
            {
                using var producer = new ProducerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
                await SendAsync(producer, topic, stopping);
                Answered();
                await _answered.Task.WaitAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // The factory stops: messages in flight are counted neither as acknowledged nor as failed.
            }
            finally
            {
                _ended = true;
            }
        }

        private async Task SendAsync(IProducer<byte[], byte[]> producer, string topic, CancellationToken stopping)
        {
            var start = time.GetTimestamp();
            using var timer = new PeriodicTimer(Tick, time);
            for (var number = 0L; number < _toSend; await timer.WaitForNextTickAsync(stopping))
            {
                var due = Math.Min(_toSend, (long)(time.GetElapsedTime(start).TotalSeconds * readingsPerSecond));
                while (number < due && TryProduce(producer, topic, number)) number++;
            }
        }

        private bool TryProduce(IProducer<byte[], byte[]> producer, string topic, long number)
        {
            var sent = time.GetTimestamp();
            try
            {
                producer.Produce(topic, new Message<byte[], byte[]> { Key = Keys[number % Sensors], Value = Reading(number, time.GetUtcNow()) }, report => Answer(report, sent));
                Interlocked.Increment(ref _sent);
                return true;
            }
            catch (ProduceException<byte[], byte[]> exception) when (exception.Error.Code == ErrorCode.Local_QueueFull)
            {
                return false; // retried at the next tick
            }
        }

        // Called by the producer's only thread.
        private void Answer(DeliveryReport<byte[], byte[]> report, long sent)
        {
            var waited = time.GetElapsedTime(sent).Ticks;
            if (waited > Interlocked.Read(ref _longestTicks)) Interlocked.Exchange(ref _longestTicks, waited);
            if (report.Error.IsError) Interlocked.Increment(ref _failed);
            else Interlocked.Increment(ref _acknowledged);
            Answered();
        }

        private void Answered()
        {
            if (Interlocked.Read(ref _acknowledged) + Interlocked.Read(ref _failed) == _toSend) _answered.TrySetResult();
        }
    }
}
