using System.Globalization;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The metrics of the API on the embedded brokers, which have a new log after every start.</summary>
public sealed class EmbeddedMetricsTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private readonly EmbeddedBrokers _brokers = new();

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await _brokers.StartAsync(Timeout);
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _brokers.DisposeAsync();
    }

    [Fact]
    public async Task Every_instrument_is_there_before_anyone_has_read_the_new_log_and_tells_of_that_log()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('the log before')");
        await ClaimAsync(nextOffset: 1000, "CURRENT_TIMESTAMP");
        using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = _brokers.BootstrapServers }).Build();
        for (var i = 0; i < 5; i++)
        {
            await producer.ProduceAsync(new TopicPartition(KafkaNames.Default.SensorTopic, 0), new Message<Null, byte[]> { Value = [1] }, Timeout);
        }

        var api = await StartServingApiAsync($"--ConnectionStrings:kafka={_brokers.BootstrapServers}");

        await EventuallyAsync(async () => ApiInstruments.In(await MetricsAsync()).SequenceEqual(ApiInstruments.All.Select(each => each.Metric)));
        Assert.Equal((5, 0), await LagAndOffsetAsync());

        // The brokers' log counts, even if another one was claimed after it.
        var log = (string)(await api.GetAsync("/api/cluster", Timeout)).Json["log_id"]!;
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ($1)", log);
        await ClaimAsync(nextOffset: 2, "CURRENT_TIMESTAMP - interval '1 min'");
        await EventuallyAsync(async () => await LagAndOffsetAsync() == (3, 2));

        async Task<string> MetricsAsync() => (await api.GetAsync("/metrics", Timeout)).Body;

        async Task<(int Lag, int Offset)> LagAndOffsetAsync()
        {
            var lines = (await MetricsAsync()).Split('\n');
            return (Value("kafka_consumer_group_lag{"), Value("kafka_consumer_group_offset{"));

            int Value(string start) => int.Parse(
                lines.Single(line => line.StartsWith(start, StringComparison.Ordinal) && line.Contains("partition=\"0\"", StringComparison.Ordinal)).Split(' ')[1],
                CultureInfo.InvariantCulture);
        }

        Task ClaimAsync(long nextOffset, string at) => ExecuteAsync($"""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at)
            SELECT max(log_key), 'sensor-data', 0, 'sensor-consumer-1', 7, {nextOffset}, 0, {at} FROM logs
            """);
    }
}
