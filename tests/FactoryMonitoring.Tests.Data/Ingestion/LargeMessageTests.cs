using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>Messages of any size cost a consumer no more memory than small ones, and keep no other message from being sent.</summary>
public sealed class LargeMessageTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private const long MaxResident = 350L * 1024 * 1024;

    [Fact]
    public async Task Large_and_compressed_messages_become_bounded_dead_letters_while_readings_flow()
    {
        const int Large = 1_000;
        await using var broker = new KafkaBroker();
        await broker.StartAsync(Timeout);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic, 3);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic + ".dlq", 1);
        await broker.CreateTopicAsync(KafkaNames.Default.AlertTopic, 1);
        using var producer = new ProducerBuilder<byte[]?, byte[]>(new ProducerConfig
        {
            BootstrapServers = broker.BootstrapServers, MessageMaxBytes = 100_000_000, CompressionType = CompressionType.Zstd, LingerMs = 0,
        }).Build();
        await using var consumer = ServiceProcess.Start("Consumers", new() { ["KAFKA_BROKERS"] = broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1" });
        var random = new byte[999_000];
        new Random(5).NextBytes(random);
        var sending = new List<Task>();
        for (var i = 0; i < Large; i++)
        {
            // The largest size that the broker accepts; each message differs, so that no two hashes are the same.
            BitConverter.TryWriteBytes(random, i);
            sending.Add(producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<byte[]?, byte[]> { Value = [.. random] }, Timeout));
            if (i % 20 == 0)
            {
                sending.Add(producer.ProduceAsync(
                    KafkaNames.Default.SensorTopic, new Message<byte[]?, byte[]> { Key = "s"u8.ToArray(), Value = LaneHarness.Reading("s", i, 25) }, Timeout));
                await Task.WhenAll(sending);
                sending.Clear();
            }
        }

        await producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<byte[]?, byte[]> { Value = new byte[60_000_000] }, Timeout);
        await producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<byte[]?, byte[]> { Key = "s"u8.ToArray(), Value = LaneHarness.Reading("s", Large, 60) }, Timeout);
        await Task.WhenAll(sending);
        var resident = 0L;
        await EventuallyAsync(async () =>
        {
            resident = Math.Max(resident, await Database.ScalarAsync<long>("SELECT resident_bytes FROM consumer_health", Timeout));
            return await Database.ScalarAsync<bool>(
                $"SELECT (SELECT count(*) FROM rejected_messages) = {Large + 1} AND (SELECT count(*) FROM readings) = {(Large / 20) + 1} AND NOT EXISTS (SELECT FROM outbox)", Timeout);
        });

        Assert.InRange(resident, 1, MaxResident);
        using var reader = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = broker.BootstrapServers, GroupId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        reader.Subscribe(KafkaNames.Default.SensorTopic + ".dlq");
        var sizes = new Dictionary<string, int>();
        for (var i = 0; i <= Large; i++)
        {
            var letter = await Task.Run(() => reader.Consume(Timeout).Message);
            var headers = letter.Headers.ToDictionary(header => header.Key, header => Encoding.UTF8.GetString(header.GetValueBytes()));
            Assert.Equal(65_536, letter.Value.Length);
            sizes.Add(headers[DeadLetterHeaders.ValueSha256], int.Parse(headers[DeadLetterHeaders.ValueSize], System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.Equal(60_000_000, sizes[Convert.ToHexStringLower(SHA256.HashData(new byte[60_000_000]))]);
        Assert.Equal(Large, sizes.Count(each => each.Value == random.Length));
    }

    [Fact]
    public async Task Batches_that_cannot_be_decompressed_become_dead_letters_and_their_partition_goes_on()
    {
        await using var broker = new KafkaBroker();
        await broker.StartAsync(Timeout);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic, 1);
        await broker.CreateTopicAsync(KafkaNames.Default.SensorTopic + ".dlq", 1);
        await broker.CreateTopicAsync(KafkaNames.Default.AlertTopic, 1);
        Dictionary<string, string> settings = new() { ["KAFKA_BROKERS"] = broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest) };
        settings["CONSUMER_ID"] = "c1";
        await using var first = ServiceProcess.Start("Consumers", settings);
        await SendAsync(1, LaneHarness.Reading("s", 1, 25));
        await SendAsync(1, new byte[110_000_000]);
        await SendAsync(1, LaneHarness.Reading("s", 2, 25));
        await SendAsync(5, new byte[30_000_000]);
        await SendAsync(1, new byte[110_000_000]);
        await StoredAsync(readings: 2, rejected: 7);

        // The following messages are compared with the stored ones, which begin with a batch that cannot be read.
        await first.StopAsync(Timeout);
        settings["CONSUMER_ID"] = "c2";
        await using var second = ServiceProcess.Start("Consumers", settings);
        await SendAsync(1, LaneHarness.Reading("s", 3, 25));
        await SendAsync(2, new byte[60_000_000]);
        await SendAsync(1, LaneHarness.Reading("s", 4, 25));
        await StoredAsync(readings: 4, rejected: 9);

        Assert.Equal(
            [[1L, 1L], [3L, 5L], [8L, 1L], [10L, 2L]],
            await Database.RowsAsync(
                "SELECT min(kafka_offset), count(*) FROM rejected_messages WHERE reason = 'unreadable' GROUP BY substring(detail FROM 'at offset ([0-9]+)')::int ORDER BY 1", Timeout));
        Assert.Equal([[0L]], await Database.RowsAsync("SELECT count(*) FROM ledger_violations", Timeout));
        // One line per batch; the second consumer meets some of the first one's batches again.
        Assert.InRange($"{first.Output}\n{second.Output}".Split('\n').Count(line => line.Contains("Decompression", StringComparison.Ordinal)), 4, 7);

        async Task SendAsync(int count, byte[] value)
        {
            // Everything sent is one batch.
            using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig
            {
                BootstrapServers = broker.BootstrapServers, MessageMaxBytes = 500_000_000, BatchSize = 500_000_000, CompressionType = CompressionType.Zstd, LingerMs = 3000,
            }).Build();
            await Task.WhenAll(Enumerable.Range(0, count).Select(_ => producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<Null, byte[]> { Value = value }, Timeout)));
        }

        Task StoredAsync(int readings, int rejected) => EventuallyAsync(async () => await Database.ScalarAsync<bool>(
            $"SELECT (SELECT count(*) FROM readings) = {readings} AND (SELECT count(*) FROM rejected_messages) = {rejected} AND NOT EXISTS (SELECT FROM outbox)", Timeout));
    }

    [Fact]
    public async Task The_relay_takes_no_more_than_it_is_told_to_in_bytes_and_one_at_least()
    {
        await FillAsync("SELECT repeat('x', 1000000)::bytea FROM generate_series(1, 20)");
        var store = new OutboxStore(Database.Ingest);

        Assert.Equal(4, (await store.RelayAsync(500, 4_000_000, Sent, Timeout)).Taken);
        Assert.Equal(1, (await store.RelayAsync(500, 1, Sent, Timeout)).Taken);
        Assert.Equal(15, (await store.RelayAsync(500, 40_000_000, Sent, Timeout)).Taken);
    }

    [Fact]
    public async Task The_relay_reads_what_it_takes_however_much_waits()
    {
        const int Rounds = 10;
        await FillAsync("SELECT 'x'::bytea FROM generate_series(1, 20000)");
        var store = new OutboxStore(Database.DataSource);
        for (var round = 0; round < Rounds; round++)
        {
            Assert.Equal((500, 500), await store.RelayAsync(500, 1_000_000, Sent, Timeout));
        }

        Database.DataSource.Clear();
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = 'outbox'", Timeout) == Rounds * 500);

        // Reads to take, to join and to delete; and of the rows that earlier rounds have deleted.
        Assert.InRange(await Database.ScalarAsync<long>("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'outbox'", Timeout), 1, Rounds * 500 * 4);
    }

    [Fact]
    public async Task What_cannot_be_sent_now_makes_way_and_comes_again_and_what_never_can_is_parked()
    {
        await FillAsync("SELECT 'x'::bytea FROM generate_series(1, 6)");
        var store = new OutboxStore(Database.Ingest);
        var rounds = new List<long[]>();
        async Task<int> RelayAsync() => (await store.RelayAsync(2, 1000, (messages, _) =>
        {
            rounds.Add([.. messages.Select(message => message.OutboxId)]);
            return Task.FromResult(new RelayOutcome(
                [.. messages.Select(message => message.OutboxId).Where(id => id > 2 || rounds.Count > 4)], rounds.Count == 1 ? [(1, "too large")] : [], []));
        }, Timeout)).Taken;

        for (var i = 0; i < 3; i++)
        {
            await RelayAsync();
        }

        Assert.Equal([[1, 2], [3, 4], [5, 6]], rounds);
        await EventuallyAsync(async () => await RelayAsync() == 1);
        Assert.Equal([2], rounds[3]);
        Assert.Equal([[1L, "too large"]], await Database.RowsAsync("SELECT outbox_id, parked_reason FROM outbox WHERE parked_at IS NOT NULL", Timeout));
    }

    [Fact]
    public async Task Dead_letters_that_cannot_be_sent_keep_no_alert_and_nothing_new_waiting()
    {
        // Each round takes 64 of the letters at most, and all of them are due again at any time.
        await FillAsync("SELECT repeat('x', 65536)::bytea FROM generate_series(1, 200)");
        await Database.ScalarAsync<object>("UPDATE outbox SET attempts = 3, retry_at = now() - interval '1 min'", Timeout);
        await Database.ScalarAsync<object>("INSERT INTO outbox (topic, value, alert_id) SELECT 'alerts', 'x', gen_random_uuid() FROM generate_series(1, 300)", Timeout);
        await FillAsync("SELECT 'new'::bytea FROM generate_series(1, 100)");
        var store = new OutboxStore(Database.Ingest);
        for (var round = 0; round < 3; round++)
        {
            await store.RelayAsync(500, 4 * 1024 * 1024, (messages, _) => Task.FromResult(new RelayOutcome([.. messages.Where(message => message.Value!.Length < 65536).Select(message => message.OutboxId)], [], [])), Timeout);
            await Database.ScalarAsync<object>("UPDATE outbox SET retry_at = now() - interval '1 min' WHERE retry_at IS NOT NULL", Timeout);
        }

        Assert.Equal([[200L, 0L]], await Database.RowsAsync("SELECT count(*), count(*) FILTER (WHERE octet_length(value) < 65536) FROM outbox", Timeout));
        // The letters are tried, too.
        Assert.True(await Database.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE attempts > 3", Timeout) >= 64);
    }

    [Fact]
    public async Task Alerts_that_cannot_be_sent_keep_no_dead_letter_waiting()
    {
        await Database.ScalarAsync<object>("INSERT INTO outbox (topic, value, alert_id) SELECT 'alerts', 'x', gen_random_uuid() FROM generate_series(1, 1000)", Timeout);
        await FillAsync("SELECT 'letter'::bytea FROM generate_series(1, 100)");
        var taken = new List<OutgoingMessage>();

        await new OutboxStore(Database.Ingest).RelayAsync(500, 1_000_000, (messages, _) =>
        {
            taken.AddRange(messages);
            return Task.FromResult(new RelayOutcome([], [], []));
        }, Timeout);

        Assert.Equal((400, 100), (taken.Count(message => message.AlertId is not null), taken.Count(message => message.AlertId is null)));
    }

    [Fact]
    public async Task What_was_sent_is_not_sent_again_though_there_is_no_room_to_put_the_others_back()
    {
        await FillAsync("SELECT 'x'::bytea FROM generate_series(1, 3)");
        await Database.ScalarAsync<object>("""
            CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER no_room BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION no_room()
            """, Timeout);
        var store = new OutboxStore(Database.Ingest);

        var (taken, sent) = await store.RelayAsync(500, 1000, (_, _) => Task.FromResult(new RelayOutcome([1, 3], [], [])), Timeout);

        Assert.Equal((3, 2), (taken, sent));
        Assert.Equal([[2L, 0]], await Database.RowsAsync("SELECT outbox_id, attempts FROM outbox", Timeout));
    }

    [Fact]
    public async Task What_the_brokers_never_take_keeps_no_alert_waiting()
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        await FillAsync("SELECT repeat('x', 1100000)::bytea FROM generate_series(1, 3) UNION ALL SELECT 'alert'::bytea FROM generate_series(1, 5)");
        await using var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = brokers.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = "classic",
        });

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM outbox", Timeout) == 3);

        Assert.Equal([[3L]], await Database.RowsAsync("SELECT count(*) FROM outbox WHERE parked_reason LIKE '%too large%'", Timeout));
    }

    // The new log's record is at its place, the new log does not reach that far yet, and has no such partition.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 5_000)]
    [InlineData(99, 0)]
    public async Task A_dead_letter_of_an_earlier_log_gets_nothing_from_the_records_of_the_new_one(int partition, long offset)
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        using (var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = brokers.BootstrapServers }).Build())
        {
            await producer.ProduceAsync(
                new TopicPartition(KafkaNames.Default.SensorTopic, 0),
                new Message<string, byte[]> { Key = "new", Value = LaneHarness.Reading("new", 1, 25), Headers = [new Header("new", [1])] },
                Timeout);
        }

        await Database.RowsAsync(
            $"""
            WITH gone AS (INSERT INTO logs (log_id) VALUES ('gone') RETURNING log_key)
            INSERT INTO outbox (topic, source_log_key, source_partition, source_offset, value_at_source) SELECT '{KafkaNames.Default.SensorTopic}.dlq', log_key, {partition}, {offset}, true FROM gone
            """,
            Timeout);
        await using var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = brokers.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = "classic",
        });
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM outbox", Timeout) == 0);
        using var reader = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = brokers.BootstrapServers, GroupId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest }).Build();
        reader.Subscribe(KafkaNames.Default.SensorTopic + ".dlq");

        var letter = await Task.Run(() => reader.Consume(Timeout), Timeout);

        Assert.Equal((null, null), (letter.Message.Key, letter.Message.Value));
        Assert.DoesNotContain(letter.Message.Headers, header => header.Key is "new" or DeadLetterHeaders.ValueSha256);
    }

    [Fact]
    public async Task A_consumer_that_stops_sends_the_dead_letters_of_its_last_batch()
    {
        await using var brokers = new EmbeddedBrokers();
        await brokers.StartAsync(Timeout);
        await using var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = brokers.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__GroupProtocol"] = "classic",
        });
        using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = brokers.BootstrapServers }).Build();
        using var ended = new CancellationTokenSource();

        // A message is always in flight: whenever the consumer stops, its last batch holds some.
        var sending = Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                producer.Produce(KafkaNames.Default.SensorTopic, new Message<Null, string> { Value = "no reading" });
                await Task.Delay(1);
            }
        });
        try
        {
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 100 FROM rejected_messages", Timeout));
            Assert.Equal(0, await consumer.StopAsync(Timeout));
        }
        finally
        {
            // Producing with a disposed client would crash the test process.
            await ended.CancelAsync();
            await sending;
        }

        Assert.Equal([[0L]], await Database.RowsAsync("SELECT count(*) FROM outbox", Timeout));
    }

    private static Task<RelayOutcome> Sent(IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken) =>
        Task.FromResult(new RelayOutcome([.. messages.Select(message => message.OutboxId)], [], []));

    private Task<object?> FillAsync(string values) => Database.ScalarAsync<object>($"INSERT INTO outbox (topic, value) SELECT 'alerts', v FROM ({values}) t(v)", Timeout);
}
