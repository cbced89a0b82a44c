using System.Text.Json;
using Confluent.Kafka;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The cluster as measured on brokers that librdkafka mocks in this process.</summary>
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

        // /metrics has them as well, under the names that dashboards use.
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

    [Fact]
    public async Task Real_brokers_say_what_is_on_their_disks_and_who_leads_the_quorum()
    {
        await using var broker = new KafkaBroker();
        await broker.StartAsync(Timeout);
        await broker.CreateTopicAsync("sensor-data", 2);
        using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers }).Build();
        await producer.ProduceAsync("sensor-data", new() { Value = new byte[100_000] }, Timeout);

        var api = await StartServingApiAsync($"--ConnectionStrings:kafka={broker.BootstrapServers}");

        await EventuallyAsync(async () => await DetailsAsync() is { Brokers: [{ LogBytes: not null, RequestP50Ms: not null, WrittenBytesPerSecond: not null }], Changes.Count: 3 });
        var details = await DetailsAsync();
        var figures = details.Brokers.Single();
        Assert.Equal("kafka1", figures.Name);
        Assert.InRange(figures.LogBytes!.Value, 100_000, 200_000);
        Assert.InRange(figures.RequestP99Ms!.Value, figures.RequestP50Ms!.Value, 3000);
        Assert.InRange(figures.FreeBytes!.Value, 1, figures.DiskBytes!.Value);
        Assert.Equal((1, 1, (long?)0), (details.Quorum!.Leader, details.Quorum.Voters.Count, details.Quorum.Voters[0].Behind));
        Assert.Null(details.Unasked);
        var topic = Assert.Single(details.Topics);
        Assert.Equal(("sensor-data", 2, 1, 0, 0, figures.LogBytes), (topic.Name, topic.Partitions, topic.Replicas, topic.OutOfSync, topic.Leaderless, topic.LogBytes));
        Assert.Equal(["broker kafka1 up", "controller controller kafka1", "replicas kafka1 in sync"], details.Changes.Select(change => $"{change.Kind} {change.ComponentId} {change.Status}").Order(StringComparer.Ordinal));

        async Task<ClusterDetailsBody> DetailsAsync() =>
            JsonSerializer.Deserialize((await api.GetAsync("/api/cluster-details", Timeout)).Body, ApiJson.Context.ClusterDetailsBody)!;
    }
}
