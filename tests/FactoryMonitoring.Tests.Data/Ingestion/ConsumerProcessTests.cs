using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>Consumers as processes, on the embedded brokers and a real database.</summary>
public sealed class ConsumerProcessTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    [Theory]
    [InlineData("Consumers__Lanes", "x", "Failed to convert configuration value 'x' at 'Consumers:Lanes' to type 'System.Int32'.")]
    [InlineData("Aspire__Npgsql__DisableTracing", "maybe", "Failed to convert configuration value 'maybe' at 'Aspire:Npgsql:DisableTracing' to type 'System.Boolean'.")]
    public async Task A_setting_that_cannot_be_read_stops_it_with_one_line(string name, string value, string line)
    {
        await using var consumer = StartConsumer("c1", settings: new() { [name] = value });
        Assert.Equal(1, await consumer.WaitAsync(Timeout));
        Assert.Equal(line, consumer.Output.Trim());
    }

    [Fact]
    public async Task The_dead_letter_of_what_the_database_refuses_has_the_messages_own_key_value_and_headers()
    {
        await Database.ScalarAsync<object>("ALTER TABLE readings ADD CONSTRAINT plausible CHECK (value <> 666)", Timeout);
        await using var consumer = StartConsumer("c1");
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        var refused = LaneHarness.Reading("s", 2, 666);
        foreach (var value in new[] { LaneHarness.Reading("s", 1, 25), refused, LaneHarness.Reading("s", 3, 25) })
        {
            await producer.ProduceAsync(
                KafkaNames.Default.SensorTopic, new Message<byte[], byte[]> { Key = "s"u8.ToArray(), Value = value, Headers = new Headers { { "origin", "x"u8.ToArray() } } }, Timeout);
        }

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 2);
        using var reader = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = Brokers.BootstrapServers, GroupId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        reader.Subscribe(KafkaNames.Default.SensorTopic + ".dlq");
        var letter = await Task.Run(() => reader.Consume(Timeout).Message);

        Assert.Equal(refused, letter.Value);
        Assert.Equal("s"u8.ToArray(), letter.Key);
        var headers = letter.Headers.ToDictionary(header => header.Key, header => Encoding.UTF8.GetString(header.GetValueBytes()));
        Assert.Equal(("x", "refused_by_database"), (headers["origin"], headers[DeadLetterHeaders.Reason]));
        Assert.StartsWith("23514: ", headers[DeadLetterHeaders.Detail], StringComparison.Ordinal);
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Fact]
    public async Task What_the_settings_map_is_stored_and_what_they_name_wrongly_stops_the_consumer()
    {
        await using var wrong = StartConsumer("c2", settings: new() { ["Consumers__Messages__Mapping__Vaule"] = "temp" });
        Assert.NotEqual(0, await wrong.WaitAsync(Timeout));
        Assert.Contains("Consumers:Messages:Mapping:Vaule = temp: there is no such setting; must be one of Time, Id, Type, Value, ", wrong.Output, StringComparison.Ordinal);

        await using var consumer = StartConsumer("c1", settings: new()
        {
            ["Consumers__Messages__TimeZone"] = "Europe/Berlin", ["Consumers__Messages__Mapping__Value"] = "data/temp", ["Consumers__Messages__Mapping__DefaultType"] = "temperature",
        });
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        var value = """{"time":"2026-07-31 12:00:00","data":{"temp":"21.5"}}"""u8.ToArray();
        await producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<byte[], byte[]> { Key = "my-1"u8.ToArray(), Value = value }, Timeout);

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 1);
        Assert.True(await Database.ScalarAsync<bool>(
            """
            SELECT (d.sensor_id, d.sensor_type, d.unit, r.value, r."timestamp") = ('my-1', 'temperature', '°C', 21.5, '2026-07-31T10:00:00Z'::timestamptz)
            FROM readings r JOIN sensor_descriptions d USING (sensor_key)
            """, Timeout));
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Fact]
    public async Task Messages_of_several_readings_are_stored_as_a_whole_and_once_though_their_consumer_is_killed()
    {
        const int Rounds = 400;
        Dictionary<string, string> settings = new()
        {
            ["Consumers__Messages__Mapping__Readings"] = "readings",
            ["Consumers__Messages__Mapping__Values__temperature"] = "temp",
            ["Consumers__Messages__Mapping__Values__co2"] = "air/co2",
            ["Consumers__Messages__Mapping__Units__co2"] = "ppm",
        };
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers, EnableIdempotence = true }).Build();
        var first = StartConsumer("c1", settings: settings);
        await using (first)
        {
            for (var i = 0; i < Rounds; i++)
            {
                // Readings by offset and second: 2, 2, 3, none, and one of the factory's own sensors.
                string[] round =
                [
                    $$"""{"ts":{{i}},"device":"multi","temp":21.5,"air":{"co2":417} }""",
                    $$"""{"ts":{{i}},"device":"nested","readings":[{"sensor_type":"temperature","value":1},{"sensor_type":"temperature","value":2,"device":"own"}]}""",
                    $$"""[{"ts":{{i}},"sensor_id":"a","sensor_type":"temperature","value":1},{"ts":{{i}},"sensor_id":"b","sensor_type":"humidity","value":"2"},{"ts":{{i}},"sensor_id":"a","sensor_type":"temperature","value":3}]""",
                    $$"""[{"ts":{{i}},"sensor_id":"a","sensor_type":"temperature","value":666},{"ts":{{i}},"sensor_id":"b","sensor_type":"humidity","value":"x"}]""",
                    Encoding.UTF8.GetString(LaneHarness.Reading("s", i, 25)),
                ];
                foreach (var value in round)
                {
                    producer.Produce(KafkaNames.Default.SensorTopic, new Message<string, string> { Key = $"k-{i % 17}", Value = value });
                }

                if (i == Rounds / 2)
                {
                    producer.Flush(Timeout);
                    await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 0 FROM readings", Timeout));
                    await first.KillAsync(Timeout);
                }
            }

            producer.Flush(Timeout);
        }

        await using var second = StartConsumer("c2", settings: settings);
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT COALESCE(sum(next_offset), 0)::bigint FROM partition_offsets", Timeout) == 5 * Rounds);

        Assert.Equal([[8L * Rounds, 4L * Rounds, (long)Rounds]], await Database.RowsAsync("SELECT sum(stored)::bigint, sum(messages)::bigint, sum(rejected)::bigint FROM partition_offsets", Timeout));
        Assert.Equal(
            [["a", "temperature", 2L * Rounds], ["b", "humidity", (long)Rounds], ["multi-co2", "co2", (long)Rounds], ["multi-temperature", "temperature", (long)Rounds], ["nested-temperature", "temperature", (long)Rounds], ["own", "temperature", (long)Rounds], ["s", "temperature", (long)Rounds]],
            await Database.RowsAsync("SELECT sensor_id, sensor_type, count(*) FROM sensor_readings GROUP BY 1, 2 ORDER BY 1", Timeout));
        Assert.Equal(
            [[1L, (long)Rounds], [2L, 2L * Rounds], [3L, (long)Rounds]],
            await Database.RowsAsync("SELECT n, count(*) FROM (SELECT count(*) AS n FROM readings GROUP BY kafka_partition, kafka_offset) o GROUP BY 1 ORDER BY 1", Timeout));
        Assert.Equal([[(long)Rounds, "wrong_type"]], await Database.RowsAsync("SELECT count(*), reason FROM rejected_messages WHERE detail LIKE 'Element [1]: %' GROUP BY 2", Timeout));
        Assert.Equal(0, (await new FactoryMonitoring.Data.Ingestion.ReadingAudit(Database.Ingest).StepAsync(1_000_000, TimeSpan.Zero, Timeout)).Wrong);
        Assert.Equal(0, await second.StopAsync(Timeout));
        Assert.Equal([], await Database.RowsAsync("SELECT * FROM ledger_violations", Timeout));
    }

    [Fact]
    [Trait("Time", "measured")]
    public async Task A_consumer_stops_in_time_though_the_database_does_not_answer()
    {
        await using var consumer = StartConsumer("c1");
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(owner) = 6 FROM partition_offsets", Timeout));
        await Postgres.FreezeAsync();
        try
        {
            // Aspire kills a stopping process after about 6 s.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(6));
            Assert.Equal(0, await consumer.StopAsync(limit.Token));
        }
        finally
        {
            await Postgres.ThawAsync();
        }
    }

    [Fact]
    public async Task A_consumer_whose_claim_fails_as_nobody_expects_ends_and_says_so()
    {
        await using var consumer = StartConsumer("c1");
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(owner) = 6 FROM partition_offsets", Timeout));

        // Another consumer appears to have claimed the partitions, so the consumer claims them again; by then the log has no key and gets none.
        await Database.ScalarAsync<object>("""
            UPDATE logs SET log_id = 'another';
            CREATE RULE none AS ON INSERT TO logs DO INSTEAD NOTHING;
            UPDATE partition_offsets SET epoch = epoch + 1, owner = 'nobody'
            """, Timeout);

        Assert.NotEqual(0, await consumer.WaitAsync(Timeout));
        // By its own log, not by a crash of the process.
        Assert.DoesNotContain("Unhandled exception", consumer.Output, StringComparison.Ordinal);
        Assert.Contains("DictionaryStore", consumer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_consumers_of_one_name_in_one_database_the_later_one_stops_and_says_why()
    {
        await using var first = StartConsumer("c1");
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM consumer_health", Timeout) == 1);
        await using var second = StartConsumer("c1");

        Assert.Equal(1, await second.WaitAsync(Timeout));
        Assert.Contains("Another process writes as c1 to this database: host ", second.Output, StringComparison.Ordinal);
        Assert.Contains("give each its own, or another CONSUMER_ID.", second.Output, StringComparison.Ordinal);
        Assert.Equal(0, await first.StopAsync(Timeout));
    }

    [Fact]
    public async Task Consumers_of_two_databases_in_one_group_say_so_until_those_of_one_are_gone()
    {
        const string Condition = "SELECT condition FROM consumer_health WHERE consumer_id = 'c1'";
        await using var other = await Postgres.CreateDatabaseAsync();
        await other.RowsAsync("UPDATE database_identity SET id = gen_random_uuid()", Timeout);
        await using var first = StartConsumer("c1");
        await using (var second = StartConsumer("c1", other))
        {
            foreach (var database in new[] { Database, other })
            {
                await EventuallyAsync(async () => await database.ScalarAsync<string>(Condition, Timeout) is { } condition
                    && condition.StartsWith("shares its group with consumers of another database", StringComparison.Ordinal));
            }

            Assert.Contains("Give one of them brokers of its own, or another CONSUMER_GROUP.", second.Output, StringComparison.Ordinal);
            await second.KillAsync(Timeout);
        }

        await EventuallyAsync(async () => await Database.ScalarAsync<bool>($"SELECT ({Condition}) IS NULL", Timeout));
    }

    private ServiceProcess StartConsumer(string id, TestDatabase? database = null, Dictionary<string, string>? settings = null) => ServiceProcess.Start("Consumers", new(settings ?? [])
    {
        ["KAFKA_BROKERS"] = Brokers.BootstrapServers,
        ["DATABASE_URL"] = (database ?? Database).UrlOf(DatabaseRoles.Ingest),
        ["CONSUMER_ID"] = id,
        ["Consumers__GroupProtocol"] = "classic",
    });
}
