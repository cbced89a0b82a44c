using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion.Polling;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Tests.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>What a group can lose (KIP-848): itself, the assignment of its partitions, or a member that stood still.</summary>
public sealed class LostGroupTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    [Fact]
    public async Task Consumers_make_a_group_again_that_the_brokers_have_lost_and_store_each_reading_once()
    {
        await using var broker = new KafkaBroker();
        var settings = await StartAsync(broker);
        await using var first = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" });
        await using var second = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c2" });
        await SendAsync(broker, 1);
        await StoredAsync(3);

        // Stopped meanwhile, their next heartbeats are those of members of a group that the new coordinator does not know.
        foreach (var consumer in (ServiceProcess[])[first, second]) await consumer.SignalAsync("STOP");
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.BootstrapServers }).Build())
        {
            await admin.DeleteTopicsAsync(["__consumer_offsets"]);
        }
        foreach (var consumer in (ServiceProcess[])[first, second]) await consumer.SignalAsync("CONT");

        // The first consumer that gets the error creates the group again. The second one may join it without getting the error.
        try
        {
            await EventuallyAsync(() => Task.FromResult((first.Output + second.Output).Contains("restarting the service: ConsumerGroupHeartbeat fatal error", StringComparison.Ordinal)));
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"no consumer was told that the group is lost\n{first.Output}\n{second.Output}");
        }

        await SendAsync(broker, 2);
        await StoredAsync(6);
        Assert.Equal([[6L]], await Database.RowsAsync("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings", Timeout));
    }

    [Fact]
    public async Task A_consumer_that_stood_still_beyond_its_poll_interval_reads_on()
    {
        await using var broker = new KafkaBroker();
        var settings = await StartAsync(broker);
        settings["Aspire__Confluent__Kafka__Consumer__Config__MaxPollIntervalMs"] = "6000";
        await using var first = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" });
        await using var second = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c2" });
        await BothOwnAsync();
        await SendAsync(broker, 1);
        await StoredAsync(3);

        // Shorter than the broker's session timeout, which is 45 s here.
        await first.SignalAsync("STOP");
        await Task.Delay(TimeSpan.FromSeconds(8), Timeout);
        await first.SignalAsync("CONT");
        await SendAsync(broker, 2);
        await StoredAsync(6);
        await BothOwnAsync();
        Assert.Equal([[6L]], await Database.RowsAsync("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings", Timeout));
    }

    [Fact]
    public async Task A_consumer_whose_client_hangs_gets_a_new_one()
    {
        await using var broker = new KafkaBroker();
        var settings = await StartAsync(broker);
        // The hanging client sends heartbeats on: the group waits for it this long.
        settings["Aspire__Confluent__Kafka__Consumer__Config__MaxPollIntervalMs"] = "10000";
        await using var first = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" });
        await using var second = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c2" });
        await BothOwnAsync();
        await SendAsync(broker, 1);
        await StoredAsync(3);

        using (await FrozenThread.FreezeAsync(first.Id, IngestLoop.ThreadName))
        {
            await SendAsync(broker, 2);
            await StoredAsync(6);
            await EventuallyAsync(() => Task.FromResult(first.Output.Contains("restarting the service: the polling thread has not returned", StringComparison.Ordinal)));
            await BothOwnAsync();
            await SendAsync(broker, 3);
            await StoredAsync(9);
        }

        // The old thread runs again, and finds that its time is over.
        await SendAsync(broker, 4);
        await StoredAsync(12);
        await BothOwnAsync();
        Assert.Equal([[12L]], await Database.RowsAsync("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings", Timeout));
    }

    // Apache Kafka 4.3 assigns them to nobody as long as the group exists, and it cannot be deleted either.
    [Fact]
    public async Task Partitions_that_the_group_keeps_for_a_member_that_is_gone_are_named_and_another_group_reads_them()
    {
        await using var broker = new KafkaBroker();
        var settings = await StartAsync(broker);
        await using (var before = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" }))
        {
            await SendAsync(broker, 1);
            await StoredAsync(3);
            await before.StopAsync(Timeout);
        }

        // The record that a coordinator whose writes had failed leaves in its log, and reads when it starts.
        await KeepForGhostAsync(broker, await TopicIdAsync(broker), 0, 2);
        await broker.KillAsync();
        await broker.StartAgainAsync(Timeout);
        var service = MonitoringApi.Build(
            [$"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", $"--ConnectionStrings:kafka={broker.BootstrapServers}", "--MONITORING_API_PORT=0"]);
        await service.StartAsync(Timeout);
        await using var api = new ApiUnderTest(service);
        await using (var first = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1" }))
        {
            await SendAsync(broker, 2);
            await StoredAsync(4);
            JsonNode? overall = null;
            await EventuallyAsync(async () => (overall = (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]) is not null
                && overall["title"]!.GetValue<string>().StartsWith("Partition 0 stands still: 1 message waits", StringComparison.Ordinal));
            Assert.Contains("set CONSUMER_GROUP to another name", overall!["detail"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.Equal([[4L]], await Database.RowsAsync("SELECT count(*) FROM readings", Timeout));
            await first.StopAsync(Timeout);
        }

        await using var other = ServiceProcess.Start("Consumers", new(settings) { ["CONSUMER_ID"] = "c1", [EnvironmentNames.ConsumerGroup] = "sensor-processors-2" });
        await StoredAsync(6);
        Assert.Equal([[6L]], await Database.RowsAsync("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings", Timeout));
    }

    /// <returns>The settings of the consumers.</returns>
    private async Task<Dictionary<string, string>> StartAsync(KafkaBroker broker)
    {
        await broker.StartAsync(Timeout);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic, 3);
        await broker.CreateTopicAsync(KafkaNames.Default.DeadLetterTopic, 1);
        await broker.CreateTopicAsync(KafkaNames.Default.AlertTopic, 1);
        return new() { ["KAFKA_BROKERS"] = broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest) };
    }

    private Task BothOwnAsync() => EventuallyAsync(async () => await Database.ScalarAsync<long>(
        "SELECT count(DISTINCT owner) FROM partition_offsets JOIN consumer_health ON consumer_id = owner WHERE status = 'active'", Timeout) == 2);

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

    /// <summary>Writes a target assignment (ConsumerGroupTargetAssignmentMember, version 0) of a member that is not in the group.</summary>
    private async Task KeepForGhostAsync(KafkaBroker broker, byte[] topicId, params int[] partitions)
    {
        byte[] key = [0, 7, .. Text(KafkaNames.Default.ConsumerGroup), .. Text("AAAAAAAAAAAAAAAAAAAAAA")];
        byte[] value = [0, 0, 2, .. topicId, (byte)(partitions.Length + 1), .. partitions.SelectMany(Int32), 0, 0];
        // Only an administrative client may write to this topic.
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers, ClientId = "__admin_client" }).Build();
        await producer.ProduceAsync("__consumer_offsets", new Message<byte[], byte[]> { Key = key, Value = value }, Timeout);

        static byte[] Text(string text) => [0, (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];

        static byte[] Int32(int number)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, number);
            return bytes;
        }
    }

    private static async Task<byte[]> TopicIdAsync(KafkaBroker broker)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.BootstrapServers }).Build();
        var topics = await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([KafkaNames.Default.SensorTopic]));
        var bytes = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, topics.TopicDescriptions[0].TopicId.MostSignificantBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(8), topics.TopicDescriptions[0].TopicId.LeastSignificantBits);
        return bytes;
    }
}
