using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Avro;
using Avro.Generic;
using Confluent.Kafka;
using Confluent.SchemaRegistry;
using Confluent.SchemaRegistry.Serdes;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// Avro as Confluent's serializer writes it. The registry is part of the test and has the endpoints that serializer and deserializer use; a real one is not
/// among the packages that the tests can run with.
/// </summary>
public sealed class SchemaRegistryTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    private const string Topic = "sensor-data";

    private static readonly RecordSchema Full = (RecordSchema)Avro.Schema.Parse(
        """
        {"type":"record","name":"Reading","namespace":"plant","fields":[
          {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
          {"name":"sensor_id","type":"string"},
          {"name":"sensor_type","type":{"type":"enum","name":"Kind","symbols":["vibration","temperature"]}},
          {"name":"value","type":["null","double"],"default":null},
          {"name":"quality","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},
          {"name":"location","type":["null",{"type":"record","name":"Place","fields":[{"name":"factory_section","type":"string"}]}],"default":null},
          {"name":"tags","type":{"type":"map","values":"string"}},
          {"name":"raw","type":{"type":"array","items":"float"}}]}
        """);

    private static readonly RecordSchema ValueFirst = (RecordSchema)Avro.Schema.Parse(
        """
        {"type":"record","name":"ValueFirst","fields":[
          {"name":"value","type":"double"},{"name":"ts","type":"long"},{"name":"sensor_type","type":"string"},{"name":"unit","type":"string"}]}
        """);

    [Fact]
    public async Task Avro_is_stored_and_waits_while_its_schema_cannot_be_had()
    {
        await using var registry = await Registry.StartAsync();
        using var client = new CachedSchemaRegistryClient(new SchemaRegistryConfig { Url = registry.Url });
        var serializer = new AvroSerializer<GenericRecord>(client);
        Task<byte[]> Avro(GenericRecord record) => serializer.SerializeAsync(record, new SerializationContext(MessageComponentType.Value, Topic));

        // The last byte of the value, which is its first in the message, is a brace.
        var brace = BitConverter.Int64BitsToDouble((BitConverter.DoubleToInt64Bits(23.5) & ~0xFF) | '{');
        var first = await Avro(Reading(21.5, seconds: 0));
        var unknown = (byte[])first.Clone();
        BinaryPrimitives.WriteInt32BigEndian(unknown.AsSpan(1), 4711);
        byte[][] values =
        [
            first,
            unknown,
            await Avro(Reading(null, seconds: 1)),
            await Avro(Record(ValueFirst, brace, 1769860802L, "temperature", "°C")),
            first[..20],
            // The array of floats, which has two items, claims to have 2^30.
            [.. first[..^10], 0x80, 0x80, 0x80, 0x80, 0x08],
            [.. first[..5], .. """{"ts":1769860803,"sensor_type":"temperature","value":24.5}"""u8],
            await Avro(Reading(25.5, seconds: 4)),
        ];

        registry.IsAway = true;
        await using var consumer = StartConsumer("c1", new() { ["Consumers__Messages__SchemaRegistry__Url"] = registry.Url });
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        foreach (var value in values)
        {
            await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "key-1", Value = value }, Timeout);
        }

        await producer.ProduceAsync(new TopicPartition(Topic, 1), new Message<string, byte[]> { Key = "s", Value = LaneHarness.Reading("s", 1, 30) }, Timeout);

        // The other partition flows, the health says why this one does not, and none of its messages is rejected.
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 1);
        await EventuallyAsync(async () => (await Database.ScalarAsync<string?>("SELECT condition FROM consumer_health", Timeout))
            ?.StartsWith($"waiting: cannot read schema 1 from the Schema Registry {registry.Url}: ", StringComparison.Ordinal) == true);
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM rejected_messages", Timeout));

        registry.IsAway = false;
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT coalesce(max(next_offset), 0) FROM partition_offsets WHERE kafka_partition = 0", Timeout) == values.Length);
        Assert.Equal(
            [
                """0 avro-1 temperature °C 21.5 2026-01-31T12:00:00.123456 0.75 hall 7""",
                $"3 key-1 temperature °C {brace:R} 2026-01-31T12:00:02.000000 1 ",
                "6 key-1 temperature °C 24.5 2026-01-31T12:00:03.000000 1 ",
                """7 avro-1 temperature °C 25.5 2026-01-31T12:00:04.123456 0.75 hall 7""",
            ],
            await ListAsync(
                """
                SELECT concat_ws(' ', kafka_offset, sensor_id, sensor_type, unit, value, to_char(r."timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), quality, coalesce(factory_section, ''))
                FROM sensor_readings r WHERE kafka_partition = 0 ORDER BY kafka_offset
                """));
        Assert.Equal(
            ["1 malformed_json", "2 no_value", "4 malformed_json", "5 malformed_json"],
            await ListAsync("SELECT concat_ws(' ', kafka_offset, reason) FROM rejected_messages ORDER BY kafka_offset"));
        Assert.StartsWith(
            $"The message is of schema 4711, which the Schema Registry {registry.Url} does not know",
            await Database.ScalarAsync<string>("SELECT detail FROM rejected_messages WHERE kafka_offset = 1", Timeout),
            StringComparison.Ordinal);
        Assert.Equal(
            "Cannot read the message as Avro of schema 1: a length of 1073741824 does not fit into 49 bytes",
            await Database.ScalarAsync<string>("SELECT detail FROM rejected_messages WHERE kafka_offset = 5", Timeout));
        await EventuallyAsync(async () => await Database.ScalarAsync<string?>("SELECT condition FROM consumer_health", Timeout) is null);
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    // Each item is a schema and the bytes of a value.
    public static TheoryData<string, byte[], string> Hostile => new()
    {
        { """{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}""", [.. Enumerable.Repeat((byte)2, 60_000)], "Insufficient stack" },
        { """{"type":"array","items":"null"}""", [.. Enumerable.Repeat<byte[]>([0x80, 0x80, 0x06], 3_000).SelectMany(block => block), 0], "does not fit into" },
        { """{"type":"array","items":{"type":"map","values":"null"}}""", [0x10, .. new byte[9]], "" },
        { $$$"""{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"{{{new string('n', 1_000)}}}","type":"boolean"}]}}""", [0x80, 0x20, .. new byte[2_048], 0], "bytes as JSON" },
        { """{"type":"record","name":"R","fields":[{"name":"a","type":"NoSuchType"}]}""", [0], "cannot be read" },
        { "no schema", [0], "cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_value_or_schema_is_a_dead_letter_and_the_next_message_is_stored(string schema, byte[] value, string detail)
    {
        await using var registry = await Registry.StartAsync();
        byte[] message = [0, 0, 0, 0, 0, .. value];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), registry.Add(schema));
        await using var consumer = StartConsumer("c1", new() { ["Consumers__Messages__SchemaRegistry__Url"] = registry.Url });
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        foreach (var each in new[] { message, LaneHarness.Reading("s", 1, 30) })
        {
            await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "s", Value = each }, Timeout);
        }

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 1);
        Assert.Contains(detail, await Database.ScalarAsync<string>("SELECT detail FROM rejected_messages WHERE kafka_offset = 0", Timeout), StringComparison.Ordinal);
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Fact]
    public async Task Schemas_that_the_registry_refuses_or_does_not_know_hold_no_partition()
    {
        const int Unknown = 2_000, Refused = 4711;
        await using var registry = await Registry.StartAsync();
        registry.Answer = (Refused, 422);
        var known = registry.Add("\"null\"");
        await using var consumer = StartConsumer("c1", new() { ["Consumers__Messages__SchemaRegistry__Url"] = registry.Url });
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        // A producer's schema that is new while a stranger's messages come is read.
        var @new = registry.Add("\"int\"");
        for (var i = 0; i <= Unknown + 2; i++)
        {
            var id = i == 0 ? Refused : i == 1 ? known : i == Unknown / 2 ? @new : 10_000 + i;
            producer.Produce(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "s", Value = MessageOf(id) });
        }

        await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "s", Value = LaneHarness.Reading("s", 1, 30) }, Timeout);

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 1);
        Assert.Equal(Unknown + 3L, await Database.ScalarAsync<long>("SELECT count(*) FROM rejected_messages", Timeout));
        Assert.Equal(
            Unknown + 1L,
            await Database.ScalarAsync<long>("SELECT count(*) FROM rejected_messages WHERE detail LIKE 'The message is of schema%'", Timeout));
        Assert.Contains("refuses (422: ", await Database.ScalarAsync<string>("SELECT detail FROM rejected_messages WHERE kafka_offset = 0", Timeout), StringComparison.Ordinal);
        Assert.InRange(registry.Requests, 1, Unknown / 4);
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Fact]
    public async Task Schemas_that_nobody_knows_and_that_come_before_any_known_one_cost_a_few_questions()
    {
        const int Unknown = 2_000;
        await using var registry = await Registry.StartAsync();
        registry.FirstId = 100_001;
        var known = registry.Add("\"null\"");
        await using var consumer = StartConsumer("c1", new() { ["Consumers__Messages__SchemaRegistry__Url"] = registry.Url });
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        for (var i = 0; i < Unknown; i++)
        {
            producer.Produce(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "s", Value = MessageOf(i == Unknown / 2 ? known : 200_000 + i) });
        }

        await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<string, byte[]> { Key = "s", Value = LaneHarness.Reading("s", 1, 30) }, Timeout);

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM readings", Timeout) == 1);
        // The one that is known was read: it is not the schema for which it is no reading.
        Assert.Equal(
            [[Unknown - 1L, 1L]],
            await Database.RowsAsync(
                $"SELECT count(*) FILTER (WHERE detail LIKE 'The message is of schema%'), count(*) FILTER (WHERE kafka_offset = {Unknown / 2} AND detail NOT LIKE 'The message is of schema%') FROM rejected_messages",
                Timeout));
        Assert.InRange(registry.Requests, 1, Unknown / 8);
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Fact]
    public async Task A_schema_that_the_registry_has_is_read_whatever_others_come_before_it()
    {
        await using var registry = await Registry.StartAsync();
        var time = new SteppedTime();
        using var avro = new AvroMessages(new SchemaRegistryOptions { Url = registry.Url }, new ConsumerStatus(), time, NullLogger<AvroMessages>.Instance);
        async Task<AvroMessages.Outcome> ReadAsync(int id)
        {
            AvroMessages.Outcome outcome;
            while ((outcome = avro.Read(MessageOf(id))) == AvroMessages.Outcome.AwaitsSchema)
            {
                await Task.WhenAny(avro.Asking).WaitAsync(Timeout);
            }

            return outcome;
        }

        Assert.Equal(AvroMessages.Outcome.Read, await ReadAsync(registry.Add("\"null\"")));
        registry.FirstId = 5_000;
        var another = registry.Add("\"int\"");
        for (var id = 10_000; id < 10_040; id++)
        {
            Assert.Equal(AvroMessages.Outcome.Unreadable, await ReadAsync(id));
        }

        Assert.Equal(AvroMessages.Outcome.Read, await ReadAsync(another));
    }

    [Fact]
    public async Task Each_schema_that_is_not_known_is_asked_for_once_a_minute()
    {
        await using var registry = await Registry.StartAsync();
        var time = new SteppedTime();
        using var avro = new AvroMessages(new SchemaRegistryOptions { Url = registry.Url }, new ConsumerStatus(), time, NullLogger<AvroMessages>.Instance);
        async Task<int> RequestsAfterAsync(int id)
        {
            while (avro.Read(MessageOf(id)) == AvroMessages.Outcome.AwaitsSchema)
            {
                await Task.WhenAny(avro.Asking).WaitAsync(Timeout);
            }

            return registry.Requests;
        }

        Assert.Equal(1, await RequestsAfterAsync(7));
        time.Step(TimeSpan.FromSeconds(55));
        Assert.Equal(2, await RequestsAfterAsync(8));
        time.Step(TimeSpan.FromSeconds(6));
        Assert.Equal(2, await RequestsAfterAsync(8));
        Assert.Equal(3, await RequestsAfterAsync(7));
        time.Step(TimeSpan.FromSeconds(54));
        Assert.Equal(4, await RequestsAfterAsync(8));
        Assert.Equal(4, await RequestsAfterAsync(7));
    }

    /// <summary>A message of a schema, whose value is a byte.</summary>
    private static byte[] MessageOf(int schema)
    {
        var message = new byte[6];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), schema);
        return message;
    }

    [Fact]
    public async Task A_schema_for_which_alone_the_registry_fails_is_given_up_after_a_minute_and_none_while_it_is_away()
    {
        await using var registry = await Registry.StartAsync();
        var time = new SteppedTime();
        using var avro = new AvroMessages(new SchemaRegistryOptions { Url = registry.Url }, new ConsumerStatus(), time, NullLogger<AvroMessages>.Instance);
        byte[] message = [0, 0, 0, 0, 7, 0];
        async Task<AvroMessages.Outcome> ReadAsync()
        {
            avro.Read(message);
            await Task.WhenAny(avro.Asking).WaitAsync(Timeout);
            time.Step(TimeSpan.FromSeconds(5));
            return avro.Read(message);
        }

        registry.IsAway = true;
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(AvroMessages.Outcome.AwaitsSchema, await ReadAsync());
        }

        (registry.IsAway, registry.Answer) = (false, (7, 500));
        await EventuallyAsync(async () => await ReadAsync() == AvroMessages.Outcome.Unreadable);

        Assert.Contains("has failed for 1 min, while it answers for others", avro.Detail, StringComparison.Ordinal);
    }

    // As registries of others answer. What could be a proxy's is given up after a minute in which other questions are answered.
    [Theory]
    [InlineData(404, 404, 1)]
    [InlineData(400, 0, 12)]
    public async Task A_schema_that_a_registry_does_not_know_is_given_up_whatever_its_error_code(int status, int code, int least)
    {
        await using var registry = await Registry.StartAsync();
        registry.Unknown = (status, code);
        var time = new SteppedTime();
        using var avro = new AvroMessages(new SchemaRegistryOptions { Url = registry.Url }, new ConsumerStatus(), time, NullLogger<AvroMessages>.Instance);
        byte[] message = [0, 0, 0, 0, 7, 0];
        var reads = 1;
        for (; avro.Read(message) != AvroMessages.Outcome.Unreadable && reads < 200; reads++)
        {
            await Task.WhenAny(avro.Asking).WaitAsync(Timeout);
            time.Step(TimeSpan.FromSeconds(5));
        }

        Assert.InRange(reads, least, 100);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(400)]
    public async Task What_a_proxy_refuses_waits_until_the_registry_answers(int status)
    {
        await using var registry = await Registry.StartAsync();
        var time = new SteppedTime();
        var standing = new ConsumerStatus();
        using var avro = new AvroMessages(new SchemaRegistryOptions { Url = registry.Url }, standing, time, NullLogger<AvroMessages>.Instance);
        byte[] message = [0, 0, 0, 0, 0, 2];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), registry.Add("\"int\""));
        async Task<AvroMessages.Outcome> ReadAsync()
        {
            avro.Read(message);
            await Task.WhenAny(avro.Asking).WaitAsync(Timeout);
            time.Step(TimeSpan.FromSeconds(5));
            return avro.Read(message);
        }

        registry.Proxy = status;
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(AvroMessages.Outcome.AwaitsSchema, await ReadAsync());
        }

        Assert.NotNull(standing.RegistryProblem);
        registry.Proxy = null;
        await EventuallyAsync(async () => await ReadAsync() == AvroMessages.Outcome.Read);
        Assert.Null(standing.RegistryProblem);
    }

    /// <summary>A clock that only the test moves.</summary>
    private sealed class SteppedTime : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerHour;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Read(ref _ticks);

        public void Step(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
    }

    [Fact]
    public async Task The_headers_of_a_CloudEvent_in_binary_mode_give_what_its_data_lack()
    {
        await using var consumer = StartConsumer("c1", new() { ["Consumers__Messages__CloudEventHeaders"] = "true" });
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build();
        Headers Event(string subject) => new()
        {
            { "ce_specversion", "1.0"u8.ToArray() }, { "ce_id", "a-1"u8.ToArray() }, { "ce_type", "reading"u8.ToArray() }, { "ce_source", "/line/1"u8.ToArray() },
            { "ce_subject", System.Text.Encoding.UTF8.GetBytes(subject) }, { "ce_time", "2026-01-31T12:00:00.5Z"u8.ToArray() }, { "content-type", "application/json"u8.ToArray() },
        };
        (byte[] Value, Headers? Headers)[] messages =
        [
            ("""{"sensor_type":"temperature","value":21.5}"""u8.ToArray(), Event("my \"1\"")),
            ("""[{"sensor_type":"temperature","value":1},{"sensor_type":"humidity","value":2,"sensor_id":"own"}]"""u8.ToArray(), Event("my-2")),
            ("""{"sensor_type":"temperature","value":"hot"}"""u8.ToArray(), Event("my-3")),
            ("""{"sensor_type":"temperature","value":3}"""u8.ToArray(), null),
            (LaneHarness.Reading("s", 1, 30), Event("not-this")),
        ];
        foreach (var (value, headers) in messages)
        {
            await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<string, byte[]> { Value = value, Headers = headers }, Timeout);
        }

        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT coalesce(max(next_offset), 0) FROM partition_offsets", Timeout) == messages.Length);
        Assert.Equal(
            ["0 my \"1\" 21.5", "1 my-2 1", "1 own 2", "4 s 30"],
            await ListAsync("SELECT concat_ws(' ', kafka_offset, sensor_id, value) FROM sensor_readings ORDER BY kafka_offset, sensor_id"));
        Assert.Equal(
            ["2 wrong_type", "3 missing_field"],
            await ListAsync("SELECT concat_ws(' ', kafka_offset, reason) FROM rejected_messages ORDER BY kafka_offset"));
        Assert.Equal(0, await consumer.StopAsync(Timeout));
    }

    [Theory]
    [InlineData("SchemaRegistry__Url", "registry:8081", "Consumers:Messages:SchemaRegistry:Url = registry:8081: must be an address as http://localhost:8081")]
    [InlineData("SchemaRegistry__CaFile", "/nowhere.pem", "Consumers:Messages:SchemaRegistry:CaFile = /nowhere.pem: there is no such file; must be a PEM file with certificates")]
    [InlineData("SchemaRegistry__Adress", "x", "Consumers:Messages:SchemaRegistry:Adress = x: there is no such setting; must be one of Url, User, Password, PasswordFile, CaFile")]
    public async Task A_wrong_setting_stops_the_consumer_with_one_line(string name, string value, string line)
    {
        await using var consumer = StartConsumer("c1", new() { [$"Consumers__Messages__{name}"] = value });
        Assert.NotEqual(0, await consumer.WaitAsync(Timeout));
        Assert.Equal(line, consumer.Output.Trim());
    }

    private static GenericRecord Reading(double? value, int seconds) => Record(
        Full,
        new DateTime(2026, 1, 31, 12, 0, seconds, DateTimeKind.Utc).AddTicks(1_234_560),
        "avro-1",
        new GenericEnum((EnumSchema)Full["sensor_type"].Schema, "temperature"),
        value,
        new AvroDecimal(0.75m),
        Record((RecordSchema)((UnionSchema)Full["location"].Schema).Schemas[1], "hall 7"),
        new Dictionary<string, object> { ["line"] = "1" },
        new object[] { 1f, float.NaN });

    private static GenericRecord Record(RecordSchema schema, params object?[] values)
    {
        var record = new GenericRecord(schema);
        for (var i = 0; i < values.Length; i++)
        {
            record.Add(i, values[i]);
        }

        return record;
    }

    private ServiceProcess StartConsumer(string id, Dictionary<string, string> settings) => ServiceProcess.Start("Consumers", new(settings)
    {
        ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["KAFKA_BROKERS"] = Brokers.BootstrapServers, ["CONSUMER_ID"] = id, ["Consumers__GroupProtocol"] = "classic",
    });

    private async Task<List<string>> ListAsync(string sql) => [.. (await Database.RowsAsync(sql, Timeout)).Select(row => (string)row[0]!)];

    private sealed class Registry(WebApplication app) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, int> _ids = new();
        private int _requests;

        /// <summary>Whether the registry answers that it is unavailable.</summary>
        public bool IsAway { get; set; }

        /// <summary>The status of the answer for one id.</summary>
        public (int Id, int Status)? Answer { get; set; }

        /// <summary>The status with which a proxy answers in place of the registry.</summary>
        public int? Proxy { get; set; }

        /// <summary>The answer for an id that it does not know.</summary>
        public (int Status, int Code) Unknown { get; set; } = (404, 40403);

        /// <summary>The id of its first schema.</summary>
        public int FirstId { get; set; } = 1;

        public int Requests => _requests;

        public string Url { get; private set; } = "";

        /// <returns>The id of the schema.</returns>
        public int Add(string schema) => _ids.GetOrAdd(schema, _ => FirstId + _ids.Count);

        public static async Task<Registry> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var registry = new Registry(app);
            app.Use(async (context, next) =>
            {
                Interlocked.Increment(ref registry._requests);
                if (registry.Proxy is { } refusal)
                {
                    await Results.Text("<html>No such host</html>", "text/html", statusCode: refusal).ExecuteAsync(context);
                    return;
                }

                if (registry.Answer is var (id, status) && context.Request.Path.Value!.EndsWith($"/{id}", StringComparison.Ordinal))
                {
                    await Results.Json(new { error_code = status * 100, message = "No" }, statusCode: status).ExecuteAsync(context);
                    return;
                }

                if (registry.IsAway)
                {
                    context.Response.StatusCode = 503;
                    return;
                }

                await next();
            });
            app.MapPost("/subjects/{subject}/versions", async (HttpRequest request) =>
            {
                var schema = (await JsonNode.ParseAsync(request.Body))!["schema"]!.GetValue<string>();
                return Results.Json(new { id = registry.Add(schema) });
            });
            app.MapGet("/schemas/ids/{id:int}", (int id) => registry._ids.FirstOrDefault(pair => pair.Value == id).Key is { } schema
                ? Results.Json(new { schema })
                : Results.Json(new { error_code = registry.Unknown.Code, message = "Schema not found" }, statusCode: registry.Unknown.Status));
            // Each schema has a subject.
            app.MapGet("/subjects", () => Results.Json(registry._ids.Values.Select(id => $"subject-{id}")));
            app.MapGet("/subjects/subject-{id:int}/versions/latest", (int id) =>
                Results.Json(new { subject = $"subject-{id}", version = 1, id, schema = registry._ids.First(pair => pair.Value == id).Key }));
            await app.StartAsync();
            registry.Url = app.Urls.Single() + "/";
            return registry;
        }

        public async ValueTask DisposeAsync() => await app.DisposeAsync();
    }
}
