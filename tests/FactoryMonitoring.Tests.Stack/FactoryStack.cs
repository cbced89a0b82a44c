using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>The whole factory, started by the real AppHost through the testing builder, next to whatever else runs on the machine.</summary>
public abstract class FactoryStack : IAsyncLifetime
{
    public static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);

    private static readonly string[] Sensors = ["temperature-sensor", "vibration-sensor", "energy-sensor", "humidity-sensor", "pressure-sensor"];

    private static readonly string[] Parts =
        ["postgres", "kafka1", "kafka2", "kafka3", "sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3", .. Sensors];

    // Open to other users, unlike a temporary directory: it holds the database's data, and if root starts the database, its processes run as another user.
    private readonly string _runDirectory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-stack-{Guid.NewGuid():N}")).FullName;
    private long _unconfirmed;
    private DistributedApplication? _app;
    private HttpClient? _web;
    private HttpClient? _control;
    private NpgsqlDataSource? _database;

    /// <summary>The backing of Kafka: processes, embedded or containers.</summary>
    protected abstract string Kafka { get; }

    /// <summary>The backing of PostgreSQL: process or container.</summary>
    protected virtual string Postgres => "process";

    protected virtual IEnumerable<string> Settings => [];

    /// <summary>Opens the brokers to other machines, represented by 127.0.0.2: the factory's own services find the brokers at other addresses.</summary>
    protected static IEnumerable<string> Outside => [$"--KAFKA_ADVERTISED_HOST={OutsideHost}", .. Enumerable.Range(1, 3).Select(number => $"--Factory:Ports:KafkaOutside{number}=0")];

    private const string OutsideHost = "127.0.0.2";

    public DistributedApplication App => _app!;

    /// <summary>What users open: Monitoring.Web, which forwards /api/*.</summary>
    public HttpClient Web => _web!;

    public NpgsqlDataSource Database => _database!;

    public string KafkaBootstrap { get; private set; } = "";

    public string RunDirectory => _runDirectory;

    /// <summary>Token of the control endpoint.</summary>
    public string Token { get; private set; } = "";

    public virtual async Task InitializeAsync()
    {
        string[] ports = ["Web", "Api", "Kafka1", "Kafka2", "Kafka3", "Postgres"];
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
        [
            $"--Factory:Kafka={Kafka}",
            "--Factory:Postgres=process",
            "--Factory:Prometheus=false",
            "--Factory:Faults=true",
            $"--Factory:RunDirectory={_runDirectory}",
            $"--Factory:Postgres={Postgres}",
            .. ports.Select(port => $"--Factory:Ports:{port}=0"),
            .. Settings,
        ],
        // Otherwise the testing package reads every resource's log, and while it does, the exit of a container is seen 5 s late.
        (options, _) => options.EnableResourceLogging = false);
        _app = await builder.BuildAsync();
        await _app.StartAsync();

        JsonNode stack = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_runDirectory, "stack.json")))!;
        _control = new HttpClient { BaseAddress = new Uri(stack["url"]!.GetValue<string>()) };
        _control.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token = stack["token"]!.GetValue<string>());
        _web = _app.CreateHttpClient("monitoring-web");
        _web.Timeout = TimeSpan.FromSeconds(5);
        _database = NpgsqlDataSource.Create((await _app.GetConnectionStringAsync("factorydb"))!);
        KafkaBootstrap = (await _app.GetConnectionStringAsync("kafka"))!;
        await IsWholeAsync(StartLimit);
    }

    public virtual async Task DisposeAsync()
    {
        _web?.Dispose();
        _control?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        // The volumes of the containers: one per line, after the command of the engine.
        var volumes = Path.Combine(_runDirectory, "volumes");
        foreach (var volume in File.Exists(volumes) ? await File.ReadAllLinesAsync(volumes) : [])
        {
            using var removal = Process.Start(volume.Split(' ')[0], ["volume", "rm", "--force", volume.Split(' ')[1]]);
            await removal.WaitForExitAsync();
        }

        if (Environment.GetEnvironmentVariable("FACTORY_KEEP_LOGS") is { Length: > 0 } kept)
        {
            Directory.Move(Path.Combine(_runDirectory, "logs"), Path.Combine(Directory.CreateDirectory(kept).FullName, $"{GetType().Name}-{DateTime.UtcNow:HHmmss}"));
        }

        Directory.Delete(_runDirectory, recursive: true);
    }

    /// <summary>Waits for five active producers, three active consumers that own all partitions, and readings that flow.</summary>
    public async Task IsWholeAsync(TimeSpan limit)
    {
        try
        {
            await BecomesWholeAsync(limit);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}{Environment.NewLine}{await ConsumersSayAsync()}", exception);
        }
    }

    private async Task BecomesWholeAsync(TimeSpan limit)
    {
        await StartWhatIsDownAsync();
        await Wait.ForAsync("5 producers and 3 consumers active", limit, token => JsonAsync("/api/system-status", token),
            body => !body["stale"]!.GetValue<bool>()
                && body["status"]!["producers"]!["active_count"]!.GetValue<int>() == 5
                && body["status"]!["consumers"]!["active_count"]!.GetValue<int>() == 3);
        await Wait.ForAsync("every partition owned", limit, OwnersAsync, owners => owners.Count == 6 && owners.Values.Distinct().Count() == 3);
        long? first = null;
        await Wait.ForAsync("readings stored", limit, StoredAsync, now => now > (first ??= now));
    }

    /// <summary>
    /// Waits until the groups' coordinators no longer move. A coordinator that moves restarts every member's session, so that a member that died a moment
    /// before is missed up to a session later. Brokers that start on a busy machine sometimes lose their own session, and lead their partitions again within 15
    /// s.
    /// </summary>
    public async Task CoordinatorsStayAsync()
    {
        if (Kafka == "embedded") return;
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = KafkaBootstrap }).Build();
        await Wait.ForAsync("coordinators where they stay", TimeSpan.FromSeconds(60),
            token => Task.Run(() => admin.GetMetadata("__consumer_offsets", TimeSpan.FromSeconds(5)).Topics.Single().Partitions, token),
            partitions => partitions.Count > 0 && partitions.All(partition => partition.Leader == partition.Replicas[0]));
    }

    /// <summary>Returns the last lines of each consumer's log.</summary>
    public async Task<string> ConsumersSayAsync()
    {
        var said = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_runDirectory, "logs"), "sensor-consumer-*.log").Order())
        {
            said.Add($"{Path.GetFileName(file)}:");
            said.AddRange((await File.ReadAllLinesAsync(file)).TakeLast(30));
        }

        return string.Join(Environment.NewLine, said);
    }

    /// <summary>Asserts that the brokers advertise addresses that another machine can reach, and store what it sends.</summary>
    public async Task ServesOtherMachinesAsync()
    {
        await IsWholeAsync(TimeSpan.FromSeconds(60));
        Assert.True(App.ResourceNotifications.TryGetCurrentState("kafka", out var kafka));
        var bootstrap = (string)kafka.Snapshot.Properties.Single(property => property.Name == "kafka.bootstrap.outside").Value!;
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        var brokers = await Task.Run(() => admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers);
        Assert.Equal(bootstrap.Split(',').Order(), brokers.Select(broker => $"{broker.Host}:{broker.Port}").Order());
        Assert.All(brokers, broker => Assert.Equal(OutsideHost, broker.Host));

        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = bootstrap, EnableIdempotence = true }).Build();
        var sensor = $"from-outside-{Guid.NewGuid():N}";
        await producer.ProduceAsync("sensor-data", new() { Key = sensor, Value = $$"""{"timestamp":"{{DateTime.UtcNow:O}}","sensor_id":"{{sensor}}","sensor_type":"temperature","value":21.5,"unit":"°C"}""" });
        await Wait.ForAsync("what came from outside is stored", TimeSpan.FromSeconds(20), token => ScalarAsync<long>($"SELECT count(*) FROM sensor_readings WHERE sensor_id = '{sensor}'", token), stored => stored == 1);
    }

    /// <summary>Waits until all of the API's instruments are at its /metrics.</summary>
    public async Task MeasuresEverythingAsync()
    {
        await IsWholeAsync(TimeSpan.FromSeconds(60));
        using var api = App.CreateHttpClient("monitoring-api");
        await Wait.ForAsync("every instrument", TimeSpan.FromSeconds(10), async token => ApiInstruments.In(await api.GetStringAsync("/metrics", token)),
            there => there.SequenceEqual(ApiInstruments.All.Select(each => each.Metric)));
    }

    // A test that failed halfway must not make the following tests fail.
    private async Task StartWhatIsDownAsync()
    {
        foreach (var name in Parts)
        {
            if ((await ResourceAsync(name))["state"]?.GetValue<string>() is "Exited" or "Finished" or "FailedToStart")
            {
                await ControlAsync(name, "start");
            }
        }
    }

    public async Task<JsonNode> JsonAsync(string path, CancellationToken cancellationToken) =>
        JsonNode.Parse(await Web.GetStringAsync(new Uri(path, UriKind.Relative), cancellationToken))!;

    /// <summary>Returns the live owners by partition, as the API reports them.</summary>
    public async Task<IReadOnlyDictionary<int, string>> OwnersAsync(CancellationToken cancellationToken)
    {
        var body = await JsonAsync("/api/partition-assignment", cancellationToken);
        return body["assignments"]!.AsArray()
            .SelectMany(item => item!["assigned_partitions"]!.AsArray().Select(partition => (Partition: partition!.GetValue<int>(), Owner: item["consumer_id"]!.GetValue<string>())))
            .ToDictionary(pair => pair.Partition, pair => pair.Owner);
    }

    public Task<long> StoredAsync(CancellationToken cancellationToken) => ScalarAsync<long>("SELECT count(*) FROM sensor_readings", cancellationToken);

    /// <summary>Returns the first column of the first row.</summary>
    public async Task<T> ScalarAsync<T>(string sql, CancellationToken cancellationToken = default)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Counts the rows of all batches, not only of those that are at least a minute old.</summary>
    /// <returns>How many batches hold other rows than they should.</returns>
    private async Task<long> AuditAsync()
    {
        var audit = new ReadingAudit(Database);
        await Wait.ForAsync(
            "all batches counted",
            TimeSpan.FromSeconds(60),
            async token =>
            {
                await audit.StepAsync(1_000_000, TimeSpan.Zero, token);
                return await ScalarAsync<long>("SELECT count(*) FROM reading_batches WHERE processing_timestamp > (SELECT audited_until FROM reading_audit)", token);
            },
            left => left == 0);
        return await ScalarAsync<long>("SELECT wrong FROM reading_audit");
    }

    /// <summary>Runs an action on a resource through the AppHost's control endpoint, as make does.</summary>
    public Task ControlAsync(string resource, string action) => SendAsync(new ResourceCommand(resource, WireName.Parse<ResourceAction>(action)));

    /// <summary>Sends a command to the AppHost's control endpoint.</summary>
    /// <returns>Its answer.</returns>
    public async Task<CommandAnswer> SendAsync(ControlCommand command)
    {
        using var content = JsonContent.Create(command, ControlJson.Context.ControlCommand);
        using var response = await _control!.PostAsync(new Uri(ControlRoutes.Commands, UriKind.Relative), content);
        Assert.True(response.IsSuccessStatusCode, $"{command}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync(ControlJson.Context.CommandAnswer))!;
    }

    /// <summary>Returns a body of the AppHost's control endpoint.</summary>
    public async Task<JsonNode> ControlBodyAsync(string path, CancellationToken cancellationToken) =>
        JsonNode.Parse(await _control!.GetStringAsync(new Uri(path, UriKind.Relative), cancellationToken))!;

    /// <summary>Returns the resource as the control endpoint describes it.</summary>
    public async Task<JsonNode> ResourceAsync(string name, CancellationToken cancellationToken = default)
    {
        var all = JsonNode.Parse(await _control!.GetStringAsync(new Uri("/resources", UriKind.Relative), cancellationToken))!.AsArray();
        return all.Single(item => item!["name"]!.GetValue<string>() == name)!;
    }

    public async Task<int> ProcessIdAsync(string resource) =>
        await ResourceAsync(resource) is var found && found["pid"] is { } pid ? pid.GetValue<int>() : throw new InvalidOperationException($"No process: {found.ToJsonString()}");

    /// <summary>
    /// Stops the sensors gracefully, waits until all acknowledged readings are read and settled, and compares: nothing missing, no duplicates, offsets
    /// contiguous. Starts the sensors again.
    /// </summary>
    /// <param name="mayBeUnconfirmed">Whether readings may be stored whose acknowledgement no sensor could record.</param>
    /// <param name="maySkip">
    /// Whether records may have been deleted before they were read: missing readings are then among the offsets that the account reports as skipped.
    /// </param>
    public async Task AccountIsExactAsync(bool mayBeUnconfirmed = false, bool maySkip = false)
    {
        await Task.WhenAll(Sensors.Select(sensor => ControlAsync(sensor, "stop")));
        // The sensors have recorded their last acknowledgements. Consumers may have to find a restarted database first, and the API may have looked before
        // that.
        var acknowledged = await ScalarAsync<long>("SELECT sum(total_messages_sent)::bigint FROM producer_health");
        await Wait.ForAsync("all acknowledged readings stored", TimeSpan.FromSeconds(30), async token => await RowsAsync(token) + await SkippedAsync(token), stored => stored >= acknowledged + _unconfirmed);
        await Wait.ForAsync("the ledger settled", TimeSpan.FromSeconds(60), token => JsonAsync("/api/ledger", token), body =>
            !body["stale"]!.GetValue<bool>()
            && Number(body, "in_flight") == 0
            && Number(body, "acknowledged") == Number(body, "stored_acknowledged") + Number(body, "rejected_acknowledged") + Number(body, "missing"));
        var ledger = await JsonAsync("/api/ledger", CancellationToken.None);

        var missing = Number(ledger, "missing");
        var skipped = await SkippedAsync(CancellationToken.None);
        Assert.True(maySkip || skipped == 0, $"{skipped} offsets were skipped");
        var account = new
        {
            Missing = Math.Max(0, missing - skipped),
            Duplicated = Number(ledger, "duplicated"),
            RowsTwice = await ScalarAsync<long>(
                """
                SELECT count(*) - count(DISTINCT (sensor_id, sequence_id, reading_count))
                FROM sensor_readings WHERE reading_count IS NOT NULL AND sensor_id ~ '^(temp|vib|energy|humid|press)-sensor-'
                """),
            OffsetsMissing = await ScalarAsync<long>(
                """
                SELECT coalesce(sum(o.next_offset - o.first_offset - o.skipped)::bigint, 0)
                     - (SELECT count(DISTINCT (log_key, kafka_partition, kafka_offset)) FROM readings) - (SELECT count(*) FROM rejected_messages)
                FROM partition_offsets o
                """),
            Miscounted = await AuditAsync(),
        };
        if (!account.Equals(new { Missing = 0L, Duplicated = 0L, RowsTwice = 0L, OffsetsMissing = 0L, Miscounted = 0L }))  Assert.Fail($"{account}\n{await BreakdownAsync()}");

        // A restored database has no acknowledgement of a record that was deleted after it had been stored: such a reading is skipped, not missing.
        var rows = await RowsAsync(CancellationToken.None) + (mayBeUnconfirmed ? skipped : missing);
        if (mayBeUnconfirmed)
        {
            // Readings whose acknowledgement a sensor could not record, because it or its database was killed, stay stored without a record.
            Assert.True(rows - acknowledged >= _unconfirmed, $"{rows} rows, {acknowledged} acknowledged, {_unconfirmed} unconfirmed before");
            _unconfirmed = rows - acknowledged;
        }

        Assert.Equal(acknowledged + _unconfirmed, rows);
        await Task.WhenAll(Sensors.Select(sensor => ControlAsync(sensor, "start")));
        await IsWholeAsync(TimeSpan.FromSeconds(60));

        async Task<string> BreakdownAsync() =>
            $"""
            {await ScalarAsync<string>("""
                SELECT string_agg(format('%s partition %s: offsets %s to %s, skipped %s, stored %s of %s messages, rejected %s; rows %s from %s to %s, rejected rows %s', l.log_id, o.kafka_partition,
                    o.first_offset, o.next_offset, o.skipped, o.stored, o.messages, o.rejected, r.rows, r.first, r.last,
                    (SELECT count(*) FROM rejected_messages m WHERE m.log_key = o.log_key AND m.kafka_partition = o.kafka_partition)), E'\n' ORDER BY o.log_key, o.kafka_partition)
                FROM partition_offsets o JOIN logs l USING (log_key) CROSS JOIN LATERAL (
                    SELECT count(*) AS rows, min(kafka_offset) AS first, max(kafka_offset) AS last FROM readings r
                    WHERE r.log_key = o.log_key AND r.kafka_partition = o.kafka_partition) r
                """)}
            {await ScalarAsync<string>("SELECT coalesce(string_agg(v::text, E'\n'), 'no violation') FROM ledger_violations v")}
            {string.Join('\n', Directory.GetFiles(Path.Combine(_runDirectory, "logs"), "sensor-consumer-*.log").SelectMany(File.ReadAllLines).Where(line => line.Contains(" warn ") || line.Contains(" ours: ")))}
            """;

        Task<long> SkippedAsync(CancellationToken token) => ScalarAsync<long>("SELECT coalesce(sum(skipped), 0)::bigint FROM partition_offsets", token);

        Task<long> RowsAsync(CancellationToken token) =>
            ScalarAsync<long>("SELECT count(*) FROM sensor_readings WHERE sensor_id ~ '^(temp|vib|energy|humid|press)-sensor-'", token);
    }

    private static long Number(JsonNode body, string name) => body[name]!.GetValue<long>();
}

/// <summary>A stack on Apache Kafka as three processes; needs KAFKA_HOME.</summary>
public sealed class ProcessesStack : FactoryStack
{
    protected override string Kafka => "processes";

    protected override IEnumerable<string> Settings => Outside;
}

/// <summary>A stack on the embedded broker.</summary>
public sealed class EmbeddedStack : FactoryStack
{
    protected override string Kafka => "embedded";
}

[CollectionDefinition(Name)]
public sealed class ProcessesCollection : ICollectionFixture<ProcessesStack>
{
    public const string Name = "Apache Kafka as processes";
}

[CollectionDefinition(Name)]
public sealed class EmbeddedCollection : ICollectionFixture<EmbeddedStack>
{
    public const string Name = "Embedded Kafka";
}
