using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Consumers.Telemetry;

/// <summary>
/// The spans of one batch: a separate trace, from the first message polled to the commit, and, in the trace of each traced reading,
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

        // A reading may have been sent after the batch began: its processing starts when the batch is passed on.
        var handedOver = readings.ClosedAt;
        foreach (var link in readings.Links.Where(link => link.Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)))
        {
            var reading = source.StartActivity(
                batch.DisplayName, ActivityKind.Consumer, link.Context, Of("process", "process", tags).Concat(link.Tags ?? []), [new ActivityLink(batch.Context)], handedOver);
            if (reading is not null && !_readings.TryAdd(link.Context.SpanId, reading))
            {
                // The same message twice: its sender resent it.
                reading.Dispose();
            }
        }

        Activity.Current = batch;
    }

    /// <summary>Starts the batch's span, and makes it current.</summary>
    /// <param name="tags">The tags of all messaging spans here, including the destination's name.</param>
    /// <returns>Null if it is not recorded.</returns>
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

    /// <summary>The id of the batch's trace, in hexadecimal; null if no exporter gets it.</summary>
    public string? Id => _batch.Recorded ? _batch.TraceId.ToHexString() : null;

    /// <summary>Starts a step of the batch's processing, which is current until it is disposed of.</summary>
    public Activity? StartStep(string name) => _source.StartActivity(name, ActivityKind.Internal, _batch.Context);

    public void Failed(string error) => _batch.SetTag("error.type", error);

    /// <summary>Returns the parent for the rest of a reading's trace: its processing here, or the reading's send if the processing is not traced.</summary>
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
