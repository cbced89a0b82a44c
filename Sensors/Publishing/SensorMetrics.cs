using System.Diagnostics;
using System.Diagnostics.Metrics;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>The producer's instruments and spans, named by OpenTelemetry's conventions for messaging.</summary>
internal sealed class SensorMetrics : IDisposable
{
    public const string Name = "FactoryMonitoring.Sensors";

    private readonly Counter<long> _sent;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _acknowledged;
    private readonly ActivitySource _source = new(Name);
    private readonly KeyValuePair<string, object?>[] _tags;
    private readonly KeyValuePair<string, object?>[] _tagsToKeep;
    private readonly string _sendName;
    private readonly string _clientId;

    public SensorMetrics(IMeterFactory meters, IOptions<SensorsOptions> options)
    {
        var meter = meters.Create(Name);
        _sent = meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Messages the client sent, acknowledged or given up.");
        _duration = meter.CreateHistogram<double>("messaging.client.operation.duration", "s", "From produce to acknowledgement.");
        _acknowledged = meter.CreateCounter<long>("factory.delivery.acked", "{message}", "Readings that the brokers acknowledged.");
        _sendName = $"send {options.Value.Topic}";
        _clientId = options.Value.ProducerId;
        _tags =
        [
            new("messaging.system", "kafka"),
            new("messaging.operation.name", "send"),
            new("messaging.operation.type", "send"),
            new("messaging.destination.name", options.Value.Topic),
        ];
        _tagsToKeep = [.. _tags, new(TraceSampler.KeepTag, 1)];
    }

    /// <summary>Starts the span of one message, as a new trace; null if it is not recorded.</summary>
    /// <param name="sensorId">The sensor that measured it.</param>
    /// <param name="isRemarkable">The trace is always kept.</param>
    public Activity? BeginSend(string sensorId, bool isRemarkable)
    {
        var outer = Activity.Current;
        var activity = _source.StartActivity(_sendName, ActivityKind.Producer, default(ActivityContext), isRemarkable ? _tagsToKeep : _tags);
        if (activity is { Recorded: false })
        {
            End(activity, outer);
            activity = null;
        }

        activity?.SetTag("messaging.client.id", _clientId).SetTag("factory.sensor.id", sensorId);
        // The span ends on the client's thread: nothing here is part of it.
        Activity.Current = outer;
        return activity;
    }

    public void Acknowledged(Activity? activity, TimeSpan waited, int partition, long offset)
    {
        var outer = Enter(activity);
        _sent.Add(1, _tags);
        _acknowledged.Add(1);
        _duration.Record(waited.TotalSeconds, _tags);
        if (activity is not null)
        {
            activity.SetTag("messaging.destination.partition.id", partition.ToString(System.Globalization.CultureInfo.InvariantCulture));
            activity.SetTag("messaging.kafka.offset", offset);
            End(activity, outer);
        }
    }

    /// <param name="error">An error code from the client's fixed set.</param>
    public void Failed(Activity? activity, TimeSpan waited, string error)
    {
        var outer = Enter(activity);
        var type = new KeyValuePair<string, object?>("error.type", error);
        _sent.Add(1, [.. _tags, type]);
        _duration.Record(waited.TotalSeconds, [.. _tags, type]);
        if (activity is not null)
        {
            activity.SetTag(type.Key, type.Value);
            activity.SetStatus(ActivityStatusCode.Error);
            End(activity, outer);
        }
    }

    public void Dispose() => _source.Dispose();

    /// <summary>Makes the message's span current, if it has one, so that measurements belong to it.</summary>
    /// <returns>The previously current span.</returns>
    private static Activity? Enter(Activity? activity)
    {
        var outer = Activity.Current;
        if (activity is not null)
        {
            Activity.Current = activity;
        }

        return outer;
    }

    private static void End(Activity activity, Activity? outer)
    {
        activity.Stop();
        Activity.Current = outer;
    }
}
