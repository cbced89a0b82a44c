using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed partial class MetricsTests(StackFixture stack) : StackTest(stack)
{
    private const int Readings = 60, Malformed = 7;

    /// <summary>The list in telemetry.md with Prometheus' names, and the services that have each metric from the first minute on.</summary>
    private static readonly (string Metric, string Instrument, IReadOnlyList<string> Services)[] Always =
    [
        ("messaging_client_operation_duration_seconds_bucket", "messaging.client.operation.duration", [.. StackFixture.Sensors, .. StackFixture.Consumers]),
        ("messaging_client_sent_messages_total", "messaging.client.sent.messages", StackFixture.Sensors),
        ("messaging_client_consumed_messages_total", "messaging.client.consumed.messages", StackFixture.Consumers),
        ("messaging_process_duration_seconds_bucket", "messaging.process.duration", StackFixture.Consumers),
        ("db_client_operation_duration_seconds_bucket", "db.client.operation.duration", [.. StackFixture.Sensors, .. StackFixture.Consumers, "monitoring-api", "fault-lab"]),
        ("db_client_connection_count", "db.client.connection.count", [.. StackFixture.Sensors, .. StackFixture.Consumers, "monitoring-api", "fault-lab"]),
        ("factory_pipeline_e2e_duration_seconds_bucket", "factory.pipeline.e2e.duration", StackFixture.Consumers),
        ("factory_rebalance_count_total", "factory.rebalance.count", StackFixture.Consumers),
        ("factory_delivery_acked_total", "factory.delivery.acked", StackFixture.Sensors),
        ("factory_delivery_stored_total", "factory.delivery.stored", StackFixture.Consumers),
        ("factory_delivery_redelivered_total", "factory.delivery.redelivered", StackFixture.Consumers),
        .. ApiInstruments.All.Select(each => (each.Metric, each.Instrument, (IReadOnlyList<string>)["monitoring-api"])),
    ];

    [Fact]
    public async Task Every_instrument_arrives_at_metrics_and_over_OTLP()
    {
        foreach (var (metric, instrument, services) in Always)
        {
            foreach (var service in services)
            {
                await EventuallyAsync(async () => (await ScrapeAsync(service)).Names.Contains(metric));
                await EventuallyAsync(() => Task.FromResult(Collector.Metrics.GetValueOrDefault(instrument)?.ContainsKey(service) == true));
            }
        }
    }

    [Fact]
    public async Task Durations_show_traces_as_examples()
    {
        (string Instrument, IReadOnlyList<string> Services)[] durations =
        [
            ("messaging.client.operation.duration", StackFixture.Sensors),
            ("messaging.process.duration", StackFixture.Consumers),
            ("factory.pipeline.e2e.duration", StackFixture.Consumers),
            ("db.client.operation.duration", StackFixture.Consumers),
        ];
        foreach (var (instrument, services) in durations)
        {
            foreach (var service in services)
            {
                var exemplar = await EventuallyAsync(() => Task.FromResult(Collector.Exemplars.FirstOrDefault(one => one.Service == service && one.Instrument == instrument)));
                await EventuallyAsync(() => Task.FromResult(Collector.Spans.Any(span =>
                    span.Service == service && span.TraceId == exemplar.TraceId && span.SpanId == exemplar.SpanId)));
            }
        }
    }

    [Fact]
    public async Task Prometheus_gets_the_traces_too()
    {
        var shown = await EventuallyAsync(async () => EndToEndExemplar().Match(await GetAsync(StackFixture.Consumers[0], "/metrics", "application/openmetrics-text; version=1.0.0"))
            is { Success: true } match ? match.Groups["trace"].Value : null);

        await EventuallyAsync(() => Task.FromResult(Collector.Spans.Any(span => span.TraceId == shown)));
    }

    [GeneratedRegex("""^factory_pipeline_e2e_duration_seconds_bucket\{.*# \{.*trace_id="(?<trace>[0-9a-f]{32})".*\}""", RegexOptions.Multiline)]
    private static partial Regex EndToEndExemplar();

    [Fact]
    public async Task Durations_have_the_buckets_agreed_on()
    {
        string[] bounds = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10", "+Inf"];
        string[] metrics = ["messaging_client_operation_duration_seconds_bucket", "messaging_process_duration_seconds_bucket", "factory_pipeline_e2e_duration_seconds_bucket"];
        // A consumer is healthy before its first reading.
        var page = await EventuallyAsync(async () => await ScrapeAsync(StackFixture.Consumers[0]) is var scraped && metrics.All(scraped.Names.Contains) ? scraped : null);

        foreach (var metric in metrics)
        {
            Assert.Equal(bounds, page.Samples.Where(sample => sample.Name == metric).Select(sample => sample.Labels["le"]).Distinct());
        }
    }

    [Fact]
    public async Task No_tag_bears_a_sensors_id_an_offset_or_a_value_that_is_not_known()
    {
        var pages = await Task.WhenAll(StackFixture.Services.Select(ScrapeAsync));
        var ours = pages.SelectMany(page => page.Samples)
            .Where(sample => sample.Name.StartsWith("factory_", StringComparison.Ordinal) || sample.Name.StartsWith("kafka_", StringComparison.Ordinal)
                || sample.Name.StartsWith("messaging_", StringComparison.Ordinal))
            .ToList();

        Assert.DoesNotContain(ours, sample => double.IsNaN(sample.Value) || sample.Value < 0);
        Assert.Equal(
            ["event", "group", "le", "messaging_consumer_group_name", "messaging_destination_name", "messaging_operation_name", "messaging_operation_type",
                "messaging_system", "otel_scope_name", "partition", "rule", "sensor_type", "severity", "topic"],
            ours.SelectMany(sample => sample.Labels.Keys).Distinct().Except(["reason", "error_type", "phase"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Counters_tell_a_known_load_exactly()
    {
        foreach (var sensor in StackFixture.Sensors) await Stack.CommandAsync(sensor, "stop", Timeout);
        try
        {
            await EventuallyAsync(IsDrainedAsync);
            var before = await CountAsync();

            await ProduceAsync();
            // A consumer counts after its commit, and a page of metrics can be a moment old.
            await EventuallyAsync(async () => await CountAsync() is var now && now.Consumed >= before.Consumed + Readings + Malformed
                && now.Stored + now.DeadLetters >= before.Stored + before.DeadLetters + Readings + Malformed && now.EndToEnd >= before.EndToEnd + Readings);
            await EventuallyAsync(IsDrainedAsync);

            var after = await CountAsync();
            Assert.Equal(
                new Counts(Readings + Malformed, Readings, Malformed, Readings, Readings, 0),
                new Counts(
                    after.Consumed - before.Consumed, after.Stored - before.Stored, after.DeadLetters - before.DeadLetters, after.Rows - before.Rows,
                    after.EndToEnd - before.EndToEnd, after.Redelivered - before.Redelivered));
            var api = await ScrapeAsync("monitoring-api");
            Assert.Equal(
                (3, 3, 0),
                (api.Sum("kafka_brokers"), api.Sum("kafka_consumer_group_members"), api.Sum("kafka_consumer_group_lag_sum", ("topic", KafkaNames.Default.SensorTopic))));
            Assert.Equal(api.Sum("kafka_partition_current_offset", ("topic", KafkaNames.Default.SensorTopic)), api.Sum("kafka_consumer_group_offset"));
        }
        finally
        {
            foreach (var sensor in StackFixture.Sensors) await Stack.CommandAsync(sensor, "start", Timeout);
        }
    }

    private async Task<bool> IsDrainedAsync()
    {
        var api = await ScrapeAsync("monitoring-api");
        return api.Sum("kafka_consumer_group_lag_sum") == 0 && (decimal)api.Sum("kafka_partition_current_offset", ("topic", KafkaNames.Default.SensorTopic))
            == await QueryAsync<decimal>("SELECT sum(next_offset) FROM partition_offsets");
    }

    private async Task<Counts> CountAsync() => new(
        await SumOfConsumersAsync("messaging_client_consumed_messages_total"),
        await SumOfConsumersAsync("factory_delivery_stored_total"),
        await SumOfConsumersAsync("factory_dead_letters_total"),
        await QueryAsync<long>("SELECT count(*) FROM readings"),
        await SumOfConsumersAsync("factory_pipeline_e2e_duration_seconds_count"),
        await SumOfConsumersAsync("factory_delivery_redelivered_total"));

    private async Task ProduceAsync()
    {
        var bootstrap = await Stack.App.GetConnectionStringAsync(ResourceNames.Kafka, Timeout);
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = bootstrap, Acks = Acks.All, LingerMs = 50 }).Build();
        var sends = Enumerable.Range(1, Readings).Select(number => producer.ProduceAsync(
            KafkaNames.Default.SensorTopic,
            new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes($"known-{number % 10}"),
                Value = JsonSerializer.SerializeToUtf8Bytes(new
                {
                    timestamp = DateTime.UtcNow, sensor_id = $"known-{number % 10}", sensor_type = "pressure", value = 1013.0, unit = "hPa",
                    alert_level = "normal", quality = 1.0, metadata = new { reading_count = number },
                }),
            },
            Timeout)).Concat(Enumerable.Range(0, Malformed).Select(_ => producer.ProduceAsync(
                KafkaNames.Default.SensorTopic, new Message<byte[], byte[]> { Key = "malformed"u8.ToArray(), Value = "{"u8.ToArray() }, Timeout))).ToList();
        await Task.WhenAll(sends);
    }

    private sealed record Counts(double Consumed, double Stored, double DeadLetters, double Rows, double EndToEnd, double Redelivered);
}
