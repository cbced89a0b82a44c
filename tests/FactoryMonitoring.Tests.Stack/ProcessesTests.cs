using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Tests.Stack;

[Collection(ProcessesCollection.Name)]
public sealed partial class ProcessesTests(ProcessesStack stack)
{
    [Fact]
    public async Task The_six_bodies_carry_the_documented_names()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var status = await stack.JsonAsync("/api/system-status", CancellationToken.None);
        Assert.Equal(5, status["status"]!["producers"]!["total_count"]!.GetValue<int>());
        Assert.Equal(3, status["status"]!["consumers"]!["active_count"]!.GetValue<int>());
        Assert.Equal(
            (await stack.JsonAsync("/api/consumer-health", CancellationToken.None)).AsArray().Count, status["status"]!["consumers"]!["total_count"]!.GetValue<int>());
        Assert.NotNull(status["status"]!["consumers"]!["last_activity"]);
        await HasAsync("/api/system-status", body => body["rebalancing_events"]!.AsArray()[0]!, "event_type", "consumer_id", "partition_number", "timestamp");
        await HasAsync("/api/consumer-health", body => body.AsArray()[0]!,
            "consumer_id", "status", "assigned_partitions", "last_heartbeat", "messages_processed_last_minute", "total_messages_processed");
        await HasAsync("/api/producer-health", body => body.AsArray()[0]!,
            "producer_id", "sensor_type", "status", "last_heartbeat", "messages_sent_last_minute", "total_messages_sent", "connection", "last_acknowledged");
        await HasAsync("/api/partition-assignment", body => body["assignments"]!.AsArray()[0]!, "consumer_id", "assigned_partitions", "status", "last_heartbeat");
        await HasAsync("/api/partition-assignment", body => body["partition_activity"]!, "0", "1", "2", "3", "4", "5");
        await HasAsync("/api/real-time-metrics", body => body["consumer_throughput"]!.AsArray()[0]!, "component_id", "value");
        await HasAsync("/api/real-time-metrics", body => body["producer_throughput"]!.AsArray()[0]!, "component_id", "value");
        await HasAsync("/api/real-time-metrics", body => body["partition_activity"]!, "0");
        Assert.Equal(6, (await stack.JsonAsync("/api/cluster", CancellationToken.None))["partitions"]!.AsArray().Count);

        async Task HasAsync(string path, Func<System.Text.Json.Nodes.JsonNode, System.Text.Json.Nodes.JsonNode> item, params string[] names)
        {
            var body = item(await stack.JsonAsync(path, CancellationToken.None)).AsObject();
            Assert.All(names, name => Assert.True(body.ContainsKey(name), $"{path} lacks {name}: {body.ToJsonString()}"));
        }
    }

    [Fact]
    public Task A_killed_consumers_partitions_flow_again_within_10_seconds_and_the_account_is_exact() =>
        DeathScenarios.ConsumerIsKilledAsync(stack, "sensor-consumer-2", TimeSpan.FromSeconds(10));

    [Fact]
    public Task Brokers_that_are_open_serve_other_machines() => stack.ServesOtherMachinesAsync();

    [Fact]
    public Task A_killed_broker_loses_nothing() => DeathScenarios.BrokerIsKilledAsync(stack, "kafka2");

    [Fact]
    public async Task What_is_killed_by_Aspires_command_can_be_started_at_once()
    {
        // The only part whose kill leaves no trace in the account that other tests compare.
        const string Name = "monitoring-web";
        Assert.True((await stack.App.ResourceCommands.ExecuteCommandAsync(Name, "kill")).Success);

        Assert.Equal($"{Name}: started", (await stack.SendAsync(new ResourceCommand(Name, ResourceAction.Start))).Message);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await stack.App.ResourceNotifications.WaitForResourceHealthyAsync(Name, limit.Token);
    }

    [Fact]
    public async Task What_dies_can_be_started_before_Aspire_knows_of_its_end()
    {
        const string Name = "monitoring-web";
        using (var process = Process.GetProcessById(await stack.ProcessIdAsync(Name))) process.Kill();

        Assert.Equal($"{Name}: started", (await stack.SendAsync(new ResourceCommand(Name, ResourceAction.Start))).Message);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await stack.App.ResourceNotifications.WaitForResourceHealthyAsync(Name, limit.Token);
    }

    [Fact]
    public Task The_API_measures_what_it_measures_on_every_backing() => stack.MeasuresEverythingAsync();

    [Fact]
    public async Task All_brokers_die_at_once_and_every_sensor_finds_them_again()
    {
        string[] brokers = ["kafka1", "kafka2", "kafka3"];
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        await Task.WhenAll(brokers.Select(broker => stack.ControlAsync(broker, "kill")));
        await Wait.ForAsync("sensors notice", TimeSpan.FromSeconds(30), ConnectionsAsync, connections => connections.All(connection => connection == "disconnected"));

        await Task.WhenAll(brokers.Select(broker => stack.ControlAsync(broker, "start")));

        await Wait.ForAsync("sensors find them", TimeSpan.FromSeconds(60), ConnectionsAsync, connections => connections.All(connection => connection == "connected"));
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        // No sensor died of the outage, which would have left its last second unconfirmed.
        await stack.AccountIsExactAsync();

        async Task<string[]> ConnectionsAsync(CancellationToken token) =>
            [.. (await stack.JsonAsync("/api/producer-health", token)).AsArray().Select(item => item!["connection"]!.GetValue<string>())];
    }

    [Fact]
    public async Task A_killed_sensor_is_inactive_within_7_seconds_and_its_counts_never_repeat()
    {
        const string Victim = "temperature-sensor";
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));

        await stack.ControlAsync(Victim, "kill");

        await Wait.ForAsync($"{Victim} inactive", TimeSpan.FromSeconds(7), StatusAsync, status => status == "inactive");
        await stack.ControlAsync(Victim, "start");
        await Wait.ForAsync($"{Victim} active", TimeSpan.FromSeconds(30), StatusAsync, status => status == "active");
        await stack.AccountIsExactAsync(mayBeUnconfirmed: true);

        async Task<string> StatusAsync(CancellationToken token) =>
            (await stack.JsonAsync("/api/producer-health", token)).AsArray().Single(item => item!["producer_id"]!.GetValue<string>() == Victim)!["status"]!.GetValue<string>();
    }

    [Fact]
    public async Task Messages_that_are_no_readings_become_dead_letters_with_a_reason_and_the_loop_goes_on()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        const int Kept = 64 * 1024;
        const string Good = """{"timestamp":"2026-01-02T03:04:05.678901Z","sensor_id":"keyless-001","sensor_type":"temperature","value":21.5,"unit":"°C"}""";
        var sent = new (string? Key, byte[]? Value, bool IsReading)[]
        {
            (null, Encoding.UTF8.GetBytes(Good), true),
            ("bad", "{not json"u8.ToArray(), false),
            ("bad", [], false),
            ("bad", null, false),
            ("bad", "[1,2,3]"u8.ToArray(), false),
            ("bad", """{"sensor_id":"bad-001"}"""u8.ToArray(), false),
            ("bad", """{"timestamp":"2026-01-02T03:04:05Z","sensor_id":"bad-001","sensor_type":"temperature","value":"warm","unit":"C"}"""u8.ToArray(), false),
            ("bad", """{"timestamp":"not a time","sensor_id":"bad-001","sensor_type":"temperature","value":1,"unit":"C"}"""u8.ToArray(), false),
            ("bad", """{"timestamp":"2026-01-02T03:04:05Z","sensor_id":"bad\u0000001","sensor_type":"temperature","value":1,"unit":"C"}"""u8.ToArray(), false),
            ("bad", """{"timestamp":"2026-01-02T03:04:05Z","sensor_id":"bad-001","sensor_type":"temperature","value":1e999,"unit":"C"}"""u8.ToArray(), false),
            ("bad", Encoding.UTF8.GetBytes($$"""{"padding":"{{new string('x', 300_000)}}"}"""), false),
        };
        using var producer = new ProducerBuilder<string?, byte[]?>(new ProducerConfig { BootstrapServers = stack.KafkaBootstrap }).Build();
        var positions = new List<(DeliveryResult<string?, byte[]?> Result, bool IsReading)>();
        foreach (var (key, value, isReading) in sent)
        {
            var message = new Message<string?, byte[]?> { Key = key!, Value = value, Headers = [new Header("origin", "a test"u8.ToArray())] };
            positions.Add((await producer.ProduceAsync("sensor-data", message), isReading));
        }

        foreach (var (result, isReading) in positions)
        {
            var table = isReading ? "readings" : "rejected_messages";
            await Wait.ForAsync($"{result.TopicPartitionOffset} in {table}", TimeSpan.FromSeconds(20), token => stack.ScalarAsync<long>(
                $"SELECT count(*) FROM {table} WHERE kafka_partition = {result.Partition.Value} AND kafka_offset = {result.Offset.Value}", token), count => count == 1);
        }

        var bad = positions.Where(item => !item.IsReading).Select(item => item.Result).ToList();
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = stack.KafkaBootstrap,
            GroupId = $"test-{Guid.NewGuid():N}",
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        consumer.Assign(new TopicPartitionOffset("sensor-data.dlq", 0, Offset.Beginning));
        var letters = new Dictionary<string, ConsumeResult<byte[], byte[]>>();
        var watch = Stopwatch.StartNew();
        while (letters.Count < bad.Count && watch.Elapsed < TimeSpan.FromSeconds(30))
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(200)) is { } letter)
            {
                letters[$"{Header(letter, "dlq.source.partition")}/{Header(letter, "dlq.source.offset")}"] = letter;
            }
        }

        Assert.All(bad, result =>
        {
            var letter = Assert.Contains($"{result.Partition.Value}/{result.Offset.Value}", letters as IDictionary<string, ConsumeResult<byte[], byte[]>>);
            var value = result.Value ?? [];
            Assert.Equal(value.Take(Kept), letter.Message.Value ?? []);
            Assert.Equal("bad", Encoding.UTF8.GetString(letter.Message.Key));
            // If a value is kept in part, the size and the hash identify the rest; its headers are those of the original in the log.
            if (value.Length > Kept) Assert.Equal(($"{value.Length}", Convert.ToHexStringLower(SHA256.HashData(value))), (Header(letter, "dlq.value.size"), Header(letter, "dlq.value.sha256")));
            else Assert.Equal("a test", Header(letter, "origin"));
            Assert.Equal("sensor-data", Header(letter, "dlq.source.topic"));
            Assert.NotEmpty(Header(letter, "dlq.reason"));
        });
        await stack.IsWholeAsync(TimeSpan.FromSeconds(30));

        static string Header(ConsumeResult<byte[], byte[]> letter, string name) => Encoding.UTF8.GetString(letter.Message.Headers.GetLastBytes(name));
    }

    [Fact]
    public async Task PostgreSQL_killed_under_load_and_started_again_loses_nothing_and_stores_nothing_twice()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));

        await stack.ControlAsync("postgres", "kill");
        await Wait.ForAsync("the API serves its last snapshot as stale", TimeSpan.FromSeconds(15), token => stack.JsonAsync("/api/system-status", token), body =>
            body["stale"]!.GetValue<bool>() && body["status"]!["consumers"]!["active_count"]!.GetValue<int>() == 3);
        // The lag is measured at the brokers, while no heartbeat can be written.
        await Wait.ForAsync("the API says what waits, and who", TimeSpan.FromSeconds(15), token => stack.JsonAsync("/api/system-status", token), body =>
            Regex.IsMatch(body["overall"]!["detail"]!.GetValue<string>(), "[1-9][0-9,]* messages wait at the brokers. Consumers pause, keep their partitions"));
        await stack.ControlAsync("postgres", "start");
        stack.Database.Clear();

        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        await stack.AccountIsExactAsync();
        // Who killed the database is written once the database is available.
        await Wait.ForAsync("both commands are in the audit log", TimeSpan.FromSeconds(15), async token => await stack.ScalarAsync<long>(
            "SELECT count(*) FROM audit_log WHERE act IN ('kill postgres', 'start postgres') AND done", token), entries => entries == 2);
    }

    [Fact]
    public async Task A_frozen_consumer_is_replaced_and_can_store_nothing_when_it_wakes_up()
    {
        const string Victim = "sensor-consumer-1";
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var owned = (await stack.OwnersAsync(CancellationToken.None)).Where(pair => pair.Value == Victim).Select(pair => pair.Key).ToArray();
        var list = string.Join(',', owned);
        var process = await stack.ProcessIdAsync(Victim);

        Assert.Equal(0, Kill(process, SigStop));
        try
        {
            await Wait.ForAsync($"partitions {list} flowing again", TimeSpan.FromSeconds(15), token => stack.ScalarAsync<long>(
                $"SELECT count(*) FROM partition_offsets WHERE kafka_partition IN ({list}) AND owner <> '{Victim}' AND recovered_at IS NOT NULL", token),
                flowing => flowing == owned.Length);
        }
        finally
        {
            Assert.Equal(0, Kill(process, SigContinue));
        }

        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        await stack.AccountIsExactAsync();
    }

    private const int SigStop = 19;
    private const int SigContinue = 18;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
