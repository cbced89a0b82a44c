using FactoryMonitoring.ServiceDefaults.Telemetry;
using FactoryMonitoring.Tests.Telemetry.Otlp.Protocol;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed class TraceTests(StackFixture stack) : StackTest(stack)
{
    private const string Send = "send sensor-data", Process = "process sensor-data", Poll = "poll sensor-data";

    [Fact]
    public async Task A_reading_is_followed_from_the_sensors_span_to_its_row()
    {
        // A send whose batch has come through as well.
        var (send, process) = (await EventuallyAsync(() =>
        {
            var batches = Collector.Spans.Where(span => span.Name == Process).ToList();
            var pair = Collector.Spans.Where(span => span is { Name: Send, Service: "temperature-sensor" })
                .Select(span => (Send: span, Process: batches.Find(batch => batch.Links.Contains((span.TraceId, span.SpanId)))))
                .FirstOrDefault(pair => pair.Process is not null);
            return Task.FromResult(pair.Process is null ? null : Tuple.Create(pair.Send, pair.Process));
        })).ToValueTuple();

        Assert.Equal(SpanKind.Producer, send.Kind);
        Assert.Equal(
            new SortedDictionary<string, string>
            {
                ["messaging.client.id"] = "temperature-sensor",
                ["messaging.destination.name"] = "sensor-data",
                ["messaging.destination.partition.id"] = send.Attributes["messaging.destination.partition.id"],
                ["messaging.kafka.offset"] = send.Attributes["messaging.kafka.offset"],
                ["messaging.operation.name"] = "send",
                ["messaging.operation.type"] = "send",
                ["messaging.system"] = "kafka",
            },
            new SortedDictionary<string, string>(send.Attributes.Where(attribute => attribute.Key != TraceSampler.KeepTag).ToDictionary()));
        Assert.Equal(SpanKind.Consumer, process.Kind);
        Assert.Contains(process.Service, StackFixture.Consumers);
        Assert.Equal("sensor-processors", process.Attributes["messaging.consumer.group.name"]);
        Assert.Equal("process", process.Attributes["messaging.operation.type"]);
        Assert.True(int.Parse(process.Attributes["messaging.batch.message_count"]) >= process.Links.Count);

        var database = await EventuallyAsync(() => Task.FromResult(Collector.Spans.FirstOrDefault(span =>
            span.Kind == SpanKind.Client && span.TraceId == process.TraceId && span.ParentSpanId == process.SpanId
            && span.Attributes.GetValueOrDefault("db.system.name") == "postgresql")));
        Assert.Equal(process.Service, database.Service);

        var consumer = await EventuallyAsync(() => QueryAsync<string>(
            "SELECT processed_by_consumer FROM sensor_readings WHERE kafka_partition = $1 AND kafka_offset = $2 AND sensor_type = 'temperature'",
            int.Parse(send.Attributes["messaging.destination.partition.id"]), long.Parse(send.Attributes["messaging.kafka.offset"]))!);
        Assert.Equal(process.Service, consumer);
    }

    [Fact]
    public async Task A_poll_is_linked_to_the_sends_of_what_it_brought()
    {
        var poll = await EventuallyAsync(() => Task.FromResult(Collector.Spans.FirstOrDefault(span => span.Name == Poll && span.Links.Count > 0)));

        Assert.Equal(SpanKind.Client, poll.Kind);
        Assert.Equal("receive", poll.Attributes["messaging.operation.type"]);
        var (trace, span) = poll.Links[0];
        await EventuallyAsync(() => Task.FromResult(Collector.Spans.Any(sent => sent.Name == Send && sent.TraceId == trace && sent.SpanId == span)));
    }

    [Fact]
    public async Task An_alert_bears_the_trace_and_span_of_the_reading_that_raised_it()
    {
        // Sensors send warnings every few seconds: one raises an alert soon.
        var alert = await EventuallyAsync(() => QueryAsync<string[]>(
            "SELECT ARRAY[trace_id::text, span_id::text, kafka_partition::text, kafka_offset::text] FROM alerts WHERE trace_id IS NOT NULL LIMIT 1")!);

        var send = await EventuallyAsync(() => Task.FromResult(Collector.Spans.FirstOrDefault(span =>
            span.Name == Send && span.TraceId == alert[0] && span.SpanId == alert[1])));

        Assert.Equal((alert[2], alert[3]), (send.Attributes["messaging.destination.partition.id"], send.Attributes["messaging.kafka.offset"]));
    }
}
