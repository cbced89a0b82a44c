using Confluent.Kafka;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The cluster as it is measured, on brokers that librdkafka mocks in this process.</summary>
public sealed class ClusterEndpointTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    [Fact]
    public async Task Brokers_offsets_and_lag_are_measured()
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig(new Dictionary<string, string> { ["test.mock.num.brokers"] = "3" })).Build();
        for (var i = 0; i < 5; i++)
        {
            await producer.ProduceAsync(new TopicPartition("sensor-data", 0), new Message<byte[], byte[]> { Value = [1] }, Timeout);
        }

        await producer.ProduceAsync("factory-log.log-a", new Message<byte[], byte[]> { Value = [1] }, Timeout);
        using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
        var brokers = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers.OrderBy(broker => broker.BrokerId).ToList();
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, stored)
            VALUES (1, 'sensor-data', 0, 'sensor-consumer-1', 7, 2, 0, CURRENT_TIMESTAMP, 2)
            """);

        var api = await StartServingApiAsync($"--ConnectionStrings:kafka={string.Join(',', brokers.Select(broker => $"{broker.Host}:{broker.Port}"))}");

        await EventuallyAsync(async () => (await api.GetAsync("/api/cluster", Timeout)).Json["partitions"]![0]!["lag"] is not null);
        var cluster = (await api.GetAsync("/api/cluster", Timeout)).Json;
        Assert.Equal("log-a", (string?)cluster["log_id"]);
        Assert.Equal(
            brokers.Select(broker => (broker.BrokerId, $"kafka{broker.BrokerId}", broker.Host, broker.Port, true)),
            cluster["brokers"]!.AsArray().Select(broker => ((int)broker!["id"]!, (string)broker["name"]!, (string)broker["host"]!, (int)broker["port"]!, (bool)broker["up"]!)));

        var partition = cluster["partitions"]![0]!.AsObject();
        Assert.Contains((int)partition["leader"]!, brokers.Select(broker => broker.BrokerId));
        foreach (var chosenByTheMock in (string[])["leader", "replicas", "in_sync_replicas", "lag_seconds", "stored_per_second"])
        {
            partition[chosenByTheMock] = null;
        }

        Assert.Equal(
            Compact("""
                {"partition":0,"leader":null,"replicas":null,"in_sync_replicas":null,"end_offset":5,"stored_offset":2,"lag":3,"lag_seconds":null,
                 "owner":"sensor-consumer-1","generation":7,"stored_per_second":null,"stored":2,"recovered_at":null}
                """),
            Compact(partition.ToJsonString()));

        // Known to /metrics as well, under the names that dashboards use.
        var metrics = (await api.GetAsync("/metrics", Timeout)).Body.Split('\n');
        Assert.Contains(metrics, line => line.StartsWith("kafka_brokers{", StringComparison.Ordinal) && line.EndsWith(" 3", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("kafka_consumer_group_lag{", StringComparison.Ordinal) && line.EndsWith(" 3", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("kafka_partition_current_offset{", StringComparison.Ordinal) && line.EndsWith(" 5", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("kafka_consumer_group_offset{", StringComparison.Ordinal) && line.EndsWith(" 2", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("kafka_partition_replicas_in_sync{", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("kafka_consumer_group_members{", StringComparison.Ordinal) && line.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("factory_delivery_missing", StringComparison.Ordinal) && line.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Contains(metrics, line => line.StartsWith("factory_delivery_duplicated", StringComparison.Ordinal) && line.EndsWith(" 0", StringComparison.Ordinal));
    }
}
