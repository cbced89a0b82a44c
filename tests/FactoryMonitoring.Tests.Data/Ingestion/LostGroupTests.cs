using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>The group's coordinator forgets the group while its consumers run (KIP-848): the client takes that for fatal.</summary>
public sealed class LostGroupTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    [Fact]
    public async Task Consumers_make_a_group_again_that_the_brokers_have_lost_and_store_each_reading_once()
    {
        await using var broker = new KafkaBroker();
        await broker.StartAsync(Timeout);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic, 3);
        await broker.CreateTopicAsync(KafkaNames.Default.DeadLetterTopic, 1);
        await broker.CreateTopicAsync(KafkaNames.Default.AlertTopic, 1);
        Dictionary<string, string> settings = new() { ["KAFKA_BROKERS"] = broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest) };
        await using var first = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" });
        await using var second = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c2" });
        await SendAsync(broker, 1);
        await StoredAsync(3);

        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.BootstrapServers }).Build())
        {
            await admin.DeleteTopicsAsync(["__consumer_offsets"]);
        }

        // Whoever is told so first makes the group again; the other one may join it before it is told.
        await EventuallyAsync(() => Task.FromResult((first.Output + second.Output).Contains("restarting the service: ConsumerGroupHeartbeat fatal error", StringComparison.Ordinal)));
        await SendAsync(broker, 2);
        await StoredAsync(6);
        Assert.Equal([[6L]], await Database.RowsAsync("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings", Timeout));
    }

    private Task StoredAsync(int count) => EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == count);

    private async Task SendAsync(KafkaBroker broker, int number)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers }).Build();
        for (var partition = 0; partition < 3; partition++)
        {
            await producer.ProduceAsync(
                new TopicPartition(KafkaNames.Default.SensorTopic, partition),
                new Message<byte[], byte[]> { Key = Encoding.UTF8.GetBytes($"s{partition}"), Value = LaneHarness.Reading($"s{partition}", number, 25) },
                Timeout);
        }
    }
}
