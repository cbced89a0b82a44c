using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Consumers.Telemetry;

/// <summary>
/// The spans of one batch: a trace of its own, from the first message polled to the commit, and in the trace of each of its readings that is traced
/// a span of its processing, which is the parent of the alert's send. The two are linked. Not thread-safe.
/// </summary>
internal sealed class BatchTrace : IDisposable
{
    private readonly ActivitySource _source;
    private readonly Activity _batch;
    private readonly Dictionary<ActivitySpanId, Activity> _readings = [];

    private BatchTrace(ActivitySource source, Activity batch, ReadingBatch readings, IReadOnlyCollection<KeyValuePair<string, object?>> tags)
    {
        (_source, _batch) = (source, batch);
        batch.SetTag("messaging.batch.message_count", readings.Messages);
        batch.SetTag("messaging.destination.partition.id", string.Join(',', readings.Slices.Select(slice => slice.Partition.Number)));
        batch.SetTag("factory.batch.offsets", string.Join(", ", readings.Slices.Select(slice => Invariant($"{slice.Partition.Number}: {slice.First}-{slice.End - 1}"))));
        using (var poll = source.StartActivity(NameOf("poll", tags), ActivityKind.Client, batch.Context, Of("poll", "receive", tags), null, batch.StartTimeUtc))
        {
            poll?.SetTag("messaging.batch.message_count", readings.Messages);
            poll?.SetEndTime(readings.ClosedAt.UtcDateTime);
        }

        // A reading may have been sent after the batch began: it is processed from when the batch is handed over.
        var handedOver = readings.ClosedAt;
        foreach (var link in readings.Links.Where(link => link.Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)))
        {
            var reading = source.StartActivity(
                batch.DisplayName, ActivityKind.Consumer, link.Context, Of("process", "process", tags).Concat(link.Tags ?? []), [new ActivityLink(batch.Context)], handedOver);
            if (reading is not null && !_readings.TryAdd(link.Context.SpanId, reading))
            {
                // The same message twice: its sender wrote it again.
                reading.Dispose();
            }
        }

        Activity.Current = batch;
    }

    /// <summary>Starts the batch's span, which becomes the current one.</summary>
    /// <param name="tags">What every span of messaging has here, with the destination's name.</param>
    /// <returns>Null where it is not recorded.</returns>
    public static BatchTrace? Start(ActivitySource source, ReadingBatch batch, IReadOnlyCollection<KeyValuePair<string, object?>> tags)
    {
        if (!source.HasListeners())
        {
            return null;
        }

        var activity = source.StartActivity(
            NameOf("process", tags), ActivityKind.Consumer, default(ActivityContext), Of("process", "process", tags), batch.Links, batch.OpenedAt);
        if (activity is { IsAllDataRequested: true })
        {
            return new BatchTrace(source, activity, batch, tags);
        }

        activity?.Dispose();
        return null;
    }

    /// <summary>A step of the batch's processing, which is current until it is disposed.</summary>
    public Activity? StartStep(string name) => _source.StartActivity(name, ActivityKind.Internal, _batch.Context);

    public void Failed(string error) => _batch.SetTag("error.type", error);

    /// <summary>Where the trace of a reading goes on from: its processing here, or the reading's own send where that is not followed.</summary>
    public ActivityContext ContextOf(ActivityContext send) => _readings.TryGetValue(send.SpanId, out var reading) ? reading.Context : send;

    public void Dispose()
    {
        foreach (var reading in _readings.Values)
        {
            reading.Dispose();
        }

        Activity.Current = _batch;
        _batch.Dispose();
    }

    private static IEnumerable<KeyValuePair<string, object?>> Of(string operation, string type, IReadOnlyCollection<KeyValuePair<string, object?>> tags) =>
        [.. tags, new("messaging.operation.name", operation), new("messaging.operation.type", type)];

    private static string NameOf(string operation, IReadOnlyCollection<KeyValuePair<string, object?>> tags) =>
        $"{operation} {tags.First(tag => tag.Key == "messaging.destination.name").Value}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
