using System.Globalization;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using FactoryMonitoring.Tests.Telemetry.Otlp;
using FactoryMonitoring.Tests.Telemetry.Otlp.Protocol;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed class TraceTests(StackFixture stack, ITestOutputHelper output) : StackTest(stack)
{
    private const string Send = "send sensor-data", Process = "process sensor-data", Poll = "poll sensor-data", SendAlert = "send alerts";

    /// <summary>The default of Telemetry:MessageTracesPerSecond.</summary>
    private const double MessageTracesPerSecond = 0.2;

    private IEnumerable<ReceivedSpan> Batches => Collector.Spans.Where(span => span is { Name: Process, ParentSpanId: "" });

    [Fact]
    public async Task A_reading_is_followed_from_the_sensors_span_to_its_row()
    {
        // A send whose batch has also arrived.
        var (send, batch) = (await EventuallyAsync(() =>
        {
            var batches = Batches.ToList();
            var pair = Collector.Spans.Where(span => span is { Name: Send, Service: "temperature-sensor" })
                .Select(span => (Send: span, Batch: batches.Find(batch => batch.Links.Contains((span.TraceId, span.SpanId)))))
                .FirstOrDefault(pair => pair.Batch is not null);
            return Task.FromResult(pair.Batch is null ? null : Tuple.Create(pair.Send, pair.Batch));
        })).ToValueTuple();

        Assert.Equal(SpanKind.Producer, send.Kind);
        Assert.StartsWith("temp-sensor-", send.Attributes["factory.sensor.id"], StringComparison.Ordinal);
        Assert.Equal(
            new SortedDictionary<string, string>
            {
                ["factory.sensor.id"] = send.Attributes["factory.sensor.id"],
                ["messaging.client.id"] = "temperature-sensor",
                ["messaging.destination.name"] = "sensor-data",
                ["messaging.destination.partition.id"] = send.Attributes["messaging.destination.partition.id"],
                ["messaging.kafka.offset"] = send.Attributes["messaging.kafka.offset"],
                ["messaging.operation.name"] = "send",
                ["messaging.operation.type"] = "send",
                ["messaging.system"] = "kafka",
            },
            new SortedDictionary<string, string>(send.Attributes.Where(attribute => attribute.Key != TraceSampler.KeepTag).ToDictionary()));

        var process = await EventuallyAsync(() => Task.FromResult(Collector.Spans.FirstOrDefault(span => span.Name == Process && span.ParentSpanId == send.SpanId)));
        Assert.Equal(
            (SpanKind.Consumer, send.TraceId, batch.Service, send.Attributes["messaging.destination.partition.id"], send.Attributes["messaging.kafka.offset"]),
            (process.Kind, process.TraceId, process.Service, process.Attributes["messaging.destination.partition.id"], process.Attributes["messaging.kafka.offset"]));
        Assert.Equal([(batch.TraceId, batch.SpanId)], process.Links);

        var row = await EventuallyAsync(() => QueryAsync<string[]>(
            "SELECT ARRAY[processed_by_consumer, sensor_id] FROM sensor_readings WHERE kafka_partition = $1 AND kafka_offset = $2 AND sensor_type = 'temperature'",
            int.Parse(send.Attributes["messaging.destination.partition.id"]), long.Parse(send.Attributes["messaging.kafka.offset"]))!);
        Assert.Equal([process.Service, send.Attributes["factory.sensor.id"]], row);
    }

    [Fact]
    public async Task A_batch_is_one_trace_from_poll_to_commit()
    {
        var batch = await EventuallyAsync(() => Task.FromResult(Batches.LastOrDefault(span => span.Links.Count > 0)));

        Assert.Equal(SpanKind.Consumer, batch.Kind);
        Assert.Contains(batch.Service, StackFixture.Consumers);
        Assert.Equal(
            ("sensor-processors", "process", batch.Service),
            (batch.Attributes["messaging.consumer.group.name"], batch.Attributes["messaging.operation.type"], batch.Attributes["messaging.client.id"]));
        // All its spans ended before the batch did, and were thus sent before it or with it.
        var trace = Collector.Spans.Where(span => span.TraceId == batch.TraceId).ToList();
        Assert.All(trace, span => Assert.True(span.Service == batch.Service && span.Start >= batch.Start && span.End <= batch.End, $"{span}"));
        Assert.Equal([Poll, "detect", "store"], ChildrenOf(batch));
        Assert.Equal(SpanKind.Client, trace.Single(span => span.Name == Poll).Kind);
        var steps = ChildrenOf(trace.Single(span => span.Name == "store"));
        Assert.Contains("BATCH", steps);
        Assert.Contains("COPY", steps);
        Assert.Equal("COMMIT", steps[^1]);

        // "2: 17-20, 5: 31-31": the first and the last offset of each partition.
        var ranges = batch.Attributes["factory.batch.offsets"].Split(", ").Select(range => range.Split(": ")).ToDictionary(range => range[0], range => range[1].Split('-').Select(long.Parse).ToArray());
        Assert.Equal(batch.Attributes["messaging.destination.partition.id"].Split(','), ranges.Keys);
        var stored = 0L;
        foreach (var (partition, range) in ranges)
        {
            stored += await QueryAsync<long>(
                "SELECT count(*) FROM sensor_readings WHERE kafka_partition = $1 AND kafka_offset BETWEEN $2 AND $3 AND processed_by_consumer = $4",
                int.Parse(partition), range[0], range[1], batch.Service);
        }

        Assert.Equal(batch.Attributes["messaging.batch.message_count"], Text(stored));

        List<string> ChildrenOf(ReceivedSpan parent) => [.. trace.Where(span => span.ParentSpanId == parent.SpanId).OrderBy(span => span.Start).ThenBy(span => span.End).Select(span => span.Name)];
    }

    [Fact]
    public async Task An_alert_is_one_trace_from_the_sensors_send_to_its_own()
    {
        // Sensors reach warning and critical levels all the time, so one raises an alert soon.
        var alerts = await EventuallyAsync(async () =>
            await QueryAsync<string[]>("SELECT array_agg(concat_ws(' ', alert_id, trace_id, span_id, kafka_partition, kafka_offset)) FROM alerts WHERE resolved_at IS NOT NULL OR occurrences > 1")
                is { Length: > 0 } found ? found : null);

        foreach (var alert in alerts.Select(alert => alert.Split(' ')))
        {
            Assert.True(alert.Length == 5, $"alert {alert[0]} has no trace");
            var announcement = await EventuallyAsync(() => Task.FromResult(Collector.Spans.FirstOrDefault(
                span => span.Name == SendAlert && span.Attributes["factory.alert.id"] == alert[0])));
            var trace = Collector.Spans.Where(span => span.TraceId == alert[1]).ToList();
            var send = Assert.Single(trace, span => span.ParentSpanId == "");
            var process = Assert.Single(trace, span => span.SpanId == announcement.ParentSpanId);

            Assert.Equal((Send, alert[2], alert[3], alert[4]), (send.Name, send.SpanId, send.Attributes["messaging.destination.partition.id"], send.Attributes["messaging.kafka.offset"]));
            Assert.Equal((alert[1], Process, send.SpanId), (announcement.TraceId, process.Name, process.ParentSpanId));
            Assert.Contains(send.Service, StackFixture.Sensors);
            Assert.Contains(process.Service, StackFixture.Consumers);
        }
    }

    [Fact]
    public async Task What_finds_nothing_leaves_no_trace()
    {
        foreach (var sensor in StackFixture.Sensors) await Stack.CommandAsync(sensor, "stop", Timeout);
        try
        {
            await EventuallyAsync(async () => (await ScrapeAsync("monitoring-api")).Sum("kafka_consumer_group_lag_sum") == 0
                && await QueryAsync<long>("SELECT count(*) FROM outbox") == 0);
            var drained = await QueryAsync<DateTime>("SELECT clock_timestamp()");

            // By then each loop of the consumers and the API has polled many times: for messages, for alerts to send, for changes to show.
            await EventuallyAsync(() => QueryAsync<bool>("SELECT min(last_heartbeat) > $1 FROM consumer_health WHERE status = 'active'", drained.AddSeconds(15)));

            Assert.DoesNotContain(Collector.Spans, span => span.Start > drained.ToUniversalTime());
        }
        finally
        {
            foreach (var sensor in StackFixture.Sensors) await Stack.CommandAsync(sensor, "start", Timeout);
        }
    }

    [Fact]
    public async Task No_more_traces_begin_than_batches_and_sampled_readings_are_there()
    {
        const int Batches = 300;
        var before = await CountAsync();
        var begin = DateTime.UtcNow;
        await EventuallyAsync(async () => (await CountAsync()).Batches >= before.Batches + Batches);
        var end = DateTime.UtcNow;
        var after = await CountAsync();
        // Each service has sent what it had recorded by then.
        await EventuallyAsync(() => Task.FromResult(StackFixture.Sensors.Concat(StackFixture.Consumers).All(service =>
            Collector.Spans.Any(span => span.Service == service && span.End > end))));

        var roots = Collector.Spans.Where(span => span.ParentSpanId == "" && span.Start >= begin && span.End <= end).ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{(end - begin).TotalSeconds:0} s, {after.Batches - before.Batches} batches, {after.Readings - before.Readings} readings; traces by the name of their root:"));
        foreach (var name in roots.CountBy(root => root.Name)) output.WriteLine($"{name.Value,6} {name.Key}");

        Assert.Equal([Process, Send], roots.Select(root => root.Name).Distinct().Order(StringComparer.Ordinal));
        Assert.InRange(roots.Count(root => root.Name == Process), 1, after.Batches - before.Batches);
        // Traces that nothing requests are limited in each process.
        var limit = (MessageTracesPerSecond * (end - begin).TotalSeconds) + 1;
        foreach (var service in roots.Where(root => !root.Attributes.ContainsKey(TraceSampler.KeepTag) && root.Links.Count == 0).CountBy(root => root.Service))
        {
            Assert.True(service.Value <= limit, $"{service.Key} began {service.Value} traces of its own, {limit:0} are allowed");
        }

        async Task<(double Batches, double Readings)> CountAsync() =>
            (await SumOfConsumersAsync("messaging_process_duration_seconds_count"), await SumOfConsumersAsync("factory_delivery_stored_total"));
    }
}
