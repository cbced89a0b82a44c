using System.Collections.Concurrent;
using System.Net;
using FactoryMonitoring.Tests.Telemetry.Otlp.Protocol;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.Tests.Telemetry.Otlp;

/// <summary>A span that a service has sent; ids in lower-case hex, the parent's id empty for a root, attributes as text.</summary>
internal sealed record ReceivedSpan(
    string Service, string TraceId, string SpanId, string ParentSpanId, string Name, SpanKind Kind, DateTime Start, DateTime End, bool IsError,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<(string TraceId, string SpanId)> Links);

internal sealed record ReceivedLog(
    string Service, string Category, string Severity, string Body, string TraceId, IReadOnlyDictionary<string, string> Attributes,
    IReadOnlyDictionary<string, string> Resource);

/// <summary>The span that a value of an instrument was recorded in.</summary>
internal sealed record ReceivedExemplar(string Service, string Instrument, string TraceId, string SpanId);

/// <summary>Receives OTLP over gRPC on a free port of loopback and keeps what the tests need.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _server;

    private OtlpCollector(WebApplication server) => _server = server;

    public string Url => _server.Urls.Single();

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = [];

    public ConcurrentQueue<ReceivedLog> Logs { get; } = [];

    public ConcurrentQueue<ReceivedExemplar> Exemplars { get; } = [];

    /// <summary>Names of the instruments received, each with the services that sent it.</summary>
    public ConcurrentDictionary<string, ConcurrentDictionary<string, bool>> Metrics { get; } = [];

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = null);
        builder.Logging.ClearProviders();
        OtlpCollector? collector = null;
        builder.Services.AddSingleton(_ => collector!);
        var server = builder.Build();
        collector = new OtlpCollector(server);
        server.MapGrpcService<TraceReceiver>();
        server.MapGrpcService<MetricsReceiver>();
        server.MapGrpcService<LogsReceiver>();
        await server.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static DateTime Time(ulong nanoseconds) => DateTime.UnixEpoch.AddTicks((long)(nanoseconds / 100));

    private static string ServiceOf(Resource? resource) =>
        resource?.Attributes.FirstOrDefault(attribute => attribute.Key == "service.name")?.Value.StringValue ?? "";

    private static Dictionary<string, string> Texts(IEnumerable<KeyValue> attributes) =>
        attributes.GroupBy(attribute => attribute.Key).ToDictionary(group => group.Key, group => Text(group.Last().Value));

    private static string Text(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue.ToString(),
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString("R"),
        _ => "",
    };

    private sealed class TraceReceiver(OtlpCollector collector) : TraceService.TraceServiceBase
    {
        public override Task<ExportResponse> Export(ExportTraceRequest request, ServerCallContext context)
        {
            foreach (var resource in request.ResourceSpans)
            {
                foreach (var span in resource.ScopeSpans.SelectMany(scope => scope.Spans))
                {
                    collector.Spans.Enqueue(new ReceivedSpan(
                        ServiceOf(resource.Resource), Hex(span.TraceId), Hex(span.SpanId), Hex(span.ParentSpanId), span.Name, span.Kind,
                        Time(span.StartTimeUnixNano), Time(span.EndTimeUnixNano), span.Status?.Code == SpanStatusCode.StatusCodeError, Texts(span.Attributes), [.. span.Links.Select(link => (Hex(link.TraceId), Hex(link.SpanId)))]));
                }
            }

            return Task.FromResult(new ExportResponse());
        }
    }

    private sealed class MetricsReceiver(OtlpCollector collector) : MetricsService.MetricsServiceBase
    {
        public override Task<ExportResponse> Export(ExportMetricsRequest request, ServerCallContext context)
        {
            foreach (var resource in request.ResourceMetrics)
            {
                foreach (var metric in resource.ScopeMetrics.SelectMany(scope => scope.Metrics))
                {
                    collector.Metrics.GetOrAdd(metric.Name, _ => []).TryAdd(ServiceOf(resource.Resource), true);
                    foreach (var exemplar in metric.Histogram?.DataPoints.SelectMany(point => point.Exemplars) ?? [])
                    {
                        collector.Exemplars.Enqueue(new ReceivedExemplar(ServiceOf(resource.Resource), metric.Name, Hex(exemplar.TraceId), Hex(exemplar.SpanId)));
                    }
                }
            }

            return Task.FromResult(new ExportResponse());
        }
    }

    private sealed class LogsReceiver(OtlpCollector collector) : LogsService.LogsServiceBase
    {
        public override Task<ExportResponse> Export(ExportLogsRequest request, ServerCallContext context)
        {
            foreach (var resource in request.ResourceLogs)
            {
                foreach (var (scope, log) in resource.ScopeLogs.SelectMany(scope => scope.LogRecords.Select(log => (scope.Scope, log))))
                {
                    collector.Logs.Enqueue(new ReceivedLog(
                        ServiceOf(resource.Resource), scope?.Name ?? "", log.SeverityText, Text(log.Body), Hex(log.TraceId), Texts(log.Attributes),
                        Texts(resource.Resource?.Attributes ?? [])));
                }
            }

            return Task.FromResult(new ExportResponse());
        }
    }
}
