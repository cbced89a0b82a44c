using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.Sensors.Sequences;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.ObjectPool;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>
/// Numbers readings and passes them to the client. A reading is never dropped here: if there is no number for it, or no space in the
/// client's queue, the sensor waits.
/// </summary>
internal sealed class ReadingPublisher : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PaceStep = TimeSpan.FromMilliseconds(10);
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly DeliveryAccount _account;
    private readonly ProducerCondition _condition;
    private readonly SensorMetrics _metrics;
    private readonly AccessReport _access;
    private readonly KafkaRight _right;
    private readonly LoopHeartbeat _heartbeat;
    private readonly TimeProvider _time;
    private readonly BackfillPace? _pace;
    private readonly string _topic;
    private readonly ReadingJson _json = new();
    private readonly DefaultObjectPool<PendingReading> _pool;

    public ReadingPublisher(
        IProducer<byte[], byte[]> producer,
        DeliveryAccount account,
        ProducerCondition condition,
        SensorMetrics metrics,
        AccessReport access,
        [FromKeyedServices(SensorWorker.Loop)] LoopHeartbeat heartbeat,
        TimeProvider time,
        IOptions<SensorsOptions> options,
        BackfillPace? pace = null)
    {
        _pace = pace;
        _producer = producer;
        _account = account;
        _condition = condition;
        _metrics = metrics;
        _access = access;
        _heartbeat = heartbeat;
        _time = time;
        _topic = options.Value.Topic;
        _right = KafkaRight.OnTopic("Write", _topic);
        _pool = new DefaultObjectPool<PendingReading>(new PendingReadingPolicy(this), maximumRetained: 4096);
    }

    public async Task PublishAsync(Sample sample, CancellationToken cancellationToken)
    {
        while (_pace is { } pace && !pace.TryEnter())
        {
            await WaitAsync(PaceStep, cancellationToken);
        }

        ReadingNumber number;
        while (!sample.Sensor.Counts.TryTake(out number))
        {
            _condition.IsOutOfCounts = true;
            await WaitAsync(Pause, cancellationToken);
        }

        _condition.IsOutOfCounts = false;
        var isRemarkable = sample.At is null && sample.Sensor.IsRemarkable(sample.Value, number.Count);
        while (TryProduce(sample, number, isRemarkable) is { } obstacle)
        {
            _condition.Obstacle = obstacle;
            await WaitAsync(Pause, cancellationToken);
        }

        _condition.Obstacle = null;
    }

    /// <summary>Waits until all readings are acknowledged, at most for <paramref name="limit"/>.</summary>
    /// <returns>The number of readings that are not acknowledged.</returns>
    public Task<int> FlushAsync(TimeSpan limit) => Task.Run(() =>
    {
        _producer.Flush(limit);
        return _account.Snapshot().Queued;
    });

    public void Dispose() => _json.Dispose();

    // Returns why the client does not accept the reading; null if it does.
    private string? TryProduce(Sample sample, ReadingNumber number, bool isRemarkable)
    {
        // Microseconds, the resolution of the database.
        var now = _time.GetUtcNow().UtcDateTime;
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var activity = _metrics.BeginSend(sample.Sensor.Id, isRemarkable);
        var message = new Message<byte[], byte[]>
        {
            Key = sample.Sensor.Key,
            Value = _json.Write(sample, number, sample.At ?? now),
            Timestamp = new Timestamp(now),
            Headers = activity?.Id is { } traceParent ? new Headers { { "traceparent", Encoding.ASCII.GetBytes(traceParent) } } : null,
        };
        var pending = _pool.Get();
        pending.Begin(sample.Sensor, number, activity);
        // Before Produce, because the acknowledgement may arrive before it returns.
        _account.Sent(sample.Sensor);
        try
        {
            _producer.Produce(_topic, message, pending.OnDelivery);
            return null;
        }
        catch (ProduceException<byte[], byte[]> exception) when (!exception.Error.IsFatal)
        {
            _account.NotSent(sample.Sensor);
            _pool.Return(pending);
            return exception.Error.Code == ErrorCode.Local_QueueFull ? "the queue to the brokers is full" : exception.Error.Reason;
        }
    }

    private async Task WaitAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        _heartbeat.Beat();
        await Task.Delay(pause, _time, cancellationToken);
    }

    private sealed class PendingReadingPolicy(ReadingPublisher publisher) : PooledObjectPolicy<PendingReading>
    {
        public override PendingReading Create() => new(
            publisher._account, publisher._metrics, error => publisher._access.Report(error, publisher._right), publisher._pool, publisher._pace);

        public override bool Return(PendingReading obj) => true;
    }
}
