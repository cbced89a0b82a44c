using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>
/// Runs of the real runner on brokers that librdkafka mocks in this process. Kills and takeovers are rows that the test writes when the control endpoint
/// receives a kill: what is tested is how the runner evaluates them.
/// </summary>
public sealed class ExperimentRunTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private const string Died = """
        WITH died AS (
            UPDATE consumer_health SET status = 'inactive', assigned_partitions = '{}' WHERE consumer_id = 'sensor-consumer-1' RETURNING consumer_id
        ), ended AS (
            INSERT INTO component_exits (component_id, at, exit_code, cause, asked_by) SELECT consumer_id, CURRENT_TIMESTAMP, 137, 'killed', 'experiment' FROM died
        ), lost AS (
            UPDATE partition_ownership SET ended_at = clock_timestamp(), ended_by = 'lost' WHERE consumer_id = 'sensor-consumer-1' AND ended_at IS NULL
            RETURNING log_key, topic, kafka_partition, epoch
        ), claimed AS (
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at)
            SELECT log_key, topic, kafka_partition, epoch + 1, 'sensor-consumer-2', clock_timestamp() + interval '200 ms', clock_timestamp() + interval '300 ms' FROM lost
        )
        UPDATE partition_offsets o SET owner = 'sensor-consumer-2', epoch = o.epoch + 1, recovered_at = clock_timestamp() FROM lost l
        WHERE o.kafka_partition = l.kafka_partition
        """;

    private const string CameBack = """
        WITH back AS (
            UPDATE consumer_health SET status = 'active', assigned_partitions = '{0}', last_heartbeat = clock_timestamp() + interval '1 h'
            WHERE consumer_id = 'sensor-consumer-1' RETURNING consumer_id
        ), moved AS (
            UPDATE partition_ownership SET ended_at = clock_timestamp(), ended_by = 'revoked' WHERE kafka_partition = 0 AND ended_at IS NULL
            RETURNING log_key, topic, kafka_partition, epoch
        ), claimed AS (
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at)
            SELECT log_key, topic, kafka_partition, epoch + 1, 'sensor-consumer-1', clock_timestamp(), clock_timestamp() FROM moved
        )
        UPDATE partition_offsets o SET owner = 'sensor-consumer-1', epoch = o.epoch + 1 FROM moved m WHERE o.kafka_partition = m.kafka_partition
        """;

    private readonly List<ControlCommand> _asked = [];
    private IProducer<byte[], byte[]>? _producer;
    private WebApplication? _control;
    private ApiUnderTest? _api;

    public override async Task DisposeAsync()
    {
        if (_control is not null)
        {
            await _control.DisposeAsync();
        }

        await base.DisposeAsync();
        _producer?.Dispose();
    }

    [Fact]
    public async Task A_consumer_is_killed_replaced_and_started_again_and_the_verdict_is_kept()
    {
        var api = await StartFactoryAsync(async request => await ExecuteAsync(request is ResourceCommand { Action: ResourceAction.Kill } ? Died : CameBack));

        var id = await BeginAsync(api, "consumer-killed");
        using var second = await api.Client.PostAsync(new Uri("/api/experiments/scale/run", UriKind.Relative), null, Timeout);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        var run = await EndOfAsync(api, id);

        Assert.Equal((Verdicts.Pass, ""), ((string?)run["verdict"], string.Join(' ', run["checks"]!.AsArray().Where(check => (bool?)check!["passed"] != true).Select(check => check!["reason"]))));
        Assert.Equal(["kill sensor-consumer-1", "start sensor-consumer-1"], _asked.Select(command => command.ToString()));
        Assert.Equal(("sensor-consumer-1", "exit", "consumer", "processes"), ((string?)run["victim"], (string?)run["killed_at_source"], (string?)run["group_protocol"], (string?)run["kafka_backing"]));
        Assert.InRange((int)run["recovery_ms"]!, 299, 1000);
        Assert.All(run["partitions"]!.AsArray(), partition => Assert.Equal("sensor-consumer-2", (string?)partition!["to_consumer"]));
        Assert.Equal((0L, 0L), ((long)run["lost"]!, (long)run["doubled"]!));
    }

    [Fact]
    public async Task A_fault_that_is_refused_aborts_the_run_and_is_undone_all_the_same()
    {
        var api = await StartFactoryAsync(request => Task.FromException(new InvalidOperationException("sensor-consumer-1 does not run")));

        var run = await EndOfAsync(api, await BeginAsync(api, "consumer-paused"));

        Assert.Equal(Verdicts.Aborted, (string?)run["verdict"]);
        Assert.Equal(
            "The AppHost did not do what was asked: pause sensor-consumer-1: 409 sensor-consumer-1 does not run", (string?)run["reason"]);
        Assert.Equal(["pause sensor-consumer-1", "resume sensor-consumer-1"], _asked.Select(command => command.ToString()));
        Assert.Null(run["lost"]);
    }

    [Fact]
    public async Task A_run_that_somebody_disturbs_proves_nothing()
    {
        var api = await StartFactoryAsync(async request =>
        {
            await ExecuteAsync(request is ResourceCommand { Action: ResourceAction.Kill } ? Died : CameBack);
            await ExecuteAsync("INSERT INTO component_exits (component_id, at, exit_code, cause, asked_by) VALUES ('temperature-sensor', clock_timestamp(), 137, 'killed', 'make')");
        });

        var run = await EndOfAsync(api, await BeginAsync(api, "consumer-killed"));

        Assert.Equal((Verdicts.Aborted, "It was disturbed: temperature-sensor was killed, asked for by make."), ((string?)run["verdict"], (string?)run["reason"]));
    }

    [Fact]
    public async Task What_was_broken_when_the_fault_lab_ended_is_undone_when_it_is_back()
    {
        var struck = new TaskCompletionSource();
        var first = await StartFactoryAsync(async request =>
        {
            if (request is ResourceCommand { Action: ResourceAction.Kill })
            {
                struck.TrySetResult();
                // Never answers: the fault lab exits first.
                await Task.Delay(System.Threading.Timeout.Infinite, Timeout);
            }
        });
        var id = await BeginAsync(first, "consumer-killed");
        await struck.Task.WaitAsync(Timeout);
        // As after a SIGKILL, which leaves the row unchanged: a second fault lab considers the first one's run abandoned.
        var second = await StartLabAsync(_api!, _control!.Urls.First());

        var run = await EndOfAsync(second, id);

        Assert.Equal(Verdicts.Aborted, (string?)run["verdict"]);
        Assert.Equal(
            "The fault lab ended during the run; what was broken was undone when it came back (start sensor-consumer-1: done).", (string?)run["reason"]);
        Assert.Equal(["kill sensor-consumer-1", "start sensor-consumer-1"], _asked.Select(command => command.ToString()));
        Assert.Equal(HttpStatusCode.OK, (await second.GetAsync($"/api/experiments/runs/{id}/report.md", Timeout)).Status);
    }

    [Fact]
    public async Task A_database_that_was_broken_when_the_fault_lab_ended_is_started_when_it_is_back()
    {
        await StartFactoryAsync(_ => Task.CompletedTask);
        var undo = Path.GetTempFileName();
        await File.WriteAllTextAsync(undo, """{"command":"resource","name":"postgres","action":"start"}""", Timeout);

        // Nothing listens at the address of its database.
        await StartLabAsync(_api!, _control!.Urls.First(), $"--Factory:Control:UndoFile={undo}", "--ConnectionStrings:factorydb=Host=127.0.0.1;Port=1;Username=u;Database=d");

        await EventuallyAsync(() => Task.FromResult(_asked.Any(command => command.ToString() == "start postgres")));
        File.Delete(undo);
    }

    private static async Task<JsonNode> RunAsync(ApiUnderTest api, long id, CancellationToken cancellationToken) =>
        (await api.GetAsync($"/api/experiments/runs/{id}", cancellationToken)).Json;

    private async Task<long> BeginAsync(ApiUnderTest api, string name)
    {
        using var response = await api.Client.PostAsync(new Uri($"/api/experiments/{name}/run", UriKind.Relative), null, Timeout);
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync(Timeout));
        return (long)(await response.Content.ReadFromJsonAsync<JsonNode>(Timeout))!["id"]!;
    }

    private async Task<JsonNode> EndOfAsync(ApiUnderTest api, long id)
    {
        JsonNode? run = null;
        await EventuallyAsync(async () => (string?)(run = await RunAsync(api, id, Timeout))["verdict"] != Verdicts.Running);
        return run!;
    }

    /// <summary>
    /// Starts a factory with two consumers, a sensor and three brokers, all healthy; every request to the control endpoint is recorded and passed on.
    /// </summary>
    private async Task<ApiUnderTest> StartFactoryAsync(Func<ControlCommand, Task> asked)
    {
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig(new Dictionary<string, string> { ["test.mock.num.brokers"] = "3" })).Build();
        await _producer.ProduceAsync(new TopicPartition("sensor-data", 0), new Message<byte[], byte[]> { Value = [1] }, Timeout);
        await _producer.ProduceAsync("factory-log.log-a", new Message<byte[], byte[]> { Value = [1] }, Timeout);
        using var admin = new DependentAdminClientBuilder(_producer.Handle).Build();
        var metadata = admin.GetMetadata(TimeSpan.FromSeconds(10));
        var partitions = metadata.Topics.Single(topic => topic.Topic == "sensor-data").Partitions.Count;

        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, recovered_at, last_commit_at)
            SELECT 1, 'sensor-data', p, 'sensor-consumer-' || CASE WHEN p = 1 THEN 2 ELSE 1 END, 1, CASE p WHEN 0 THEN 1 ELSE 0 END, 0, $1, $1, $1
            FROM generate_series(0, $2 - 1) p
            """, Now, partitions);
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at)
            SELECT log_key, topic, kafka_partition, epoch, owner, claimed_at, recovered_at FROM partition_offsets
            """);
        await ExecuteAsync("""
            INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions, group_protocol)
            SELECT owner, 'active', clock_timestamp() + interval '1 h', array_agg(kafka_partition), 'consumer' FROM partition_offsets GROUP BY owner
            """);
        await ExecuteAsync("""
            INSERT INTO producer_health (producer_id, sensor_type, status, last_heartbeat, connection)
            VALUES ('temperature-sensor', 'temperature', 'active', clock_timestamp() + interval '1 h', 'connected')
            """);
        await ExecuteAsync("""
            INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram)
            SELECT at, 'sensor-consumer-2', 5, '{5}' FROM generate_series(date_trunc('second', $1::timestamptz) - interval '20 s', $1 + interval '5 min', interval '1 s') at
            """, Now);

        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _control = builder.Build();
        _control.MapGet(ControlRoutes.Faults, () => Results.Json(new(true, null, KafkaBackings.Processes, 2, 6, [], LoadBody.None), ControlJson.Context.FaultsBody));
        _control.MapPost(ControlRoutes.Commands, async (HttpRequest request) =>
        {
            using var body = new StreamReader(request.Body);
            var command = ControlCommand.Read(await body.ReadToEndAsync(Timeout)).Command!;
            Assert.Equal("Bearer secret by experiment", $"{request.Headers.Authorization} by {command.By}");
            _asked.Add(command);
            try
            {
                await asked(command);
                return Results.Json(new("done"), ControlJson.Context.CommandAnswer);
            }
            catch (InvalidOperationException refused)
            {
                return Results.Json(new(refused.Message), ControlJson.Context.CommandAnswer, statusCode: StatusCodes.Status409Conflict);
            }
        });
        await _control.StartAsync(Timeout);
        _api = await StartServingApiAsync($"--ConnectionStrings:kafka={string.Join(',', metadata.Brokers.Select(broker => $"{broker.Host}:{broker.Port}"))}");
        return await StartLabAsync(_api, _control.Urls.First());
    }
}
