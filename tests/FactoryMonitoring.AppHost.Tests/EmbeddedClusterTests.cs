using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.EmbeddedKafka.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class EmbeddedClusterTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly int[] _ports = [.. Ports.Take([new("kafka1", "", 0), new("kafka2", "", 0), new("kafka3", "", 0)])];
    private EmbeddedCluster? _cluster;

    static EmbeddedClusterTests() => LibRdKafka.Register();

    private EmbeddedCluster Cluster => _cluster!;

    private string Bootstrap => string.Join(',', _ports.Select(port => $"127.0.0.1:{port}"));

    public Task InitializeAsync()
    {
        var options = new EmbeddedKafkaOptions
        {
            Ports = _ports,
            Groups = ["readers"],
            Topics = [new TopicOptions { Name = "numbers", Partitions = 6 }],
            ReturnDelay = TimeSpan.FromMilliseconds(200),
        };
        _cluster = new EmbeddedCluster(Options.Create(options), TimeProvider.System, NullLogger<EmbeddedCluster>.Instance);
        return Cluster.StartAsync(_limit.Token);
    }

    public async Task DisposeAsync()
    {
        await Cluster.StopAsync(CancellationToken.None);
        Cluster.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public void The_metadata_name_the_fixed_ports_the_topics_and_the_log()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap }).Build();

        var metadata = admin.GetMetadata(TimeSpan.FromSeconds(20));

        Assert.Equal([.. _ports.Select((port, index) => (index + 1, "127.0.0.1", port))], metadata.Brokers.Select(broker => (broker.BrokerId, broker.Host, broker.Port)).Order());
        Assert.Equal([1, 2, 3, 1, 2, 3], metadata.Topics.Single(topic => topic.Topic == "numbers").Partitions.OrderBy(partition => partition.PartitionId).Select(partition => partition.Leader));
        Assert.True(Guid.TryParse(metadata.Topics.Single(topic => topic.Topic.StartsWith("factory-log.", StringComparison.Ordinal)).Topic["factory-log.".Length..], out _));
    }

    [Fact]
    public async Task A_reading_that_is_sent_by_hand_is_in_the_topic_where_the_answer_says()
    {
        var now = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
        var names = KafkaNames.Default with { SensorTopic = "numbers" };
        var sender = new ReadingSender(new KafkaClusterResource("kafka", KafkaBacking.Embedded, _ports), names, new FakeTimeProvider(now));

        var (status, answer) = await sender.SendAsync(new SendCommand("my-1", "temperature", 21.5), _limit.Token);

        Assert.True(status == 200, answer.Message);
        var place = Regex.Match(answer.Message, "^my-1: 21.5 °C is in numbers, partition ([0-9]+), offset ([0-9]+)$");
        Assert.True(place.Success, answer.Message);
        using var consumer = new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = Bootstrap, GroupId = "readers", EnableAutoCommit = false }).Build();
        consumer.Assign(new TopicPartitionOffset("numbers", int.Parse(place.Groups[1].Value, CultureInfo.InvariantCulture), long.Parse(place.Groups[2].Value, CultureInfo.InvariantCulture)));
        var message = consumer.Consume(TimeSpan.FromSeconds(20))!.Message;
        Assert.Equal("my-1", message.Key);
        Assert.Equal(
            new SensorReadingMessage(now, "my-1", "temperature", null, 21.5, "°C", null, null, null), JsonSerializer.Deserialize(message.Value, MessageJsonContext.Default.SensorReadingMessage));
    }

    [Fact]
    public async Task A_broker_that_is_down_refuses_and_others_lead_until_it_is_back()
    {
        Assert.Null(await KafkaProbe.AskAsync(_ports[1], _limit.Token));

        var down = await Cluster.TakeDownAsync(2, _limit.Token);

        Assert.Equal(new Broker(2, "kafka2", "127.0.0.1", _ports[1], Up: false, Leads: 0), down);
        using var client = new TcpClient();
        var refused = await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync("127.0.0.1", _ports[1], _limit.Token));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.Equal(7, (await Cluster.ListAsync(_limit.Token)).Sum(broker => broker.Leads));

        Assert.True((await Cluster.BringUpAsync(2, _limit.Token))!.Up);
        await WaitUntilAsync(async () => (await Cluster.ListAsync(_limit.Token))[1].Leads == 2);
        Assert.Null(await KafkaProbe.AskAsync(_ports[1], _limit.Token));
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_when_brokers_die_while_messages_are_under_way()
    {
        const int Deaths = 12;
        var acknowledged = new List<Task<DeliveryResult<string, int>>>();
        using (var producer = new ProducerBuilder<string, int>(
            new ProducerConfig { BootstrapServers = Bootstrap, EnableIdempotence = true, LingerMs = 0, RetryBackoffMs = 20, RetryBackoffMaxMs = 100 }).Build())
        {
            using var dead = new CancellationTokenSource();
            var producing = Task.Run(async () =>
            {
                using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
                for (var number = 0; !dead.IsCancellationRequested; number++)
                {
                    acknowledged.Add(producer.ProduceAsync("numbers", new() { Key = $"{number % 50}", Value = number }, _limit.Token));
                    if (number % 5 == 0) await pace.WaitForNextTickAsync(_limit.Token);
                }
            });
            try
            {
                for (var death = 0; death < Deaths; death++)
                {
                    var broker = death % 3 + 1;
                    await Task.Delay(100, _limit.Token);
                    await Cluster.TakeDownAsync(broker, _limit.Token);
                    await Task.Delay(100, _limit.Token);
                    await Cluster.BringUpAsync(broker, _limit.Token);
                    await WaitUntilAsync(async () => (await Cluster.ListAsync(_limit.Token))[broker - 1].Leads > 0);
                }
            }
            finally
            {
                // Producing with a disposed client would crash the test process.
                await dead.CancelAsync();
                await producing;
            }
            await Task.WhenAll(acknowledged);
        }

        using var consumer = new ConsumerBuilder<string, int>(
            new ConsumerConfig { BootstrapServers = Bootstrap, GroupId = "unused", FetchWaitMaxMs = 20, EnablePartitionEof = true }).Build();
        consumer.Assign(Enumerable.Range(0, 6).Select(partition => new TopicPartitionOffset("numbers", partition, Offset.Beginning)));
        var read = new List<int>();
        for (var ended = 0; ended < 6;)
        {
            var result = consumer.Consume(_limit.Token);
            if (result.IsPartitionEOF) ended++;
            else read.Add(result.Message.Value);
        }

        Assert.Equal(Enumerable.Range(0, acknowledged.Count), read.Order());
    }

    [Fact]
    public async Task There_is_no_fourth_broker() => Assert.Null(await Cluster.TakeDownAsync(4, _limit.Token));

    private async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await condition()) await poll.WaitForNextTickAsync(_limit.Token);
    }
}
