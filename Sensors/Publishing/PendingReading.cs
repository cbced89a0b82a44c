using System.Diagnostics;
using Confluent.Kafka;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.Sensors.Sequences;
using Microsoft.Extensions.ObjectPool;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>A reading that waits for its acknowledgement. Reused, so that a reading allocates no closure.</summary>
internal sealed class PendingReading
{
    private readonly DeliveryAccount _account;
    private readonly SensorMetrics _metrics;
    private readonly Action<Error> _onFailure;
    private readonly ObjectPool<PendingReading> _pool;
    private readonly BackfillPace? _pace;
    private Sensor? _sensor;
    private ReadingNumber _number;
    private Activity? _activity;

    public PendingReading(DeliveryAccount account, SensorMetrics metrics, Action<Error> onFailure, ObjectPool<PendingReading> pool, BackfillPace? pace)
    {
        _pace = pace;
        _account = account;
        _metrics = metrics;
        _onFailure = onFailure;
        _pool = pool;
        OnDelivery = Deliver;
    }

    public Action<DeliveryReport<byte[], byte[]>> OnDelivery { get; }

    public void Begin(Sensor sensor, ReadingNumber number, Activity? activity)
    {
        _sensor = sensor;
        _number = number;
        _activity = activity;
    }

    // Runs on the client's thread.
    private void Deliver(DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
        {
            _onFailure(report.Error);
            _pace?.Failed();
            _metrics.Failed(_activity, _account.Failed(_sensor!), report.Error.Code.ToString());
        }
        else
        {
            var waited = _account.Acknowledged(_sensor!, _number, report.Partition.Value, report.Offset.Value);
            _pace?.Acknowledged(report.Partition.Value, report.Offset.Value);
            _metrics.Acknowledged(_activity, waited, report.Partition.Value, report.Offset.Value);
        }

        _activity = null;
        _pool.Return(this);
    }
}
