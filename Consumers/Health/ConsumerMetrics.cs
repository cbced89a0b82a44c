using System.Diagnostics;
using System.Diagnostics.Metrics;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Telemetry;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>The consumer's instruments and its source of spans. Names follow the messaging conventions where they exist.</summary>
internal sealed class ConsumerMetrics : IDisposable
{
    public const string Name = "FactoryMonitoring.Consumers";

    /// <summary>This many readings of a partition's share of a batch are measured, evenly spread; at moderate rates, all of them.</summary>
    private const int MaxLatencies = 64;

    private readonly ConsumerIdentity _identity;
    private readonly KeyValuePair<string, object?>[] _messaging;
    private readonly KeyValuePair<string, object?>[] _spanTags;
    private readonly Counter<long> _consumed;
    private readonly Histogram<double> _operation;
    private readonly Histogram<double> _process;
    private readonly Histogram<double> _endToEnd;
    private readonly Counter<long> _rebalances;
    private readonly Histogram<double> _stalls;
    private readonly Counter<long> _stored;
    private readonly Counter<long> _redelivered;
    private readonly Counter<long> _missing;
    private readonly Counter<long> _duplicated;
    private readonly Counter<long> _notJudged;
    private readonly Counter<long> _oldRecords;
    private readonly Counter<long> _backfilled;
    private readonly Counter<long> _alerts;
    private readonly Counter<long> _deadLetters;
    private readonly KeyValuePair<string, object?>[] _partitionTags = [.. Enumerable.Range(0, 256).Select(PartitionTag)];

    public ConsumerMetrics(IMeterFactory meters, ConsumerIdentity identity)
    {
        Source = new ActivitySource(Name);
        var meter = meters.Create(Name);
        _identity = identity;
        _messaging =
        [
            new("messaging.system", "kafka"),
            new("messaging.destination.name", identity.SensorTopic),
            new("messaging.consumer.group.name", identity.Group),
        ];
        _spanTags = [.. _messaging, new("messaging.client.id", identity.ConsumerId)];
        _consumed = meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages handed to the consumer.");
        _operation = meter.CreateHistogram<double>("messaging.client.operation.duration", "s", "Duration of polling and committing.");
        _process = meter.CreateHistogram<double>("messaging.process.duration", "s", "From a batch's detection to its commit.");
        _endToEnd = meter.CreateHistogram<double>("factory.pipeline.e2e.duration", "s", "From production to the committed row.");
        _rebalances = meter.CreateCounter<long>("factory.rebalance.count", "{event}", "Partitions assigned, revoked and lost.");
        _stalls = meter.CreateHistogram<double>("factory.rebalance.stall.duration", "s", "From the end of a partition's predecessor to its recovery.");
        _stored = meter.CreateCounter<long>("factory.delivery.stored", "{reading}", "Readings stored.");
        _redelivered = meter.CreateCounter<long>("factory.delivery.redelivered", "{message}", "Messages handed over again that were stored already.");
        _missing = meter.CreateCounter<long>("factory.delivery.missing", "{reading}", "Acknowledged readings that are neither stored nor rejected.");
        _duplicated = meter.CreateCounter<long>("factory.delivery.duplicated", "{reading}", "Readings whose number their sensor had used before.");
        _oldRecords = meter.CreateCounter<long>("factory.pipeline.old_records", "{reading}", "Readings stored whose record time was more than an hour ago: they are in no latency.");
        _backfilled = meter.CreateCounter<long>("factory.pipeline.backfilled", "{reading}", "Backfilled readings stored: they are in no latency.");
        _notJudged = meter.CreateCounter<long>("factory.detection.not_judged", "{reading}", "Readings stored of sensors beyond the limit of a partition: no rule was applied.");
        _alerts = meter.CreateCounter<long>("factory.alerts.raised", "{alert}", "Alerts raised.");
        _deadLetters = meter.CreateCounter<long>("factory.dead_letters", "{message}", "Messages that are no readings.");
    }

    private ActivitySource Source { get; }

    public void Dispose() => Source.Dispose();

    /// <summary>Starts the trace of a batch; null if it is not recorded.</summary>
    public BatchTrace? StartBatch(ReadingBatch batch) => BatchTrace.Start(Source, batch, _spanTags);

    /// <summary>Returns a link to the span in which a message was sent.</summary>
    public static ActivityLink LinkTo(ActivityContext send, int partition, long offset) =>
        new(send, new ActivityTagsCollection { ["messaging.destination.partition.id"] = Number(partition), ["messaging.kafka.offset"] = offset });

    /// <summary>Starts the span that sends an alert or dead letter: it belongs to the trace of the message it comes from.</summary>
    public Activity? StartSend(string topic, Guid? alertId, ActivityContext origin)
    {
        var activity = Source.StartActivity($"send {topic}", ActivityKind.Producer, origin);
        activity?.SetTag("messaging.system", "kafka");
        activity?.SetTag("messaging.operation.name", "send");
        activity?.SetTag("messaging.operation.type", "send");
        activity?.SetTag("messaging.destination.name", topic);
        activity?.SetTag("messaging.client.id", _identity.ConsumerId);
        activity?.SetTag("factory.alert.id", alertId?.ToString());
        return activity;
    }

    public void Polled(int messages, TimeSpan duration)
    {
        _consumed.Add(messages, new TagList([.. _messaging, new("messaging.operation.name", "poll")]));
        _operation.Record(duration.TotalSeconds, new TagList([.. _messaging, new("messaging.operation.name", "poll"), new("messaging.operation.type", "receive")]));
    }

    public void CommittedToKafka(TimeSpan duration) =>
        _operation.Record(duration.TotalSeconds, new TagList([.. _messaging, new("messaging.operation.name", "commit"), new("messaging.operation.type", "settle")]));

    public void Processed(TimeSpan duration) =>
        _process.Record(duration.TotalSeconds, new TagList([.. _messaging, new("messaging.operation.name", "process")]));

    public bool MeasuresEndToEnd => _endToEnd.Enabled;

    public static int LatencyStep(int count) => Math.Max(1, count / MaxLatencies);

    public void EndToEnd(int partition, double milliseconds) =>
        _endToEnd.Record(milliseconds / 1000, partition < _partitionTags.Length ? _partitionTags[partition] : PartitionTag(partition));

    public void Rebalanced(string eventType, int partitions) => _rebalances.Add(partitions, new KeyValuePair<string, object?>("event", eventType));

    public void Stalled(TimeSpan duration) => _stalls.Record(duration.TotalSeconds);

    public void Delivered(int stored, int redelivered, int duplicated)
    {
        _stored.Add(stored);
        _redelivered.Add(redelivered);
        _duplicated.Add(duplicated);
    }

    public void NotJudged(int count) => _notJudged.Add(count);

    public void OldRecords(int count) => _oldRecords.Add(count);

    public void Backfilled(int count) => _backfilled.Add(count);

    public void Missing(long count) => _missing.Add(count);

    public void AlertRaised(string sensorType, string rule, string severity)
    {
        // Types come from messages; the tag's values must be a fixed set.
        var type = SensorCatalog.Types.ContainsKey(sensorType) ? sensorType : "other";
        _alerts.Add(1, new("sensor_type", type), new("rule", rule), new("severity", severity));
    }

    public void DeadLetter(string reason) => _deadLetters.Add(1, new KeyValuePair<string, object?>("reason", reason));

    private static KeyValuePair<string, object?> PartitionTag(int partition) =>
        new("partition", Number(partition));

    private static string Number(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
