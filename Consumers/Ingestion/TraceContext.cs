using System.Diagnostics;
using System.Text;
using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>The W3C trace context in a message's headers.</summary>
internal static class TraceContext
{
    public const string Header = "traceparent";

    private const string State = "tracestate";

    public static string Format(ActivityContext context) => $"00-{context.TraceId}-{context.SpanId}-{(context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    /// <summary>Returns the context; null if there is none, or it is malformed.</summary>
    public static ActivityContext? Of(Headers headers) =>
        headers.TryGetLastBytes(Header, out var parent)
        && ActivityContext.TryParse(
            Encoding.ASCII.GetString(parent), headers.TryGetLastBytes(State, out var state) ? Encoding.ASCII.GetString(state) : null, isRemote: true, out var context)
            ? context
            : null;
}
