using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A log that is truncated, emptied or recreated under a consumer: what exists is stored once, and what is lost is reported.</summary>
public sealed class ChangedLogTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const double Normal = 25;
    private const double Critical = 95;

    private static readonly string Topic = KafkaNames.Default.SensorTopic;

    private readonly KafkaBroker _broker = new();
    private IProducer<byte[], byte[]> _producer = null!;
    private readonly List<ServiceProcess> _consumers = [];
    private int _count;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await _broker.StartAsync(Timeout);
        await _broker.CreateTopicAsync(Topic, 1);
        await _broker.CreateTopicAsync(Topic + ".dlq", 1);
        await _broker.CreateTopicAsync(KafkaNames.Default.AlertTopic, 1);
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = _broker.BootstrapServers, LingerMs = 0, TopicMetadataRefreshIntervalMs = 500, ReconnectBackoffMaxMs = 500,
        }).SetLogHandler((_, _) => { }).Build();
    }

    public override async Task DisposeAsync()
    {
        _producer.Dispose();
        await _broker.DisposeAsync();
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData("consumer")]
    public async Task A_topic_that_is_deleted_and_made_anew_is_read_from_its_beginning(string protocol)
    {
        await using var consumer = Consume(protocol);
        await SendAsync(10);
        await StoredAsync(10);
        using (var admin = Admin())
        {
            await admin.DeleteTopicsAsync([Topic]);
        }

        await _broker.CreateTopicAsync(Topic, 1);
        await SendAsync(4);
        await StoredAsync(14);
        await SendAsync(20);

        await StoredAsync(34);
        Assert.Equal([[10L, 10L, 0L, true], [24L, 24L, 0L, false]], await Database.RowsAsync(
            "SELECT next_offset, stored, redelivered, owner IS NULL FROM partition_offsets ORDER BY claimed_at", Timeout));
        Assert.Equal(0, await Database.ScalarAsync<long>("SELECT count(*) FROM ledger_violations", Timeout));
    }

    [Fact]
    public async Task What_is_acknowledged_after_a_topic_was_made_anew_is_of_the_new_log()
    {
        await using var consumer = Consume("consumer");
        await using var sensors = ServiceProcess.Start("Sensors", new()
        {
            ["KAFKA_BROKERS"] = _broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Sensor), ["SENSOR_TYPE"] = "temperature", ["SAMPLING_INTERVAL"] = "0.06",
            ["Sensors__PerType"] = "6",
        });
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT COALESCE(sum(stored), 0) >= 300 FROM partition_offsets", Timeout));
        using (var admin = Admin())
        {
            await admin.DeleteTopicsAsync([Topic]);
        }

        await _broker.CreateTopicAsync(Topic, 1);
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 2 AND bool_or(owner IS NOT NULL AND stored >= 100) FROM partition_offsets", Timeout));
        Assert.Equal(0, await sensors.StopAsync(Timeout));

        Assert.Equal(0, await Database.ScalarAsync<long>(
            """
            SELECT count(*) FROM acknowledgements a JOIN logs o USING (log_key)
            JOIN sensor_readings r ON r.sensor_id = a.sensor_id AND r.sequence_id = a.sequence_id AND r.reading_count BETWEEN a.first_count AND a.last_count
            WHERE r.log_id <> o.log_id
            """,
            Timeout));
    }

    [Theory]
    [InlineData("classic")]
    public async Task Readings_that_the_log_drops_before_they_are_read_are_skipped_and_named(string protocol)
    {
        await using var consumer = Consume(protocol);
        await SendAsync(5);
        await StoredAsync(5);
        await consumer.SignalAsync("STOP");
        await SendAsync(20);
        using (var admin = Admin())
        {
            await admin.DeleteRecordsAsync([new TopicPartitionOffset(Topic, 0, 22)]);
        }

        await consumer.SignalAsync("CONT");

        // What the consumer had fetched before it was stopped is stored, too.
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT next_offset = 25 FROM partition_offsets", Timeout));
        Assert.Equal([[25L, 0L, true]], await Database.RowsAsync("SELECT stored + skipped, redelivered, skipped > 0 FROM partition_offsets", Timeout));
        Assert.Equal([["skipped", 22L]], await Database.RowsAsync(
            "SELECT kind, v.kafka_offset + skipped FROM ledger_violations v, partition_offsets", Timeout));
        var stored = await Database.ScalarAsync<long>("SELECT count(*) FROM readings WHERE kafka_offset >= 22", Timeout);
        Assert.Equal(3, stored);
    }

    [Theory]
    [InlineData("consumer", true, 3)]
    [InlineData("classic", false, 15)]
    public async Task A_tail_that_all_replicas_have_lost_is_kept_aside_and_its_offsets_are_read_again(string protocol, bool isRunning, int readings)
    {
        await using var first = Consume(protocol);
        await SendAsync(12);
        await SendAsync(1, Critical);
        await SendAsync(7);
        await StoredAsync(20);
        if (!isRunning)
        {
            Assert.Equal(0, await first.StopAsync(Timeout));
        }

        await _broker.KillAsync();
        _broker.Cut(Topic, 0, 12);
        await _broker.StartAgainAsync(Timeout);
        await SendAsync(1, Critical);
        await SendAsync(readings - 1);
        await using var second = isRunning ? null : Consume(protocol);

        await StoredAsync(20 + readings);
        var next = 12L + readings;
        Assert.Equal([[0L, next, next], [12L, 20L, 8L]], await Database.RowsAsync("SELECT first_offset, next_offset, stored FROM partition_offsets ORDER BY first_offset", Timeout));
        Assert.Equal([["skipped", 12L]], await Database.RowsAsync("SELECT kind, kafka_offset FROM ledger_violations", Timeout));
        // The alert of the offset's first use and that of its second use.
        Assert.Equal([[2L]], await Database.RowsAsync("SELECT DISTINCT count(*) FROM alerts WHERE kafka_offset = 12 GROUP BY anomaly_type", Timeout));
        Assert.Equal(0, await Database.ScalarAsync<long>("SELECT count(*) FROM rejected_messages", Timeout));
    }

    [Fact]
    public async Task Marks_of_transactions_are_no_readings_that_wait()
    {
        await using var consumer = Consume("consumer");
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = _broker.BootstrapServers, TransactionalId = "t" })
            .SetLogHandler((_, _) => { }).Build();
        await Task.Run(() => producer.InitTransactions(TimeSpan.FromSeconds(30)), Timeout);
        foreach (var isCommitted in (bool[])[true, false])
        {
            producer.BeginTransaction();
            for (var i = 0; i < 5; i++)
            {
                await producer.ProduceAsync(Topic, new Message<byte[], byte[]> { Key = "s"u8.ToArray(), Value = LaneHarness.Reading("s", ++_count, Normal) }, Timeout);
            }

            await Task.Run(isCommitted ? producer.CommitTransaction : producer.AbortTransaction, Timeout);
        }

        // Five readings and their transaction marker, and six offsets of the aborted transaction.
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT COALESCE(sum(next_offset), 0) = 12 FROM partition_offsets", Timeout));
        await SendAsync(1);
        await StoredAsync(6);
        Assert.Equal([[13L, 6L, 0L, 0L]], await Database.RowsAsync(
            "SELECT next_offset, stored, skipped, (SELECT count(*) FROM ledger_violations) FROM partition_offsets", Timeout));
    }

    private ServiceProcess Consume(string protocol)
    {
        var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = _broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = protocol,
        });
        _consumers.Add(consumer);
        return consumer;
    }

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _broker.BootstrapServers }).Build();

    /// <summary>Sends readings, each in a separate batch.</summary>
    private async Task SendAsync(int readings, double value = Normal)
    {
        for (var i = 0; i < readings; i++)
        {
            await _producer.ProduceAsync(Topic, new Message<byte[], byte[]> { Key = "s"u8.ToArray(), Value = LaneHarness.Reading("s", ++_count, value) }, Timeout);
        }
    }

    private async Task StoredAsync(long readings)
    {
        try
        {
            await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == readings
                && await Database.ScalarAsync<long>("SELECT COALESCE(sum(stored), 0)::bigint FROM partition_offsets", Timeout) == readings);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{readings} readings are not stored; the consumers said:\n{string.Join('\n', _consumers.Select(consumer => consumer.Output))}");
        }
    }
}
